"""Statistics of several runs, each with an interval: runs are the independent units, snapshots are not.

They are functions of resampling weights (S, n), how often each of n runs is drawn in each of S resamples, to S values.
Shares of runs have the exact interval of Clopper & Pearson (1934). Everything else has an interval from resampling whole
runs (a cluster bootstrap), within strata where the design sets their numbers. Percentiles are too narrow for the few
runs of a cell, so their level is moved to where those of a mean would be correct (Hesterberg 2015, "expanded
percentile"):

    alpha'/2 = Phi(-sqrt(n / (n - 1)) t_{f, 1 - alpha/2}),

with n the fewest runs of a stratum and f all runs minus the number of strata.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import combinations_with_replacement

import numpy as np

from phasescope.core.randomness import numpy_generator
from phasescope.measures.scores import bootstrap_weights

# Two interim analyses have intervals of 1 - 0.05 / 2 each: by Bonferroni both together err in at most 5 %, as far as an
# interval covers what it states (of eight normal runs 96.8 %, of six 96 %).
CONFIDENCE = 0.975
LEVEL = f"{100 * CONFIDENCE:g} %"
TAIL = (1 - CONFIDENCE) / 2
# Controls use this number, the fewest, since chance among resamples averages out over their many trials.
RESAMPLES = 2000
BEYOND, MOST_RESAMPLES = 100, 100_000
"""resamples outside each end, unless that takes more than the most"""
# All distinct resamples of a single stratum are counted up to nine runs: these have 24,310.
ALL_RESAMPLES_UP_TO = 9
# A statistic is computed for so many resamples together, which bounds memory.
AT_ONCE = 4096
_FIXED: ContextVar[int | None] = ContextVar("resamples", default=None)


class NotEnough(ValueError):
    """The records lack what an estimate needs; the message says what is missing."""


@dataclass(frozen=True)
class Estimate:
    """A statistic of several runs with its interval."""

    value: float
    low: float
    """lower end; -inf if the runs do not bound it"""
    high: float
    """upper end; inf if the runs do not bound it"""
    n: int
    """runs"""
    detail: Mapping[str, float] = field(default_factory=dict)
    """further numbers that help to read it, by name"""
    censored: str = ""
    """which runs stopped too early for the claim to be judged; empty if none did"""


@contextmanager
def fixed_resamples(count: int = RESAMPLES) -> Iterator[None]:
    """Let every bootstrap within the block use `count` resamples."""
    token = _FIXED.set(count)
    try:
        yield
    finally:
        _FIXED.reset(token)


def share_interval(hits: Sequence[bool] | np.ndarray, tail: float = TAIL) -> Estimate:
    """Return the share of n runs in which something holds, with its exact interval.

    Args:
        tail: probability beyond each end.

    Raises:
        NotEnough: there is no run.
        ValueError: `hits` are no truth values.
    """
    if other := [hit for hit in hits if hit not in (0, 1)]:
        raise ValueError(f"`hits` (={other[0]!r:.60}) must be truth values: whether it holds in each run")
    n, k = len(hits), int(sum(hits))
    if n == 0:
        raise NotEnough("no run can be counted")

    low, high = _exact_share_interval(k, n, tail)
    return Estimate(value=k / n, low=low, high=high, n=n, detail={"runs": float(k)})


@lru_cache(
    maxsize=4096
)  # it takes milliseconds, and simulated studies of n runs ask for a few k again and again
def _exact_share_interval(k: int, n: int, tail: float) -> tuple[float, float]:
    """Return the ends of the exact interval (Clopper & Pearson 1934) of the share of n runs of which k are counted."""
    from scipy.stats import binomtest

    interval = binomtest(k, n).proportion_ci(1 - 2 * tail, "exact")
    return float(interval.low), float(interval.high)


def over_runs(
    statistic: Callable[[np.ndarray], np.ndarray],
    n: int,
    strata: Sequence[object] | None = None,
    detail: Mapping[str, float] | None = None,
) -> Estimate:
    """Return a statistic of n runs with its cluster-bootstrap interval.

    Args:
        statistic: maps weights (S, n), how often each run is drawn, to values (S,); NaN where a resample does not define it.
            The weights are read-only.
        n: number of runs.
        strata: stratum of each run; runs are resampled within strata. A single stratum by default.

    Raises:
        NotEnough: fewer than two runs in a stratum, or the statistic is undefined.
        ValueError: `strata` are not those of n runs; the statistic returns no value for each row of weights.
    """
    if n < 2:
        raise NotEnough(f"an interval over runs needs at least 2 runs, not {n}")
    if strata is not None and len(strata) != n:
        raise ValueError(f"`strata` (length {len(strata)}) must be one for each of the {n} runs")

    labels = np.unique([str(s) for s in ([0] * n if strata is None else strata)], return_inverse=True)[1]
    sizes = np.bincount(labels)
    if sizes.min() < 2:
        raise NotEnough("an interval over runs needs at least 2 runs in each cell")
    tail = _expanded_tail(int(sizes.min()), n - len(sizes))

    of_all = np.asarray(statistic(np.ones((1, n))))
    if of_all.shape != (1,):
        raise ValueError(
            f"`statistic` (shape {of_all.shape} for weights (1, {n})) must return one value for each row"
        )
    value = float(of_all[0])

    if len(sizes) == 1 and n <= ALL_RESAMPLES_UP_TO:
        weights, chances = _every_resample(n)
    else:
        # The level lies so far out that chance among the resamples could move an end across a threshold: for few runs every
        # resample is taken with its probability, for more runs as many as leave `BEYOND` outside each end.
        count = _FIXED.get() or int(np.clip(math.ceil(BEYOND / tail), RESAMPLES, MOST_RESAMPLES))
        weights, chances = _some_resamples(tuple(labels.tolist()), count), np.full(count, 1 / count)

    parts = [statistic(weights[at : at + AT_ONCE]) for at in range(0, len(weights), AT_ONCE)]
    replicates = np.concatenate(parts)
    known = np.isfinite(replicates)
    if not math.isfinite(value) or chances[known].sum() < 0.5:
        raise NotEnough("the runs do not define the statistic: what it compares does not vary")

    # Of resamples with their probabilities a quantile is one of them, and no mean of two neighbours.
    low, high = np.quantile(
        replicates[known], (tail, 1 - tail), weights=chances[known], method="inverted_cdf"
    )
    return Estimate(value=value, low=float(low), high=float(high), n=n, detail=dict(detail or {}))


@cache
def _every_resample(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how often each of n runs is drawn in every distinct resample, (S, n), and its probability, (S,)."""
    drawn = np.array(list(combinations_with_replacement(range(n), n)))
    weights = (drawn[:, :, None] == np.arange(n)).sum(axis=1).astype(float)
    ways = math.factorial(n) / np.array([math.prod(map(math.factorial, row)) for row in weights.astype(int)])
    weights.flags.writeable = False
    return weights, ways / n**n


