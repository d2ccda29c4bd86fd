"""Statistics of runs: independent implementations, limits, invariances, and intervals that hold what they should."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.comparing import apart, least_share, paired_ratio
from phasescope.studies.core.criteria import Onsets
from phasescope.studies.core.statistics import (
    CONFIDENCE,
    agreement,
    area,
    every_resample,
    expanded_tail,
    kappa,
    mean_of_runs,
    over_runs,
    partial_spearman,
    ranks_within,
    rehearsed,
    share,
    sooner,
    spearman_over_runs,
)

RNG = np.random.default_rng


@pytest.mark.parametrize(("k", "n"), [(0, 5), (3, 8), (8, 8), (1, 30)])
def test_a_share_has_the_exact_interval(k, n):
    found = share([True] * k + [False] * (n - k))
    exact = stats.binomtest(k, n).proportion_ci(CONFIDENCE, method="exact")
    assert (found.value, found.n) == (k / n, n)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_a_share_of_no_runs_is_none():
    with pytest.raises(NotEnough):
        share([])


@pytest.mark.parametrize("n", [6, 8, 20])
def test_the_interval_of_a_mean_holds_it_as_often_as_it_says(n):
    rng, held = RNG(n), 0
    for _ in range(200):
        found = mean_of_runs(rng.standard_normal(n).tolist())
        held += found.low <= 0 <= found.high
    assert 0.90 <= held / 200 <= 0.99


@pytest.mark.slow
def test_of_few_very_skewed_numbers_the_mean_lies_above_the_interval_too_often():
    """What docs/studies.md says of eight log-normal ones: 8 % of 1,000 cases where 1.25 % are meant."""
    rng, above = RNG(8), 0
    for _ in range(1000):
        above += mean_of_runs(rng.lognormal(0, 0.8, 8)).high < math.exp(0.32)
    assert 0.05 <= above / 1000 <= 0.13


@pytest.mark.parametrize("n", [2, 4, 5])
def test_every_resample_is_there_as_often_as_it_is_drawn(n):
    """Against all n^n ordered draws."""
    weights, chances = every_resample(n)
    assert chances.sum() == pytest.approx(1)
    drawn = Counter(tuple(np.bincount(one, minlength=n)) for one in itertools.product(range(n), repeat=n))
    found = {tuple(row.astype(int)): chance for row, chance in zip(weights, chances, strict=True)}
    assert found == pytest.approx({row: count / n**n for row, count in drawn.items()})


def test_ends_of_few_runs_owe_nothing_to_chance():
    """Those of all resamples; many random ones come to the same."""
    values = RNG(1).standard_normal(8)
    found = mean_of_runs(values)
    tail = expanded_tail(8, 7)
    means = RNG(2).choice(values, (400_000, 8)).mean(axis=1)
    spread = found.high - found.low
    assert (found.low, found.high) == pytest.approx(np.quantile(means, [tail, 1 - tail]), abs=0.01 * spread)
    with rehearsed(10):
        again = mean_of_runs(values)
    assert (again.low, again.high) == pytest.approx((found.low, found.high), rel=1e-12)


def test_ends_of_more_runs_rest_on_enough_resamples():
    values = RNG(1).standard_normal(16)
    tail = expanded_tail(16, 15)
    found, means = mean_of_runs(values), RNG(2).choice(values, (400_000, 16)).mean(axis=1)
    spread = found.high - found.low
    assert (found.low, found.high) == pytest.approx(np.quantile(means, [tail, 1 - tail]), abs=0.03 * spread)


def onsets_of(onset, last: float = 100.0) -> Onsets:
    found = np.array(onset, dtype=float)
    return Onsets(found, np.where(np.isfinite(found), found - 1, last), np.full(len(found), last))


NEVER = float("nan")


def test_the_ratio_of_onsets_that_all_came_is_their_median():
    found = paired_ratio(onsets_of([20, 30, 30, 40, 50, 60, 60, 70]), onsets_of([10] * 8), "none")
    assert found.value == pytest.approx(math.exp((math.log(4) + math.log(5)) / 2))
    assert (found.low, found.high) == pytest.approx((2, 7))


def test_an_onset_that_did_not_come_bounds_its_ratio_on_one_side():
    """The second at 90 and the first never: at least 100 / 90, and nobody knows how much more."""
    later = paired_ratio(onsets_of([NEVER] * 8), onsets_of([90] * 8), "none")
    assert later.low == pytest.approx(100 / 90)
    assert later.high == math.inf
    sooner_one = paired_ratio(onsets_of([90] * 8), onsets_of([NEVER] * 8), "none")
    assert sooner_one.low == 0
    assert sooner_one.high == pytest.approx(0.9)
    assert math.isnan(later.value)
    with pytest.raises(NotEnough, match="none came"):
        paired_ratio(onsets_of([NEVER] * 8), onsets_of([NEVER] * 8), "none came")


def test_one_run_of_many_that_did_not_come_leaves_the_median_ratio():
    first = onsets_of([20] * 15 + [NEVER])
    found = paired_ratio(first, onsets_of([10] * 15 + [NEVER]), "none")
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))


@pytest.mark.parametrize(
    ("low", "value", "high", "folded"),
    [
        (1.2, 1.5, 2.0, (1.2, 1.5, 2.0)),
        (0.5, 0.8, 0.9, (1 / 0.9, 1.25, 2.0)),
        (0.8, 0.9, 1.1, (1.0, 1 / 0.9, 1.25)),
        (0.9, 1.1, 1.5, (1.0, 1.1, 1.5)),
        (0.0, 0.5, 1.1, (1.0, 2.0, math.inf)),
        (1.5, math.nan, math.inf, (1.5, math.nan, math.inf)),
    ],
)
def test_how_far_a_ratio_is_from_one_is_the_same_of_its_inverse(low, value, high, folded):
    found = apart(Estimate(value, low, high, 8))
    assert (found.low, found.value, found.high) == pytest.approx(folded, nan_ok=True)
    inverse = apart(Estimate(1 / value, 1 / high, 1 / low if low else math.inf, 8))
    assert (inverse.low, inverse.value, inverse.high) == pytest.approx(folded, nan_ok=True)
    assert math.isnan(value) or found.detail["ratio"] == value


def test_the_least_of_shares_errs_no_more_than_one():
    """Of six at a half, one or another is often low by chance; the level is divided among them."""
    rng, n = RNG(0), 16
    refuted = sum(least_share(rng.random((6, n)) < 0.5).high < 0.5 for _ in range(2000))
    assert refuted / 2000 <= (1 - CONFIDENCE) / 2 + 0.006
    all_but_one = least_share([[True] * n] * 5 + [[False] * n])
    assert all_but_one.high < 0.5
    assert all_but_one.n == n
    assert least_share([[True] * n] * 6).low == share([True] * n).low


def test_many_runs_need_no_expansion():
    assert expanded_tail(10_000, 10_000) == pytest.approx((1 - CONFIDENCE) / 2, rel=1e-2)
    assert expanded_tail(6, 5) < (1 - CONFIDENCE) / 4


def test_resampling_within_strata_leaves_their_difference_alone():
    values = np.array([0.0] * 6 + [1.0] * 6)
    strata = ["a"] * 6 + ["b"] * 6

    def mean(weights):
        return weights @ values / weights.sum(axis=1)

    within = over_runs(mean, 12, strata)
    assert within.low == pytest.approx(within.high) == pytest.approx(0.5)
    whole = over_runs(mean, 12)
    assert whole.low < 0.4 < 0.6 < whole.high


def test_one_run_has_no_interval():
    with pytest.raises(NotEnough, match="at least 2"):
        over_runs(lambda weights: weights[:, 0], 1)
    with pytest.raises(NotEnough, match="each cell"):
        over_runs(lambda weights: weights[:, 0], 3, ["a", "a", "b"])


def test_spearman_without_others_is_scipys():
    rng = RNG(0)
    x, y = rng.integers(0, 9, 40).astype(float), rng.standard_normal(40)
    assert partial_spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)


def test_partial_spearman_is_that_of_the_inverse_of_ranks_correlations():
    rng = RNG(1)
    z, w = rng.standard_normal((2, 60))
    x, y = z + rng.standard_normal(60), z - w + rng.standard_normal(60)
    precision = np.linalg.inv(np.corrcoef([stats.rankdata(v) for v in (x, y, z, w)]))
    expected = -precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1])
    assert partial_spearman(x, y, [z, w]) == pytest.approx(expected)
    assert partial_spearman(np.exp(x), y**3, [z, w]) == pytest.approx(expected)


def test_what_goes_with_the_clock_alone_correlates_with_nothing_else():
    t = np.arange(30.0)
    assert partial_spearman(t**2, np.log1p(t)) == pytest.approx(1.0)
    assert partial_spearman(t**2, np.log1p(t), [t]) == 0.0
    assert partial_spearman(np.ones(30), t) == 0.0


def test_rows_that_are_not_known_are_left_out():
    rng = RNG(2)
    x, y = rng.standard_normal((2, 30))
    expected = partial_spearman(x[1:], y[1:])
    x[0] = np.nan
    assert partial_spearman(x, y) == pytest.approx(expected)
    assert np.isnan(partial_spearman(x[:4], y[:4]))


def test_runs_that_go_together_are_told_from_runs_that_do_not():
    rng = RNG(3)
    x = rng.standard_normal(40)
    together = spearman_over_runs(x, x + 0.1 * rng.standard_normal(40))
    assert together.low > 0.9
    apart = spearman_over_runs(x, rng.standard_normal(40))
    assert apart.low < 0 < apart.high


def test_ranks_within_resamples_are_those_of_what_was_drawn():
    rng = RNG(5)
    values = rng.integers(0, 6, 12).astype(float)
    drawn = rng.integers(0, 12, (20, 12))
    weights = np.array([np.bincount(one, minlength=12) for one in drawn], dtype=float)
    for one, ranks in zip(drawn, ranks_within(values, weights), strict=True):
        assert ranks[one] == pytest.approx(stats.rankdata(values[one]))


def test_the_interval_of_spearman_is_that_of_each_resample_by_itself():
    rng = RNG(6)
    x = rng.integers(0, 9, 15).astype(float)
    y = x + rng.integers(0, 9, 15)

    def one_by_one(weights: np.ndarray) -> np.ndarray:
        drawn = [np.repeat(np.arange(15), w.astype(int)) for w in weights]
        return np.array([partial_spearman(x[i], y[i]) for i in drawn])

    with rehearsed(500):
        found, expected = spearman_over_runs(x, y), over_runs(one_by_one, 15)
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    with pytest.raises(NotEnough, match="at least 4 of them, not 3"):
        spearman_over_runs(x[:3], y[:3])


def test_kappa_is_scikit_learns():
    rng = RNG(4)
    one, other = rng.choice(list("ABC"), size=(2, 200))
    other = np.where(rng.random(200) < 0.5, one, other)
    tables = [agreement(one[i::5].tolist(), other[i::5].tolist()) for i in range(5)]
    assert kappa(tables)(np.ones((1, 5)))[0] == pytest.approx(cohen_kappa_score(one, other))
    weights = np.array([[2.0, 0, 1, 0, 0]])
    twice = (
        np.concatenate([one[0::5], one[0::5], one[2::5]]),
        np.concatenate([other[0::5], other[0::5], other[2::5]]),
    )
    assert kappa(tables)(weights)[0] == pytest.approx(cohen_kappa_score(*twice))


def test_kappa_of_what_never_changes_is_not_defined():
    assert np.isnan(kappa([agreement(["A"] * 4, ["A"] * 4)])(np.ones((1, 1)))[0])
    with pytest.raises(NotEnough):
        over_runs(kappa([agreement(["A"] * 4, ["A"] * 4)] * 6), 6)


def test_undecided_agrees_with_nothing():
    assert agreement(["A", "undecided", "B"], ["A", "B", "undecided"]).sum() == 1


def test_no_letter_is_not_the_first_letter():
    np.testing.assert_array_equal(agreement(["A", "B", "C", ""], ["", "", "", "A"]), np.zeros((3, 3)))


def onsets(values, last: float = 1000.0) -> Onsets:
    t = np.asarray(values, dtype=float)
    return Onsets(t, np.zeros_like(t), np.full_like(t, last))


def test_somers_d_is_scipys_where_nothing_is_censored():
    rng = RNG(5)
    of = np.repeat([1.0, 2, 4], 4)
    t = rng.permutation(12) + 1.0
    found = sooner(onsets(t), of, ["all"] * 12)
    assert found.value == pytest.approx(-stats.somersd(of, t).statistic)


def test_sooner_is_1_and_later_is_minus_1_and_neither_is_0():
    of = np.repeat([1.0, 2, 4], 3)
    assert sooner(onsets(100 / of), of, ["a"] * 9).value == 1
    assert sooner(onsets(100 * of), of, ["a"] * 9).value == -1
    assert sooner(onsets(np.full(9, 100.0)), of, ["a"] * 9).value == 0


def test_only_runs_of_the_same_stratum_are_compared():
    of = np.array([1.0, 1, 2, 2] * 2)
    t = np.array([20.0, 20, 10, 10, 2000, 2000, 1000, 1000])
    found = sooner(onsets(t, 5000.0), of, ["a"] * 4 + ["b"] * 4)
    assert found.value == 1
    assert found.detail["pairs"] == 8


def test_an_onset_that_did_not_come_is_later_than_those_that_did():
    of = np.array([1.0, 1, 2, 2])
    found = sooner(onsets([np.nan, np.nan, 400, 500]), of, ["a"] * 4)
    assert found.value == 1
    assert found.detail["without_onset"] == 2


def test_a_run_that_was_not_watched_long_enough_tells_nothing():
    t, of = np.array([500.0, 500, np.nan, np.nan]), np.array([1.0, 1, 2, 2])
    with pytest.raises(NotEnough):
        sooner(Onsets(t, np.zeros(4), np.array([1000.0, 1000, 100, 100])), of, ["a"] * 4)
    with pytest.raises(NotEnough):
        sooner(onsets([np.nan] * 4), of, ["a"] * 4)


def test_the_factor_per_doubling_is_that_of_a_power_law():
    of = np.repeat([0.25, 0.5, 1.0, 2.0, 4.0], 3)
    found = sooner(onsets(100 * of**-0.5), of, ["a"] * 15)
    assert found.detail["factor_per_doubling"] == pytest.approx(2**-0.5)


def test_area_is_the_mean_of_a_line_whatever_the_spacing():
    at = np.array([0.0, 1, 2, 10])
    assert area(at, 3 * at + 1) == pytest.approx(16)
    assert area(at, np.array([5.0, np.nan, 5, 5])) == pytest.approx(5)
