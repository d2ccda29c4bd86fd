from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.duration.survfunc import SurvfuncRight

from benchmarks.survival import median_time

END = 3000.0

LEAST = 182
"""of 200 intervals: fewer would hold a truth that each holds with 95 % in less than 1 % of cases"""


def drawn(rng: np.random.Generator, n: int, median: float = 1000.0, end: float = END) -> np.ndarray:
    """Log-normal onsets, NaN where they come after the end."""
    t = median * np.exp(0.5 * rng.normal(size=n))
    return np.where(t <= end, t, np.nan)


def rounded_up(t: np.ndarray, step: float) -> np.ndarray:
    return np.ceil(t / step) * step


@pytest.mark.parametrize("step", [1.0, 300.0])
def test_the_median_is_where_statsmodels_curve_passes_one_half(step):
    rng = np.random.default_rng(0)
    for n in (6, 11, 20, 40):
        t = rounded_up(drawn(rng, n), step)
        end = rounded_up(rng.uniform(1000, 3000, n), step)
        t[t > end] = np.nan
        came = ~np.isnan(t)
        theirs = SurvfuncRight(np.where(came, t, end), came.astype(int))
        below = [theirs.surv_times[theirs.surv_prob < half] for half in (0.5 + 1e-9, 0.5 - 1e-9)]
        score = median_time(t, end)
        if below[1].size:
            assert score.value == pytest.approx((below[0][0] + below[1][0]) / 2)
        else:
            assert math.isnan(score.value)


def test_an_uncensored_interval_is_that_of_order_statistics():
    rng = np.random.default_rng(1)
    for n in (6, 11, 20):
        t = np.sort(drawn(rng, n, end=np.inf))
        score = median_time(t, 1e9)
        assert score.value == pytest.approx(np.median(t))
        k = int(binom.ppf(0.025, n, 0.5))
        assert (score.low, score.high) == pytest.approx((t[k - 1], t[n - k]))


def test_fewer_than_six_runs_bound_no_median_from_above():
    assert (median_time([1.0, 2.0, 3.0, 4.0, 5.0], 9.0).low, median_time([1.0] * 5, 9.0).high) == (
        0,
        math.inf,
    )


def test_a_run_without_onset_is_not_dropped():
    came = [100.0, 200.0, 300.0]
    assert median_time(came, 1000.0).value == 200
    assert median_time([*came, None, None], 1000.0).value == 300
    unknown = median_time([*came, None, None, None, None], 1000.0)
    assert math.isnan(unknown.value)
    assert (unknown.detail["at_least"], unknown.detail["at_most"]) == (1000, math.inf)
    assert unknown.detail["censored"] == 4
    assert median_time([100.0, 200.0, None, None], 1000.0).detail == {
        "at_least": 200.0,
        "at_most": math.inf,
        "censored": 2.0,
    }


def test_a_run_stopped_early_counts_while_it_was_watched():
    # Efron's redistribution to the right: the run stopped at 150 passes its weight on to the two after it.
    score = median_time([100.0, None, 200.0, 300.0], [1000.0, 150.0, 1000.0, 1000.0])
    assert score.value == 200


def test_units_of_images_do_not_matter():
    rng = np.random.default_rng(3)
    t = drawn(rng, 15, end=1500.0)
    one, other = median_time(t, 1500.0), median_time(64 * t, 64 * 1500.0)
    assert (other.value, other.low, other.high) == pytest.approx(
        (64 * one.value, 64 * one.low, 64 * one.high)
    )


@pytest.mark.parametrize(("n", "end"), [(6, 1e9), (8, 1200.0), (15, 1500.0)])
def test_the_median_is_in_its_interval(n, end):
    rng = np.random.default_rng(n)
    held = 0
    for _ in range(200):
        score = median_time(drawn(rng, n, end=end), end)
        held += score.low <= 1000 <= score.high
    assert held >= LEAST


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 10.0), r"`times` \(shape \(0,\)\) must be \(n,\)"),
        (([[1.0]], 10.0), r"must be \(n,\)"),
        (([1.0, 2.0], [10.0]), r"`ends` .* one for each of 2 runs"),
        (([1.0], 0.0), r"`ends` .* must be a number greater than 0"),
        (([1.0], math.nan), r"`ends`"),
        (([-1.0], 10.0), r"`times` \(=-1\) must be at least 0"),
        (([11.0], 10.0), r"`times` \(=11\) must be at least 0, and not after the run's end"),
    ],
)
def test_bad_input_of_times(arguments, message):
    with pytest.raises(ValueError, match=message):
        median_time(*arguments)
