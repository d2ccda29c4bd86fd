import math

import numpy as np
import pytest
from scipy.stats import contingency, fisher_exact

from phasescope.measures import joint_accuracy


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
    for found in (together, apart):
        for score in (found.difference, found.phi):
            assert score.low <= score.value <= score.high
    assert together.phi.low > 0.8 > together.phi.baselines["permuted"]


def test_phi_is_scipys():
    x, y = images([40, 25, 10, 60])
    found = joint_accuracy(x, y)
    assert found.phi.value == pytest.approx(np.corrcoef(x, y)[0, 1])
    table = np.array([[40, 25], [10, 60]])
    assert abs(found.phi.value) == pytest.approx(contingency.association(table, method="cramer"))
    assert found.difference.value == pytest.approx(np.cov(x, y, bias=True)[0, 1])


def test_what_is_always_right_says_nothing_of_coupling():
    found = joint_accuracy(*images([30, 10, 0, 0]))
    assert math.isnan(found.phi.value)
    assert (found.phi.low, found.phi.high) == (-1, 1)
    assert found.difference.value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("p", [(0.4, 0.1, 0.1, 0.4), (0.9, 0.04, 0.03, 0.03), (0.02, 0.1, 0.08, 0.8)])
def test_the_truth_is_in_the_intervals(p):
    rng = np.random.default_rng(3)
    both, only_x, only_y, _ = p
    acc_x, acc_y = both + only_x, both + only_y
    difference = both - acc_x * acc_y
    truth = {
        "difference": difference,
        "phi": difference / math.sqrt(acc_x * (1 - acc_x) * acc_y * (1 - acc_y)),
    }
    held = dict.fromkeys(truth, 0)
    for i in range(200):
        x, y = images(rng.multinomial(100, p).tolist())
        found = joint_accuracy(x, y, permutations=1, draws=400, seed=i)
        for name, value in truth.items():
            score = getattr(found, name)
            held[name] += score.low <= value <= score.high
    assert min(held.values()) >= 180  # 90 %, as the module says


def test_pooled_runs_at_different_accuracies_look_coupled():
    rng = np.random.default_rng(4)
    accuracy = np.array([[0.1], [0.3], [0.5], [0.7], [0.9], [0.95]])
    x, y = rng.random((2, 6, 400)) < accuracy
    held = [joint_accuracy(u, v, permutations=1).difference for u, v in zip(x, y, strict=True)]
    assert sum(score.low <= 0 <= score.high for score in held) >= 4
    assert joint_accuracy(x.ravel(), y.ravel(), permutations=1, draws=100).difference.low > 0.05


@pytest.mark.parametrize("p", [0.3, 0.6])
def test_the_permuted_null_is_fishers_and_seldom_exceeded(p):
    rng = np.random.default_rng(5)
    exceeded, fishers = 0, []
    for i in range(150):
        x, y = rng.random((2, 80)) < p
        score = joint_accuracy(x, y, permutations=300, draws=20, seed=i).difference
        exceeded += score.value > score.baselines["permuted"]
        table = [[(x & y).sum(), (x & ~y).sum()], [(~x & y).sum(), (~x & ~y).sum()]]
        fishers.append(fisher_exact(table, alternative="greater").pvalue < 0.05)
    assert exceeded <= 15
    assert abs(exceeded - sum(fishers)) <= 5
