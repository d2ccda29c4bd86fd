from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import CensoredData, beta, binom, ecdf
from scipy.stats import logrank as scipy_logrank
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from phasescope.measures.onset_groups import logrank, median_onset_ratio
from phasescope.measures.onsets import check_onsets, snapshot_onsets
from phasescope.measures.survival import median_limits, median_onset, survival_curve

END = 3000.0

LEAST = 182
"""of 200 intervals: fewer would hold a truth that each holds with 95 % in less than 1 % of cases"""


def drawn(rng: np.random.Generator, n: int, median: float = 1000.0, end: float = END) -> np.ndarray:
    """Log-normal onsets, NaN where they come after the end."""
    t = median * np.exp(0.5 * rng.normal(size=n))
    return np.where(t <= end, t, np.nan)


def rounded_up(t: np.ndarray, step: float) -> np.ndarray:
    return np.ceil(t / step) * step


def test_snapshots_tell_when_it_was_first_passed_for_good_and_when_not_yet():
    passed = np.array([[0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 1], [0, 1, 1, 0]], dtype=bool)
    seen = snapshot_onsets([100, 200, 300, 400], passed)
    np.testing.assert_array_equal(seen.onsets, [300, 400, 100, np.nan])
    assert seen.last_without.tolist() == [200, 300, 0, 400]
    assert seen.last_seen == 400


@pytest.mark.parametrize("step", [1.0, 300.0])
def test_the_curve_is_statsmodels_and_scipys(step):
    rng = np.random.default_rng(0)
    t = rounded_up(drawn(rng, 40), step)
    end = rounded_up(rng.uniform(1000, 3000, 40), step)
    t[t > end] = np.nan
    seen, came = np.where(np.isnan(t), end, t), ~np.isnan(t)
    curve = survival_curve(t, end)
    theirs = SurvfuncRight(seen, came.astype(int))
    at = np.searchsorted(curve.images_seen, theirs.surv_times, side="right") - 1
    np.testing.assert_allclose(curve.S[at], theirs.surv_prob, atol=1e-12)
    scipys = ecdf(CensoredData(uncensored=seen[came], right=seen[~came])).sf
    np.testing.assert_allclose(curve.S, scipys.evaluate(curve.images_seen), atol=1e-12)
    assert (curve.low <= curve.S + 1e-12).all()
    assert (curve.high + 1e-12 >= curve.S).all()


def test_uncensored_limits_are_those_of_a_share_and_of_order_statistics():
    rng = np.random.default_rng(1)
    for n in (6, 11, 20):
        t = np.sort(drawn(rng, n, end=np.inf))
        curve, score = survival_curve(t, 1e9), median_onset(t, 1e9)
        left = n - np.arange(n + 1)
        # Clopper and Pearson's limits of `left` of n
        np.testing.assert_allclose(curve.low[:-1], beta.ppf(0.025, left[:-1], n - left[:-1] + 1), rtol=1e-9)
        np.testing.assert_allclose(curve.high[1:], beta.ppf(0.975, left[1:] + 1, n - left[1:]), rtol=1e-9)
        assert score.value == pytest.approx(np.median(t))
        k = int(binom.ppf(0.025, n, 0.5))
        assert (score.low, score.high) == pytest.approx((t[k - 1], t[n - k]))


def test_fewer_than_six_runs_bound_no_median_from_above():
    assert (median_onset([1.0, 2.0, 3.0, 4.0, 5.0], 9.0).low, median_onset([1.0] * 5, 9.0).high) == (
        0,
        math.inf,
    )


def test_weights_are_repeats():
    rng = np.random.default_rng(2)
    t, end = drawn(rng, 12, end=2000.0), np.full(12, 2000.0)
    ordered = check_onsets("onsets", t, end).in_order()
    weights = rng.multinomial(12, np.full(12, 1 / 12), size=50).astype(float)
    lows, highs = median_limits(ordered, weights)
    for w, low, high in zip(weights.astype(int), lows, highs, strict=True):
        score = median_onset(np.repeat(t, w), np.repeat(end, w))
        assert (score.detail["at_least"], score.detail["at_most"]) == pytest.approx((low, high))


def test_a_run_without_onset_is_not_dropped():
    came = [100.0, 200.0, 300.0]
    assert median_onset(came, 1000.0).value == 200
    assert median_onset([*came, None, None], 1000.0).value == 300
    unknown = median_onset([*came, None, None, None, None], 1000.0)
    assert math.isnan(unknown.value)
    assert (unknown.detail["at_least"], unknown.detail["at_most"]) == (1000, math.inf)
    assert unknown.detail["censored"] == 4
    assert median_onset([100.0, 200.0, None, None], 1000.0).detail == {
        "at_least": 200.0,
        "at_most": math.inf,
        "censored": 2.0,
    }