@lru_cache(maxsize=4)  # claims on the same runs, and simulated runs of one design, ask again and again
def _some_resamples(labels: tuple[int, ...], count: int) -> np.ndarray:
    """Return how often each run is drawn in each resample within the strata `labels`, (count, n)."""
    generator = numpy_generator(0, "study bootstrap")
    strata, weights = np.array(labels), np.zeros((count, len(labels)))
    for label in range(max(labels) + 1):
        members = np.flatnonzero(strata == label)
        weights[:, members] = bootstrap_weights(len(members), count, generator)
    weights.flags.writeable = False
    return weights


@cache  # scipy's distributions take longer than a bootstrap, and simulated runs of one design ask again and again
def _expanded_tail(size: int, freedom: int) -> float:
    """Return alpha'/2 for strata of `size` runs and `freedom` degrees of freedom in all."""
    from scipy.stats import norm, t

    return float(norm.sf(math.sqrt(size / (size - 1)) * t.ppf(1 - TAIL, freedom)))


def mean_over_runs(
    values: np.ndarray, strata: Sequence[object] | None = None, detail: Mapping[str, float] | None = None
) -> Estimate:
    """Return the mean of one number per run, (n,); ValueError if there are several."""
    if np.ndim(values) != 1:
        raise ValueError(f"`values` (shape {np.shape(values)}) must be (n,): one number a run")
    return over_runs(lambda weights: weights @ values / weights.sum(axis=1), len(values), strata, detail)


