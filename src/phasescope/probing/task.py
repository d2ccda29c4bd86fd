"""A world as a family's task."""

from __future__ import annotations

from phasescope.families import Task
from phasescope.families.base import Withheld
from phasescope.worlds.base import World

PATCH_PX = 7
"""side of the local machine's patch where nobody says so, the network sees more, and the canvas holds it"""


def task_of(
    world: World, shift_px: int | None = None, patch_px: int | None = None, withheld: Withheld = "never"
) -> Task:
    """What is to be learnt of a world; the rest as `Task` has it."""
    factors = world.factors
    if patch_px is None:
        least = min(world.shape[1:])
        patch_px = min(PATCH_PX, least - 1 + least % 2)
    periodic = bool(factors.periodic.all())
    return Task(world.render, world.training_labels(), factors, periodic, shift_px, patch_px, withheld)
