"""A loss under which some labels are wrong."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field

from phasescope import LossConfig


class WrongLabels(LossConfig):
    """The family's loss, of which a share of each batch is given the label of the batch's next image.

    With a share of 1 the label says nothing of its image, so that there is nothing to learn of it.
    """

    share: float = Field(0.0, ge=0, le=1)

    def __call__(self, network: Any, family: Any, batch: Any) -> torch.Tensor:
        wrong = torch.arange(len(batch.labels), device=batch.labels.device) < round(
            self.share * len(batch.labels)
        )
        labels = torch.where(wrong[:, None], batch.labels.roll(1, 0), batch.labels)
        return super().__call__(network, family, batch._replace(labels=labels))
