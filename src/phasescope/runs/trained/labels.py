"""Labels for which a run's network samples: given by the user, or drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.core.errors import UserError, as_user_error
from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import real_array
from phasescope.runs.store import RunFolder
from phasescope.runs.trained.load import config_of

if TYPE_CHECKING:
    from jaxtyping import Float

    from phasescope.worlds.base import World

MOST_SAMPLES = 100_000
"""images of one command"""


def labels_for(run: RunFolder, at: Sequence[str] | None, count: int, seed: int) -> np.ndarray:
    """Return `count` labels (n, K): all of them `at`, or else drawn from all over the run's factor space.

    Args:
        at: a number or the name of a class for each factor.

    Raises:
        UserError: `at` is no label of the world; `count` is invalid.
    """
    if not 1 <= count <= MOST_SAMPLES:
        raise UserError(f"`--count` (={count}) must be from 1 to {MOST_SAMPLES}")
    world = config_of(run).world
    if at is None:
        drawn = world.draw_labels(count, numpy_generator(seed, "sample labels"))
        return world.factors.visible_columns(drawn)
    prefix = f"`--at` (={','.join(at)}): "
    row = label_rows(world, at, "label", prefix)
    check_labels(world, row, prefix)
    return np.tile(row, (count, 1))


def label_rows(world: World, labels: Any, name: str, prefix: str = "") -> Float[np.ndarray, "m K"]:
    """Return labels as an array of float32, a row each: numbers, and classes by their names.

    Args:
        labels: (m, K), or (K,) of one label; a text is a class or a number, as `Factor.number` says.
        name: of the argument, for errors, whose message begins with `prefix`.

    Raises:
        UserError: a text is neither; other values are no array of numbers.
    """
    with as_user_error(prefix):
        if isinstance(labels, Sequence | np.ndarray):
            values = np.atleast_2d(np.asarray(labels, dtype=object))
            if any(isinstance(value, str) for value in values.flat):
                labels = _without_names(values, world.factors.visible, name)
        return np.atleast_2d(real_array(name, labels).astype(np.float32))


def _without_names(labels: np.ndarray, factors: Factors, name: str) -> list[list[Any]]:
    """Return labels (m, K) of numbers and texts with a number for each text."""
    if labels.ndim != 2 or labels.shape[1] != len(factors):
        row = ", ".join(str(value) for value in labels[0].flat)
        raise ValueError(f"`{name}` (={row:.60}) must give {','.join(factors.names)}: {len(factors)} values")
    return [
        [
            factor.number(value) if isinstance(value, str) else value
            for factor, value in zip(factors, row, strict=True)
        ]
        for row in labels
    ]


def check_labels(world: World, labels: Float[np.ndarray, "n K"], prefix: str = "") -> None:
    """Raise UserError, whose message begins with `prefix`, if a label lies outside the world."""
    with as_user_error(prefix):
        world.factors.visible.check(labels)
