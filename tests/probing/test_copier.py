from __future__ import annotations

import numpy as np
import pytest

from phasescope.factors import Factors
from phasescope.probing.copier import copied, nearest_labels, nearest_values
from phasescope.worlds import GaussianBump


def brute_force(training: np.ndarray, labels: np.ndarray, period: float) -> np.ndarray:
    found = []
    for label in labels:
        away = np.abs(training - label)
        away = np.minimum(away, period - away)
        found.append(training[np.argmin((away**2).sum(1))])
    return np.array(found)


def test_the_nearest_label_is_that_of_a_search_and_comes_round():
    rng = np.random.default_rng(0)
    training, labels = rng.uniform(0, 8, (60, 2)), rng.uniform(0, 8, (200, 2))
    torus = Factors.named(["x", "y"], [8.0, 8.0], periodic=["x", "y"])
    np.testing.assert_array_equal(nearest_labels(training, labels, torus), brute_force(training, labels, 8.0))
    open_ = Factors.named(["x", "y"], [8.0, 8.0])
    np.testing.assert_array_equal(nearest_labels(training, labels, open_), brute_force(training, labels, 1e9))


def test_the_factorized_copier_takes_each_factor_by_itself():
    training = np.array([[0.0, 0.0], [4.0, 6.0]])
    factors = Factors.named(["x", "y"], [8.0, 8.0])
    labels = np.array([[3.9, 0.5], [0.2, 5.0]])
    np.testing.assert_array_equal(nearest_values(training, labels, factors), [[4.0, 0.0], [0.0, 6.0]])
    assert nearest_labels(training, labels, factors).tolist() in ([[0, 0], [4, 6]], [[4, 6], [4, 6]])


def test_a_kept_share_of_the_grid_is_copied_as_often_as_the_closed_form_says():
    """1 - (1 - lambda)^9: one of the nine labels within 1 px is trained on; and both values are, for the factorized."""
    N, kept = 32, 0.1
    expected = 1 - (1 - kept) ** 9
    world = GaussianBump(canvas=N, boundary="periodic", design={"kind": "grid", "keep": round(kept * N * N)})
    every = GaussianBump(canvas=N, boundary="periodic").training_labels()
    near = nearest_labels(world.training_labels(), every, world.factors)
    # the nearest in Euclid's sense is within the square of 1 px wherever any label is
    right = (np.abs(world.factors.difference(near, every)) <= 1).all(axis=1)
    assert right.mean() == pytest.approx(expected, abs=0.06)
    shares = copied(world, 400)
    assert shares["copier"]["grid"] == 1
    assert shares["factorized copier"]["off_grid"] > 0.95
    # between the grid's labels a square of 1 px holds 4 of them
    assert shares["copier"]["off_grid"] == pytest.approx(1 - (1 - kept) ** 4, abs=0.1)


def test_a_world_without_a_reader_has_no_shares():
    class Unread(GaussianBump):
        def reader(self):
            return None

    assert copied(Unread(canvas=8), 4) == {}
