"""Do groups of runs differ in when something sets in? The log-rank test, and the ratio of two groups' medians.

At each time t_j with d_j onsets, Y_j runs were still without one and watched, Y_gj of them in group g. If onsets were of
one distribution, group g's share of the d_j would be hypergeometric with mean and covariance (Mantel 1966; Peto & Peto 1972)

    E_gj = d_j Y_gj / Y_j,      V_ghj = d_j (Y_j - d_j) / (Y_j - 1) Y_gj / Y_j (1[g = h] - Y_hj / Y_j),

and with sums over times, O_g the group's onsets, the statistic is (O - E)^T V^- (O - E). With many onsets it is
chi-squared with one degree of freedom less than there are groups; with the five runs that a group has here it is
not, so p is that of permuting runs among groups. Permutation asks that groups were watched alike: where
one's runs end sooner by design, use `p_chi2`.

Onsets are placed at the snapshot that first showed them, ties as above: exact for groups with the same snapshots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from phasescope.measures.checks import check_count, check_draws
from phasescope.measures.onsets import LastSeen, LastWithout, Observed, Onsets, Ordered, check_onsets
from phasescope.measures.scores import CONFIDENCE, TAIL, Score, bootstrap_weights
from phasescope.measures.survival import known, median_limits, median_onset
from phasescope.randomness import numpy_generator


@dataclass(frozen=True)
class LogRank:
    """Whether groups' onsets are of one distribution."""

    statistic: float
    freedom: int
    """Groups less one."""
    p: float
    """By permutation of runs among groups."""
    p_chi2: float
    """By the chi-squared distribution."""
    observed: Mapping[str, int]
    """Onsets that came, by group."""
    expected: Mapping[str, float]
    """Onsets expected were all groups alike: a group with more than that is sooner."""
    medians: Mapping[str, Score]
    """Kaplan-Meier medians, by group."""


def logrank(
    groups: Mapping[str, Onsets],
    last_seen: Mapping[str, LastSeen] | LastSeen,
    permutations: int = 2000,
    seed: int = 0,
) -> LogRank:
    """The log-rank test of two groups of runs or more.

    Args:
        groups: onsets in images seen by group; None or NaN where a run ended before.
        last_seen: images seen at the runs' ends, by group or for all.

    Raises:
        ValueError: as `check_onsets` says; fewer than 2 groups; no onset in any; a group without its `last_seen`.
    """
    check_count("permutations", permutations, 1, "a test by permutation")
    if len(groups) < 2:
        raise ValueError(f"`groups` (={list(groups)}) must be 2 at least: one is compared with others")
    ends = last_seen if isinstance(last_seen, Mapping) else dict.fromkeys(groups, last_seen)
    missing = [name for name in groups if name not in ends]
    if missing:
        raise ValueError(f"`last_seen` (of {', '.join(ends)}) must have an entry for {missing[0]}")
    observed = [check_onsets(f"groups[{name}]", onsets, ends[name]) for name, onsets in groups.items()]
    if not any(group.came.any() for group in observed):
        raise ValueError(f"`groups` (={list(groups)}, all censored) must hold an onset: nothing to compare")
    statistic, p, came, expected = _test(observed, permutations, numpy_generator(seed, "log-rank"))

    from scipy.stats import chi2

    return LogRank(
        statistic=statistic,
        freedom=len(groups) - 1,
        p=p,
        p_chi2=float(chi2.sf(statistic, len(groups) - 1)),
        observed=dict(zip(groups, came.astype(int).tolist(), strict=True)),
        expected=dict(zip(groups, expected.tolist(), strict=True)),
        medians={name: median_onset(onsets, ends[name]) for name, onsets in groups.items()},
    )


def _pool(groups: list[Observed]) -> tuple[Observed, Bool[np.ndarray, "n G"]]:
    """All runs, and which group each is of."""
    pooled = Observed(np.concatenate([g.after for g in groups]), np.concatenate([g.by for g in groups]))
    of = np.repeat(np.arange(len(groups)), [len(g.by) for g in groups])
    return pooled, of[:, None] == np.arange(len(groups))


def _test(
    groups: list[Observed], permutations: int, rng: np.random.Generator
) -> tuple[float, float, Float[np.ndarray, " G"], Float[np.ndarray, " G"]]:
    """Statistic, permutation p, onsets observed and expected."""
    pooled, member = _pool(groups)
    ordered = pooled.in_order()
    dealt = rng.permuted(np.tile(np.arange(len(member)), (permutations, 1)), axis=1)
    statistics, came, expected = _statistics(ordered, np.concatenate([member[None], member[dealt]]))
    at_least = statistics[1:] >= statistics[0] * (1 - 1e-9)
    return float(statistics[0]), float((1 + at_least.sum()) / (1 + permutations)), came[0], expected[0]


