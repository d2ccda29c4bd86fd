"""Two clocks: does the time to generalize not depend on the size of the training set, and the time to memorize grow with it?

Told nothing, a network first paints whole objects anywhere, then those that it was shown alone: it memorizes. Bonnaire et
al. 2025 (arXiv 2505.17638) find that the first time does not depend on the number n of training images, and that the second
is proportional to it, so that more data leave more time between the two.

A network generalizes from where half of its images hold one well-formed object. Of these, at any place alike, a share
(2 r)^K n over the space of places lies within r = 0.5 px of a training place along each axis; it memorizes from where this
share is half way between that chance and 1. Both for good.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.probing.copier import nearest_labels
from phasescope.runs.loading import config_of
from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made
from phasescope.studies.core.comparing import median_exponent, opened, size
from phasescope.studies.core.courses import Plan
from phasescope.studies.core.criteria import Passing, at_end, column, mean_told, onsets, runs_of, some_runs
from phasescope.studies.core.curves import mean_curves, median_of
from phasescope.studies.core.made import jitter, made_records
from phasescope.studies.core.statistics import over_runs
from phasescope.studies.core.study import Amendment, Cell, Curve, Figure, Panel, Reading, Study, Table
from phasescope.studies.found._cells import LITTLE, untold
from phasescope.studies.found._made import as_p1_says

if TYPE_CHECKING:
    import pandas as pd
    from jaxtyping import Float

    from phasescope.config import Tree
    from phasescope.factors import Factors
    from phasescope.store import Run

SEEDS = 6
STEPS = 12_000
"""pilots of seed 100"""
PLAN: Tree = LITTLE | {
    "snapshots": {"dense_every": 50, "dense_until": 1000, "every": 250},
    "images": {"grid": 16, "off_grid": 112},
}


def _cell(n: int) -> Cell:
    world, training = {"design": {"keep": n}}, {"steps": STEPS, "decay": "constant"}
    fields: Tree = {"world": world, "training": training, "probing": PLAN}
    return replace(untold(f"untold, {n} images", fields, SEEDS, "fast"), anew=("world.design.shuffle",))


CELLS = {n: _cell(n) for n in (8, 16, 32, 64, 128)}
"""by the number of training images, which each run has of its own"""
NAMES = tuple(cell.name for cell in CELLS.values())
MOST = CELLS[max(CELLS)].name
REACH = 0.5
"""px along each axis, within which an object is at a training place: half of the grid's step"""
FEWEST = 8
"""objects of a snapshot, whose places tell anything"""
HALF = 0.5
FLAT, PROPORTIONAL = 0.2, 0.3
"""within which an exponent is 0, and 1"""
APART = 0.15
"""of the log of a time, from run to run, in made runs: images differ, too"""
BEFORE = 2.0
"""ratio of the two times from which one is before the other"""


def read_places(run: Run) -> list[dict[str, Any]]:
    """Of each snapshot the share of painted images that hold one well-formed object, and of these that at a training place;
    and what that would be by chance."""
    world = config_of(run).world
    training, factors = world.training_labels(), world.factors
    phase_of = {outcome.name: outcome.phase for outcome in world.reader().outcomes}
    chance = float(len(training) * np.prod(2 * REACH / factors.span))
    rows = []
    for snapshot in run.snapshots:
        read = snapshot.readings()
        formed = np.array([phase_of[name] != "A" for name in read["outcome"]])
        places = np.stack([read[name] for name in factors.names], axis=1)[formed]
        shares = {"formed": float(formed.mean()), "known": share_known(places, training, factors)}
        rows.append({"step": snapshot.step, "chance": chance, **shares})
    return rows


def share_known(
    places: Float[np.ndarray, "m K"], training: Float[np.ndarray, "M K"], factors: Factors
) -> float:
    """The share of places within `REACH` of a training label along each axis; NaN of fewer than `FEWEST`."""
    if len(places) < FEWEST:
        return math.nan
    away = np.abs(factors.difference(places, nearest_labels(training, places, factors)))
    return float((away <= REACH).all(axis=1).mean())


def generalizes(run: pd.DataFrame) -> np.ndarray:
    return column(run, "clocks.formed") >= HALF


