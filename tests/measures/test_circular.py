from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_spaces import circle
from scipy.stats import ortho_group

from phasescope.measures.circular import (
    circular_coordinates,
    circular_correlation,
    edge_weights,
    fisher_lee,
    lift,
    reduce_lattice,
    smooth,
    windings,
)
from phasescope.measures.ideal import clifford_torus, embed, torus_3d

TURN = 2 * np.pi
PERIODIC = {"periodic": (True, True), "span": (32.0, 32.0)}


def labels_of(seed, n):
    return np.random.default_rng(seed).uniform(0, 32, (n, 2))


def test_the_angle_of_a_circle_follows_it_and_by_length_not_by_density():
    rng = np.random.default_rng(0)
    dense_on_one_side = TURN * rng.beta(2, 2, 400)
    for u in (rng.uniform(0, TURN, 400), dense_on_one_side):
        found = circular_coordinates(np.stack([np.cos(u), np.sin(u)], axis=1), landmarks=100)
        score = circular_correlation(found.angles[:, 0], u)
        assert score.value > 0.98
        assert score.low <= score.value <= score.high <= 1
        assert abs(score.detail["winding"]) == 1
        assert score.nulls["permuted"] < 0.1
        assert found.births[0] < 0.3
        assert found.deaths[0] == pytest.approx(3**0.5, abs=0.4)


def test_each_of_two_angles_of_a_clifford_torus_follows_one_factor():
    labels = labels_of(1, 400)
    found = circular_coordinates(embed(clifford_torus(labels, **PERIODIC), 20), count=2)
    of_angle = [[circular_correlation(angle, label, 32.0) for label in labels.T] for angle in found.angles.T]
    values = np.array([[score.value for score in row] for row in of_angle])
    assert sorted(values.argmax(axis=1)) == [0, 1]
    assert values.max(axis=1).min() > 0.98
    for row in of_angle:
        followed, other = sorted(row, key=lambda score: -score.value)
        assert followed.value > followed.nulls["permuted"]
        assert other.value < 0.05
    turns, closeness = windings(found.angles, labels, np.array([32.0, 32.0]))
    assert abs(round(np.linalg.det(turns))) == 1
    assert np.abs(turns).sum() == 2
    assert closeness.min() > 0.98


def test_the_two_angles_of_a_3d_torus_follow_its_factors_though_one_stretches_with_the_other():
    labels = labels_of(2, 800)
    found = circular_coordinates(torus_3d(labels, **PERIODIC), count=2)
    values = np.array(
        [[circular_correlation(angle, label, 32.0).value for label in labels.T] for angle in found.angles.T]
    )
    assert sorted(values.argmax(axis=1)) == [0, 1]
    assert values.max(axis=1).min() > 0.8


def test_angles_of_permuted_labels_are_at_chance():
    rng = np.random.default_rng(3)
    u = rng.uniform(0, TURN, (40, 100))
    scores = [circular_correlation(a, rng.permutation(a), resamples=20, seed=i) for i, a in enumerate(u)]
    # Chance exceeds its 95th percentile in 2 of 40 cases, and in more than 6 once in 300 times.
    assert sum(score.value > score.nulls["permuted"] for score in scores) <= 6


def test_rotation_and_scaling_of_latents_change_no_angle():
    labels = labels_of(4, 200)
    x = clifford_torus(labels, **PERIODIC) * [1, 1, 0.5, 0.5]
    a = circular_coordinates(x, landmarks=120).angles[:, 0]
    turned = 1e3 * x @ ortho_group.rvs(4, random_state=0) + 7
    b = circular_coordinates(turned, landmarks=120).angles[:, 0]
    assert np.abs(np.mean(np.exp(1j * (a - b)))) == pytest.approx(1, abs=1e-4)
    assert circular_correlation(a, labels[:, 0], 32.0).value > 0.98