def test_a_run_stopped_early_counts_while_it_was_watched():
    # Efron's redistribution to the right: the run stopped at 150 passes its weight on to the two after it.
    score = median_onset([100.0, None, 200.0, 300.0], [1000.0, 150.0, 1000.0, 1000.0])
    assert score.value == 200
    curve = survival_curve([100.0, None, 200.0, 300.0], [1000.0, 150.0, 1000.0, 1000.0])
    np.testing.assert_allclose(curve.S, [1, 3 / 4, 3 / 4, 3 / 8, 0])


def test_units_of_images_do_not_matter():
    rng = np.random.default_rng(3)
    t = drawn(rng, 15, end=1500.0)
    one, other = median_onset(t, 1500.0), median_onset(64 * t, 64 * 1500.0)
    assert (other.value, other.low, other.high) == pytest.approx(
        (64 * one.value, 64 * one.low, 64 * one.high)
    )


def test_the_interval_reaches_back_to_the_snapshot_before():
    exact = [140.0, 160.0, 250.0, 330.0, 390.0, 420.0, 480.0, None]
    seen = [200.0, 200.0, 300.0, 400.0, 400.0, 500.0, 500.0, None]
    without = [100.0, 100.0, 200.0, 300.0, 300.0, 400.0, 400.0, 500.0]
    inner, outer = median_onset(exact, 500.0), median_onset(seen, 500.0, without)
    assert outer.low <= inner.low
    assert inner.high <= outer.high
    assert outer.detail["at_least"] <= inner.value <= outer.detail["at_most"]
    assert outer.value == median_onset(seen, 500.0).value == 400


@pytest.mark.parametrize(("n", "end", "step"), [(6, 1e9, 0.0), (8, 1200.0, 0.0), (15, 1500.0, 250.0)])
def test_the_median_is_in_its_interval(n, end, step):
    rng = np.random.default_rng(n)
    held = 0
    for _ in range(200):
        t = drawn(rng, n, end=np.inf)
        seen = rounded_up(t, step) if step else t
        seen = np.where(seen <= end, seen, np.nan)
        score = median_onset(seen, end, seen - step)
        held += score.low <= 1000 <= score.high
    assert held >= LEAST


def groups_of(rng: np.random.Generator, sizes: list[int], shift: float = 1.0) -> list[np.ndarray]:
    """The last group's onsets `shift` times as late; times are rounded, so that there are ties."""
    medians = [1000.0] * (len(sizes) - 1) + [1000.0 * shift]
    drawings = [rounded_up(drawn(rng, n, median), 100.0) for n, median in zip(sizes, medians, strict=True)]
    return [np.where(t <= 1800, t, np.nan) for t in drawings]


@pytest.mark.parametrize("sizes", [[12, 15], [9, 10, 11], [5, 6, 7, 8]])
def test_log_rank_is_statsmodels_and_scipys(sizes):
    rng = np.random.default_rng(sum(sizes))
    groups = groups_of(rng, sizes, 1.6)
    found = logrank({str(i): t for i, t in enumerate(groups)}, 1800.0, permutations=1)
    t = np.concatenate(groups)
    came = ~np.isnan(t)
    statistic, p = survdiff(
        np.where(came, t, 1800), came.astype(int), np.repeat(np.arange(len(sizes)), sizes)
    )
    assert (found.statistic, found.p_chi2) == pytest.approx((statistic, p))
    assert sum(found.expected.values()) == pytest.approx(came.sum())
    assert sum(found.observed.values()) == came.sum()
    if len(sizes) == 2:
        theirs = [
            CensoredData(uncensored=g[~np.isnan(g)], right=np.full(np.isnan(g).sum(), 1800)) for g in groups
        ]
        assert found.p_chi2 == pytest.approx(scipy_logrank(*theirs).pvalue)


def test_log_rank_p_is_even_where_groups_are_alike_and_small_where_they_are_not():
    rng = np.random.default_rng(4)
    p = [
        logrank(dict(zip("ab", groups_of(rng, [5, 5]), strict=True)), 1800.0, permutations=199, seed=i).p
        for i in range(200)
    ]
    assert sum(value <= 0.05 for value in p) <= 18
    assert sum(value <= 0.5 for value in p) == pytest.approx(100, abs=25)
    apart = logrank(
        {"soon": [100.0, 110.0, 120.0, 130.0, 140.0], "late": [500.0, None, None, None, None]}, 600.0
    )
    assert apart.p < 0.02
    assert apart.observed["soon"] > apart.expected["soon"]
    assert apart.medians["soon"].value == 120
    assert math.isnan(apart.medians["late"].value)


