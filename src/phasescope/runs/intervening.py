"""Interventions on a run's network: is what a tap represents used to paint?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from phasescope.errors import UserError
from phasescope.factors import Factors
from phasescope.randomness import numpy_generator
from phasescope.runs.loading import load_network, snapshot_of
from phasescope.store import Run, as_run
from phasescope.worlds.base import World

if TYPE_CHECKING:
    from phasescope.probing.intervening import How, Intervention

MOST = 4096
"""images of one intervention"""
TRIES = 200
"""rounds of drawing in which labels that leave the world are drawn again"""


def intervene(
    run: Run | str,
    tap: str,
    how: How | str = "patch",
    by: Sequence[float] | None = None,
    count: int = 64,
    step: int | None = None,
    seed: int = 0,
) -> Intervention:
    """Paint labels while something of others is put in at a tap, and read where it goes.

    Labels are drawn from all over the factor space. Their targets are others of them, or for `steer` the labels moved `by`.

    Args:
        how: patch, part, steer or ablate (`probing.intervening`).
        by: for `steer`, how far along each factor, in its unit.
        count: images.
        step: of the snapshot; the last one by default.
        seed: of labels and noise.

    Raises:
        UserError: an argument is not as it must be; the run cannot be read; its world has no reader.
    """
    from phasescope.probing import intervening

    run = as_run(run)
    if not 8 <= count <= MOST:
        raise UserError(f"`count` (={count}) must be from 8 to {MOST}")
    if how not in intervening.HOW:
        raise UserError(f"`how` (={how}) must be one of {', '.join(intervening.HOW)}")
    if (how == "steer") != (by is not None):
        raise UserError(f"`by` (={by}) must be given with `how` steer, and with nothing else")
    loaded = load_network(run, snapshot_of(run, step))
    world = loaded.config.world
    if loaded.config.network.taps is not None and tap not in loaded.config.network.taps:
        raise UserError(
            f"`tap` (={tap}) must be one of the network's: {', '.join(loaded.config.network.taps)}"
        )
    generator = numpy_generator(seed, "intervention labels")
    labels, targets = (
        _moved(world, by, count, generator) if by is not None else _paired(world, count, generator)
    )
    try:
        return intervening.intervene(
            loaded.network,
            world,
            loaded.config.family.build(),
            tap,
            how,
            labels,
            targets,
            seed=seed,
            batch=loaded.plan.batch,
        )
    except ValueError as error:
        raise UserError(str(error)) from None


def _paired(world: World, count: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels, each with another one of them."""
    labels = world.factors.visible_columns(world.draw_labels(count, generator))
    return labels, np.roll(labels, 1, axis=0)


def _moved(
    world: World, by: Sequence[float], count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Labels whose step stays in the world, and where it leads."""
    factors = world.factors.visible
    told = _check_step(factors, by)
    kept: list[np.ndarray] = []
    for _ in range(TRIES):
        labels = world.factors.visible_columns(world.draw_labels(count, generator))
        targets = _come_round(factors, labels + np.asarray(by, dtype=np.float32))
        inside = ((targets >= factors.low) & (targets <= factors.low + factors.span)).all(axis=1)
        kept.append(np.stack([labels[inside], targets[inside]]))
        if sum(one.shape[1] for one in kept) >= count:
            both = np.concatenate(kept, axis=1)[:, :count].astype(np.float32)
            return both[0], both[1]
    raise UserError(f"`by` (={told}) must lead from labels of the world to labels of it")


def stepped(factors: Factors, label: np.ndarray, by: Sequence[float]) -> np.ndarray:
    """Where a step `by` leads from one label, (K,).

    Raises:
        UserError: it is no step, or leads out of the world.
    """
    told = _check_step(factors, by)
    target = _come_round(factors, label + np.asarray(by, dtype=np.float32)).astype(np.float32)
    try:
        factors.check(target[None])
    except ValueError as error:
        raise UserError(f"`by` (={told}) must lead to a label of the world: {error}") from None
    return target


def _check_step(factors: Factors, by: Sequence[float]) -> str:
    told = ",".join(f"{one:g}" for one in by)
    if len(by) != len(factors):
        raise UserError(f"`by` (={told}) must give {','.join(factors.names)}: {len(factors)} numbers")
    if not np.isfinite(by).all() or not np.any(by) or factors.categorical[np.flatnonzero(by)].any():
        raise UserError(f"`by` (={told}) must be finite, not all 0, and along factors that have an order")
    return told


def _come_round(factors: Factors, labels: np.ndarray) -> np.ndarray:
    """Values of periodic factors, within their range."""
    return np.where(factors.periodic, factors.low + (labels - factors.low) % factors.span, labels)
