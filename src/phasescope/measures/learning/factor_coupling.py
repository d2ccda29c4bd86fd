"""Are x and y learnt together? Two answers: when they are learnt, and which images are right.

**Onset ratio.** t_y / t_x of the same run, over runs. Of an onset an interval is known (see `onsets`), after < t <= by, so a
pair bounds its ratio,

    after_y / by_x < t_y / t_x < by_y / after_x,

from one side only where x or y is censored, from none where both are; and the median of ratios lies between the medians
of the bounds. The interval is the sign test's (Conover 1999, section 3.2): of n sorted pairs, from the k-th lower
bound to the (n + 1 - k)-th upper bound, with k the largest such that P(Bin(n, 1/2) < k) <= 2.5 %. A bootstrap of the runs
would put it at nearly the same pairs, and between the least and the largest where there are few; but three pairs enclose
their median in 75 % of cases only. The sign test's holds whatever the ratios' distribution, and needs six pairs: where
n < 6 it is all positive numbers, and only the t interval of the log ratios, in `detail`, says more, for ratios that are
log-normal.

**Joint accuracy.** If an image is right in x independently of y, acc_xy = acc_x acc_y (Okawa et al. 2023 ask so of
concepts). Three measures of what is more, from the counts n_xy of images right or wrong in x and y:

    difference      acc_xy - acc_x acc_y
    phi             difference / sqrt(acc_x (1 - acc_x) acc_y (1 - acc_y)),   the correlation
    log odds ratio  log (n_11 n_00) / (n_10 n_01), each count plus 1/2 (Haldane 1956, Gart 1966)

The difference and phi have for their interval the percentiles of draws of the four shares from Jeffreys' posterior,
Dirichlet(counts + 1/2): a bootstrap never draws from an empty cell, and has width 0 where all images are in one; these
draws held the truth in 90 % or more of simulations, cells of an image or two included. The log odds ratio has
Gart's. Images of several runs are never pooled: runs that stand at different accuracies are together right or wrong,
coupled or not. Each run has its own measure, and the mean of runs a t interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from phasescope.measures.checks import check_count
from phasescope.measures.learning.onsets import LastSeen, LastWithout, Onsets, check_onsets
from phasescope.measures.learning.survival import known
from phasescope.measures.scores import CONFIDENCE, TAIL, Score, null_level, percentile_interval
from phasescope.randomness import numpy_generator


def onset_ratio(
    onsets_x: Onsets,
    onsets_y: Onsets,
    last_seen: LastSeen,
    last_without_x: LastWithout = None,
    last_without_y: LastWithout = None,
    permutations: int = 1000,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Score:
    """The median of t_y / t_x over n runs: 1 where x and y set in together, above 1 where y is later.

    The value is that of onsets as seen, at a snapshot, and NaN where censoring leaves it open; `detail` has its limits
    `at_least` and `at_most`, between snapshots too, the numbers of pairs with x, y or both censored, the sign test's
    p that the median is 1 (pairs that do not tell which came first are left out), and the geometric mean of the ratios
    as seen with its t interval, NaN where a pair is censored. The null `swapped` is the level that the value, open
    ones at their upper limit, stays below in 95 % of cases where x and y are swapped by chance in each run.

    Args:
        onsets_x, onsets_y: images seen when each was first seen, entry i from run i; None or NaN where it was not.
        last_seen: images seen at the run's end.
        last_without_x, last_without_y: images seen at the last snapshot before each onset; by default onsets are exact.
            With them a ratio is known no better than the snapshots' spacing allows, and the interval says so.
        confidence: of the intervals.

    Raises:
        ValueError: as `check_onsets` says, an onset at 0, x and y of different length, fewer than 2 runs.
    """
    check_count("permutations", permutations, 1, "a score needs its null")
    x = check_onsets("onsets_x", onsets_x, last_seen, last_without_x, positive=True)
    y = check_onsets("onsets_y", onsets_y, last_seen, last_without_y, positive=True)
    n = len(x.by)
    if len(y.by) != n or n < 2:
        raise ValueError(
            f"`onsets_y` (n={len(y.by)}) must be as long as `onsets_x` ({n}), both at least 2: runs"
        )
    as_seen = np.log(y.seen / x.seen)
    seen_low, seen_high = np.where(x.came, as_seen, -np.inf), np.where(y.came, as_seen, np.inf)
    with np.errstate(divide="ignore"):
        low, high = np.log(y.after / x.by), -np.log(x.after / y.by)

    from scipy.stats import binom, binomtest

    k = int(binom.ppf((1 - confidence) / 2, n, 0.5))
    y_later = int(((y.after > x.by) | ((y.after == x.by) & (y.after < y.by))).sum())
    x_later = int(((x.after > y.by) | ((x.after == y.by) & (x.after < x.by))).sum())
    swap = numpy_generator(seed, "onset ratio").random((permutations, n)) < 0.5
    null = np.median(np.where(swap, -seen_low, seen_high), axis=1)
    complete = bool((x.came & y.came).all())
    mean, t_low, t_high = t_interval(as_seen, confidence) if complete else (math.nan,) * 3
    return Score(
        value=known(math.exp(np.median(seen_low)), math.exp(np.median(seen_high))),
        low=math.exp(np.sort(low)[k - 1]) if k else 0.0,
        high=math.exp(np.sort(high)[n - k]) if k else math.inf,
        n=n,
        estimator="median of t_y / t_x over paired runs, sign-test interval",
        nulls={"swapped": math.exp(np.quantile(null, CONFIDENCE, method="higher"))},
        detail={
            "at_least": math.exp(np.median(low)),
            "at_most": math.exp(np.median(high)),
            "x_censored": float((~x.came & y.came).sum()),
            "y_censored": float((x.came & ~y.came).sum()),
            "both_censored": float((~x.came & ~y.came).sum()),
            "sign_p": float(binomtest(y_later, x_later + y_later).pvalue) if x_later + y_later else 1.0,
            "geometric_mean": math.exp(mean),
            "t_low": math.exp(t_low),
            "t_high": math.exp(t_high),
        },
    )


def t_interval(x: Float[np.ndarray, " n"], confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """The mean with its t interval."""
    from scipy.stats import t

    n = len(x)
    half = float(t.ppf((1 + confidence) / 2, n - 1)) * x.std(ddof=1) / math.sqrt(n)
    return float(x.mean()), float(x.mean() - half), float(x.mean() + half)


@dataclass(frozen=True)
class JointAccuracy:
    """How much more often than independence says an image is right in both x and y: 0 where it is not."""

    difference: Score
    """acc_xy - acc_x acc_y, from -1/4 to 1/4; `detail` has the accuracies."""
    phi: Score
    """From -1 to 1; NaN, with the whole range as its interval, where x or y is always right or always wrong."""
    log_odds_ratio: Score
    """Of y's odds where x is right, over those where it is wrong; finite, as 1/2 is added to each count."""


