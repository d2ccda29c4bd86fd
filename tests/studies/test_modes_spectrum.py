"""Variance by mode: what it is of noise, of waves, of the translates of one image, and what it always adds up to."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from phasescope.worlds import GaussianBump
from studies.modes.spectrum import mode_gains, mode_variances
from tests.models.families.torus import torus_spectrum

RNG = np.random.default_rng


def test_white_noise_has_its_variance_in_every_mode():
    found = mode_variances(0.3 * RNG(0).standard_normal((4000, 1, 8, 8)))
    # a mode of its own has a relative deviation of sqrt(2 / 4000) at the most
    np.testing.assert_allclose(found.variance, 0.09, rtol=5 * np.sqrt(2 / 4000))
    assert found.modes.sum() == 64
    assert found.k_2[0] == 0
    assert found.k_2[-1] == pytest.approx(2 * np.pi**2)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_of_all_translates_of_one_image_they_are_the_covariances_eigenvalues(sigma):
    N = 16
    world = GaussianBump(canvas=N, boundary="periodic", sigma_px=sigma)
    images = world.render(torch.from_numpy(world.training_labels()).double())
    found = mode_variances(images.numpy())
    exact = torus_spectrum(images[0]).view(N, N).numpy()
    k = 2 * np.pi * np.fft.fftfreq(N)
    k_2 = (k[:, None] ** 2 + k**2).round(9)
    means = [exact[k_2 == one].mean() for one in np.unique(k_2)]
    np.testing.assert_allclose(found.k_2, np.unique(k_2))
    np.testing.assert_allclose(found.variance, means, rtol=1e-9, atol=1e-12)
    if (
        sigma == 1
    ):  # a bump's own formula, c^2 (2 pi s^2)^2 exp(-s^2 |k|^2) / N^2 with c = 2, where it is sampled well
        low = (found.k_2 > 0) & (found.k_2 <= 4)
        formula = 4 * (2 * np.pi) ** 2 * np.exp(-found.k_2[low]) / N**2
        np.testing.assert_allclose(found.variance[low], formula, rtol=0.05)


def test_a_wave_is_in_its_own_modes_alone():
    """cos(k i + phase) of any phase: variance P / 4 in k and in -k, each unitary."""
    N, n = 12, (2, 3)
    i, j = np.meshgrid(np.arange(N), np.arange(N), indexing="ij")
    phases = 2 * np.pi * np.arange(8) / 8
    images = np.cos(2 * np.pi * (n[0] * i + n[1] * j) / N + phases[:, None, None, None])
    found = mode_variances(images)
    own = np.isclose(found.k_2, (2 * np.pi / N) ** 2 * (n[0] ** 2 + n[1] ** 2))
    assert own.sum() == 1
    assert found.modes[own] == 8
    assert found.variance[own] * found.modes[own] == pytest.approx(2 * N**2 / 4)
    np.testing.assert_allclose(found.variance[~own], 0, atol=1e-12)


@st.composite
def some_images(draw: st.DrawFn) -> np.ndarray:
    spatial = draw(st.lists(st.integers(1, 7), min_size=1, max_size=3))
    shape = (draw(st.integers(2, 5)), draw(st.integers(1, 3)), *spatial)
    return draw(st.floats(0.1, 10)) * RNG(draw(st.integers(0, 99))).standard_normal(shape)


@given(some_images(), st.integers(0, 6), st.floats(-2, 2))
def test_they_add_up_to_the_variance_and_hear_of_no_shift_no_image_added_to_all_and_no_scale(
    images, shift, scale
):
    found = mode_variances(images)
    whole = images.var(axis=0).sum() / images.shape[1]
    assert (found.variance * found.modes).sum() == pytest.approx(whole)
    assert found.modes.sum() == np.prod(images.shape[2:])
    assert (np.diff(found.k_2) > 0).all()
    moved = mode_variances(np.roll(images, shift, axis=-1))
    added = mode_variances(images + RNG(0).standard_normal(images.shape[1:]))
    for other in (moved, added):
        np.testing.assert_allclose(other.variance, found.variance, rtol=1e-6, atol=1e-9 * whole)
    scaled = mode_variances(scale * images)
    np.testing.assert_allclose(scaled.variance, scale**2 * found.variance, rtol=1e-6, atol=1e-9 * whole)


def test_the_gain_of_all_that_images_could_be_is_wieners():
    """Of two images in noise the mean over both, by their chances, has E[x g*] / E[g g*] along each mode: linear or not."""
    N, sigma, n = 8, 0.7, 40_000
    pair = RNG(0).standard_normal((2, 1, N, N))
    which = RNG(1).integers(2, size=n)
    noisy = pair[which] + sigma * RNG(2).standard_normal((n, 1, N, N))
    log_odds = ((noisy - pair[0]) ** 2 - (noisy - pair[1]) ** 2).sum(axis=(1, 2, 3)) / (2 * sigma**2)
    chance = 1 / (1 + np.exp(-log_odds))
    posterior = pair[0] + chance[:, None, None, None] * (pair[1] - pair[0])
    found = mode_gains(noisy, posterior)
    variance = mode_variances(pair).variance
    np.testing.assert_allclose(found.gain, variance / (variance + sigma**2), atol=0.02)


@pytest.mark.parametrize("gain", [0.0, 0.3, -2.0])
def test_an_answer_that_scales_what_was_given_has_that_gain_in_every_mode(gain):
    given = RNG(0).standard_normal((5, 2, 6, 4))
    found = mode_gains(given, gain * given + 7.0)
    np.testing.assert_allclose(found.gain, gain, atol=1e-12)
    np.testing.assert_array_equal(found.k_2, mode_variances(given).k_2)


def test_noise_that_is_added_to_an_answer_moves_no_gain():
    given = RNG(0).standard_normal((20_000, 1, 4, 4))
    found = mode_gains(given, 0.5 * given + RNG(1).standard_normal(given.shape))
    np.testing.assert_allclose(found.gain, 0.5, atol=0.04)


def test_a_mode_of_which_nothing_was_given_has_no_gain():
    given = np.ones((3, 1, 4, 4)) * np.arange(3)[:, None, None, None]
    found = mode_gains(given, 2 * given)
    assert found.gain[0] == pytest.approx(2)
    assert np.isnan(found.gain[1:]).all()


@pytest.mark.parametrize(
    ("given", "answer", "words"),
    [
        (np.zeros((2, 1, 4)), np.zeros((2, 1, 5)), "of the shape of"),
        (np.zeros((1, 1, 4)), np.zeros((1, 1, 4)), "n of at least 2"),
        (np.zeros((4, 4)), np.zeros((4, 4)), "n, C, "),
        (np.full((2, 1, 4), np.nan), np.zeros((2, 1, 4)), "`given`"),
        (np.zeros((2, 1, 4)), np.full((2, 1, 4), np.inf), "`answer`"),
    ],
)
def test_what_has_no_gains_is_told(given, answer, words):
    with pytest.raises(ValueError, match=words):
        mode_gains(given, answer)
