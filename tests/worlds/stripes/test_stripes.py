"""The world of stripes and its reader: what is drawn is what is read, in thousands of images of known answer."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from phasescope import UserError
from phasescope.worlds import Stripes, check_world

CASES = 3000


def drawn(world: Stripes, labels: np.ndarray, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    images = world.render(torch.from_numpy(labels.astype(np.float32))).numpy()
    return images + noise * 2 * world.scale * np.random.default_rng(seed).standard_normal(images.shape)


@pytest.mark.some(8)
@pytest.mark.parametrize("boundary", ["open", "periodic"])
@pytest.mark.parametrize("polarity", ["dark", "bright"])
@pytest.mark.parametrize(("sigma_px", "noise"), [(0.5, 0.0), (1.0, 0.0), (1.0, 0.15), (2.0, 0.1)])
def test_what_is_drawn_is_read(boundary: str, polarity: str, sigma_px: float, noise: float):
    world = Stripes.from_tree({"boundary": boundary, "polarity": polarity, "sigma_px": sigma_px})
    labels = world.draw_labels(CASES // 8, np.random.default_rng(1))
    reader = world.reader()
    columns = reader.read(drawn(world, labels, noise))
    assert (reader.outcome(columns, labels) == "correct").mean() >= 0.99
    errors = np.abs(reader.errors(columns, labels))
    assert np.nanquantile(errors, 0.99) < 0.1
    assert np.isfinite(errors).mean() >= 0.99
    for error in reader.ungated(columns, labels).values():
        assert np.nanquantile(np.abs(error), 0.99) <= 0.75


@pytest.mark.slow
def test_three_thousand_images_of_every_outcome():
    """One or two stripes told; none, one or several of each painted somewhere: the outcome is as it must be."""
    rng, world = np.random.default_rng(0), Stripes(margin_px=6)
    reader, images, labels, expected = world.reader(), [], [], []
    pixels = np.arange(1, 33)
    for _ in range(CASES):
        label = np.where(rng.random(2) < 0.3, rng.choice([-4.0, 36.0], 2), rng.uniform(1.5, 31.5, 2))
        told = (label >= 0) & (label <= 32)
        v, counts, right, whole = np.zeros((32, 32)), [], [], True
        for axis in range(2):
            count = int(rng.choice([0, 1, 2], p=[0.15, 0.7, 0.15]))
            places = {0: [], 1: [rng.uniform(2, 31)], 2: list(rng.uniform([3, 19], [13, 30]))}[count]
            if count == 1 and told[axis] and rng.random() < 0.5:
                places = [label[axis] + rng.uniform(-0.8, 0.8)]
            broken = count == 1 and rng.random() < 0.1
            for place in places:
                stripe = np.tile(0.5 * np.exp(-0.5 * (pixels - place) ** 2), (32, 1))
                if broken:
                    stripe[:12] *= 0.0  # what is left still has more than half of the contrast in the mean
                v += stripe if axis == 0 else stripe.T
            whole &= not broken
            counts.append(count)
            near = count == 1 and abs(places[0] - label[axis]) <= 1
            right.append(near if told[axis] else count == 0)
        counted = np.array(counts)
        failures = {
            "none": told.any() and not counted.any(),
            "partial": (told & (counted == 0)).any(),
            "multiple": (counted > told).any(),
            "malformed": not whole,
            "misplaced": not all(right),
        }
        expected.append(next((name for name, holds in failures.items() if holds), "correct"))
        images.append(1 - 2 * v[None])
        labels.append(label)
    found = reader.outcome(reader.read(np.array(images)), np.array(labels))
    assert set(expected) == {outcome.name for outcome in reader.outcomes}
    assert (found == np.array(expected)).mean() >= 0.99


@given(st.floats(-6, 38), st.floats(-6, 38), st.booleans())
def test_a_stripe_is_shown_where_its_label_is_on_the_canvas(x: float, y: float, dark: bool):
    world = Stripes(margin_px=6, polarity="dark" if dark else "bright")
    (image,) = drawn(world, np.array([[x, y]]))[:, 0]
    v = (1 - image) / 2 if dark else (1 + image) / 2
    for along, label in ((0, x), (1, y)):
        profile = v.mean(axis=along)
        if 0 <= np.float32(label) <= 32:
            assert abs(profile.argmax() + 1 - label) <= 1.01
        else:
            np.testing.assert_allclose(profile, profile[0], atol=1e-6)


def test_the_very_edges_of_the_canvas_are_on_it():
    world = Stripes(margin_px=6)
    edges = np.array([[0.0, 32.0], [32.0, 0.0], [-0.01, 32.01]])
    assert world.shown(edges).tolist() == [[True, True], [True, True], [False, False]]
    flat = drawn(world, edges).std(axis=(1, 2, 3))
    assert (flat[:2] > 0.1).all()
    assert flat[2] == pytest.approx(0, abs=1e-6)


def test_images_are_sums_of_their_stripes():
    world = Stripes(margin_px=6)
    both, one, other, none = (
        (1 - drawn(world, np.array([label]))[0, 0]) / 2
        for label in ((9.3, 20), (9.3, -6), (-6, 20), (-6, -6))
    )
    np.testing.assert_allclose(both + none, one + other, atol=1e-6)
    assert both.max() <= 1


def test_a_stripe_that_does_not_cross_the_canvas_is_malformed():
    world = Stripes()
    image = drawn(world, np.array([[9.0, 20.0]]))
    image[:, :, :10, :15] = 1.0
    label = np.array([[9.0, 20.0]])
    assert world.reader().outcome(world.reader().read(image), label).tolist() == ["malformed"]


def test_what_is_not_finite_is_read_as_such():
    world = Stripes()
    labels = np.array([[9.0, 20.0], [3.0, 4.0]])
    images = drawn(world, labels)
    images[0, 0, 3, 3] = np.nan
    columns = world.reader().read(images)
    assert columns["stripes_x"].tolist() == [-1, 1]
    assert world.reader().outcome(columns, labels).tolist() == ["malformed", "correct"]


def test_the_world_is_as_a_world_must_be():
    check_world(Stripes(margin_px=6))
    world = Stripes(boundary="periodic")
    check_world(world)
    assert world.factors.periodic.all()


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"sigma_px": 5}, "`sigma_px` (=5) must be at most an eighth of the canvas (=32 px)"),
        ({"margin_px": 6, "boundary": "periodic"}, "`margin_px` (=6) must be 0 if boundary=periodic"),
        ({"scale": 0.6}, "`scale` (=0.6)"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict, rule: str):
    with pytest.raises(UserError, match=r".*") as caught:
        Stripes.from_tree(fields)
    assert rule in str(caught.value)


def test_images_of_another_canvas_are_refused():
    with pytest.raises(UserError, match="must have the shape"):
        Stripes().reader().read(np.zeros((2, 1, 16, 16)))
