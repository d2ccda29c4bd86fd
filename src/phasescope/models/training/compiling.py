"""Compiling a step's loss.

A compiled step makes forward and backward pass few kernels; on CUDA they are replayed as graphs, without Python in between.
Randomness stays outside: what is compiled is a function of the batch and of all that was drawn for it, so it returns what
the eager step returns, within the rounding of another order of additions.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from phasescope.core.errors import UserError


def compiled(function: Callable[..., Tensor], device: torch.device) -> Callable[..., Tensor]:
    """Return `function` of tensors whose shapes never change, compiled for `device` when it is first called.

    Raises:
        UserError: at that call, if torch has no compiler here.
    """
    graphs = device.type == "cuda"
    fast = torch.compile(function, mode="reduce-overhead" if graphs else "default", dynamic=False)

    def call(*inputs: Tensor) -> Tensor:
        if graphs:
            torch.compiler.cudagraph_mark_step_begin()
        try:
            return fast(*inputs).clone()  # the next replay overwrites what a graph returned
        except torch._dynamo.exc.BackendCompilerFailed as error:
            reason = " ".join(str(error).split())[:160]
            raise UserError(
                f"`training.compile` (=True) must be possible here, and torch cannot: {reason}"
            ) from error

    return call
