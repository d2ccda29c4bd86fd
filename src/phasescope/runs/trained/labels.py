"""Labels for which a run's network samples: given by the user, or drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from phasescope.core.errors import UserError, as_user_error
from phasescope.core.randomness import numpy_generator
from phasescope.runs.store import RunFolder
from phasescope.runs.trained.load import config_of

if TYPE_CHECKING:
    from jaxtyping import Float

    from phasescope.worlds.base import World

MOST_SAMPLES = 100_000
"""images of one command"""


def labels_for(run: RunFolder, at: Sequence[float] | None, count: int, seed: int) -> np.ndarray:
    """Return `count` labels (n, K): all of them `at`, or else drawn from all over the run's factor space.

    Raises:
        UserError: `at` lies outside the world; `count` is invalid.
    """
    if not 1 <= count <= MOST_SAMPLES:
        raise UserError(f"`--count` (={count}) must be from 1 to {MOST_SAMPLES}")
    world = config_of(run).world
    if at is None:
        drawn = world.draw_labels(count, numpy_generator(seed, "sample labels"))
        return world.factors.visible_columns(drawn)
    check_labels(world, np.array([at]), f"`--at` (={','.join(f'{number:g}' for number in at)}): ")
    return np.tile(np.array(at, dtype=np.float32), (count, 1))


def check_labels(world: World, labels: Float[np.ndarray, "n K"], prefix: str = "") -> None:
    """Raise UserError, whose message begins with `prefix`, if a label lies outside the world."""
    with as_user_error(prefix):
        world.factors.visible.check(labels)
