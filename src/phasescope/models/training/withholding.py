"""Hiding from a network the factors that it was never given in training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn

    from phasescope.models.training.config import TrainingConfig


def withhold_as_trained(network: nn.Module, training: TrainingConfig) -> None:
    """Hide from a network the factors that were never given in training: its response to them would be arbitrary."""
    if not np.any(training.always_withheld):
        return

    def hide(module: nn.Module, given: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        x, t, labels = given
        labels = labels.clone()
        for k in np.flatnonzero(np.broadcast_to(training.always_withheld, labels.shape[1:])):
            labels[:, k] = np.nan
        return x, t, labels

    network.register_forward_pre_hook(hide)
