"""Courses of learning that claims are tried on: how a run could have gone, of which a sentence is true, or false.

A course gives of a step a number, as `studies.core.made` has it: shares of images from 0 to 1, R^2. Times are in parts of a
run's length, and differ from run to run by `SPREAD`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.randomness import numpy_generator
from phasescope.studies.core.claim import Controls, Estimate
from phasescope.studies.core.criteria import P1_PLACE
from phasescope.studies.core.made import Course, Courses, made_records, rise
from phasescope.studies.found._looks import evenly, middle_places

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.runs.config import RunConfig
    from phasescope.studies.core.study import Cell, Study

SPREAD = 0.08
"""of the log of a time, from run to run"""
CALIBRATED = 200
"""studies that are made up to see how courses are read"""


def at(share: float, config: RunConfig, generator: np.random.Generator, spread: float = SPREAD) -> float:
    """A step, a share of the run's length, as it differs between runs."""
    return share * config.training.steps * math.exp(spread * generator.standard_normal())


def whole(steps: np.ndarray) -> np.ndarray:
    """1 from the first step on."""
    return np.ones(len(steps))


def as_p1_says(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
    """Bumps form, then they go where they belong; latents are ordered when they do."""
    T = config.training.steps
    placed = at(0.6, config, generator)
    return {
        "formed": rise(at(0.2, config, generator), T / 60),
        "x": rise(placed, T / 60),
        "y": rise(placed, T / 60),
        **order(rise(placed, T / 60)),
    }


def order(course: Course) -> dict[str, Any]:
    """The order of latents, in each reading; the study's own, P1's way, at some of the snapshots."""

    def at_looks(steps: np.ndarray) -> np.ndarray:
        read = np.isin(np.arange(len(steps)), evenly(len(steps)))
        return np.where(read, course(steps), np.nan)

    return {"raw": course, "p1": course, "scores": {f"p1.{P1_PLACE}": at_looks}}


def straight_to_c(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
    """Bumps are right, and latents ordered, as soon as bumps are formed."""
    T = config.training.steps
    formed = at(0.5, config, generator)
    return {"formed": rise(formed, T / 60), "x": whole, "y": whole, **order(rise(12.0, 1.0))}


def either(one: Courses, other: Courses, share: float = 0.5) -> Courses:
    """The first in a share of runs, the other in the rest."""

    def mixed(cell: Cell, config: RunConfig, generator: np.random.Generator) -> Mapping[str, Any]:
        return (one if generator.random() < share else other)(cell, config, generator)

    return mixed


def changed(courses: Courses, **fixed: Any) -> Courses:
    """The same but for some."""
    return lambda cell, config, generator: {**courses(cell, config, generator), **fixed}


def read_as(
    threshold: float,
    of: Callable[[float], Courses],
    numbers: Sequence[float],
    estimate: Callable[[pd.DataFrame], Estimate],
    study: Callable[[], Study],
    cells: Sequence[str],
    reads: Sequence[str],
) -> Courses:
    """Courses of which a statistic is expected at its threshold as runs are read: a borderline is one of the reading.

    An onset is read at a snapshot, up to the time between two too late, so a ratio of onsets is read nearer to 1 than the
    courses have it. The number that courses are made with is therefore `calibrated`, when they are first asked for.

    Args:
        of: the courses made with a number.
        numbers, estimate: as in `calibrated`.
        study, cells, reads: as in `controls`.
    """

    @cache
    def found() -> Courses:
        def made(number: float, generator: np.random.Generator) -> pd.DataFrame:
            return made_records(study(), of(number), generator, cells, reads=reads)

        return of(calibrated(threshold, made, numbers, estimate))

    return lambda cell, config, generator: found()(cell, config, generator)


def calibrated(
    threshold: float,
    made: Callable[[float, np.random.Generator], pd.DataFrame],
    numbers: Sequence[float],
    estimate: Callable[[pd.DataFrame], Estimate],
    times: int = CALIBRATED,
) -> float:
    """The number with which records must be made for a statistic to be expected at its threshold, as it is read.

    At some numbers the statistic is read `times` times at the study's own n, and between their means interpolated.

    Args:
        made: records made with a number.
        numbers: two or more; what is read at them is monotone, and has the threshold among it. Where a study tells nothing
            of its records, that one is left out.
    """
    read = []
    for number in numbers:
        drawn = (numpy_generator(0, "calibration", i) for i in range(times))
        read.append(float(np.nanmean([estimate(made(number, one)).value for one in drawn])))
    ascending = np.argsort(read)
    return float(np.interp(threshold, np.array(read)[ascending], np.array(numbers)[ascending]))


def controls(
    study: Callable[[], Study],
    cells: Sequence[str],
    positive: Courses,
    negative: Courses | Sequence[Courses],
    borderline: Courses,
    reads: Sequence[str] | None = None,
) -> Controls:
    """Records of these cells, made up by each of three courses.

    Args:
        study: whose they are; asked for when it is there.
        negative: where there are several ways to be false, each as likely in all of a study's runs.
        reads: of the columns, those that begin so; all without it.
    """

    def made(courses: Courses, generator: np.random.Generator) -> pd.DataFrame:
        return made_records(study(), courses, generator, cells=cells, reads=reads)

    ways = [negative] if callable(negative) else negative

    def false(generator: np.random.Generator) -> pd.DataFrame:
        return made(ways[int(generator.integers(len(ways)))] if len(ways) > 1 else ways[0], generator)

    return Controls(partial(made, positive), false, partial(made, borderline))


def made_ends(
    study: Study,
    cells: Sequence[str],
    read: Callable[[str], Mapping[str, float | tuple[float, float]]],
    generator: np.random.Generator,
) -> pd.DataFrame:
    """Records of these cells' runs that learn as P1 says, with what is read of each at its end.

    Args:
        read: of a cell's name, by column: a number at the end, or one untrained and one at the end; drawn anew for each run.
    """
    frame = made_records(study, as_p1_says, generator, cells=cells, reads=())
    columns: dict[str, np.ndarray] = {}
    for _, run in frame.groupby("digest"):
        order = frame.index.get_indexer(run.index)[run["step"].to_numpy().argsort()]
        for name, found in read(run["cell"].iloc[0]).items():
            first, last = found if isinstance(found, tuple) else (math.nan, found)
            values = columns.setdefault(name, np.full(len(frame), math.nan))
            values[order[0]], values[order[-1]] = first, last
    return frame.assign(**columns)


def made_looks(
    study: Study,
    cell: str,
    group: str,
    read: Callable[[str, np.random.Generator], Mapping[str, float]],
    generator: np.random.Generator,
) -> pd.DataFrame:
    """Records of a cell's runs that learn as P1 says, with a reading.

    Args:
        read: what is read of one run in a phase, by name; drawn with the generator.
    """
    frame = made_records(study, as_p1_says, generator, cells=[cell], reads=("phase.behaviour",))
    rows: dict[int, Mapping[str, float | str]] = {}
    seeds, told = frame["seed"].to_numpy(), frame["phase.behaviour"].to_numpy()
    for seed in np.unique(seeds):
        trained = np.flatnonzero((seeds == seed) & (frame["step"] > 0).to_numpy())
        for letter, i in middle_places(told[trained].tolist()).items():
            rows[int(trained[i])] = {"phase": letter, **read(letter, generator)}
    names = dict.fromkeys(name for row in rows.values() for name in row)
    columns: dict[str, Any] = {
        f"{group}.{name}": [rows.get(i, {}).get(name) for i in range(len(frame))] for name in names
    }
    return frame.assign(**columns)
