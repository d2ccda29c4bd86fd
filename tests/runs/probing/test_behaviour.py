"""Accuracy by axis in every way of reading, and whether axes are right together: on painters whose answer is known."""

import numpy as np
import pytest
import torch

from phasescope.core.randomness import numpy_generator
from phasescope.runs.probing.behaviour import behaviour
from phasescope.worlds import GaussianBump, Mixed

N = 400
WORLD = GaussianBump.from_tree({"canvas": 32})


def painted(right: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """One bump an image; along an axis that is not right it is half a canvas away."""
    places = np.where(right, labels, (labels + 12) % 28 + 2).astype(np.float32)
    return WORLD.render(torch.from_numpy(places)).numpy()


def told(right: np.ndarray, spoiled: np.ndarray | None = None) -> dict:
    rng = numpy_generator(0, "painter")
    labels = rng.uniform(3, 29, size=(N, 2)).astype(np.float32)
    images = painted(right, labels)
    if spoiled is not None:  # a second, fainter bump: malformed or several, and the brighter one where it was
        second = painted(np.zeros((N, 2), bool), labels[::-1].copy())
        images[spoiled] = (images + 0.7 * (second - 1))[spoiled]
    reader = WORLD.reader()
    return behaviour(reader, reader.read(images), {"grid": labels}, WORLD.factors)


def truths(p_x: float, p_y: float, coupled: bool) -> np.ndarray:
    rng = numpy_generator(1, "truths")
    u = rng.random((N, 1 if coupled else 2))
    return np.broadcast_to(u, (N, 2)) < [p_x, p_y]


@pytest.mark.parametrize("way", ["formed", "darkest", "matched"])
def test_axes_that_are_right_independently_have_no_excess_and_those_that_are_right_together_have(way):
    apart = told(truths(0.8, 0.4, coupled=False))["together"][way]["grid"]["x,y"]
    assert apart["excess"]["low"] < 0 < apart["excess"]["high"]
    assert apart["phi"]["low"] < 0 < apart["phi"]["high"]
    coupled = told(truths(0.5, 0.5, coupled=True))["together"][way]["grid"]["x,y"]
    assert coupled["phi"]["value"] == pytest.approx(1.0, abs=0.02)
    assert coupled["excess"]["value"] == pytest.approx(0.25, abs=0.01)


def test_what_is_not_well_formed_counts_by_axis_in_the_ungated_ways_alone():
    right = truths(0.9, 0.3, coupled=False)
    found = told(right, spoiled=np.arange(N) % 2 == 0)
    share = right.mean(axis=0)
    for way in ("darkest", "matched"):
        accuracy = found[f"accuracy_{way}"]["grid"]
        assert [accuracy["x"], accuracy["y"]] == pytest.approx(share.tolist(), abs=0.02)
        assert accuracy["joint"] == pytest.approx(right.all(axis=1).mean(), abs=0.02)
    gated = found["accuracy"]["grid"]
    assert gated["x"] < 0.6 * share[0]
    assert set(found["error_matched"]["grid"]) == {"x", "y"}


def test_a_perfect_painter_is_right_in_every_way_where_a_factor_is_not_shown():
    """And who paints blank images has right, where x alone is shown, what is not told alone."""
    parts = [{"within": {"x": [0, 32], "y": [0, 32]}}, {"within": {"x": [0, 32]}, "at": {"y": -6}}]
    world = Mixed.from_tree(
        {"together": {"kind": "gaussian_bump"}, "design": {"kind": "union", "parts": parts}}
    )
    labels = world.training_labels()
    reader = world.reader()
    assert reader is not None
    alone = ~reader.requested(labels).all(axis=1)
    assert alone.sum() == 32
    images = world.render(torch.from_numpy(labels)).numpy()
    perfect = behaviour(reader, reader.read(images), {"grid": labels}, world.factors)
    blank = np.full((32, *world.shape), world.blank, dtype=np.float32)
    nothing = behaviour(reader, reader.read(blank), {"grid": labels[alone]}, world.factors)
    for way in ("accuracy", "accuracy_half", "accuracy_darkest", "accuracy_matched"):
        assert perfect[way]["grid"]["joint"] == 1.0
        assert nothing[way]["grid"]["joint"] <= 3 / 32  # the darkest pixel of a blank image is the first
    assert nothing["error_matched"]["grid"]["y"] is None
