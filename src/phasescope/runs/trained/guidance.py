"""Sampling otherwise than a run was configured: another sampler, more or fewer steps, classifier-free guidance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phasescope.core.errors import UserError, as_user_error
from phasescope.measures.arguments import check_integer

if TYPE_CHECKING:
    from torch import Tensor

    from phasescope.models.families.base import FamilyConfig
    from phasescope.models.families.task import Network
    from phasescope.runs.config import RunConfig

MOST_GUIDANCE = 20.0


def sampling_by(family: FamilyConfig, sampler: str | None, steps: int | None) -> FamilyConfig:
    """Return a family with another sampler, or with other steps of its own; both None: as it is.

    Args:
        steps: by default those of the family's own sampler, but for `ddpm`, which by default goes through every t.

    Raises:
        UserError: it has no such sampler, or not so many steps.
    """
    if sampler is None and steps is None:
        return family
    with as_user_error():
        if steps is not None:
            check_integer("steps", steps, 1, "a sampler goes from noise to an image in some")

        choices = family.sampling_choices()
        if choices is None:
            name, value = ("steps", steps) if sampler is None else ("sampler", sampler)
            raise UserError(f"`{name}` (={value}) must be left out: this family has only one sampler")
        usual = choices["most_steps"] if sampler == "ddpm" else choices["steps"]
        return family.with_sampler(sampler or choices["sampler"], usual if steps is None else steps)


def check_guidance(config: RunConfig, guidance: float) -> None:
    """Raise UserError unless a run's network may be guided with a weight; 0 is no guidance."""
    if guidance and not (config.family.sampling_choices() and config.training.may_be_guided):
        reason = "this network was never trained without labels (training.label_dropout)"
        raise UserError(f"`guidance` (={guidance:g}) must be 0: {reason}")
    if not abs(guidance) <= MOST_GUIDANCE:
        raise UserError(f"`guidance` (={guidance:g}) must be from {-MOST_GUIDANCE:g} to {MOST_GUIDANCE:g}")


def guided(network: Network, guidance: float) -> Network:
    """`network` with guidance w (Ho & Salimans 2022, arXiv 2207.12598, eq. 6): none + (1 + w) (label - none).

    That is the same whatever is predicted, as long as predictions are affine functions of one another.
    """
    import torch

    def predict(x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        conditional = network(x_t, t, labels)
        unconditional = network(x_t, t, torch.full_like(labels, torch.nan))
        return unconditional + (1 + guidance) * (conditional - unconditional)

    return predict
