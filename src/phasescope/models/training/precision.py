"""The precision of the forward pass."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from phasescope.models.training.config import TrainingConfig


def precision_of(config: TrainingConfig, device: torch.device) -> Callable[[], torch.autocast]:
    """Return the context of the forward pass."""
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
