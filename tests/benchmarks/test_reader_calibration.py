"""Counting a reader's errors on planted bumps: known answers."""

import numpy as np
import pytest

from benchmarks.reader import APART_PX, AWAY_PX, TRUTHS, Rows, calibrate, places_of, shapes_of
from helpers.bumps import N, paint, world
from phasescope.core.randomness import numpy_generator


def calibrated(images: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    rows = Rows()
    calibrate(images[:, None], labels, world(), numpy_generator(seed, "calibration"), rows, step=0)
    return {name: np.concatenate(parts) for name, parts in rows.columns.items()}


@pytest.fixture(scope="module")
def clean() -> dict[str, np.ndarray]:
    """White images with one bump each, well inside the canvas."""
    labels = numpy_generator(0, "calibration").uniform(4, N - 4, size=(24, 2))
    return calibrated(paint(world(), labels), labels, seed=1)


def share(rows: dict[str, np.ndarray], right: bool = True, **keys: str) -> float:
    chosen = np.logical_and.reduce([rows[name] == value for name, value in keys.items()])
    assert chosen.any()
    return float(np.mean((rows["answer"] == rows["truth"])[chosen] == right))


@pytest.mark.parametrize("reader", ["object", "outcome"])
def test_on_clean_backgrounds_readers_are_right(clean, reader):
    assert (clean["removed"] == 1).all()
    for kind in ("residual", "refilled"):
        for truth in ("none", "correct"):
            assert share(clean, reader=reader, background=kind, bump="as rendered", truth=truth) == 1.0
    # Places that are drawn from the whole canvas lie at its edge now and then, where a bump is faint.
    for truth in ("misplaced", "multiple"):
        assert share(clean, reader=reader, background="residual", bump="as rendered", truth=truth) > 0.8


def test_in_strong_noise_readers_err():
    rng = numpy_generator(2, "calibration")
    labels = rng.uniform(4, N - 4, size=(24, 2))
    noisy = np.clip(0.4 + 0.9 * rng.normal(size=(24, N, N)), -1, 1)
    rows = calibrated(noisy, labels, seed=3)
    for reader in ("object", "outcome"):
        assert share(rows, reader=reader, background="residual", bump="weaker", truth="correct") < 0.6


def test_every_background_has_each_truth_once_for_a_shape(clean):
    keys = np.stack([clean[name] for name in ("reader", "background", "bump", "truth", "unit")])
    assert len(np.unique(keys.astype(str), axis=1).T) == len(clean["answer"])
    assert set(clean["truth"]) == set(TRUTHS)


def test_places_are_what_the_truth_says():
    rng = numpy_generator(4, "calibration")
    labels = rng.uniform(0, N, size=(300, 2))
    away = np.abs(places_of("misplaced", labels, N, rng)[:, 0] - labels).max(axis=1)
    assert away.min() >= AWAY_PX
    first, second = places_of("multiple", labels, N, rng).transpose(1, 0, 2)
    assert np.hypot(*(first - second).T).min() >= APART_PX
    np.testing.assert_array_equal(places_of("correct", labels, N, rng)[:, 0], labels)
    assert np.isnan(places_of("none", labels, N, rng)).all()


def test_shapes_as_fitted_are_those_of_bumps():
    rng = numpy_generator(5, "calibration")
    fitted = np.array([[0.7, 1.3], [0.2, 1.0], [1.0, 4.0]])  # the second is too weak, the third too wide
    np.testing.assert_array_equal(shapes_of("as fitted", 5, fitted, 1.0, rng), np.tile([0.7, 1.3], (5, 1)))
    assert len(shapes_of("as fitted", 5, fitted[1:], 1.0, rng)) == 0
