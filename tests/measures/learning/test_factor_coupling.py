from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import contingency, fisher_exact, ttest_1samp
from statsmodels.stats.contingency_tables import Table2x2

from phasescope.measures.learning.factor_coupling import joint_accuracy, onset_ratio

LEAST = 182
"""of 200 intervals: fewer would hold a truth that each holds with 95 % in less than 1 % of cases"""


def test_a_constant_factor_between_x_and_y_is_the_ratio():
    x = np.array([100.0, 250.0, 400.0, 90.0, 1000.0, 700.0])
    score = onset_ratio(x, 2.5 * x, 1e6)
    assert (score.value, score.low, score.high) == pytest.approx((2.5, 2.5, 2.5))
    assert score.detail["geometric_mean"] == pytest.approx(2.5)
    assert score.value >= score.nulls["swapped"]
    together = onset_ratio(x, x, 1e6)
    assert (together.value, together.detail["sign_p"]) == (1, 1)


def test_swapping_x_and_y_turns_the_ratio_over_and_units_do_not_matter():
    rng = np.random.default_rng(0)
    x, y = np.exp(rng.normal(7, 0.4, (2, 9)))
    x[x > 1500], y[y > 1500] = np.nan, np.nan
    forth, back, scaled = (
        onset_ratio(x, y, 1500.0),
        onset_ratio(y, x, 1500.0),
        onset_ratio(64 * x, 64 * y, 96e3),
    )
    assert (forth.low, forth.high) == pytest.approx((1 / back.high, 1 / back.low))
    assert forth.detail["sign_p"] == pytest.approx(back.detail["sign_p"])
    assert (scaled.low, scaled.high) == pytest.approx((forth.low, forth.high))
    assert forth.nulls["swapped"] >= 1


def test_complete_pairs_have_the_mean_and_interval_of_a_t_test():
    rng = np.random.default_rng(1)
    x, y = np.exp(rng.normal(7, 0.4, (2, 7)))
    detail = onset_ratio(x, y, 1e6).detail
    theirs = ttest_1samp(np.log(y / x), 0).confidence_interval(0.95)
    assert (detail["t_low"], detail["t_high"]) == pytest.approx((math.exp(theirs.low), math.exp(theirs.high)))


def test_a_censored_pair_bounds_its_ratio_and_is_not_dropped():
    # y did not come by 1000 where x came at 100: a ratio above 10.
    late = onset_ratio([100.0, 100.0, 100.0], [None, None, 300.0], 1000.0)
    assert math.isnan(late.value)
    assert (late.detail["at_least"], late.detail["at_most"]) == (pytest.approx(10), math.inf)
    assert (late.detail["y_censored"], late.detail["sign_p"]) == (2, 0.25)
    known = onset_ratio([100.0, 100.0, 100.0], [None, 250.0, 300.0], 1000.0)
    assert known.value == pytest.approx(3)
    neither = onset_ratio([None, 100.0], [None, 200.0], 1000.0)
    assert (neither.detail["at_least"], neither.detail["at_most"], neither.detail["both_censored"]) == (
        0,
        math.inf,
        1,
    )
    assert math.isnan(neither.detail["geometric_mean"])


def test_snapshots_bound_a_ratio_and_tell_what_came_first():
    def seen_at(t: float, step: float = 100.0) -> tuple[float, float]:
        return math.ceil(t / step) * step, math.floor(t / step) * step

    x, y = (
        [110.0, 250.0, 390.0, 420.0, 530.0, 690.0, 320.0],
        [130.0, 310.0, 420.0, 590.0, 610.0, 720.0, 350.0],
    )
    (seen_x, without_x), (seen_y, without_y) = (np.array([seen_at(t) for t in onsets]).T for onsets in (x, y))
    exact, seen = onset_ratio(x, y, 900.0), onset_ratio(seen_x, seen_y, 900.0, without_x, without_y)
    assert seen.low <= exact.low < exact.high <= seen.high
    assert seen.detail["at_least"] <= exact.value <= seen.detail["at_most"]
    assert seen.value == onset_ratio(seen_x, seen_y, 900.0).value
    # Five of seven pairs were seen at different snapshots, y later in each; the others do not tell.
    assert seen.detail["sign_p"] == pytest.approx(2 / 2**5)


def test_fewer_than_six_pairs_bound_nothing():
    score = onset_ratio([100.0] * 5, [200.0, 210.0, 190.0, 205.0, 195.0], 1000.0)
    assert (score.low, score.high) == (0, math.inf)
    assert 1.8 < score.detail["t_low"] < 2 < score.detail["t_high"] < 2.2


