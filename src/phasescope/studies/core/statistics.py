"""Statistics of runs, each with an interval that speaks for runs: they are what is independent, snapshots are not.

Shares of runs have the exact interval of Clopper & Pearson (1934). All else is a statistic of several runs, whose interval
comes from resampling whole runs (a cluster bootstrap), within strata where the design sets their numbers. For the
few runs of a cell percentiles are too narrow; their level is moved to where those of a mean would be right (Hesterberg 2015,
"expanded percentile"):

    alpha'/2 = Phi(-sqrt(n / (n - 1)) t_{f, 1 - alpha/2}),

n the fewest runs of a stratum, f all runs less the strata. That level is so far out that chance among resamples could move
an end over a threshold: of few runs all resamples there are are taken, each as often as it comes, of more as many as leave
`BEYOND` beyond each end.

Claims are judged at two looks at most, each with intervals of 97.5 %: by Bonferroni both together err in no more than 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np

from phasescope.measures.learning.factor_coupling import onset_ratio
from phasescope.measures.scores import bootstrap_weights
from phasescope.randomness import numpy_generator
from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.criteria import Onsets, runs_of

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.975
"""of every interval over runs: 1 - 0.05 / 2, as there are two looks"""
LEVEL = f"{100 * CONFIDENCE:g} %"
"""the same, as it is printed"""
TAIL = (1 - CONFIDENCE) / 2
RESAMPLES = 2000
"""the fewest, and as many as controls are judged by, so many times that chance among them evens out"""
BEYOND, MOST_RESAMPLES = 100, 100_000
"""resamples that lie beyond each end, unless that takes more than the most"""
ALL_OF = 9
"""runs of one stratum of which all resamples are taken: 24,310 of nine"""
AT_ONCE = 4096
"""resamples of which a statistic is computed together"""
_FEWER: ContextVar[int | None] = ContextVar("resamples", default=None)


def share(hits: Sequence[bool], detail: Mapping[str, float] | None = None, tail: float = TAIL) -> Estimate:
    """The share of n runs in which something was so, with its exact interval; `tail` is the chance beyond each end."""
    from scipy.stats import beta

    n, k = len(hits), int(sum(hits))
    if n == 0:
        raise NotEnough("no run tells")
    low = float(beta.ppf(tail, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(1 - tail, k + 1, n - k)) if k < n else 1.0
    return Estimate(k / n, low, high, n, {"runs": float(k), **(detail or {})})


@contextmanager
def rehearsed(resamples: int = RESAMPLES) -> Iterator[None]:
    """Within the block, intervals over runs rest on this many resamples."""
    token = _FEWER.set(resamples)
    try:
        yield
    finally:
        _FEWER.reset(token)


def over_runs(
    statistic: Callable[[np.ndarray], np.ndarray],
    n: int,
    strata: Sequence[object] | None = None,
    detail: Mapping[str, float] | None = None,
) -> Estimate:
    """A statistic of n runs with its cluster-bootstrap interval.

    Args:
        statistic: from weights (S, n), how often each run is drawn, to (S,); NaN where a resample does not define it.
        n: runs.
        strata: of each run; runs are drawn within them. One stratum without.

    Raises:
        NotEnough: fewer than 2 runs, or the statistic is not defined.
    """
    if n < 2:
        raise NotEnough(f"an interval over runs needs at least 2 of them, not {n}")
    labels = np.unique([str(s) for s in strata or [0] * n], return_inverse=True)[1]
    sizes = np.bincount(labels)
    if sizes.min() < 2:
        raise NotEnough("an interval over runs needs at least 2 of them in each cell")
    tail = expanded_tail(int(sizes.min()), n - len(sizes))
    value = float(statistic(np.ones((1, n)))[0])
    if len(sizes) == 1 and n <= ALL_OF:
        weights, chances = every_resample(n)
    else:
        count = _FEWER.get() or int(np.clip(math.ceil(BEYOND / tail), RESAMPLES, MOST_RESAMPLES))
        generator = numpy_generator(0, "study bootstrap")
        weights, chances = np.zeros((count, n)), np.full(count, 1 / count)
        for label in range(len(sizes)):
            members = np.flatnonzero(labels == label)
            weights[:, members] = bootstrap_weights(len(members), count, generator)
    parts = [statistic(weights[at : at + AT_ONCE]) for at in range(0, len(weights), AT_ONCE)]
    replicates = np.concatenate(parts)
    known = np.isfinite(replicates)
    if not math.isfinite(value) or chances[known].sum() < 0.5:
        raise NotEnough("the runs do not define the statistic: what it compares does not vary")
    low, high = _quantiles(replicates[known], chances[known], (tail, 1 - tail))
    return Estimate(value, low, high, n, dict(detail or {}))


@cache
def every_resample(n: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each of n runs is drawn in each way to draw n of them, (S, n), and the chance of it, (S,)."""
    drawn = np.array(list(combinations_with_replacement(range(n), n)))
    weights = (drawn[:, :, None] == np.arange(n)).sum(axis=1).astype(float)
    ways = math.factorial(n) / np.array([math.prod(map(math.factorial, row)) for row in weights.astype(int)])
    return weights, ways / n**n


