"""Losses of which one thing is other than in a run's own loss: the noise levels that count, or whose label is given."""

from __future__ import annotations

from typing import Any

import torch

from phasescope import LossConfig


class Band(LossConfig):
    """The family's loss of those images of a batch whose noise level lies in a band, or of those whose does not.

    The mean is over the images that count, so that leaving some out changes neither the scale of the loss nor what is drawn.
    """

    low: int = 0
    """lowest t of the band"""
    high: int = 1000
    """t at which the band ends"""
    left_out: bool = False
    """whether the band is left out, instead of all else"""

    def __call__(self, network: Any, family: Any, batch: Any) -> torch.Tensor:
        t = batch.drawn[0]
        inside = (t >= self.low) & (t < self.high)
        counts = (~inside if self.left_out else inside).to(batch.x_0.dtype)

        losses = family.loss_at(network, batch.x_0, batch.labels, *batch.drawn)
        # A batch may have no image that counts: its loss is 0 then, and not 0 / 0.
        return (losses * counts).sum() / counts.sum().clamp(min=1.0)


class Permuted(LossConfig):
    """The family's loss with the label of the next image of the batch, which says nothing of an image."""

    def __call__(self, network: Any, family: Any, batch: Any) -> torch.Tensor:
        return super().__call__(network, family, batch._replace(labels=batch.labels.roll(1, 0)))
