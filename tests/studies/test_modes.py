"""When modes are learned: theory against integrated flows, and bounds on dates and slopes."""

import math

import numpy as np
import pytest

from studies.modes import fourier


def integrated(variance: float, eta_tau: np.ndarray, levels: int = 600) -> np.ndarray:
    """Return the generated variance of one mode: weights descend in small steps at many t, and noise follows the flow.

    dw/dtau = -2 eta [((1 - t)² lambda + t²) w - (t - (1 - t) lambda)] and dx/dt = w(t) x, neither solved by hand.
    """
    t = (np.geomspace(1e-4, 1.0001, levels + 1) - 1e-4)[1:]
    rate, pull = (1 - t) ** 2 * variance + t**2, t - (1 - t) * variance
    weight, at, variances = np.zeros(levels), 0.0, []
    for until in eta_tau:
        steps = max(math.ceil((until - at) / 0.02), 1)
        for _ in range(steps):
            weight = weight - 2 * (until - at) / steps * (rate * weight - pull)
        at = until
        variances.append(math.exp(-2 * np.trapezoid(np.append(weight[0], weight), np.append(0, t))))
    return np.array(variances)


@pytest.mark.parametrize("variance", [0.15, 0.02, 0.003])
def test_the_exact_course_is_that_of_an_integrated_gradient_flow(variance):
    eta_tau = np.geomspace(0.1, 0.6 / variance, 12)
    exact = fourier.course(np.array(variance), eta_tau)
    np.testing.assert_allclose(integrated(variance, eta_tau), exact, rtol=0.03)
    assert integrated(variance, fourier.emerges_at(np.array([variance]))) == pytest.approx(
        fourier.harmonic(np.array([variance])), rel=0.05
    )


@pytest.mark.parametrize("variance", [0.13, 0.02, 0.003])
def test_a_linear_gain_is_half_way_to_wieners_when_theory_says(variance):
    """The weight of velocity descends in small steps at the t of equal strength; its gain is 1 - t w."""
    t, until = (float(f(np.array(variance))) for f in (fourier.equal_noise, fourier.answers_at))
    assert (1 - t) ** 2 * variance == pytest.approx(t**2)
    rate, pull = (1 - t) ** 2 * variance + t**2, t - (1 - t) * variance
    wiener, weight, step = (1 - t) * variance / rate, 0.0, 0.01
    assert wiener == pytest.approx((1 + math.sqrt(variance)) / 2)
    for _ in range(round(until / step)):
        weight -= 2 * step * (rate * weight - pull)
    assert (1 - t * weight - wiener) / (1 - wiener) == pytest.approx(0.5, abs=0.01)


def test_slopes_of_theory_are_those_that_the_study_names():
    lam = fourier.data_variance(fourier.X)
    for dates, expected in ((fourier.emerges_at(lam), 0.956), (fourier.answers_at(lam), 0.87)):
        assert fourier.slope(fourier.X, np.log(dates), np.log(dates)) == pytest.approx(
            (expected,) * 2, abs=0.006
        )


def test_a_date_is_interpolated_or_bounded_and_a_missing_one_opens_the_slope():
    steps = np.array([0.0, 10, 100, 1000])
    excess = np.array([[3, 1, -1, -1], [3, -1, 3, -1], [3, 1, -1, 2], [-1, -1, -1, -1.0]]).T
    low, high = fourier.for_good(steps, excess, True)
    np.testing.assert_allclose(low[:2], np.log([math.sqrt(1000), 100 * 10**0.75]))
    np.testing.assert_allclose(high[:2], low[:2])
    assert (low[2], high[2], low[3], high[3]) == pytest.approx((math.log(1000), math.inf, 0, math.log(10)))
    low, high = fourier.for_good(steps, excess, False)
    np.testing.assert_allclose((low[:2], high[:2]), (np.log([10, 100]), np.log([100, 1000])))
    x, known = np.array([0.0, 1, 2]), np.array([1.0, 2, 3])
    assert fourier.slope(x, known, np.where(x == 2, math.inf, known)) == (1.0, math.inf)
    assert fourier.slope(x, known, np.where(x == 0, math.inf, known)) == (-math.inf, math.inf)


def test_an_interval_covers_both_bounds_and_is_open_where_a_run_is():
    import pandas as pd

    rng = np.random.default_rng(0)
    table = fourier.MeanOfBounds(width=0.2).simulate(pd.DataFrame({"seed": range(8)}), 0.5, 0.05, rng)
    estimate = fourier.MeanOfBounds().estimate(table)
    assert estimate.low < 0.45 < 0.55 < estimate.high
    assert math.isnan(estimate.value)
    open_ = table.assign(high=np.where(table["seed"] == 3, np.inf, table["high"]))
    assert fourier.MeanOfBounds().estimate(open_).high == math.inf
    assert fourier.MeanOfBounds(absolute=True).estimate(table - 0.5).low == 0.0
