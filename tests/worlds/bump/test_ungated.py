"""The place read from every image, each axis by itself: it does not ask whether a bump is well formed."""

import numpy as np
import pytest

from helpers.bumps import noisy, paint, reader_of, world
from phasescope.core.randomness import numpy_generator

WAYS = world().reader().WAYS


def read(w, images: np.ndarray, labels: np.ndarray):
    reader = reader_of(w)
    columns = reader.read(images[:, None])
    return reader, columns, reader.ungated(columns, labels)


@pytest.mark.parametrize("boundary", ["open", "periodic"])
@pytest.mark.parametrize("polarity", ["dark", "bright"])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_bump_is_found_by_both_to_half_a_pixel(boundary: str, polarity: str, noise: float):
    rng = numpy_generator(0, "ungated")
    w = world(1.0, boundary, polarity)
    labels = rng.uniform(1, 32, size=(200, 2)).astype(np.float32)
    _, _, errors = read(w, noisy(paint(w, labels), noise, rng), labels)
    assert set(errors) == set(WAYS)
    assert np.abs(errors["matched"]).max() < 0.5
    assert np.abs(errors["darkest"]).max() <= (0.5 if noise == 0 else 1.0) + 1e-5


def test_an_image_that_is_not_well_formed_is_read_all_the_same():
    """Right in x and never in y, in images that hold two bumps of one column: the axes part, and no outcome is right."""
    w = world()
    rng = numpy_generator(1, "ungated")
    labels = np.stack([rng.uniform(4, 29, 50), np.full(50, 16.0)], axis=1).astype(np.float32)
    first, second = labels.copy(), labels.copy()
    first[:, 1], second[:, 1] = 6, 26
    images = paint(w, first) + paint(w, second) - 1
    reader, columns, errors = read(w, images, labels)
    assert set(reader.outcome(columns, labels)) == {"multiple"}
    assert not reader.correct(columns, labels).any()
    for way in WAYS:
        right = np.abs(errors[way]) <= reader.tolerance
        assert right.mean(axis=0).tolist() == [1.0, 0.0], way


def test_a_place_is_read_across_the_edge_of_a_torus():
    w = world(boundary="periodic")
    labels = np.array([[31.8, 0.3], [0.2, 31.9]], dtype=np.float32)
    _, _, errors = read(w, paint(w, labels), labels)
    for way in WAYS:
        assert np.abs(errors[way]).max() <= 0.5 + 1e-5


def test_what_is_not_finite_is_nowhere():
    w = world()
    labels = np.full((3, 2), 10.0, dtype=np.float32)
    images = paint(w, labels)
    images[0, 3, 3], images[1, 0, 0] = np.nan, np.inf
    _, _, errors = read(w, images, labels)
    for way in WAYS:
        assert np.isnan(errors[way][:2]).all()
        assert np.isfinite(errors[way][2]).all()
        assert not (np.abs(errors[way][:2]) <= 1).any()


@pytest.mark.slow
def test_chance_is_the_share_of_the_canvas_within_a_pixel():
    """Of noise without a bump, an axis is right about as often as a place from all over the canvas is."""
    w = world()
    rng = numpy_generator(2, "ungated")
    labels = rng.integers(2, 32, size=(4000, 2)).astype(np.float32)
    images = noisy(np.ones((4000, 32, 32)), 0.3, rng)
    _, _, errors = read(w, images, labels)
    share = (np.abs(errors["darkest"]) <= 1).mean(axis=0)
    assert np.all(np.abs(share - 3 / 32) < 0.02)