def test_a_harmonic_cocycle_keeps_its_class_and_has_no_divergence():
    n = 24
    u = TURN * np.arange(n) / n
    x = np.stack([np.cos(u), np.sin(u)], axis=1) * (1 + 0.1 * np.random.default_rng(5).normal(size=(n, 1)))
    joined = np.linalg.norm(x[:, None] - x, axis=2) < 0.8
    # The cocycle that counts crossings of the ray u = 0.
    step = (np.arange(n) - np.arange(n)[:, None] + n // 2) % n - n // 2
    eta = np.where(joined, (np.arange(n)[:, None] + step - np.arange(n)) / n, 0)
    tau, theta = smooth(eta, joined)
    w = edge_weights(joined)
    np.testing.assert_allclose((w * theta).sum(axis=0), 0, atol=1e-12)
    around = sum(theta[i, (i + 1) % n] for i in range(n))
    assert around == pytest.approx(sum(eta[i, (i + 1) % n] for i in range(n)))
    assert abs(around) == pytest.approx(1)
    # Any other tau has more energy.
    energy = (w * theta**2).sum()
    for other in np.random.default_rng(6).normal(size=(5, n)):
        moved = tau + 0.01 * other
        assert (w * (eta - (moved - moved[:, None])) ** 2).sum() > energy


def test_a_cocycle_is_lifted_to_the_integers_nearest_zero_or_refused():
    joined = np.ones((3, 3), dtype=bool)
    eta = lift(np.array([[0, 1, 1], [0, 2, 46], [1, 2, 45]]), joined, 47)
    assert eta.tolist() == [[0, 1, -1], [-1, 0, -2], [1, 2, 0]]
    with pytest.raises(ValueError, match="does not lift"):
        lift(np.array([[0, 1, 23], [0, 2, 46], [1, 2, 23]]), joined, 47)


@given(st.integers(0, 10**6))
def test_of_two_vectors_the_reduced_basis_is_the_shortest(seed):
    vectors = np.random.default_rng(seed).normal(size=(2, 3))
    vectors[1] += 3 * vectors[0]
    gram = vectors @ vectors.T
    basis = reduce_lattice(gram)
    assert abs(round(np.linalg.det(basis))) == 1
    others = np.array([m for m in product(range(-30, 31), repeat=2) if any(m)])
    shortest = np.einsum("ma,ab,mb->m", others, gram, others).min()
    reduced = basis @ gram @ basis.T
    assert reduced.diagonal().min() <= shortest * (1 + 1e-9)
    # Neither is made shorter by the other.
    assert 2 * abs(reduced[0, 1]) <= reduced.diagonal().min() * (1 + 1e-6)


def test_fisher_and_lees_coefficient_is_a_sum_over_pairs_and_knows_weights():
    rng = np.random.default_rng(7)
    a, b = rng.uniform(0, TURN, (2, 30))
    b = a + 0.5 * b

    def over_pairs(a, b):
        sin_a, sin_b = (np.sin(angle[:, None] - angle) for angle in (a, b))
        return (sin_a * sin_b).sum() / np.sqrt((sin_a**2).sum() * (sin_b**2).sum())

    weights = rng.multinomial(30, np.full(30, 1 / 30), size=4)
    expected = [over_pairs(np.repeat(a, weight), np.repeat(b, weight)) for weight in weights]
    np.testing.assert_allclose(fisher_lee(a[None], b[None], weights.astype(float)), expected)
    permuted = np.stack([rng.permutation(b) for _ in range(3)])
    expected = [over_pairs(a, row) for row in permuted]
    np.testing.assert_allclose(fisher_lee(a[None], permuted, np.ones((1, 30))), expected)


@pytest.mark.parametrize("m", [1, -1, 2, -2])
def test_rotation_orientation_and_winding_are_allowed_for(m):
    label = labels_of(8, 200)[:, 0]
    score = circular_correlation((m * TURN * label / 32 + 1.3) % TURN, label, 32.0)
    assert score.value == pytest.approx(1)
    assert score.detail["winding"] == m
    if abs(m) == 2:
        assert circular_correlation(m * TURN * label / 32, label, 32.0, windings=1).value < 0.2


def test_the_interval_covers_the_correlation_of_the_population():
    rng = np.random.default_rng(9)

    def draw(n):
        u = rng.uniform(0, TURN, n)
        return u, u + rng.vonmises(0, 2, n)

    truth = abs(fisher_lee(*(angles[None] for angles in draw(400_000)), np.ones((1, 400_000)))[0])
    scores = [circular_correlation(*draw(150), permutations=5, seed=i) for i in range(100)]
    assert 87 <= sum(score.low <= truth <= score.high for score in scores) <= 99


def test_loops_that_are_gaps_between_landmarks_are_refused():
    noise = np.random.default_rng(10).normal(size=(400, 20))
    with pytest.raises(ValueError, match=r"`landmarks` .=100. must be more: balls of .* close a loop"):
        circular_coordinates(noise, landmarks=100)


def test_loops_that_live_at_no_common_scale_are_refused():
    rng = np.random.default_rng(11)
    small, large = circle(rng, 100), 40 * circle(rng, 100) + [100, 0]
    with pytest.raises(ValueError, match=r"`count` .=2. must be less: no scale has all of these loops"):
        circular_coordinates(np.vstack([small, large]), count=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latents": np.full((20, 2), np.inf)}, "finite"),
        ({"latents": np.ones((20, 2))}, "each feature is constant"),
        ({"latents": np.eye(8)}, "must have at least 16 rows"),
        ({"count": 0}, "`count` .=0. must be an integer of at least 1"),
        ({"count": 50}, "`count` .=50. must be at most"),
        ({"landmarks": 4}, "`landmarks` .=4. must be an integer of at least 16"),
        ({"prime": 2}, "`prime` .=2. must be an integer of at least 3"),
        ({"prime": 9}, "`prime` .=9. must be a prime"),
    ],
)
def test_bad_input_is_named(arguments, message):
    latents = circle(np.random.default_rng(0), 40)
    with pytest.raises(ValueError, match=message):
        circular_coordinates(**{"latents": latents, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label": np.arange(9.0)}, "`label` .n=9. must have n=10"),
        ({"label": np.ones(10)}, "`label` .1 and its opposite. must vary"),
        ({"label": np.full(10, np.nan)}, "`label` .* finite"),
        ({"angles": np.zeros((10, 1))}, "`angles` .shape .10, 1.. must be at least 4 finite numbers"),
        ({"angles": np.arange(3.0), "label": np.arange(3.0)}, "at least 4 finite"),
        ({"period": 0.0}, "`period` .=0.0. must be greater than 0"),
        ({"windings": 0}, "`windings` .=0. must be an integer of at least 1"),
    ],
)
def test_bad_input_of_a_correlation_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        circular_correlation(**{"angles": np.arange(10.0), "label": np.arange(10.0), **arguments})


def test_bad_input_of_windings_is_named():
    angles = np.zeros((10, 1))
    with pytest.raises(ValueError, match=r"`labels` .shape .9, 2.. must be .n, K. with n=10"):
        windings(angles, np.zeros((9, 2)), np.ones(2))
    with pytest.raises(ValueError, match=r"`periods`.* must be 2 numbers greater than 0"):
        windings(angles, np.zeros((10, 2)), np.ones(3))
