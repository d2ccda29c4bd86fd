"""The precision of training, and the memory layout of parameters."""

import ctypes
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from phasescope.core.errors import UserError
from phasescope.models.training.config import TrainingConfig

SHARED = 2**18
"""numbers that torch shares among its threads"""


def precision_of(config: TrainingConfig, device: torch.device) -> Callable[[], torch.autocast]:
    """The context of the forward pass."""
    return lambda: torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16")


def normalise_in_float32(network: nn.Module) -> None:
    """Give every group normalisation of `network`, whoever wrote it, float32; nothing changes if it has that already."""
    # Under bfloat16 autocast a GPU normalises groups in float32 by itself. A CPU does not, and takes ten times as long over
    # channels-last bfloat16 as over float32: so there each group normalisation is handed float32.
    for module in network.modules():
        if isinstance(module, nn.GroupNorm):
            module.register_forward_pre_hook(_in_float32)


def _in_float32(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        value.float() if isinstance(value, Tensor) and value.dtype == torch.bfloat16 else value
        for value in inputs
    )


@contextmanager
def subnormals_as_zero(device: torch.device) -> Iterator[None]:
    """Flush float32 numbers below 1.2e-38 to 0 on this CPU thread within the block, and restore the mode afterwards."""
    # A CPU takes many times as long over a number below 1.2e-38 as over any other. A network may come to have many: of one
    # with self-attention, trained by AdamW, a step took twice as long from the 900th on.
    if device.type != "cpu" or _takes_subnormals_for_zero():
        yield
        return
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def start_threads() -> None:
    """Start the threads that torch shares its work with: they keep the setting of the thread that starts them, so it must be
    the same in a run that is resumed as in one that is not."""
    with subnormals_as_zero(torch.device("cpu")):
        torch.ones(SHARED).add_(1)


# torch can set the mode but not report it, so a number shows it that would be subnormal.
def _takes_subnormals_for_zero() -> bool:
    return bool(torch.finfo(torch.float32).tiny * torch.ones(()) / 2 == 0)


def compiled(function: Callable[..., Tensor], device: torch.device) -> Callable[..., Tensor]:
    """Return `function` of tensors whose shapes never change, compiled for `device` when it is first called; that raises
    UserError if torch has no compiler here."""
    # A compiled step makes forward and backward pass few kernels; on CUDA they are replayed as graphs, without Python in
    # between. Randomness stays outside: what is compiled is a function of the batch and of all that was drawn for it, so it
    # returns what the eager step returns, within the rounding of another order of additions.
    graphs = device.type == "cuda"
    quick = torch.compile(function, mode="reduce-overhead" if graphs else "default", dynamic=False)

    def call(*inputs: Tensor) -> Tensor:
        if graphs:
            torch.compiler.cudagraph_mark_step_begin()
        try:
            return quick(*inputs).clone()  # the next replay overwrites what a graph returned
        except torch._dynamo.exc.BackendCompilerFailed as error:
            reason = " ".join(str(error).split())[:160]
            raise UserError(
                f"`training.compile` (=True) must be possible here, and torch cannot: {reason}"
            ) from error

    return call


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
# Bytes; glibc takes no more.
LARGEST_KEPT_BLOCK = 32 * 2**20
# mallopt takes an int: so many bytes of free memory at the heap's top are kept at most.
LARGEST_KEPT_HEAP = 2**31 - 1
# float32 numbers, 64 bytes: each parameter begins at a multiple, as an allocation of its own would.
SLOT = 16


def keep_freed_memory() -> bool:
    """Have this process keep what it frees, from now on; return whether its C library can (glibc can).

    This alone stays after a training. glibc does not say what its thresholds were, and by itself moves them as a program
    runs until somebody sets one: put back to any number, they would be slower for the rest of the process than before.
    No result depends on it; up to `LARGEST_KEPT_HEAP` bytes of freed memory stay with the process.
    """
    # Each step allocates and frees the same activations. glibc gives large blocks back to the kernel at once and pays a
    # page fault for each page when it asks for them again: a quarter of a small network's step. Kept blocks are found
    # again.
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, LARGEST_KEPT_BLOCK) and mallopt(_M_TRIM_THRESHOLD, LARGEST_KEPT_HEAP)
    )


# The parameters of a network lie one after the other in one run of memory, and so do their gradients, moments and averages:
# an update is then one operation on P numbers, not one on each parameter. On a CPU a kernel (D, C, h, w) lies there
# with its channels last, as convolutions are quickest; on a GPU it does not, since normalisation takes channels first there.
class Layout:
    """The offsets of named tensors in one flat array of `size` numbers, P; numbers between the tensors stay zero.

    Args:
        channels_last: whether kernels lie with their channels last.
    """

    def __init__(self, shapes: Mapping[str, Sequence[int]], channels_last: bool = True):
        self.channels_last = channels_last
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        ends = [0]
        for shape in self.shapes.values():
            ends.append(ends[-1] + slot_of(shape))
        self.offsets = dict(zip(self.shapes, ends, strict=False))
        self.size = ends[-1]

    def views(self, flat: Float[Tensor, " P"]) -> dict[str, Tensor]:
        """Return the tensors as views of `flat`."""
        views = {}
        for name, shape in self.shapes.items():
            numbers = flat.narrow(0, self.offsets[name], math.prod(shape))
            if len(shape) == 4 and self.channels_last:
                d, c, h, w = shape
                views[name] = numbers.view(d, h, w, c).permute(0, 3, 1, 2)
            else:
                views[name] = numbers.view(shape)
        return views


def slot_of(shape: Sequence[int]) -> int:
    """Return how many numbers a tensor of this shape takes in a layout: its own, up to the next multiple of `SLOT`."""
    return -(-math.prod(shape) // SLOT) * SLOT


class FlatParameters:
    """The parameters of `network`, moved into one stretch of memory, `weights` (P,); their `gradients` lie in another.

    Raises:
        ValueError: a parameter is not float32.
    """

    def __init__(self, network: nn.Module, layout: Layout):
        parameters = dict(network.named_parameters())
        for name in layout.shapes:
            if (dtype := parameters[name].dtype) != torch.float32:
                raise ValueError(
                    f"`network` ({name} of {dtype}) must have float32 weights: training keeps them so, and "
                    "training.precision=bfloat16 computes in less"
                )
        self.layout = layout
        self.weights = torch.zeros(layout.size, device=next(network.parameters()).device)
        self.gradients = torch.zeros_like(self.weights)
        for name, view in layout.views(self.weights).items():
            parameters[name].data = view.copy_(parameters[name].detach())
        self._by = [parameters[name] for name in layout.shapes]
        self._gradients = list(layout.views(self.gradients).values())

    def differentiate(self, loss: Float[Tensor, ""]) -> None:
        """Set `gradients` to those of `loss`."""
        torch._foreach_copy_(
            self._gradients, list(torch.autograd.grad(loss, self._by, materialize_grads=True))
        )
