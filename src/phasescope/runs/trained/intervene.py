"""Interventions on a run's network: is what a layer represents used to generate an image?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import check_integer
from phasescope.runs.trained.catalogue import as_run
from phasescope.runs.trained.load import load_network
from phasescope.runs.trained.run import Run
from phasescope.runs.trained.steps import check_step, moved_by
from phasescope.worlds.base import World

if TYPE_CHECKING:
    from phasescope.runs.probing.interventions import How, Intervention

MOST = 4096
"""images of one intervention"""
# Labels whose step leaves the world are drawn again; a step that no label can take would be drawn for ever.
TRIES = 200


@own_arithmetic()
def intervene(
    run: Run | str,
    layer: str,
    how: How | str = "patch",
    by: Sequence[float] | None = None,
    count: int = 64,
    step: int | None = None,
    seed: int = 0,
) -> Intervention:
    """Sample labels while something of others is put in at a layer, and read where the image goes.

    Labels are drawn from all over the factor space. Their targets are others of them, or for `steer` the labels moved `by`.

    Args:
        how: patch, part, steer or ablate (`probing.interventions`).
        by: for `steer`, how far along each factor, in its unit.
        count: images.
        step: of the snapshot; the last one by default.
        seed: of labels and noise.

    Raises:
        UserError: an argument is invalid; the run cannot be read; its world has no reader.
    """
    from phasescope.runs.probing import interventions

    run = as_run(run)
    with as_user_error():
        check_integer("count", count, 8, "a mean is taken over images")
        check_integer("seed", seed, 0, "labels and noise derive from it")
    if count > MOST:
        raise UserError(f"`count` (={count}) must be from 8 to {MOST}")
    interventions.check_how(how)
    if (how == "steer") != (by is not None):
        raise UserError(f"`by` (={by}) must be given with `how` steer, and with nothing else")
    loaded = load_network(run, run.snapshot(step))
    loaded.layer(layer)
    world = loaded.config.world
    generator = numpy_generator(seed, "intervention labels")
    if by is None:
        labels = world.factors.visible_columns(world.draw_labels(count, generator))
        targets = np.roll(labels, 1, axis=0)
    else:
        labels, targets = _moved(world, by, count, generator)
    network, family, batch = loaded.network, loaded.family, loaded.plan.batch
    with as_user_error():
        return interventions.intervene(
            network, world, family, layer, how, labels, targets, seed=seed, batch=batch
        )


def _moved(
    world: World, by: Sequence[float], count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return labels whose step stays in the world, and the labels to which it leads."""
    factors = world.factors.visible
    name = check_step(factors, by)
    kept: list[np.ndarray] = []
    for _ in range(TRIES):
        labels = world.factors.visible_columns(world.draw_labels(count, generator))
        targets = moved_by(factors, labels, by)
        inside = ((targets >= factors.low) & (targets <= factors.low + factors.span)).all(axis=1)
        kept.append(np.stack([labels[inside], targets[inside]]))
        if sum(pairs.shape[1] for pairs in kept) >= count:
            both = np.concatenate(kept, axis=1)[:, :count].astype(np.float32)
            return both[0], both[1]
    raise UserError(f"{name} must lead from some labels of the world to others that lie in it too")
