"""What is painted of labels that a copier has none of: farther from every trained one than still counts as right.

At 1 px from a trained label, the tolerance itself, a copier that paints exactly has all right, one that scatters half, and
one that moves a tenth of the way all again. So what is held out is read at its core, labels that are 2 px or more from all
that were trained on: whoever copies has none of it, unless it scatters by a pixel. Networks fail first near the edges;
so what is right of the core is set over what is right of as many trained labels, painted anew, as near to an edge as those:

    composed = right of the core / right of trained labels as near to an edge,

0 of whoever copies, 1 of whoever paints what was held out as well as what it was trained on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.probing.behaviour import in_every_way
from phasescope.randomness import numpy_generator
from phasescope.studies.core.claim import Estimate
from phasescope.studies.core.comparing import envelope
from phasescope.studies.core.criteria import at_end, runs_of
from phasescope.studies.core.statistics import mean_of_runs
from phasescope.studies.core.study import Study
from phasescope.studies.found._composition import EVERY_WAY, LEARNT, of_full_cells
from phasescope.studies.found._made import made_ends

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.store import Run
    from phasescope.worlds import World

IMAGES = 256
"""of the core, and of trained labels, that are painted, drawn with repetition"""
REACH = 1.0
"""px from a label that counts as right"""
NEAR = 2.0
"""px from the nearest trained label: the nearest that a core has, whatever its size"""
TRAINED, LOST, UNREAD = 0.93, 0.1, 0.03
"""of made runs: what is right of trained labels, how many runs have not learnt them, and how far ways of reading differ"""
COMPOSED = (
    "what is right of the core of the split `{}`, labels farther than 1 px from all that were trained on, over what is "
    f"right of trained ones as near to an edge of the canvas, of runs that have above {LEARNT:.0%} of these right"
)


def of_core(what: str, way: str = "formed") -> str:
    """The column of what is right of the `core`, of its labels `near` to trained ones, or of those `trained` on."""
    return f"core.{way}.{what}"


def read_core(run: Run) -> list[dict[str, Any]]:
    """At the last snapshot, by way of reading, what is right of the core, of its labels `NEAR` to trained ones, and of
    trained labels; of a core without labels only the last."""
    from phasescope.runs.loading import config_of
    from phasescope.runs.sampling import paint_labels
    from phasescope.runs.threads import one_thread

    config = config_of(run)
    world, generator = config.world, numpy_generator(config.seed, "core")
    core, away, trained = asked_of(world, generator)
    told: dict[str, Any] = {"step": run.snapshots[-1].step}
    with one_thread():
        images = {
            name: paint_labels(run, labels, config.seed)
            for name, labels in (("core", core), ("trained", trained))
            if len(labels)
        }
    told |= right_of(world, "trained", trained, images["trained"])
    if len(core):
        told |= right_of(world, "core", core, images["core"])
        if (near := away <= NEAR).any():
            told |= right_of(world, "near", core[near], images["core"][near])
    return [told]


def right_of(world: World, what: str, labels: np.ndarray, images: np.ndarray) -> dict[str, float]:
    """By way of reading the share of images, (n, C, *spatial), of labels, (n, K), that are right in all factors."""
    reader = world.reader()
    assert reader is not None
    every = in_every_way(reader, reader.read(images), labels)
    return {f"{way}.{what}": float(right.all(axis=1).mean()) for way, (right, _) in every.items()}


def asked_of(
    world: World, generator: np.random.Generator, images: int = IMAGES
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of the core, (n, K), how far each is from the nearest trained one, (n,), in its farthest factor, and trained
    labels each as near to an edge of the canvas as one of these; where there is no core, as one that is held out."""
    trained, held = of_both(world), np.concatenate(list(world.held_out().values()))
    away = np.concatenate(
        [
            np.abs(world.factors.difference(trained[None], some[:, None])).max(axis=2).min(axis=1)
            for some in np.array_split(held, max(1, held.size * trained.size // 2**22))
        ]
    )
    core = away > REACH + 1e-6
    drawn = generator.choice(np.flatnonzero(core) if core.any() else np.arange(len(held)), size=images)
    edges = _from_edge(trained, world)
    apart = np.abs(edges - _from_edge(held[drawn], world)[:, None])
    order = generator.random(apart.shape)
    as_near = np.where(apart <= apart.min(axis=1, keepdims=True) + 1e-6, order, -1).argmax(axis=1)
    if not core.any():
        drawn = drawn[:0]
    return held[drawn], away[drawn], trained[as_near]


def of_both(world: World) -> np.ndarray:
    """The training labels whose coordinates all lie on the canvas."""
    trained = world.training_labels()
    return trained[((trained >= 0) & (trained <= world.shape[-1])).all(axis=1)]


def _from_edge(labels: np.ndarray, world: World) -> np.ndarray:
    """How far each label is from the nearest edge of the canvas, px; pixels are at 1 to N."""
    return np.minimum(labels - 0.5, world.shape[-1] + 0.5 - labels).min(axis=1)


def composed(run: pd.DataFrame, way: str = "formed", what: str = "core") -> float:
    """What a run has right of the core at its end over what it has of trained labels; NaN where it has not learnt these."""
    trained = at_end(run, of_core("trained", way))
    return at_end(run, of_core(what, way)) / trained if trained > LEARNT else math.nan


def told_runs(
    runs: Sequence[pd.DataFrame], way: str, what: str = "core"
) -> tuple[list[pd.DataFrame], np.ndarray]:
    """The runs of which `composed` is told, of cells with `FEWEST` of them, and it of each, (n,).

    Raises:
        NotEnough: there is none.
    """
    kept = of_full_cells([run for run in runs if math.isfinite(composed(run, way, what))])
    return kept, np.array([composed(run, way, what) for run in kept])


def filled(cell: str, frame: pd.DataFrame, ways: Sequence[str] = EVERY_WAY) -> Estimate:
    """The mean of `composed` over a cell's runs; in several ways as `envelope` has it. Raises NotEnough as `told_runs`."""
    return envelope([mean_of_runs(told_runs(runs_of(frame, [cell]), way)[1]) for way in ways])


def made_cores(
    study: Callable[[], Study], of: Mapping[str, float], generator: np.random.Generator, spread: float
) -> pd.DataFrame:
    """Records of runs of which `composed` is, by cell, as told in the mean; beta distributed, of that deviation at a half:
    whoever paints none, or all, does so in every run."""
    together = 1 / (4 * spread**2) - 1

    def read(cell: str) -> dict[str, float]:
        mean = of[cell]
        own = generator.beta(together * mean, together * (1 - mean)) if 0 < mean < 1 else mean
        return made_core(own, generator)

    return made_ends(study(), list(of), read, generator)


def made_core(own: float, generator: np.random.Generator) -> dict[str, float]:
    """The columns of a made run of which `composed` is as told; ways of reading differ a little; some have not learnt."""
    found, height = {}, 0.6 if generator.random() < LOST else TRAINED
    for way in EVERY_WAY:
        trained, right = height + UNREAD * generator.standard_normal(2)
        share = max((own + right - height) * trained, 0.0)
        found |= {
            of_core("trained", way): float(trained),
            of_core("core", way): share,
            of_core("near", way): share,
        }
    return found