def test_the_ratio_of_medians_is_the_factor_between_groups_and_turns_over_with_them():
    rng = np.random.default_rng(5)
    t = drawn(rng, 9, end=np.inf)
    forth, back = median_onset_ratio(t, 1e6, 3 * t, 1e6), median_onset_ratio(3 * t, 1e6, t, 1e6)
    assert forth.value == pytest.approx(3) == 1 / back.value
    assert forth.low < 3 < forth.high
    assert forth.value > forth.nulls["permuted"] > 1
    assert back.value < back.nulls["permuted"]
    assert forth.detail["logrank_p"] < 0.05


def test_a_ratio_that_censoring_leaves_open_is_open():
    soon, never = [100.0, 110.0, 120.0, 130.0, 140.0, 150.0], [None] * 6
    score = median_onset_ratio(soon, 1000.0, never, 1000.0)
    assert math.isnan(score.value)
    assert score.detail["at_least"] == pytest.approx(1000 / 125)
    assert (score.low > 5, score.high) == (True, math.inf)
    snapshots = median_onset_ratio(soon, 1000.0, [300.0] * 6, 1000.0, [50.0] * 6, [0.0] * 6)
    assert (snapshots.value, snapshots.low) == (pytest.approx(300 / 125), 0.0)


@pytest.mark.parametrize(("n", "end"), [(5, 1e9), (8, 2400.0)])
def test_the_ratio_of_medians_is_in_its_interval(n, end):
    rng = np.random.default_rng(n)
    held = 0
    for i in range(200):
        a, b = (drawn(rng, n, median, end) for median in (1000.0, 2000.0))
        score = median_onset_ratio(a, end, b, end, permutations=1, resamples=300, seed=i)
        held += score.low <= 2 <= score.high
    assert held >= LEAST


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 10.0), r"`onsets` \(shape \(0,\)\) must be \(n,\)"),
        (([[1.0]], 10.0), r"must be \(n,\)"),
        (([1.0, 2.0], [10.0]), r"`last_seen` \(shape \(1,\)\) must be a number or as long as"),
        (([1.0], 0.0), r"`last_seen` .* must be greater than 0"),
        (([1.0], math.nan), r"`last_seen`"),
        (([-1.0], 10.0), r"`onsets` \(=-1\) must be finite and at least 0"),
        (([math.inf], 10.0), r"`onsets` \(=inf\) must be finite"),
        (([11.0], 10.0), r"must not be after the run's `last_seen`"),
        (([5.0], 10.0, [6.0]), r"`last_without` \(=6\) must not be after its entry in `onsets` \(=5\)"),
        (([5.0], 10.0, [None]), r"`last_without` \(=nan\) must be at least 0"),
        (([5.0], 10.0, [1.0, 2.0]), r"`last_without` \(shape \(2,\)\) must be as long as"),
    ],
)
def test_bad_input_of_onsets(arguments, message):
    with pytest.raises(ValueError, match=message):
        median_onset(*arguments)


def test_bad_input_of_groups_and_snapshots():
    for call, message in (
        (lambda: logrank({"a": [1.0]}, 2.0), "must be 2 at least"),
        (lambda: logrank({"a": [None], "b": [None]}, 2.0), "must hold an onset"),
        (lambda: logrank({"a": [1.0], "b": [1.0]}, {"a": 2.0}), "must have an entry for b"),
        (lambda: logrank({"a": [1.0], "b": [3.0]}, 2.0), r"`groups\[b\]` \(=3\) must not be after"),
        (lambda: median_onset_ratio([None], 2.0, [None], 2.0), "must hold an onset"),
        (lambda: median_onset_ratio([0.0], 2.0, [1.0], 2.0), "greater than 0: a ratio"),
        (lambda: median_onset_ratio([1.0], 2.0, [1.0], 2.0, resamples=1), "`resamples`"),
        (lambda: snapshot_onsets([1, 2], np.zeros((3, 2))), "of bool"),
        (lambda: snapshot_onsets([1], np.zeros((3, 2), bool)), "as long as"),
        (lambda: snapshot_onsets([2, 1], np.zeros((3, 2), bool)), "must increase"),
        (lambda: snapshot_onsets([-2, 1], np.zeros((3, 2), bool)), "at least 0"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