ESTIMATORS = {
    "difference": "acc_xy - acc_x acc_y",
    "phi": "phi coefficient",
    "log_odds_ratio": "log odds ratio, counts + 1/2",
}


def joint_accuracy(
    correct_x: Bool[np.ndarray, " *shape"],
    correct_y: Bool[np.ndarray, " *shape"],
    permutations: int = 1000,
    draws: int = 1000,
    seed: int = 0,
) -> JointAccuracy:
    """acc_xy against acc_x acc_y, from images that were right or wrong in x and in y.

    Of n images of one run, intervals are those of other images. Of n images from each of several runs, the value is the mean
    of the runs' own, and intervals are t intervals over runs; phi's mean is that of the runs where it is defined. The
    null `permuted` is the level that each stays below in 95 % of permutations of y's column, within each run:
    independence at the same acc_x and acc_y.

    Args:
        correct_x, correct_y: (n,), or (runs, n) of two runs or more.

    Raises:
        ValueError: not one truth value an image, x and y of different shape, n < 10, one run as (1, n).
    """
    check_count("permutations", permutations, 1, "a score needs its null")
    check_count("draws", draws, 2, "an interval needs them")
    x, y = _truths("correct_x", correct_x), _truths("correct_y", correct_y)
    if x.shape != y.shape or x.shape[-1] < 10:
        raise ValueError(
            f"`correct_y` (shape {y.shape}) must be of the shape of `correct_x` ({x.shape}), "
            "with at least 10 images"
        )
    x, y = np.atleast_2d(x, y)
    runs, n = x.shape
    n_x, n_y, n_xy = x.sum(axis=1), y.sum(axis=1), (x & y).sum(axis=1)
    counts = fourfold(n_xy, n_x, n_y, n)
    rng = numpy_generator(seed, "joint accuracy")
    both = rng.hypergeometric(n_x, n - n_x, n_y, size=(permutations, runs))
    each, null = associations(counts), associations(fourfold(both, n_x, n_y, n))
    defined = (n_x > 0) & (n_x < n) & (n_y > 0) & (n_y < n)
    used = {name: defined if name == "phi" else np.ones(runs, dtype=bool) for name in ESTIMATORS}
    if runs == 1:
        intervals = _of_images(counts[0], draws, rng)
    else:
        intervals = {name: _of_runs(values[used[name]]) for name, values in each.items()}
    detail = {
        "acc_x": float(n_x.mean() / n),
        "acc_y": float(n_y.mean() / n),
        "acc_xy": float(n_xy.mean() / n),
        "product": float((n_x * n_y).mean() / n**2),
    }

    scores = {}
    for name, label in ESTIMATORS.items():
        runs_used = int(used[name].sum())
        open_ended = name == "phi" and not runs_used
        low, high = (-1.0, 1.0) if open_ended else intervals[name]
        if name == "phi":
            low, high = max(low, -1.0), min(high, 1.0)
        scores[name] = Score(
            value=math.nan if open_ended else float(each[name][used[name]].mean()),
            low=low,
            high=high,
            n=n * runs,
            estimator=label
            + (f", mean of {runs_used} runs, t interval" if runs > 1 else ", interval over images"),
            nulls={} if open_ended else {"permuted": null_level(null[name][:, used[name]].mean(axis=1))},
            detail=detail,
        )
    return JointAccuracy(**scores)