def mean_over_pairs(values: np.ndarray, counted: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return a statistic for `over_runs`: the mean of `values` (n, n) over the pairs of runs in the mask `counted` (n, n).

    `values` must be 0 outside the mask. A resample without any such pair gives NaN.
    """
    counts = counted.astype(float)

    def statistic(weights: np.ndarray) -> np.ndarray:
        total = ((weights @ counts) * weights).sum(axis=1)
        return ((weights @ values) * weights).sum(axis=1) / np.where(total > 0, total, np.nan)

    return statistic


def covering(estimates: Sequence[Estimate]) -> Estimate:
    """Combine estimates of one quantity by several readings into the interval that covers all of them.

    A claim is then decided only if all readings agree. The value is the last reading's.
    """
    if len(estimates) == 1:
        return estimates[0]
    detail = {f"reading_{number}": estimate.value for number, estimate in enumerate(estimates, 1)}
    return Estimate(
        value=estimates[-1].value,
        low=min(estimate.low for estimate in estimates),
        high=max(estimate.high for estimate in estimates),
        n=min(estimate.n for estimate in estimates),
        detail=detail,
        censored=next((estimate.censored for estimate in estimates if estimate.censored), ""),
    )


def magnitude(estimate: Estimate) -> Estimate:
    """Return the estimate of the absolute value: an interval that holds 0 starts at 0."""
    low = 0.0 if estimate.low <= 0 <= estimate.high else min(abs(estimate.low), abs(estimate.high))
    high = max(abs(estimate.low), abs(estimate.high))
    detail = {"signed": estimate.value} | dict(estimate.detail)
    return replace(estimate, value=abs(estimate.value), low=low, high=high, detail=detail)


def spearman(x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return Spearman's correlation of x and y, (n,), under weights (S, n)."""

    def rho(weights: np.ndarray) -> np.ndarray:
        """(S,); 0 where x or y does not vary within a resample."""
        n = weights.sum(axis=1, keepdims=True)
        of_x, of_y = (
            ranks - (weights * ranks).sum(axis=1, keepdims=True) / n
            for ranks in (ranks_within(x, weights), ranks_within(y, weights))
        )
        xx, yy, xy = ((weights * square).sum(axis=1) for square in (of_x**2, of_y**2, of_x * of_y))
        varies = np.minimum(xx, yy) > 1e-9 * n[:, 0] ** 2
        return np.where(varies, xy / np.sqrt(np.where(varies, xx * yy, 1)), 0.0)

    return rho


def ranks_within(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return mean ranks (S, n) of n values that occur as often as weights (S, n) say."""
    group = np.unique(values, return_inverse=True)[1]
    there = weights @ np.eye(group.max() + 1)[group]
    return (np.cumsum(there, axis=1) - there / 2 + 0.5)[:, group]


def kappa(tables: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return kappa of the weighted sum of runs' tables (n, L, L); NaN where both sides always say the same."""

    def statistic(weights: np.ndarray) -> np.ndarray:
        p = np.einsum("sn,nij->sij", weights, tables)
        total = p.sum(axis=(1, 2))
        p = p / np.where(total > 0, total, np.nan)[:, None, None]
        observed = np.trace(p, axis1=1, axis2=2)
        expected = (p.sum(axis=1) * p.sum(axis=2)).sum(axis=1)
        beyond = np.where(np.abs(observed - expected) > 1e-12, observed - expected, 0.0)
        return beyond / np.where(expected < 1 - 1e-12, 1 - expected, np.nan)

    return statistic