def memorizes(run: pd.DataFrame) -> np.ndarray:
    """Half way from chance to 1; where too few objects are formed it does not."""
    chance = column(run, "clocks.chance")
    return column(run, "clocks.known") >= chance + HALF * (1 - chance)


CLOCKS: dict[str, tuple[str, Passing]] = {
    "generalize": ("generalizes", generalizes),
    "memorize": ("memorizes", memorizes),
}


SHARES = {
    "one object": "clocks.formed",
    "of these at a training place": "clocks.known",
    "by chance": "clocks.chance",
}


def exponent(clock: str, frame: pd.DataFrame, less: float = 0.0) -> Estimate:
    """That with which an onset grows with the number of training images, less a number."""
    runs = runs_of(frame, NAMES)
    return median_exponent(runs, CLOCKS[clock][1], np.array([column(run, "images")[0] for run in runs]), less)


def later(frame: pd.DataFrame) -> Estimate:
    """Of the largest set the geometric mean over runs of the onset of memorizing over that of generalizing.

    An onset that did not come is later than the run's end, so that the ratio is bounded on one side alone.
    """
    runs = runs_of(frame, [MOST])
    first, second = (onsets(runs, CLOCKS[clock][1]) for clock in ("generalize", "memorize"))
    logs = np.log(second.midway / first.midway)
    found = over_runs(lambda weights: np.exp(weights @ logs / weights.sum(axis=1)), len(runs))
    return opened(
        found,
        below=None if first.came.all() else 0.0,
        above=None if second.came.all() else math.inf,
    )


def made(generalize: float, memorize: float, apart: float, generator: np.random.Generator) -> pd.DataFrame:
    """Records of runs whose times grow as n to these exponents; at the largest n one is so many times the other."""
    frame = made_records(STUDY, as_p1_says, generator, cells=NAMES, reads=())
    first = 0.04 * STEPS
    parts = []
    for run in runs_of(frame, NAMES):
        n, steps = column(run, "images")[0], column(run, "step")
        cell = next(one for one in CELLS.values() if one.name == run["cell"].iloc[0])
        images = sum(Plan.of(cell, STUDY.preset).splits.values())
        whole, copies = (
            _logistic(steps, jitter(first * times * (n / max(CELLS)) ** power, generator, APART))
            for times, power in ((1, generalize), (apart, memorize))
        )
        chance = n / 1024
        formed = generator.binomial(images, 0.95 * whole)
        known = generator.binomial(formed, chance + (1 - chance) * copies)
        parts.append(
            run.assign(
                **{
                    "clocks.chance": chance,
                    "clocks.formed": formed / images,
                    "clocks.known": known / np.where(formed >= FEWEST, formed, math.nan),
                }
            )
        )
    import pandas as pd

    return pd.concat(parts)


def _logistic(steps: np.ndarray, at: float) -> np.ndarray:
    """From 0 to 1 in log steps, through 1/2 at a step."""
    return 1 / (1 + (at / np.maximum(steps, 1)) ** 4)


def _claims() -> list[Claim]:
    claim = partial(
        Claim, source="Bonnaire et al. 2025", figure="onsets", cells=NAMES, counting="steps", system="fast"
    )

    def of(generalize: float = 0.0, memorize: float = 1.0, apart: float = 16.0) -> Made:
        return partial(made, generalize, memorize, apart)

    few, many = min(CELLS), max(CELLS)
    how = "exponent of n in the median onset, in gradient steps, by least squares of logs; bootstrap of runs within cells"
    return [
        claim(
            "generalizing_flat",
            f"The time to generalize does not depend on the number of training images, {few} to {many}.",
            statistic=f"size of the {how}",
            threshold=FLAT,
            estimate=size(partial(exponent, "generalize")),
            does_not_show="Half of images with one object is what generalizing is here; how well its places are spread is "
            "another question.",
            direction="below",
            minimum_n=20,
            family="the time to generalize does not depend on n",
            controls=Controls(of(), of(generalize=0.5), of(generalize=FLAT)),
        ),
        claim(
            "memorizing_proportional",
            f"The time to memorize is proportional to the number of training images, {few} to {many}.",
            statistic=f"size of the {how}, less 1; a median that did not come leaves no end on its side",
            threshold=PROPORTIONAL,
            estimate=size(partial(exponent, "memorize", less=1.0)),
            does_not_show="One network of one size: with more parameters it memorizes sooner.",
            direction="below",
            minimum_n=20,
            family="the time to memorize is proportional to n",
            controls=Controls(of(), of(memorize=0.4), of(memorize=1 - PROPORTIONAL)),
        ),
        claim(
            "generalizing_first",
            f"Of {many} images it generalizes long before it memorizes.",
            statistic="geometric mean over runs of the onset of memorizing over that of generalizing; bootstrap of runs",
            threshold=BEFORE,
            estimate=later,
            does_not_show="Of smaller sets: the figure shows them.",
            cells=(MOST,),
            family="generalizing before memorizing",
            controls=Controls(of(apart=3.0), of(apart=1.0), of(apart=BEFORE)),
        ),
    ]