def _of_images(
    counts: Int[np.ndarray, " 4"], draws: int, rng: np.random.Generator
) -> dict[str, tuple[float, float]]:
    """Intervals of each measure of one run's images."""
    value = {name: float(values[0]) for name, values in associations(counts[None]).items()}
    drawn = excess(rng.dirichlet(counts + 0.5, size=draws))
    error = NormalDist().inv_cdf(1 - TAIL) * math.sqrt((1 / (counts + 0.5)).sum())
    intervals = {name: percentile_interval(values) for name, values in drawn.items()}
    held = {name: (min(low, value[name]), max(high, value[name])) for name, (low, high) in intervals.items()}
    return held | {"log_odds_ratio": (value["log_odds_ratio"] - error, value["log_odds_ratio"] + error)}


def _of_runs(values: Float[np.ndarray, " runs"]) -> tuple[float, float]:
    """The t interval; the whole line from a single run, which says nothing of others."""
    return t_interval(values)[1:] if len(values) > 1 else (-math.inf, math.inf)


def fourfold(
    both: Int[np.ndarray, "*rows"], n_x: Int[np.ndarray, " runs"], n_y: Int[np.ndarray, " runs"], n: int
) -> Int[np.ndarray, "*rows 4"]:
    """Counts of right in both, in x only, in y only, in neither."""
    return np.stack([both, n_x - both, n_y - both, n - n_x - n_y + both], axis=-1)


def associations(counts: Int[np.ndarray, "*rows 4"]) -> dict[str, Float[np.ndarray, "*rows"]]:
    """The three measures, from `fourfold` counts."""
    n_11, n_10, n_01, n_00 = np.moveaxis(counts + 0.5, -1, 0)
    log_odds_ratio = np.log(n_11 * n_00 / (n_10 * n_01))
    return excess(counts / counts.sum(axis=-1, keepdims=True)) | {"log_odds_ratio": log_odds_ratio}


def excess(share: Float[np.ndarray, "*rows 4"]) -> dict[str, Float[np.ndarray, "*rows"]]:
    """Difference and phi, from shares of the four; phi is 0 where it is not defined."""
    both, acc_x, acc_y = share[..., 0], share[..., 0] + share[..., 1], share[..., 0] + share[..., 2]
    difference = both - acc_x * acc_y
    spread = np.sqrt(np.maximum(acc_x * (1 - acc_x) * acc_y * (1 - acc_y), 0))
    varies = spread > 1e-12
    return {"difference": difference, "phi": np.where(varies, difference / np.where(varies, spread, 1), 0.0)}


def _truths(name: str, values: ArrayLike) -> Bool[np.ndarray, "*runs n"]:
    x = np.asarray(values)
    if x.ndim not in (1, 2) or x.dtype != bool or x.shape[0] < x.ndim:
        raise ValueError(
            f"`{name}` (shape {x.shape}, {x.dtype}) must be (n,) of bool, one truth an image, or (runs, n) of 2 or more"
        )
    return x
