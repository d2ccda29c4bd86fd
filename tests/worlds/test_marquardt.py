"""Damped least squares of many problems: known minima, bounds, and problems that do not see one another."""

import numpy as np
import pytest

from phasescope.worlds.marquardt import Expansion, marquardt

X = np.linspace(0, 3, 20)
DECAYS = np.array([[2.0, 0.5], [1.0, 1.5], [3.0, 2.5]])
"""(A, k) of A exp(-k x)"""


def curves(p: np.ndarray) -> np.ndarray:
    return p[:, :1] * np.exp(-p[:, 1:] * X)


def expand_of(data: np.ndarray):
    """The Gauss-Newton expansion of half of |data - A exp(-k x)|^2."""

    def expand(p, live):
        decay = np.exp(-p[:, 1:] * X)
        jacobian = np.stack([decay, -p[:, :1] * X * decay], axis=2)
        left = data[live] - curves(p)
        gram = np.einsum("mni,mnj->mij", jacobian, jacobian)
        return Expansion(
            loss=(left**2).sum(axis=1) / 2,
            hessian=gram,
            descent=np.einsum("mni,mn->mi", jacobian, left),
            scale=np.einsum("mii->mi", gram) + 1e-12,
        )

    return expand


def fit(data: np.ndarray, low: float = -np.inf, high: float = np.inf, **options):
    start = np.ones((len(data), 2))
    bounds = np.full(2, low), np.full(2, high)
    return marquardt(expand_of(data), start, reach=np.ones(2), bounds=bounds, iterations=60, **options)


def test_each_curve_has_its_own_parameters():
    found, _ = fit(curves(DECAYS))
    np.testing.assert_allclose(found, DECAYS, rtol=1e-6)


def test_a_problem_at_its_minimum_is_at_rest():
    _, settled = fit(curves(DECAYS), rest=np.full(3, 1e-12))
    assert settled.all()
    _, settled = fit(curves(DECAYS), rest=np.zeros(3))
    assert not settled.any()


def test_parameters_stay_within_their_bounds():
    found, _ = fit(curves(DECAYS), low=0.75, high=2.0)
    assert (found >= 0.75).all()
    assert (found <= 2.0).all()
    assert found[0, 1] == pytest.approx(0.75)


def test_a_problem_does_not_see_the_others():
    data = curves(DECAYS)
    together, _ = fit(data)
    for number, own in enumerate(data):
        alone, _ = fit(own[None])
        np.testing.assert_allclose(alone[0], together[number], rtol=1e-12)


def test_the_start_is_left_as_it_was():
    start = np.ones((3, 2))
    bounds = np.full(2, -np.inf), np.full(2, np.inf)
    marquardt(expand_of(curves(DECAYS)), start, np.ones(2), bounds, iterations=3)
    assert (start == 1).all()
