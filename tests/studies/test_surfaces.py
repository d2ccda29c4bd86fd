"""Surfaces that shares lie on: coefficients that are known, against a library, and levels along which they move."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phasescope.studies.core.claim import NotEnough
from phasescope.studies.core.comparing import FAR, bounded_over_runs, somers
from phasescope.studies.core.statistics import over_runs
from phasescope.studies.core.surfaces import fractional_logit, moving

RNG = np.random.default_rng(0)
U, V = (one.ravel() for one in np.meshgrid(np.linspace(-2, 2, 9), np.linspace(-1, 1, 5)))


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@settings(max_examples=25, deadline=None)
@given(st.floats(-1, 1), st.floats(0.3, 3), st.floats(-2, 2))
def test_a_surface_without_noise_is_found(a: float, b: float, c: float):
    share = logistic(a + b * U + c * V)
    design = np.column_stack([np.ones(len(U)), U, V])
    found = fractional_logit(design, share, np.ones((1, len(U))))
    np.testing.assert_allclose(found, [[a, b, c]], atol=5e-3)
    assert moving(share, U, V)(np.ones((1, len(U))))[0] == pytest.approx(-c / b, abs=5e-3)


def test_coefficients_are_those_of_a_library_on_as_many_copies():
    """A share of 0.3 with a weight of 10 is three that are right of ten."""
    from sklearn.linear_model import LogisticRegression

    right = RNG.binomial(10, logistic(0.3 + U - 0.5 * V))
    design = np.column_stack([np.ones(len(U)), U, V])
    weights = np.full((1, len(U)), 10.0)
    twice = np.repeat([1, 0], len(U))
    model = LogisticRegression(C=1e8, fit_intercept=False, tol=1e-10, max_iter=1000)
    model.fit(np.vstack([design, design]), twice, sample_weight=np.concatenate([right, 10 - right]))
    np.testing.assert_allclose(fractional_logit(design, right / 10, weights), model.coef_, atol=2e-3)


def test_resamples_are_as_runs_that_are_there_as_often():
    share = logistic(U + RNG.standard_normal(len(U)))
    weights = RNG.multinomial(len(U), np.full(len(U), 1 / len(U)), size=3).astype(float)
    together = moving(share, U, V)(weights)
    for row, found in zip(weights.astype(int), together, strict=True):
        often = np.repeat(np.arange(len(U)), row)
        assert moving(share[often], U[often], V[often])(np.ones((1, len(often))))[0] == pytest.approx(
            found, abs=1e-3
        )


def test_what_falls_with_u_has_no_level_that_moves():
    assert math.isnan(moving(logistic(-U), U, V)(np.ones((1, len(U))))[0])
    with pytest.raises(NotEnough):
        over_runs(moving(logistic(-U), U, V), len(U))


def test_shares_that_are_nothing_or_all_have_a_level_too():
    step = (U > 0.5 * V).astype(float)
    assert moving(step, U, V)(np.ones((1, len(U))))[0] == pytest.approx(0.5, abs=0.2)


def test_a_statistic_that_is_bounded_on_one_side_has_one_end():
    values = np.array([1.0, 2.0, 3.0, 4.0])

    def bounds(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low = weights @ values / weights.sum(axis=1)
        return low, np.full(len(weights), math.inf)

    found = bounded_over_runs(bounds, 4, None)
    assert math.isnan(found.value)
    assert 0 < found.low < 2.5
    assert found.high == math.inf

    def nothing(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.full(len(weights), -math.inf), np.full(len(weights), 2 * FAR)

    with pytest.raises(NotEnough, match="on neither side"):
        bounded_over_runs(nothing, 4, None)


def test_somers_d_is_that_of_all_pairs_within():
    rng = np.random.default_rng(3)
    values, of = rng.integers(5, size=24).astype(float), np.repeat([1.0, 2.0, 3.0], 8)
    within = np.tile(["here", "there"], 12).tolist()
    signs = [
        np.sign(values[i] - values[j])
        for i in range(24)
        for j in range(24)
        if of[i] > of[j] and within[i] == within[j]
    ]
    found = somers(values, of, within)
    assert found.value == pytest.approx(np.mean(signs))
    assert found.low <= found.value <= found.high
    assert somers(of, of, within).value == 1
    with pytest.raises(NotEnough):
        somers(values, np.ones(24), within)


def test_one_value_of_what_moves_it_moves_nothing():
    with pytest.raises(NotEnough, match="one value"):
        moving(logistic(U), U, np.full(len(U), 2.0))
