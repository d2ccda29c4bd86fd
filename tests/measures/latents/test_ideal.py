import numpy as np
import pytest

from phasescope import Factors
from phasescope.measures import clifford_torus, random_latents, torus_3d

PERIODIC = {"factors": Factors.named(("x", "y"), [32.0, 32.0], ("x", "y"))}


def labels_of(n=60, seed=0):
    return np.random.default_rng(seed).uniform(0, 32, (n, 2))


def test_a_3d_torus_meets_its_equation():
    x, y, z = torus_3d(labels_of(), **PERIODIC).T
    np.testing.assert_allclose((np.hypot(x, y) - 2) ** 2 + z**2, 1)


def test_a_clifford_torus_has_a_unit_circle_a_factor_each_in_its_own_plane():
    labels = labels_of()
    torus = clifford_torus(labels, **PERIODIC)
    angle = 2 * np.pi * labels / 32
    np.testing.assert_allclose(torus, np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(60, 4))
    np.testing.assert_allclose(np.hypot(torus[:, 0::2], torus[:, 1::2]), 1)


@pytest.mark.parametrize("manifold", [torus_3d, clifford_torus])
def test_a_periodic_factor_comes_round_and_an_open_one_does_not(manifold):
    labels = labels_of()
    round_again = labels + np.array([32.0, -64.0])
    np.testing.assert_allclose(manifold(round_again, **PERIODIC), manifold(labels, **PERIODIC), atol=1e-12)
    ends = np.array([[0.0, 5.0], [16.0, 6.0], [32.0, 5.0]])
    first = manifold(ends)[:, :2]
    gaps = np.linalg.norm(first - first[0], axis=1)
    assert gaps[0] < gaps[1] < gaps[2]


def test_an_open_factors_units_and_origin_change_nothing():
    labels = labels_of()
    np.testing.assert_allclose(clifford_torus(3 * labels - 7), clifford_torus(labels), atol=1e-12)


def test_random_latents_are_white_and_of_their_seed():
    latents = random_latents(4000, 3, seed=1)
    np.testing.assert_allclose(np.cov(latents.T), np.eye(3), atol=0.1)
    assert (latents == random_latents(4000, 3, seed=1)).all()
    assert (latents != random_latents(4000, 3, seed=2)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: torus_3d(np.ones((4, 3)) * np.arange(4)[:, None]), "`labels` .*K=3.* 2 factors"),
        (
            lambda: clifford_torus(labels_of(), Factors.named(("a", "b"), categorical=("a",))),
            "a is categorical",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