def _quantiles(values: np.ndarray, chances: np.ndarray, at: Sequence[float]) -> list[float]:
    """The least values that are not exceeded with these chances."""
    ascending = np.argsort(values, kind="stable")
    reached = np.cumsum(chances[ascending]) / chances.sum()
    places = np.searchsorted(reached, np.array(at) - 1e-12).clip(max=len(values) - 1)
    return values[ascending][places].tolist()


def expanded_tail(size: int, freedom: int) -> float:
    """alpha' / 2, of runs drawn `size` together, with `freedom` degrees of freedom left in all."""
    from scipy.stats import norm, t

    return float(norm.sf(math.sqrt(size / (size - 1)) * t.ppf(1 - TAIL, freedom)))


def mean_of_runs(
    values: Sequence[float] | np.ndarray,
    detail: Mapping[str, float] | None = None,
    strata: Sequence[object] | None = None,
) -> Estimate:
    """The mean of one number a run, with its bootstrap interval over runs; runs that have none (NaN) are left out."""
    has = np.isfinite(np.array(values, dtype=float))
    known = np.array(values, dtype=float)[has]
    kept = None if strata is None else [stratum for stratum, told in zip(strata, has, strict=True) if told]

    def mean(weights: np.ndarray) -> np.ndarray:
        return weights @ known / weights.sum(axis=1)

    return over_runs(mean, len(known), kept, detail)


def mean_over_runs(
    cells: Sequence[str], of_run: Callable[[pd.DataFrame], float]
) -> Callable[[pd.DataFrame], Estimate]:
    """For a claim: the mean of a number a run, over the runs of these cells."""
    return lambda frame: mean_of_runs([of_run(run) for run in runs_of(frame, cells)])


def share_of_runs(
    cells: Sequence[str], holds: Callable[[pd.DataFrame], bool]
) -> Callable[[pd.DataFrame], Estimate]:
    """For a claim: the share of the runs of these cells of which something holds."""
    return lambda frame: share([holds(run) for run in runs_of(frame, cells)])


def onset_after(first: Onsets, second: Onsets, neither: str, detail: Mapping[str, float]) -> Estimate:
    """The median over runs of the second's onset over the first's in the same run, with its sign-test interval.

    Args:
        neither: what is said where none of either came.
    """
    if len(first.onset) < 2 or not (first.came.any() or second.came.any()):
        raise NotEnough(neither)
    score = onset_ratio(
        first.onset, second.onset, first.last, first.without, second.without, confidence=CONFIDENCE
    )
    return Estimate(score.value, score.low, score.high, score.n, detail)


def partial_spearman(x: np.ndarray, y: np.ndarray, given: Sequence[np.ndarray] = ()) -> float:
    """Spearman's correlation of x and y, or with ranks that are first rid, by least squares, of the ranks of others.

    0 where x or y has nothing left that varies: what does not vary cannot go along. Rows with a NaN are left out.
    """
    from scipy.stats import rankdata

    columns = np.column_stack([x, y, *given]).astype(float)
    columns = columns[np.isfinite(columns).all(axis=1)]
    if len(columns) < 4 + len(given):
        return math.nan
    ranked = rankdata(columns, axis=0)
    design = np.column_stack([np.ones(len(ranked)), ranked[:, 2:]])
    left = ranked[:, :2] - design @ np.linalg.lstsq(design, ranked[:, :2], rcond=None)[0]
    variances = (left**2).sum(axis=0)
    if variances.min() <= 1e-9 * len(ranked) ** 2:
        return 0.0
    return float(left[:, 0] @ left[:, 1] / math.sqrt(variances.prod()))


