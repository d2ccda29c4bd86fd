"""In what precision a training computes.

Under bfloat16 autocast a GPU normalises groups in float32 by itself. A CPU does not, and takes ten times as long over
channels-last bfloat16 as over float32: so there each group normalisation is handed float32.

A CPU takes many times as long over a number below 1.2e-38 as over any other. A network may come to have many: of one with
self-attention, trained by AdamW, a step took twice as long from the 900th on. Within a step they are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from phasescope.training.config import TrainingConfig

SHARED = 2**18
"""numbers that torch shares among its threads"""


def precision_of(config: TrainingConfig, device: torch.device) -> Callable[[], torch.autocast]:
    """The context of the forward pass."""
    return lambda: torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16")


def normalise_in_float32(network: nn.Module) -> None:
    """Hand every group normalisation of `network`, whoever wrote it, float32; nothing changes where it has that already."""
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
    """Within, this thread of a CPU takes numbers below 1.2e-38, in float32, for 0; afterwards as it did."""
    if device.type != "cpu" or _takes_subnormals_for_zero():
        yield
        return
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def start_threads() -> None:
    """Start the threads that torch shares its work with, if they are not there yet: they do for good as this one does then.

    So they are the same in a run that is resumed as in one that is not.
    """
    with subnormals_as_zero(torch.device("cpu")):
        torch.ones(SHARED).add_(1)


def _takes_subnormals_for_zero() -> bool:
    return bool(torch.finfo(torch.float32).tiny * torch.ones(()) / 2 == 0)