def test_a_higher_confidence_needs_more_pairs_and_holds_the_lower_one():
    """Of n pairs that all lie above 1, chance has 2^-n: six pass 2.5 %, seven are needed to pass 1.25 %."""
    x = np.full(8, 100.0)
    y = np.array([150.0, 160, 170, 180, 190, 200, 210, 220])
    for n, low in ((6, 0.0), (7, 1.5)):
        assert onset_ratio(x[:n], y[:n], 1000.0, confidence=0.975).low == pytest.approx(low)
        assert onset_ratio(x[:n], y[:n], 1000.0).low == pytest.approx(1.5)
    usual, sure = onset_ratio(x, y, 1000.0), onset_ratio(x, y, 1000.0, confidence=0.999)
    assert sure.detail["t_low"] < usual.detail["t_low"] < usual.detail["t_high"] < sure.detail["t_high"]
    assert (sure.value, sure.nulls) == (usual.value, usual.nulls)


@pytest.mark.parametrize(
    ("n", "end", "step"), [(6, 1e9, 0.0), (8, 2000.0, 0.0), (12, 1500.0, 100.0), (20, 1e9, 200.0)]
)
def test_the_true_ratio_is_in_its_interval(n, end, step):
    """Each run has its own pace; y takes 1.5 times as long as x in the median; runs end, snapshots are far apart."""
    rng = np.random.default_rng(n)
    held = 0
    for i in range(200):
        x = 1000 * np.exp(0.4 * rng.normal(size=n))
        y = 1.5 * x * np.exp(0.3 * rng.normal(size=n))
        seen = [np.ceil(t / step) * step if step else t for t in (x, y)]
        without = [t - step for t in seen]
        x, y = (np.where(t <= end, t, np.nan) for t in seen)
        score = onset_ratio(x, y, end, *without, permutations=1, seed=i)
        held += score.low <= 1.5 <= score.high
    assert held >= LEAST


def test_the_null_is_seldom_exceeded_where_x_and_y_are_alike():
    rng = np.random.default_rng(2)
    exceeded = 0
    for i in range(200):
        x, y = np.exp(rng.normal(7, 0.4, (2, 9)))
        score = onset_ratio(x, y, 1e9, permutations=200, seed=i)
        exceeded += score.value > score.nulls["swapped"]
    assert exceeded <= 18


