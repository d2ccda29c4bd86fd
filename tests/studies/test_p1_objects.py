"""Objects of images that are known: bumps, two bumps and none, on clean, grey and noisy backgrounds."""

import numpy as np
import pytest
import torch

from phasescope import load_config
from phasescope.studies.readings.objects import OBJECTS, outcomes, read_objects, shares
from phasescope.studies.readings.places import places

N = 60


@pytest.fixture(scope="module")
def bumps() -> tuple[np.ndarray, np.ndarray]:
    world = load_config(overrides=["preset=p1"]).world
    labels = world.draw_labels(N, np.random.default_rng(0)).astype(np.float32)
    return world.render(torch.from_numpy(labels)).numpy()[:, 0].astype(float), labels


@pytest.mark.parametrize(("level", "noise", "noisy"), [(0, 0, 0), (-0.5, 0, 1), (0, 0.3, 1), (0, 0.05, 0)])
def test_a_bump_is_found_whatever_its_background(bumps, level, noise, noisy):
    images, labels = bumps
    seen = images + level + noise * np.random.default_rng(1).normal(size=images.shape)
    places, is_noisy = read_objects(seen, 1.0)
    assert (outcomes(places, labels) == "correct").mean() > 0.95
    assert is_noisy.all() if noisy else not is_noisy.any()


def test_two_bumps_none_and_one_elsewhere(bumps):
    images, labels = bumps
    background = 1 + 0.3 * np.random.default_rng(2).normal(size=images.shape)
    assert shares(background, labels, 1.0)["none"] > 0.95
    apart = np.abs(labels[:, 1] - 16) > 4  # its mirror image is a second bump
    mirrored = np.minimum(images, images[:, ::-1])[apart]
    assert shares(mirrored, labels[apart], 1.0)["multiple"] > 0.9
    elsewhere = (labels + 8) % 32
    of_objects = shares(images, elsewhere.astype(np.float32), 1.0)
    assert of_objects["misplaced"] > 0.95
    assert of_objects["phase"] == "B"
    assert sum(of_objects[name] for name in OBJECTS) == pytest.approx(1)


def test_a_place_is_read_between_pixels_on_any_background():
    world, generator = load_config(overrides=["preset=p1"]).world, np.random.default_rng(0)

    def largest_error(labels: np.ndarray, level: float, noise: float) -> float:
        images = world.render(torch.from_numpy(labels)).numpy()[:, 0]
        seen = images + level + noise * generator.standard_normal(images.shape)
        return float(np.abs(places(seen, 1.0) - labels).max())

    labels = generator.uniform(3, 30, (50, 2))
    assert largest_error(labels, 0, 0) < 0.1
    assert largest_error(labels, -0.5, 0.1) < 0.3
    assert largest_error(np.round(labels), 0, 0) < 0.02  # the canvas ends within the shape's reach