def onset_marks(frame: pd.DataFrame) -> list[Panel]:
    """Both onsets against the number of training images."""
    there = {n: runs for n, cell in CELLS.items() if (runs := some_runs(frame, [cell.name]))}
    curves = []
    for series, (words, passing) in enumerate(CLOCKS.values()):
        found = np.array([median_of(onsets(runs, passing)) for runs in there.values()]).reshape(-1, 3)
        median, low, high = found.T
        x = np.array(list(there), dtype=float)
        curves.append(Curve(x, median, low, high, words, series, "points"))
    return [Panel("Onsets", "training images", "gradient steps", curves, xscale="log", yscale="log")]


def courses(frame: pd.DataFrame) -> list[Panel]:
    """Of each set both shares while learning."""
    panels = []
    for name in NAMES:
        if runs := [run[run["step"] > 0] for run in some_runs(frame, [name])]:
            curves = mean_curves(runs, SHARES)
            panels.append(
                Panel(name, "gradient steps", "share", curves, xscale="log", ylim=(-0.02, 1.02), level=HALF)
            )
    return panels


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each set when both set in, and what is reached."""

    def row(n: int, runs: list[pd.DataFrame]) -> dict[str, Any]:
        found = {clock: onsets(runs, passing) for clock, (_, passing) in CLOCKS.items()}
        return {
            "images": n,
            "runs": len(runs),
            **{f"{CLOCKS[clock][0]} from, steps": median_of(one)[0] for clock, one in found.items()},
            **{f"runs that do, {CLOCKS[clock][0]}": int(one.came.sum()) for clock, one in found.items()},
            "one object at the end": mean_told(runs, "clocks.formed"),
            "at a training place at the end": mean_told(runs, "clocks.known"),
            "by chance": at_end(runs[0], "clocks.chance"),
        }

    return [row(n, runs) for n, cell in CELLS.items() if (runs := some_runs(frame, [cell.name]))]


STUDY = Study(
    name="clocks",
    number=14,
    question="With the number of training images, does the time to memorize grow, and the time to generalize not?",
    preset="fast",
    cells=tuple(CELLS.values()),
    seeds=SEEDS,
    more=SEEDS,
    headline="memorizing_proportional",
    amendments=(
        Amendment(
            "2026-11-28",
            "Of onsets medians are taken, as one that did not come left the exponent of all runs open; of fewer than "
            f"{FEWEST} objects places tell nothing; every run has images of its own. None of its runs had been made.",
        ),
        Amendment(
            "2026-11-28",
            "One seed's images of a larger set held those of a smaller one: images are drawn for each run by itself. "
            "None of its runs had been made.",
        ),
    ),
    claims=tuple(_claims()),
    figures=(
        Figure(
            "onsets",
            "When a network generalizes, and when it memorizes",
            onset_marks,
            saying(
                NAMES,
                "Marks: Kaplan-Meier medians; bars: from the first to the last run's onset; no mark: fewer than half the "
                "runs had it.",
            ),
        ),
        Figure(
            "courses",
            "Objects, and training places, while learning",
            courses,
            saying(NAMES, "Means and ranges over runs."),
        ),
    ),
    tables=(Table("sets", "The two clocks by the number of training images", rows),),
    readings=(Reading("clocks", read_places),),
)
