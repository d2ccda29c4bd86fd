from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from phasescope.measures import participation_ratio
from phasescope.measures.dimension import inverse_ratio


@pytest.mark.parametrize("d", [1, 2, 5, 40])
def test_an_isotropic_cloud_has_its_own_dimension(d):
    rng = np.random.default_rng(d)
    latents = rng.normal(size=(512, d)) @ ortho_group.rvs(64, random_state=0)[:d]
    score = participation_ratio(latents)
    assert score.value == pytest.approx(d, rel=0.03)
    assert score.low <= d * 1.0001
    assert score.high >= d * 0.98


def test_a_clifford_torus_on_a_lattice_has_dimension_four_and_a_sheet_two():
    steps = np.stack(np.meshgrid(np.arange(24), np.arange(24)), -1).reshape(-1, 2)
    angle = 2 * np.pi * steps / 24
    torus = np.hstack([np.sin(angle), np.cos(angle)])
    assert participation_ratio(torus).detail["uncorrected"] == pytest.approx(4)
    assert participation_ratio(steps.astype(float)).detail["uncorrected"] == pytest.approx(2)


def test_pixels_of_periodic_bumps_have_the_dimension_that_theory_gives():
    # Their covariance has eigenvalues exp(-sigma^2 k^2) at the canvas' frequencies k: PR = N^2 / (2 pi sigma^2).
    rng = np.random.default_rng(0)
    N, sigma = 32, 1.0
    x, y = rng.uniform(0, N, (2, 600, 1, 1))
    column, row = np.arange(1, N + 1), np.arange(1, N + 1)[:, None]
    squared = sum((np.abs(c - at + N / 2) % N - N / 2) ** 2 for c, at in ((column, x), (row, y)))
    score = participation_ratio(np.exp(-squared / (2 * sigma**2)).reshape(600, -1))
    expected = N**2 / (2 * np.pi * sigma**2)
    assert score.value == pytest.approx(expected, rel=0.05)
    assert score.low < expected < score.high
    assert score.detail["uncorrected"] == pytest.approx(1 / (1 / expected + 1 / 600), rel=0.05)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_rotation_scaling_and_shift_change_nothing(seed, scale, shift):
    rng = np.random.default_rng(seed)
    latents = rng.normal(size=(30, 6)) * rng.uniform(0.1, 2, 6)
    turned = scale * latents @ ortho_group.rvs(6, random_state=seed) + shift
    score = participation_ratio(latents)
    assert participation_ratio(turned).value == pytest.approx(score.value, rel=1e-6)
    assert 1 <= score.low <= score.value <= score.high <= 6


def test_a_weighted_sample_is_one_with_repeated_rows():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20, 7)) + 3
    weights = rng.multinomial(20, np.full(20, 1 / 20), size=5)
    expected = []
    for weight in weights:
        eigenvalues = np.linalg.eigvalsh(np.cov(np.repeat(x, weight, axis=0).T))
        expected.append((eigenvalues**2).sum() / eigenvalues.sum() ** 2)
    np.testing.assert_allclose(inverse_ratio(x @ x.T, weights.astype(float)), expected)


def test_the_interval_covers_the_true_dimension():
    variances = 1 / np.arange(1, 31)
    truth = variances.sum() ** 2 / (variances**2).sum()
    rng = np.random.default_rng(2)
    scores = [participation_ratio(rng.normal(size=(200, 30)) * variances**0.5, seed=i) for i in range(100)]
    assert sum(score.low <= truth <= score.high for score in scores) >= 87
