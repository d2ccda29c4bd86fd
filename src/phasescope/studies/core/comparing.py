"""Estimates that compare: onsets of two cells, several readings of one question, a size whatever its sign."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.criteria import Onsets, Passing, onsets, runs_of
from phasescope.studies.core.statistics import TAIL, mean_of_runs, over_runs, share

if TYPE_CHECKING:
    import pandas as pd


def onset_factor(
    of: Sequence[str],
    over: Sequence[str],
    passing: Passing,
    frame: pd.DataFrame,
) -> Estimate:
    """The ratio of geometric mean onsets, in steps, of the runs of some cells over those of others; seeds are not paired.

    An onset that did not come is put at the run's end. It may come any time later, so where one is missing on the first
    side the ratio has no upper end, and where one is on the second no lower end but 0.

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
    found = over_runs(factor, len(logs), side.tolist(), detail)
    first, second = parts
    return opened(
        found, below=0.0 if not second.came.all() else None, above=math.inf if not first.came.all() else None
    )


def onset_exponent(
    runs: Sequence[pd.DataFrame], passing: Passing, of: np.ndarray, less: float = 0.0
) -> Estimate:
    """The power of something with which onsets, in steps, grow, less a number: by least squares of their logs, over runs.

    An onset is put half way between two snapshots: put at the later one, early onsets would seem later than they are. One
    that did not come is put at the run's end. It may come any time later: where there is more than the (geometric)
    mean of the something the power then has no upper end, where there is less no lower one.

    Args:
        of: of each run, (n,), positive; runs are drawn within those that have as much.

    Raises:
        NotEnough: it came in no run, or all runs have as much.
    """
    found = onsets(runs, passing)
    if not found.came.any():
        raise NotEnough("it set in in no run")
    x, y = np.log(of), np.log(np.maximum(found.midway, 1.0))

    def power(weights: np.ndarray) -> np.ndarray:
        n = weights.sum(axis=1)
        mean_x, mean_y = weights @ x / n, weights @ y / n
        varies = weights @ x**2 / n - mean_x**2
        with np.errstate(divide="ignore", invalid="ignore"):
            return (weights @ (x * y) / n - mean_x * mean_y) / np.where(varies > 1e-9, varies, np.nan) - less

    never = (x - x.mean())[~found.came]
    detail = {"without_onset": float((~found.came).sum())}
    return opened(
        over_runs(power, len(runs), of.tolist(), detail),
        below=-math.inf if (never < -1e-9).any() else None,
        above=math.inf if (never > 1e-9).any() else None,
    )


def opened(found: Estimate, below: float | None, above: float | None) -> Estimate:
    """The same with ends that the runs do not bound."""
    return replace(
        found, low=found.low if below is None else below, high=found.high if above is None else above
    )


def paired_ratio(first: Onsets, second: Onsets, neither: str) -> Estimate:
    """The median over runs of one onset over another in the same run, with its sign-test interval.

    An onset that did not come is later than the run's end, so that its ratio is bounded on one side alone, and where
    neither came on none: the median is taken of what bounds all from below, and from above. The value is NaN where the
    two differ.

    Args:
        neither: what is said where none of either came.
    """
    from scipy.stats import binom

    n = len(first.onset)
    if n < 2 or not (first.came | second.came).any():
        raise NotEnough(neither)
    logs = np.log(first.restricted / second.restricted)
    low, high = np.where(second.came, logs, -np.inf), np.where(first.came, logs, np.inf)
    k = int(binom.ppf(TAIL, n, 0.5))
    with np.errstate(over="ignore"):
        ends = (
            (float(np.exp(np.sort(low)[k - 1])), float(np.exp(np.sort(high)[n - k])))
            if k
            else (0.0, math.inf)
        )
        at_least, at_most = float(np.exp(np.median(low))), float(np.exp(np.median(high)))
    detail = {
        "without_onset_first": float((~first.came).sum()),
        "without_onset_second": float((~second.came).sum()),
    }
    return Estimate(at_least if at_least == at_most else math.nan, *ends, n, detail)


def apart(ratio: Estimate) -> Estimate:
    """How far a ratio is from 1 whichever way: the greater of it and its inverse, with the interval of that.

    It is 1 where both are as great. An interval of the ratio that holds 1 has 1 for its lower end.
    """

    def folded(value: float) -> float:
        return max(value, 1 / value) if value > 0 else math.inf

    low, high = folded(ratio.low), folded(ratio.high)
    return Estimate(
        math.nan if math.isnan(ratio.value) else folded(ratio.value),
        1.0 if ratio.low <= 1 <= ratio.high else min(low, high),
        max(low, high),
        ratio.n,
        {"ratio": ratio.value} | dict(ratio.detail),
    )


def mean_of_bounds(bounds: Sequence[tuple[float, float]], neither: str) -> Estimate:
    """The mean over runs of a number of which each run gives bounds.

    The interval goes from the lower end of the least to the upper end of the most; an end that one run does not bound is
    open. The value is NaN where a run's bounds differ.

    Args:
        neither: what is said where runs bound it on neither side.
    """
    low, high = np.array(bounds).reshape(-1, 2).T
    ends = [mean_of_runs(side) if np.isfinite(side).all() else None for side in (low, high)]
    first, second = ends
    if first is None and second is None:
        raise NotEnough(neither)
    known = first is not None and (low == high).all()
    return Estimate(
        first.value if first is not None and known else math.nan,
        first.low if first is not None else -math.inf,
        second.high if second is not None else math.inf,
        len(bounds),
        {"bounded_alone": float((low != high).sum())},
    )


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


def least_share(hits: Sequence[Sequence[bool]]) -> Estimate:
    """The least of several shares of runs: above a threshold where all are, below it where one is.

    All must lie above for it to, so its lower end is the least of theirs. One suffices below, so its upper end is the least
    of those whose chance beyond is divided by how many there are (Bonferroni). n is the fewest runs of one.
    """
    shares = [share(one) for one in hits]
    highs = [share(one, tail=TAIL / len(hits)).high for one in hits]
    return Estimate(
        min(one.value for one in shares),
        min(one.low for one in shares),
        min(highs),
        min(one.n for one in shares),
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
