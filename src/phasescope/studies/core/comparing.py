"""Estimates that compare: onsets of two cells, several readings of one question, a size whatever its sign."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.criteria import Onsets, Passing, onsets, runs_of
from phasescope.studies.core.statistics import over_runs

if TYPE_CHECKING:
    import pandas as pd


def onset_factor(
    of: Sequence[str],
    over: Sequence[str],
    passing: Passing,
    frame: pd.DataFrame,
) -> Estimate:
    """The ratio of geometric mean onsets, in steps, of the runs of some cells over those of others; seeds are not paired.

    An onset that did not come is put at the run's end: where it is missing on one side alone the ratio is nearer to 1 than
    it would be.

    Raises:
        NotEnough: it came in no run of either.
    """
    runs = [runs_of(frame, of), runs_of(frame, over)]
    parts = [onsets(some, passing) for some in runs]
    if not any(part.came.any() for part in parts):
        raise NotEnough("it set in in no run")
    joined = Onsets.joined(parts)
    side = np.repeat([1.0, -1.0], [len(part.onset) for part in parts])
    logs = np.log(np.maximum(joined.restricted, 1.0))

    def factor(weights: np.ndarray) -> np.ndarray:
        first, second = (
            (weights * (side == sign)) @ logs / (weights @ (side == sign)) for sign in (1.0, -1.0)
        )
        return np.exp(first - second)

    detail = {
        f"without_onset_{name}": float((~part.came).sum())
        for name, part in zip(("first", "second"), parts, strict=True)
    }
    return over_runs(factor, len(logs), side.tolist(), detail)


def envelope(estimates: Sequence[Estimate]) -> Estimate:
    """Of one question by several readings: from the least end to the greatest, so that it is decided only where all agree.

    The value is the last one's.
    """
    detail = {f"reading_{number}": one.value for number, one in enumerate(estimates, 1)}
    return Estimate(
        estimates[-1].value,
        min(one.low for one in estimates),
        max(one.high for one in estimates),
        min(one.n for one in estimates),
        detail,
    )


def least(estimates: Sequence[Estimate]) -> Estimate:
    """The least of several quantities: above a threshold where all are, below it where one is."""
    return Estimate(
        min(one.value for one in estimates),
        min(one.low for one in estimates),
        min(one.high for one in estimates),
        sum(one.n for one in estimates),
    )


def size(of: Callable[[pd.DataFrame], Estimate]) -> Callable[[pd.DataFrame], Estimate]:
    """How far from 0 an estimate is: the interval of its absolute value."""

    def found(frame: pd.DataFrame) -> Estimate:
        one = of(frame)
        low = 0.0 if one.low <= 0 <= one.high else min(abs(one.low), abs(one.high))
        signed = {"signed": one.value} | dict(one.detail)
        return Estimate(abs(one.value), low, max(abs(one.low), abs(one.high)), one.n, signed)

    return found


def mean_where(values: np.ndarray, where: np.ndarray) -> float:
    """The mean of some values; NaN where there is none."""
    chosen = values[where & np.isfinite(values)]
    return float(chosen.mean()) if len(chosen) else math.nan
