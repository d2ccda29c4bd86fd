"""Estimates that compare: onsets of two cells, several readings of one question, a size whatever its sign."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.criteria import Onsets, Passing, onsets, runs_of
from phasescope.studies.core.statistics import TAIL, mean_of_pairs, mean_of_runs, over_runs, share

if TYPE_CHECKING:
    import pandas as pd

FAR = 1e9
"""in the place of a bound that is not finite"""


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


def median_exponent(
    runs: Sequence[pd.DataFrame], passing: Passing, of: np.ndarray, less: float = 0.0
) -> Estimate:
    """The power of something with which median onsets, in steps, grow, less a number: by least squares of their logs.

    An onset is put half way between two snapshots: put at the later one, early onsets would seem later than they are. One
    that did not come comes after all that did: where it is no median, it moves nothing. Where it is one the median is no
    earlier than the run's end, and the power bounded on one side.

    Args:
        of: of each run, (n,), positive; medians are of runs that have as much, and runs are drawn within these.

    Raises:
        NotEnough: it came in no run, or all runs have as much.
    """
    found = onsets(runs, passing)
    if not found.came.any():
        raise NotEnough("it set in in no run")
    amounts, group = np.unique(of, return_inverse=True)
    if len(amounts) < 2:
        raise NotEnough("all runs have as much")
    x = np.log(amounts)
    slopes = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    logs = np.log(np.maximum(found.midway, 1.0))

    def power(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        least, most = np.zeros(len(weights)), np.zeros(len(weights))
        for number, slope in enumerate(slopes.tolist()):
            if slope:
                own = group == number
                low, high = _median(logs[own], found.came[own], weights[:, own])
                least += slope * (low if slope > 0 else high)
                most += slope * (high if slope > 0 else low)
        return least - less, most - less

    return bounded_over_runs(power, len(runs), of.tolist())


def _median(logs: np.ndarray, came: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the most that the median can be, (S,) each, of onsets as often as weights (S, n) have them; those that
    did not come are the last."""
    ascending = np.lexsort((logs, ~came))
    reached = np.cumsum(weights[:, ascending], axis=1)
    half = reached[:, -1:] / 2
    middle = ascending[np.stack([(reached < half).sum(axis=1), (reached <= half).sum(axis=1)])]
    low = logs[middle].mean(axis=0)
    return low, np.where(came[middle].all(axis=0), low, math.inf)


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


def bounded_over_runs(
    bounds: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], n: int, strata: Sequence[object] | None
) -> Estimate:
    """A statistic of n runs that is bounded, the same on both sides where it is known; over resamples of runs.

    The interval goes from the lower end of the least to the upper end of the most. The value is NaN where they differ.

    Args:
        bounds: from weights (S, n) to the least and the most, (S,) each, infinite where nothing bounds it.

    Raises:
        NotEnough: runs bound it on neither side.
    """

    def side(which: int) -> Estimate:
        return over_runs(lambda weights: np.clip(bounds(weights)[which], -FAR, FAR), n, strata)

    low, high = side(0), side(1)
    if low.low <= -FAR and high.high >= FAR:
        raise NotEnough("the runs bound it on neither side")
    return Estimate(
        low.value if low.value == high.value else math.nan,
        low.low if low.low > -FAR else -math.inf,
        high.high if high.high < FAR else math.inf,
        n,
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


def difference_of_means(first: np.ndarray, second: np.ndarray) -> Estimate:
    """The mean of a number of some runs, (n,), less that of others, (m,); runs are drawn within both."""
    values = np.concatenate([first, second])
    of_first = np.arange(len(values)) < len(first)

    def difference(weights: np.ndarray) -> np.ndarray:
        ones, others = weights * of_first, weights * ~of_first
        return ones @ values / ones.sum(axis=1) - others @ values / others.sum(axis=1)

    detail = {"first": float(first.mean()), "second": float(second.mean())}
    return over_runs(difference, len(values), of_first.tolist(), detail)


def somers(
    values: np.ndarray, of: np.ndarray, within: Sequence[object], strata: Sequence[object] | None = None
) -> Estimate:
    """Somers' D of runs' values with something, over pairs of runs within the same that differ in it: the share of pairs in
    which the run with more of it has the greater value, less those in which it has the smaller one.

    Args:
        values, of: of each run, (n,).
        within: what pairs have in common, of each run.
        strata: within which runs are drawn; that and `of` together where None.
    """
    group = np.unique([str(one) for one in within], return_inverse=True)[1]
    more = (of[:, None] > of) & (group[:, None] == group)
    sign = mean_of_pairs(np.sign(values[:, None] - values) * more, more)
    return over_runs(sign, len(values), strata or list(zip(within, of.tolist(), strict=True)))


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


def sized(one: Estimate) -> Estimate:
    """How far from 0 an estimate is: the interval of its absolute value."""
    low = 0.0 if one.low <= 0 <= one.high else min(abs(one.low), abs(one.high))
    signed = {"signed": one.value} | dict(one.detail)
    return Estimate(abs(one.value), low, max(abs(one.low), abs(one.high)), one.n, signed)


def size(of: Callable[[pd.DataFrame], Estimate]) -> Callable[[pd.DataFrame], Estimate]:
    """The same of what is estimated of records."""
    return lambda frame: sized(of(frame))


def mean_where(values: np.ndarray, where: np.ndarray) -> float:
    """The mean of some values; NaN where there is none."""
    chosen = values[where & np.isfinite(values)]
    return float(chosen.mean()) if len(chosen) else math.nan
