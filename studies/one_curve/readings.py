"""Use of the condition in two bands of noise at every snapshot, and how far samples are from a curve of it.

A curve is rising (isotonic regression) and fitted to all snapshots of other runs. Its error in a run is the mean absolute
difference from the share of correct samples, over the snapshots up to twice the step at which half are correct: beyond it
every rule is right. 64 samples a snapshot show a share to within .06 at a half, which no rule can do better than.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from phasescope.studies import Runs, reads
from phasescope.studies.readings.curves import counted_error, crossing, fitted_to

CORRECT = "outcomes.grid.correct"
BESIDE, DECIDING = "bands.beside", "bands.deciding"
HALF = 0.5
NO_ERROR = 1e-9
"""in place of 0, by which nothing is divided"""


def read_bands(run) -> list[dict]:
    """Return use at every snapshot in the band that the label alone decides, and in the next noisier one, `beside`.

    Bands are of equal width in log SNR. The first is the one in which most of the error can be removed by the label alone,
    from exact answers: it does not depend on the network.
    """
    frame = run.meter()
    frame = frame[(frame["pairs"] == "held_out") & (frame["exchanged"] == "all")]
    (low,) = frame.loc[frame["deciding"], "low"].unique()
    in_deciding = frame[frame["low"] == low].set_index("step")["use"]
    in_beside = frame[np.isclose(frame["high"], low)].set_index("step")["use"]
    return [
        {"step": snapshot.step, "deciding": in_deciding[snapshot.step], "beside": in_beside[snapshot.step]}
        for snapshot in run.snapshots
        if snapshot.step in in_deciding.index
    ]


class Course(NamedTuple):
    """What was read of a run; each array is (T,)."""

    system: str
    step: np.ndarray
    beside: np.ndarray
    deciding: np.ndarray
    correct: np.ndarray


def courses(runs: Runs) -> list[Course]:
    """Return the course of every run."""
    columns = (runs.courses(name) for name in ("step", BESIDE, DECIDING, CORRECT))
    return [Course(*values) for values in zip(runs.table["system"], *columns, strict=True)]


def error_in(own: Course, others: list[Course], given: str) -> float:
    """Return the error in a run of the curve that is fitted to other runs, of what is given: a field of `Course`."""
    if not others:
        return math.nan
    fitted = fitted_to([getattr(other, given) for other in others], [other.correct for other in others])
    return counted_error(fitted, getattr(own, given), own.step, own.correct)


def each_with_others(runs: Runs) -> Iterator[tuple[Course, list[Course], list[Course]]]:
    """Yield every run with the runs of other systems, and with the other runs of its own system."""
    known = courses(runs)
    for number, own in enumerate(known):
        of_others = [other for other in known if other.system != own.system]
        of_own = [
            other for place, other in enumerate(known) if other.system == own.system and place != number
        ]
        yield own, of_others, of_own


of_bands = reads(BESIDE, DECIDING, CORRECT)
"""Declares what a course is made of."""


def with_numbers(runs: Runs, values: list[float]) -> pd.DataFrame:
    """Return the rows of the runs that have a number, as column `y`."""
    table = runs.table.assign(y=np.array(values, dtype=float))
    return table[np.isfinite(table["y"])]


@of_bands
def against_own_clock(runs: Runs) -> pd.DataFrame:
    """Return the error of the curve of use in the band beside, fitted to other systems alone, over that of the step's curve,
    fitted to the other runs of the same system."""
    values = [
        error_in(own, of_others, "beside") / max(error_in(own, of_own, "step"), NO_ERROR)
        for own, of_others, of_own in each_with_others(runs)
    ]
    return with_numbers(runs, values)


@of_bands
def against_deciding(runs: Runs) -> pd.DataFrame:
    """Return the error of the curve of use in the band beside over that in the deciding band, of other systems both."""
    values = [
        error_in(own, of_others, "beside") / max(error_in(own, of_others, "deciding"), NO_ERROR)
        for own, of_others, _ in each_with_others(runs)
    ]
    return with_numbers(runs, values)


@of_bands
def of_other_systems(runs: Runs, given: str = "beside") -> pd.DataFrame:
    """Return the error of a curve that is fitted to other systems alone; given the step, that of their clock."""
    return with_numbers(
        runs, [error_in(own, of_others, given) for own, of_others, _ in each_with_others(runs)]
    )


@of_bands
def of_own_clock(runs: Runs) -> pd.DataFrame:
    """Return the error of the step's curve that is fitted to the other runs of the same system."""
    return with_numbers(runs, [error_in(own, of_own, "step") for own, _, of_own in each_with_others(runs)])


@of_bands
def at_half(runs: Runs, given: str = "beside") -> np.ndarray:
    """Return use when half of the samples are correct for good, interpolated, (n,); NaN if they never are."""
    values = []
    for course in courses(runs):
        when = crossing(course.step, course.correct, HALF)
        values.append(
            float(np.interp(when, course.step, getattr(course, given))) if np.isfinite(when) else math.nan
        )
    return np.array(values)


@of_bands
def is_near(runs: Runs, level: float, within: float) -> pd.DataFrame:
    """Return whether use in the band beside is near a level when half of the samples are correct, of runs that get there."""
    use = at_half(runs)
    values = np.where(np.isfinite(use), (np.abs(use - level) < within).astype(float), math.nan)
    return with_numbers(runs, list(values))
