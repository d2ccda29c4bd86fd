from __future__ import annotations

import numpy as np
import pytest

from phasescope.measures.lagged import correlations, lagged_correlation, lagged_products, stationary_weights


def risen(at: np.ndarray, T: int = 40, width: float = 1.0) -> np.ndarray:
    """Curves that rise from 0 to 1, each at its own snapshot."""
    return 1 / (1 + np.exp(-(np.arange(T) - at[:, None]) / width))


def test_a_curve_moved_by_some_snapshots_follows_at_that_lag_and_comes_first_the_other_way_round():
    rng = np.random.default_rng(0)
    at = rng.uniform(8, 28, 10)
    for lag in (-3, 0, 2):
        found = lagged_correlation(risen(at), risen(at + lag), max_lag=4)
        assert found.lag.value == found.lag.low == found.lag.high == lag
        assert found.correlation.value > 0.97  # the ends, beyond the other's, are lost
        assert found.correlation.value > max(found.correlation.nulls.values())
        back = lagged_correlation(risen(at + lag), risen(at), max_lag=4)
        assert back.lag.value == -lag
        assert back.correlation.value == pytest.approx(found.correlation.value)


def test_a_lag_is_in_images_where_they_are_given():
    at = np.linspace(8, 28, 6)
    images_seen = 500 + 6400 * np.arange(40)
    found = lagged_correlation(risen(at), risen(at + 3), images_seen=images_seen)
    assert found.lag.value == 3 * 6400
    assert "images" in found.lag.estimator


def test_scale_and_shift_and_slope_of_curves_do_not_matter():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 5, 40)).cumsum(axis=2)
    one = lagged_correlation(x, y)
    other = lagged_correlation(7 * x - 3, 0.1 * y + 0.5 * np.arange(40))
    assert other.correlation.value == pytest.approx(one.correlation.value)
    assert other.correlation.nulls == pytest.approx(one.correlation.nulls)


def test_lag_0_is_the_plain_correlation_of_increments_and_other_lags_numpys_sums():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 1, 30)).cumsum(axis=2)
    detail = lagged_correlation(x, y).correlation.detail
    u, v = np.diff(x[0]), np.diff(y[0])
    assert detail["lag 0"] == pytest.approx(np.corrcoef(u, v)[0, 1])
    u, v = u - u.mean(), v - v.mean()
    full = np.correlate(v, u, mode="full") / np.sqrt((u @ u) * (v @ v))
    for lag in range(-3, 4):
        assert detail[f"lag {lag}"] == pytest.approx(full[len(u) - 1 + lag])


def test_replicates_of_a_single_run_are_correlations():
    rng = np.random.default_rng(3)
    u, v = rng.normal(size=(2, 1, 30)) * (rng.random((2, 1, 30)) < 0.2)
    products = lagged_products(u, v, np.arange(-3, 4))[:, :, 0]
    r = correlations(np.einsum("su,plu->spl", stationary_weights(30, 500, 4, rng), products))
    assert np.abs(r).max() <= 1 + 1e-12


def test_blocks_keep_neighbours_together_and_weigh_all_times_alike():
    rng = np.random.default_rng(4)
    weights = stationary_weights(20, 4000, 5, rng)
    np.testing.assert_array_equal(weights.sum(axis=1), 20)
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.06)
    near, far = (np.corrcoef(weights[:, 5], weights[:, t])[0, 1] for t in (6, 15))
    assert near > 0.5 > 0.1 > far


def test_curves_that_have_nothing_to_do_with_each_other_seldom_exceed_the_nulls():
    rng = np.random.default_rng(5)
    exceeded = {"shifted": 0, "other_run": 0}
    for i in range(60):
        x, y = (risen(rng.uniform(5, 35, 6), width=0.5) for _ in range(2))
        score = lagged_correlation(x, y, permutations=60, resamples=2, seed=i).correlation
        for null, level in score.nulls.items():
            exceeded[null] += score.value > level
    assert max(exceeded.values()) <= 8  # 60 at 5 %: more in less than 1 % of cases


def test_a_common_schedule_is_told_from_coupling_within_runs_by_the_other_runs():
    rng = np.random.default_rng(6)
    schedule = np.full(12, 20.0)
    x, y = (risen(schedule + rng.normal(0, 0.5, 12)) for _ in range(2))
    score = lagged_correlation(x, y, seed=1).correlation
    assert score.value > score.nulls["shifted"]
    assert score.value < score.nulls["other_run"] * 1.02
    own = schedule + rng.normal(0, 4, 12)
    coupled = lagged_correlation(risen(own), risen(own + 1)).correlation
    assert coupled.value > 1.2 * coupled.nulls["other_run"]


def test_the_true_lag_is_in_its_interval_over_runs():
    rng = np.random.default_rng(7)
    held = 0
    for i in range(60):
        at = rng.uniform(10, 28, 12)
        x, y = risen(at), risen(at + 2 + rng.normal(0, 0.7, 12))
        noise = 0.03 * rng.normal(size=(2, 12, 40))
        lag = lagged_correlation(
            x + noise[0], y + noise[1], max_lag=5, permutations=1, resamples=200, seed=i
        ).lag
        held += lag.low <= 2 <= lag.high
    assert held >= 52


def test_bad_input():
    x = risen(np.array([10.0, 12.0]))
    for call, message in (
        (lambda: lagged_correlation(x[0], x[0]), r"`first` \(shape \(40,\)\) must be \(runs, T\)"),
        (lambda: lagged_correlation(x[:0], x[:0]), r"must be \(runs, T\)"),
        (lambda: lagged_correlation(x[:, :16], x[:, :16]), "at least 17 snapshots"),
        (lambda: lagged_correlation(x, x[:1]), "of the shape of `first`"),
        (lambda: lagged_correlation(x, np.where(x > 0.9, np.nan, x)), "`second` .* must be finite"),
        (lambda: lagged_correlation(x, np.ones_like(x)), "`second` .* increments that vary"),
        (lambda: lagged_correlation(x, x, max_lag=-1), "`max_lag`"),
        (lambda: lagged_correlation(x, x, images_seen=[1, 2]), r"`images_seen` \(shape \(2,\)\)"),
        (lambda: lagged_correlation(x, x, images_seen=np.arange(40) ** 2), "equally spaced"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
