"""Whether a label reaches a layer: where it does not, nothing of a label can be put in."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from phasescope.errors import UserError
from phasescope.families.base import Family, evaluating
from phasescope.probing.capture import activations
from phasescope.randomness import torch_generator
from phasescope.worlds.base import World


def check_hears(network: Any, tap: str, world: World, family: Family, labels: Tensor, seed: int) -> None:
    """Raises UserError where a tap's output is the same for every label, at the least, a middle and the most noise."""
    x_0 = world.render(labels.clone())
    noise = torch.randn(x_0.shape, generator=torch_generator(seed, "tap noise"))
    known = family.conditions
    conditions = [None] if known is None else [known[0], known[len(known) // 2], known[-1]]
    with evaluating(network), torch.no_grad():
        for condition in conditions:
            x, t, told = family.inputs(x_0, labels, condition, noise)
            own, others = (
                activations(network, [tap], x, t, one)[tap] for one in (told, told.roll(1, dims=0))
            )
            if not torch.equal(own, others):
                return
    raise UserError(f"`tap` (={tap}) must receive the label: its output is the same for every label")
