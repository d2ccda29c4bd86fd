"""Hiding from a network the factors that it was never given in training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn

    from phasescope.models.training.config import TrainingConfig


def withhold_as_trained(network: nn.Module, training: TrainingConfig) -> None:
    """Hide from a network the factors that were never given in training: its response to them would be arbitrary."""
    import torch

    if not np.any(training.always_withheld):
        return
    hidden = torch.tensor(training.always_withheld)

    def hide(module: nn.Module, given: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        x, t, labels = given
        return x, t, labels.masked_fill(hidden.to(labels.device), torch.nan)

    network.register_forward_pre_hook(hide)
