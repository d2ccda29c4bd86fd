"""Known bumps in backgrounds: what is planted is what the world renders, and what is removed leaves no trace."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from helpers.bumps import N, paint, reader_of, world
from phasescope.core.randomness import numpy_generator
from phasescope.worlds.bump.planted import plant, remove_bumps, surrogates
from phasescope.worlds.plane import Pixels

CANVAS = Pixels(N, False, 1.0)
NOWHERE = np.full((1, 1, 2), np.nan)


def grounds(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Contrasts of backgrounds without a bump, (n, N, N)."""
    noise = rng.normal(size=(n, N, N))
    if kind == "white noise":
        return 0.3 + 0.12 * noise
    coarse = gaussian_filter(noise, (0, 1.2, 1.2))
    return 0.3 + 0.1 * coarse / coarse.std()  # correlated over a bump's width


def shaped(n: int, amplitude: float = 1.0, width_px: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    return np.full(n, amplitude), np.full(n, width_px)


def test_a_planted_bump_is_the_worlds_own():
    labels = np.array([[0.0, 0.0], [3.5, 20.0], [32.0, 7.25]])
    planted = plant(np.zeros((3, N, N)), labels[:, None], *shaped(3), CANVAS)
    np.testing.assert_allclose(1 - 2 * planted, paint(world(), labels), atol=1e-9)


def test_a_planted_image_stays_between_white_and_black():
    ground = np.full((1, N, N), 0.6)
    planted = plant(ground, np.array([[[16.0, 16.0]]]), *shaped(1), CANVAS)
    assert planted.max() == 1.0
    np.testing.assert_array_equal(plant(ground, NOWHERE, *shaped(1), CANVAS), ground)


@pytest.mark.some(1)
@pytest.mark.parametrize("kind", ["white noise", "coarse noise"])
def test_what_was_planted_is_removed_and_the_ground_is_as_it_was(kind):
    rng, n = numpy_generator(0, f"planted {kind}"), 200
    ground = grounds(kind, n, rng)
    places = rng.uniform(3, N - 3, size=(n, 2, 2))
    planted = ground + plant(np.zeros_like(ground), places[:, :1], *shaped(n, 0.9, 1.2), CANVAS)
    back, removed, fitted = remove_bumps(planted, CANVAS)

    assert np.mean(removed == 1) > 0.95
    assert np.median(fitted, axis=0) == pytest.approx([0.9, 1.2], abs=0.06)
    # At the bump's place it differs from the true ground by a fraction of the ground's own spread.
    y, x = np.rint(places[:, 0, ::-1]).astype(int).T - 1
    rows = np.arange(n)
    hole = (back - ground)[rows, y, x]
    assert abs(np.mean(hole)) < 0.05
    assert np.std(hole) < 1.5 * ground.std()  # a fit takes the noise that looks like a bump along


@pytest.mark.some(1)
@pytest.mark.parametrize("kind", ["white noise", "coarse noise"])
def test_noise_is_not_cleaned(kind):
    """A reader's false alarms come from the strongest noise: a removal that takes it away would hide them."""
    ground = grounds(kind, 300, numpy_generator(1, f"planted {kind}"))
    left, removed, _ = remove_bumps(ground, CANVAS)
    assert np.mean(removed > 0) < 0.03
    np.testing.assert_array_equal(left[removed == 0], ground[removed == 0])


@pytest.mark.slow
def test_several_bumps_are_removed():
    rng = numpy_generator(2, "planted")
    ground = grounds("white noise", 100, rng) - 0.2
    places = np.stack(np.broadcast_arrays([[8.0, 8.0]], rng.uniform(16, 28, (100, 2))), axis=1)
    removed = remove_bumps(plant(ground, places, *shaped(100), CANVAS), CANVAS)[1]
    assert np.mean(removed == 2) > 0.95


@pytest.mark.slow
def test_the_reader_errs_on_a_ground_that_was_filled_and_emptied_as_on_the_true_one():
    """The known answer of a calibration: neither a hole nor a rest of what was removed changes the reader's errors."""
    rng, n = numpy_generator(3, "planted"), 400
    true = np.clip(grounds("coarse noise", n, rng), 0, 1)
    filled = plant(true, rng.uniform(3, N - 3, size=(n, 1, 2)), *shaped(n), CANVAS)
    emptied, removed, _ = remove_bumps(filled, CANVAS)
    assert np.mean(removed > 0) > 0.95

    reader, labels = reader_of(world()), rng.uniform(1, N, size=(n, 2))
    for places in (np.full((n, 1, 2), np.nan), labels[:, None]):
        counts = [
            reader.read(1 - 2 * plant(ground, places, *shaped(n), CANVAS)[:, None])["bumps"]
            for ground in (true, emptied)
        ]
        for number in (0, 1):
            first, second = (np.mean(count == number) for count in counts)
            assert abs(first - second) < 0.05


def test_a_surrogate_has_the_values_and_the_spectrum_of_its_image_and_another_content():
    rng = numpy_generator(4, "planted")
    g = grounds("coarse noise", 20, rng)
    other = surrogates(g, rng)
    np.testing.assert_allclose(np.sort(other.reshape(20, -1)), np.sort(g.reshape(20, -1)))

    power, others = (np.abs(np.fft.fft2(x)) ** 2 for x in (g, other))
    coarse = (slice(None), slice(0, 5), slice(0, 5))
    assert others[coarse].mean() == pytest.approx(power[coarse].mean(), rel=0.1)
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(g, other, strict=True)]
    assert abs(np.mean(alike)) < 0.1