def ranks_within(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean ranks (S, n) of n values where each is there as often as weights (S, n) say."""
    group = np.unique(values, return_inverse=True)[1]
    there = weights @ np.eye(group.max() + 1)[group]
    return (np.cumsum(there, axis=1) - there / 2 + 0.5)[:, group]


def spearman_over_runs(x: np.ndarray, y: np.ndarray, detail: Mapping[str, float] | None = None) -> Estimate:
    """Spearman's correlation of one number a run with another, ranks within each resample."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]

    if len(x) < 4:
        raise NotEnough(f"a rank correlation over runs needs at least 4 of them, not {len(x)}")

    def correlation(weights: np.ndarray) -> np.ndarray:
        """(S,); 0 where x or y does not vary within a resample."""
        n = weights.sum(axis=1, keepdims=True)
        of_x, of_y = (
            ranks - (weights * ranks).sum(axis=1, keepdims=True) / n
            for ranks in (ranks_within(x, weights), ranks_within(y, weights))
        )
        xx, yy, xy = ((weights * square).sum(axis=1) for square in (of_x**2, of_y**2, of_x * of_y))
        varies = np.minimum(xx, yy) > 1e-9 * n[:, 0] ** 2
        return np.where(varies, xy / np.sqrt(np.where(varies, xx * yy, 1)), 0.0)

    return over_runs(correlation, len(x), detail=detail)


def kappa(tables: Sequence[np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Cohen's kappa of the weighted sum of runs' agreement tables (L, L), as a statistic for `over_runs`.

    With p the shares: (sum_i p_ii - sum_i p_i. p_.i) / (1 - sum_i p_i. p_.i); NaN where both always say the same.
    """
    stacked = np.stack(tables).astype(float)

    def statistic(weights: np.ndarray) -> np.ndarray:
        p = np.einsum("sn,nij->sij", weights, stacked)
        total = p.sum(axis=(1, 2))
        p = p / np.where(total > 0, total, np.nan)[:, None, None]
        observed = np.trace(p, axis1=1, axis2=2)
        expected = (p.sum(axis=1) * p.sum(axis=2)).sum(axis=1)
        beyond = np.where(np.abs(observed - expected) > 1e-12, observed - expected, 0.0)
        return beyond / np.where(expected < 1 - 1e-12, 1 - expected, np.nan)

    return statistic


def agreement(one: Sequence[str], other: Sequence[str], letters: Sequence[str] = "ABC") -> np.ndarray:
    """How often the two say which letters, (L, L); where either says none of them nothing is counted."""
    index = {
        letter: row for row, letter in enumerate(letters)
    }  # `"" in "ABC"` is true, and no letter is none of them
    table = np.zeros((len(letters), len(letters)))
    for a, b in zip(one, other, strict=True):
        if a in index and b in index:
            table[index[a], index[b]] += 1
    return table


def sooner(found: Onsets, of: np.ndarray, within: Sequence[object]) -> Estimate:
    """Somers' D of onsets: does more of something bring an onset sooner?

    Over pairs of runs within the same stratum that differ in `of`: (pairs in which the run with more has the earlier onset
    less pairs in which it has the later one) / pairs that can be compared. A run without onset is later than one whose
    onset came while it was watched; two without cannot be compared (Harrell 1982). Equal onsets count for neither.

    `detail` has the factor by which the onset changes with each doubling of `of`: the median over pairs whose onsets
    both came (Theil 1950), 1 where there is no effect.

    Args:
        found: of n runs.
        of: (n,), positive.
        within: stratum of each run.
    """
    of, stratum = np.asarray(of, dtype=float), np.unique([str(s) for s in within], return_inverse=True)[1]
    t = found.restricted
    same = stratum[:, None] == stratum
    more = (of[:, None] > of) & same
    earlier = found.came[:, None] & ((t[:, None] < t) | (~found.came & (t[:, None] <= t)))
    valid = more & (earlier | earlier.T | (found.came[:, None] & found.came))
    sign = (earlier.astype(float) - earlier.T) * valid
    if not valid.any():
        raise NotEnough("no two runs that differ in it had onsets that can be compared")

    both = more & found.came[:, None] & found.came
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = (np.log2(t[:, None] / t) / np.log2(of[:, None] / of))[both]
    detail = {
        "factor_per_doubling": float(2 ** np.median(slopes)) if len(slopes) else math.nan,
        "without_onset": float((~found.came).sum()),
        "pairs": float(valid.sum()),
    }
    cells = [f"{s} {value:g}" for s, value in zip(stratum, of, strict=True)]
    return over_runs(mean_of_pairs(sign, valid), len(of), strata=cells, detail=detail)


def mean_of_pairs(values: np.ndarray, counted: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The mean of a number of each pair of n runs, (n, n), over those that are counted, as a statistic for `over_runs`; 0 is
    the number of pairs that are not. NaN where a resample has none."""
    counts = counted.astype(float)

    def statistic(weights: np.ndarray) -> np.ndarray:
        whole = ((weights @ counts) * weights).sum(axis=1)
        return ((weights @ values) * weights).sum(axis=1) / np.where(whole > 0, whole, np.nan)

    return statistic


def area(at: np.ndarray, values: np.ndarray) -> float:
    """The mean of a curve over where it was seen: its area by the trapezoid rule over the span."""
    known = np.isfinite(values)
    return float(np.trapezoid(values[known], at[known]) / (at[known][-1] - at[known][0]))
