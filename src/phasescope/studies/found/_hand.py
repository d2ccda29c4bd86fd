"""What a copier with a network's own hand has right of what was left out.

A copier that paints exactly has right what lies 1 px from a trained label, at the very edge of what counts. Whoever paints
with a scatter loses up to half of that, and falls short of it though it copies; whoever paints some of what it was trained
on wrongly falls short of 1 though it composes. So what is right is set between two ends that have the network's own errors:
what it has right of trained labels, painted anew, and a copier that paints the nearest trained label as it paints those,

    beyond = (right - copier) / (trained - copier):

0 of whoever copies, 1 of whoever paints what was left out as well as what it was trained on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.probing.behaviour import in_every_way
from phasescope.probing.copier import nearest_labels
from phasescope.randomness import numpy_generator
from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.comparing import envelope
from phasescope.studies.core.criteria import accuracy_of, at_end, runs_of
from phasescope.studies.core.statistics import mean_of_runs
from phasescope.studies.core.study import Study
from phasescope.studies.found._composition import EVERY_WAY, FEWEST, LEARNT
from phasescope.studies.found._made import made_ends

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.store import Run
    from phasescope.worlds import World

IMAGES = 64
"""of trained labels that are painted anew, drawn with repetition"""
LEAST_LEFT = 0.1
"""of trained less copier, below which nothing can be told"""
TRAINED, COPIED = 0.93, 0.3
"""what made runs have right of trained labels, and a copier of the split"""


def of_hand(what: str, way: str = "formed") -> str:
    """The column of what is right of trained labels, `trained`, or of what was left out by the `copier`."""
    return f"hand.{way}.{what}"


def read_hand(run: Run) -> list[dict[str, Any]]:
    """At the last snapshot, by way of reading: what is right of trained labels of both factors, and what a copier with the
    same errors has right of all labels that are held out, of a world that holds out one split."""
    from phasescope.runs.loading import config_of
    from phasescope.runs.sampling import paint_labels
    from phasescope.runs.threads import one_thread

    config = config_of(run)
    world, trained = config.world, _of_both(config.world)
    drawn = numpy_generator(config.seed, "hand").integers(len(trained), size=IMAGES)
    with one_thread():
        images = paint_labels(run, trained[drawn], config.seed)
    return [{"step": run.snapshots[-1].step, **hand(world, trained[drawn], images)}]


def hand(world: World, labels: np.ndarray, images: np.ndarray) -> dict[str, float]:
    """The columns of `read_hand`, from images (n, C, *spatial) of trained labels (n, K).

    An image's errors are those of the same image at a label as far away as the copier's is: where the label lies off the
    canvas, which has no image of both factors, it is left out.
    """
    reader, factors, side = world.reader(), world.factors, world.shape[-1]
    assert reader is not None
    columns, (asked,) = reader.read(images), world.held_out().values()
    away = factors.difference(asked, nearest_labels(_of_both(world), asked, factors))
    offsets, times = np.unique(away.round(6), axis=0, return_counts=True)
    right: dict[str, list[float]] = {}
    for offset in (np.zeros_like(offsets[0]), *offsets):
        moved = labels + offset
        moved = np.where(factors.periodic, np.mod(moved, side), moved).astype(labels.dtype)
        there = ((moved >= 0) & (moved <= side)).all(axis=1)
        own = {name: values[there] for name, values in columns.items()}
        for way, (hits, _) in in_every_way(reader, own, moved[there]).items():
            right.setdefault(way, []).append(float(hits.all(axis=1).mean()) if there.any() else math.nan)
    found = {}
    for way, (trained, *copied) in right.items():
        known = np.isfinite(copied)
        found |= {
            f"{way}.trained": trained,
            f"{way}.copier": float(np.average(np.array(copied)[known], weights=times[known])),
        }
    return found


def _of_both(world: World) -> np.ndarray:
    """The training labels whose coordinates all lie on the canvas."""
    trained = world.training_labels()
    return trained[((trained >= 0) & (trained <= world.shape[-1])).all(axis=1)]


def beyond(run: pd.DataFrame, split: str, way: str = "formed") -> float:
    """What a run has right of a split at its end, between a copier with its hand, 0, and what it was trained on, 1; NaN
    where that was not learnt, or both are too near each other."""
    right = at_end(run, accuracy_of(split, "joint", way))
    trained, copier = (at_end(run, of_hand(what, way)) for what in ("trained", "copier"))
    told = trained > LEARNT and trained - copier >= LEAST_LEFT
    return (right - copier) / (trained - copier) if told else math.nan


def filled(cell: str, split: str, frame: pd.DataFrame, ways: Sequence[str] = EVERY_WAY) -> Estimate:
    """The mean of `beyond` over a cell's runs; in several ways as `envelope` has it.

    Raises:
        NotEnough: of fewer than `FEWEST` runs anything can be told.
    """
    found = []
    for way in ways:
        each = np.array([beyond(run, split, way) for run in runs_of(frame, [cell])])
        if np.isfinite(each).sum() < FEWEST:
            raise NotEnough(f"fewer than {FEWEST} runs have learnt what they were trained on")
        found.append(mean_of_runs(each))
    return envelope(found)


def made_hand(
    study: Callable[[], Study],
    split: str,
    of: Mapping[str, float],
    generator: np.random.Generator,
    spread: float,
) -> pd.DataFrame:
    """Records of runs of which `beyond` is, by cell, as told, but for what differs from run to run."""

    def read(cell: str) -> dict[str, float]:
        return made_run(split, of[cell] + spread * generator.standard_normal(), generator)

    return made_ends(study(), list(of), read, generator)


def made_run(split: str, own: float, generator: np.random.Generator) -> dict[str, float]:
    """The columns of a made run of which `beyond` is as told; ways of reading differ a little."""
    found = {}
    for way in EVERY_WAY:
        trained = float(np.clip(TRAINED + 0.03 * generator.standard_normal(), 0, 1))
        right = COPIED + (own + 0.03 * generator.standard_normal()) * (trained - COPIED)
        found |= {
            accuracy_of(split, "joint", way): right,
            of_hand("trained", way): trained,
            of_hand("copier", way): COPIED,
        }
    return found