def images(counts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """`counts` right in both, in x only, in y only, in neither."""
    kind = np.repeat(np.arange(4), counts)
    return np.isin(kind, (0, 1)), np.isin(kind, (0, 2))


def test_exact_independence_has_no_excess():
    found = joint_accuracy(*images([12, 28, 18, 42]))  # 0.4 x 0.3 = 0.12
    for score in (found.difference, found.phi):
        assert score.value == pytest.approx(0, abs=1e-12)
        assert score.low < 0 < score.high
    assert found.difference.detail == pytest.approx(
        {"acc_x": 0.4, "acc_y": 0.3, "acc_xy": 0.12, "product": 0.12}
    )


def test_right_in_both_or_in_neither_is_complete_coupling():
    together, apart = joint_accuracy(*images([50, 0, 0, 50])), joint_accuracy(*images([0, 50, 50, 0]))
    assert (together.difference.value, together.phi.value) == pytest.approx((0.25, 1))
    assert (apart.difference.value, apart.phi.value) == pytest.approx((-0.25, -1))
    assert together.log_odds_ratio.value == pytest.approx(-apart.log_odds_ratio.value, rel=1e-12)
    for found in (together, apart):
        for score in (found.difference, found.phi, found.log_odds_ratio):
            assert score.low <= score.value <= score.high
    assert together.phi.low > 0.8 > together.phi.nulls["permuted"]


def test_measures_are_scipys_and_statsmodels():
    x, y = images([40, 25, 10, 60])
    found = joint_accuracy(x, y)
    assert found.phi.value == pytest.approx(np.corrcoef(x, y)[0, 1])
    table = np.array([[40, 25], [10, 60]])
    assert abs(found.phi.value) == pytest.approx(contingency.association(table, method="cramer"))
    theirs = Table2x2(table + 0.5)
    assert found.log_odds_ratio.value == pytest.approx(theirs.log_oddsratio)
    assert (found.log_odds_ratio.low, found.log_odds_ratio.high) == pytest.approx(
        theirs.log_oddsratio_confint()
    )
    assert found.difference.value == pytest.approx(np.cov(x, y, bias=True)[0, 1])


def test_what_is_always_right_says_nothing_of_coupling():
    found = joint_accuracy(*images([30, 10, 0, 0]))
    assert math.isnan(found.phi.value)
    assert (found.phi.low, found.phi.high) == (-1, 1)
    assert found.difference.value == pytest.approx(0, abs=1e-12)
    assert found.log_odds_ratio.low < 0 < found.log_odds_ratio.high


@pytest.mark.parametrize("p", [(0.4, 0.1, 0.1, 0.4), (0.9, 0.04, 0.03, 0.03), (0.02, 0.1, 0.08, 0.8)])
def test_the_truth_is_in_the_intervals(p):
    rng = np.random.default_rng(3)
    both, only_x, only_y, neither = p
    acc_x, acc_y = both + only_x, both + only_y
    difference = both - acc_x * acc_y
    truth = {
        "difference": difference,
        "phi": difference / math.sqrt(acc_x * (1 - acc_x) * acc_y * (1 - acc_y)),
        "log_odds_ratio": math.log(both * neither / (only_x * only_y)),
    }
    held = dict.fromkeys(truth, 0)
    for i in range(200):
        x, y = images(rng.multinomial(100, p).tolist())
        found = joint_accuracy(x, y, permutations=1, draws=400, seed=i)
        for name, value in truth.items():
            score = getattr(found, name)
            held[name] += score.low <= value <= score.high
    assert min(held.values()) >= 180  # 90 %, as the module says


def test_runs_at_different_accuracies_are_not_coupling():
    rng = np.random.default_rng(4)
    accuracy = np.array([[0.1], [0.3], [0.5], [0.7], [0.9], [0.95]])
    held = 0
    for i in range(100):
        x, y = rng.random((2, 6, 400)) < accuracy
        each = joint_accuracy(x, y, permutations=1, seed=i).difference
        held += each.low <= 0 <= each.high
        pooled = joint_accuracy(x.ravel(), y.ravel(), permutations=1, draws=100, seed=i).difference
        assert pooled.low > 0.05
    assert held >= 89  # 100 at 95 %: fewer in 1 % of cases


def test_of_several_runs_the_mean_is_told_and_all_images_are_counted():
    rng = np.random.default_rng(6)
    x, y = rng.random((2, 4, 100)) < np.array([[0.2], [0.4], [0.6], [0.8]])
    each = joint_accuracy(x, y)
    runs = [joint_accuracy(u, v) for u, v in zip(x, y, strict=True)]
    assert each.difference.value == pytest.approx(np.mean([run.difference.value for run in runs]))
    theirs = ttest_1samp([run.phi.value for run in runs], 0).confidence_interval(0.95)
    assert (each.phi.low, each.phi.high) == pytest.approx((theirs.low, theirs.high))
    assert each.difference.n == 400
    assert 0 < each.difference.nulls["permuted"] < np.mean([run.difference.nulls["permuted"] for run in runs])


def test_runs_without_a_phi_are_left_out_of_its_mean_only():
    x, y = images([20, 5, 5, 20])
    right = np.ones(50, dtype=bool)
    found = joint_accuracy(np.stack([x, right, x]), np.stack([y, right, y]))
    one = joint_accuracy(x, y)
    assert found.phi.value == pytest.approx(one.phi.value)
    assert found.difference.value == pytest.approx(one.difference.value * 2 / 3)
    single = joint_accuracy(np.stack([x, right]), np.stack([y, right])).phi
    assert (single.value, single.low, single.high) == (pytest.approx(one.phi.value), -1, 1)


@pytest.mark.parametrize("p", [0.3, 0.6])
def test_the_permuted_null_is_fishers_and_seldom_exceeded(p):
    rng = np.random.default_rng(5)
    exceeded, fishers = 0, []
    for i in range(150):
        x, y = rng.random((2, 80)) < p
        score = joint_accuracy(x, y, permutations=300, draws=2, seed=i).difference
        exceeded += score.value > score.nulls["permuted"]
        table = [[(x & y).sum(), (x & ~y).sum()], [(~x & y).sum(), (~x & ~y).sum()]]
        fishers.append(fisher_exact(table, alternative="greater").pvalue < 0.05)
    assert exceeded <= 15
    assert abs(exceeded - sum(fishers)) <= 5


def test_bad_input():
    x = np.zeros(20, dtype=bool)
    x[::2] = True
    for call, message in (
        (lambda: onset_ratio([1.0], [2.0], 3.0), "both at least 2"),
        (lambda: onset_ratio([1.0, 1.0], [2.0], 3.0), "as long as"),
        (
            lambda: onset_ratio([0.0, 1.0], [2.0, 2.0], 3.0),
            r"`onsets_x` \(=0\) must be finite and greater than 0",
        ),
        (lambda: onset_ratio([1.0, 1.0], [2.0, 4.0], 3.0), r"`onsets_y` \(=4\) must not be after"),
        (lambda: onset_ratio([1.0, 1.0], [2.0, 2.0], 3.0, permutations=0), "`permutations`"),
        (lambda: joint_accuracy(x, x[:10]), "of the shape of `correct_x`"),
        (lambda: joint_accuracy(x[:9], x[:9]), "at least 10 images"),
        (lambda: joint_accuracy(x.astype(float), x), "of bool"),
        (lambda: joint_accuracy(x[None], x[None]), r"\(runs, n\) of 2 or more"),
        (lambda: joint_accuracy(x, x, draws=1), "`draws`"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