def _statistics(
    ordered: Ordered, member: Bool[np.ndarray, "R n G"]
) -> tuple[Float[np.ndarray, " R"], Float[np.ndarray, "R G"], Float[np.ndarray, "R G"]]:
    """The statistic, O and E of each of R ways to divide the runs into G groups."""
    of = member[:, ordered.run].astype(float)
    first = np.flatnonzero(np.append(True, ordered.t[1:] > ordered.t[:-1]))
    d_g = np.add.reduceat(of * ordered.came[:, None], first, axis=1)
    Y_g = of[:, ::-1].cumsum(axis=1)[:, ::-1][:, first]
    d, Y = d_g[0].sum(axis=1), Y_g[0].sum(axis=1)
    share = Y_g / Y[:, None]
    came, expected = d_g.sum(axis=1), (d[:, None] * share).sum(axis=1)
    spread = d * (Y - d) / np.maximum(Y - 1, 1)
    V = -np.einsum("j,rjg,rjh->rgh", spread, share, share)
    G = member.shape[2]
    V[:, np.arange(G), np.arange(G)] += np.einsum("j,rjg->rg", spread, share)
    beyond = (came - expected)[:, :-1]
    inverse = np.linalg.pinv(V[:, :-1, :-1], rcond=1e-10, hermitian=True)
    return np.einsum("rg,rgh,rh->r", beyond, inverse, beyond), came, expected


def median_onset_ratio(
    onsets: Onsets,
    last_seen: LastSeen,
    others: Onsets,
    others_last_seen: LastSeen,
    last_without: LastWithout = None,
    others_last_without: LastWithout = None,
    permutations: int = 1000,
    resamples: int = 2000,
    seed: int = 0,
) -> Score:
    """How many times later the others' median onset is: the ratio of the Kaplan-Meier medians of two sets of runs.

    Runs are not paired; for x and y of the same runs see `coupling.onset_ratio`. The value is that of onsets as seen,
    NaN where censoring leaves it open. The interval is that of the percentiles of a bootstrap of the runs, each resampled
    median with its limits, in between snapshots too; an end that censoring leaves open is 0 or infinite. In 200
    simulations of log-normal onsets each, of five runs a set, and of eight with censored ones, it held the truth in at
    least 182; with fewer runs a set it is too narrow. The null `permuted` is the level that the ratio stays below in 95 %
    of cases where runs are dealt out to the two sets by chance, ratios that censoring leaves open at their upper
    limit. `detail` has the two medians, the limits of the sample's ratio, the log-rank test's permutation p, and the
    number of censored runs.

    Raises:
        ValueError: as `check_onsets` says, an onset at 0, or no onset in either set.
    """
    check_draws(permutations, resamples)
    groups = [
        check_onsets("onsets", onsets, last_seen, last_without, positive=True),
        check_onsets("others", others, others_last_seen, others_last_without, positive=True),
    ]
    if not any(group.came.any() for group in groups):
        raise ValueError("`onsets` and `others` (all censored) must hold an onset: nothing to compare")
    n, m = (len(group.by) for group in groups)
    pooled, member = _pool(groups)
    early, late = pooled.in_order(early=True), pooled.in_order()
    rng = numpy_generator(seed, "median onset ratio")
    whole = member.T.astype(float)
    seen = _ratio_limits(late, late, whole[:1], whole[1:])
    at_least, at_most = (float(limit[0]) for limit in _ratio_limits(early, late, whole[:1], whole[1:]))
    lows, highs = _ratio_limits(
        early,
        late,
        np.pad(bootstrap_weights(n, resamples, rng), ((0, 0), (0, m))),
        np.pad(bootstrap_weights(m, resamples, rng), ((0, 0), (n, 0))),
    )
    dealt = rng.permuted(np.repeat(whole[:1], permutations, axis=0), axis=1)
    null = _ratio_limits(late, late, dealt, 1 - dealt)[1]
    medians = [known(*(float(limit[0]) for limit in median_limits(late, one[None]))) for one in whole]
    return Score(
        value=known(*(float(limit[0]) for limit in seen)),
        low=float(np.quantile(lows, TAIL, method="lower")),
        high=float(np.quantile(highs, 1 - TAIL, method="higher")),
        n=n + m,
        estimator=f"ratio of Kaplan-Meier medians of {m} and {n} runs, bootstrap percentiles",
        nulls={"permuted": float(np.quantile(null, CONFIDENCE, method="higher"))},
        detail={
            "median": medians[0],
            "median_of_others": medians[1],
            "at_least": at_least,
            "at_most": at_most,
            "logrank_p": _test(groups, permutations, numpy_generator(seed, "log-rank"))[1],
            "censored": float((~pooled.came).sum()),
        },
    )


def _ratio_limits(
    early: Ordered, late: Ordered, first: Float[np.ndarray, "R n"], second: Float[np.ndarray, "R n"]
) -> tuple[Float[np.ndarray, " R"], Float[np.ndarray, " R"]]:
    """Limits of the second median over the first, for each pair of weighted samples."""
    second_low, first_low = median_limits(early, second)[0], median_limits(early, first)[0]
    second_high, first_high = median_limits(late, second)[1], median_limits(late, first)[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = second_low / first_high, second_high / first_low
    return np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=np.inf, posinf=np.inf)
