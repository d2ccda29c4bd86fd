"""The kinds of training: what is minimised, and by which rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from phasescope.core.kinds import Kind

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float
    from torch import Tensor, nn

    from phasescope.models.families.base import Family
    from phasescope.models.families.task import Network


# A step by a larger learning rate overflows float32.
LARGEST_LR = 1e30


class Batch(NamedTuple):
    """The data of a step: x_0 (B, C, *spatial), labels (B, K), and what `Family.draw` drew."""

    x_0: Tensor
    labels: Tensor
    drawn: tuple[Tensor, ...]


class LossConfig(Kind):
    """The loss; by default the mean of the family's own losses over a batch."""

    def __call__(self, network: Network, family: Family, batch: Batch) -> Float[Tensor, ""]:
        """Return the loss of a batch; it draws nothing itself."""
        return family.loss_at(network, batch.x_0, batch.labels, *batch.drawn).mean()


class OptimiserConfig(Kind):
    """A rule of update."""

    lr: float = Field(1e-3, gt=0, le=LARGEST_LR)
    """learning rate after warm-up"""

    def on(self, leaves: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the torch optimiser of some parameters; ValueError if this rule is not one of torch's."""
        raise ValueError(f"`training.optimiser` (={self.kind}) must be built in or a torch.optim.Optimizer")
