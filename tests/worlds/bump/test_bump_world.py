import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from phasescope import UserError
from phasescope.worlds import GaussianBump
from phasescope.worlds.designs import Grid

N = 32
POLARITIES = ["dark", "bright"]
BOUNDARIES = ["open", "periodic"]


def world_of(**fields):
    return GaussianBump.from_tree({"canvas": N, **fields})


def bump_share(world, labels):
    """v in [0, 1], (B, N, N), float64."""
    images = world.render(torch.as_tensor(labels, dtype=torch.float64))[:, 0].numpy()
    return (1 - images) / 2 if world.polarity == "dark" else (1 + images) / 2


@settings(max_examples=60)
@given(
    st.floats(0.7, 3),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from(POLARITIES),
    st.sampled_from(BOUNDARIES),
)
def test_moments_return_the_label_and_the_width(sigma_px, share_x, share_y, polarity, boundary):
    world = world_of(sigma_px=sigma_px, polarity=polarity, boundary=boundary)
    margin = 5 * sigma_px + 1
    label = margin + (N + 1 - 2 * margin) * np.array([share_x, share_y])
    (v,) = bump_share(world, label[None])
    pixel = np.arange(1, N + 1)
    for axis, place in ((0, label[0]), (1, label[1])):
        profile = v.sum(axis=axis) / v.sum()
        centroid = profile @ pixel
        assert abs(centroid - place) < 1e-3
        assert abs(np.sqrt(profile @ (pixel - centroid) ** 2) - sigma_px) < 1e-3


@pytest.mark.parametrize("polarity", POLARITIES)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_whole_label_peaks_at_its_pixel(polarity, boundary):
    world = world_of(polarity=polarity, boundary=boundary)
    labels = world.training_labels()
    v = bump_share(world, labels)
    row, column = np.divmod(v.reshape(len(v), -1).argmax(axis=1), N)
    np.testing.assert_array_equal(column + 1, labels[:, 0])
    np.testing.assert_array_equal(row + 1, labels[:, 1])
    np.testing.assert_array_equal(v.max(axis=(1, 2)), 1)


@given(st.floats(0, N), st.floats(0, N), st.sampled_from(BOUNDARIES))
def test_transposing_an_image_swaps_x_and_y(x, y, boundary):
    world = world_of(boundary=boundary)
    image, swapped = world.render(torch.tensor([[x, y], [y, x]]))
    torch.testing.assert_close(image.mT, swapped, rtol=0, atol=1e-6)


@given(
    st.floats(0, N),
    st.floats(0, N),
    st.floats(0.05, 8),
    st.sampled_from(POLARITIES),
    st.sampled_from(BOUNDARIES),
)
def test_images_are_float32_in_their_range_and_polarity_mirrors_them(x, y, sigma_px, polarity, boundary):
    labels = torch.tensor([[x, y]])
    world = world_of(sigma_px=sigma_px, polarity=polarity, boundary=boundary)
    other = world_of(
        sigma_px=sigma_px, polarity="bright" if polarity == "dark" else "dark", boundary=boundary
    )
    images = world.render(labels)
    assert images.shape == (1, 1, N, N)
    assert images.dtype == torch.float32
    assert images.min() >= -1
    assert images.max() <= 1
    assert torch.equal(images, -other.render(labels))


@pytest.mark.parametrize("sigma_px", [0.7, 1.0, 3.0])
def test_far_from_the_bump_is_background(sigma_px):
    dark, bright = (world_of(sigma_px=sigma_px, polarity=polarity) for polarity in POLARITIES)
    corner = torch.tensor([[4.0, 4.0]])
    assert dark.render(corner)[0, 0, -1, -1] == 1
    assert bright.render(corner)[0, 0, -1, -1] == -1


@given(
    st.integers(0, 64 * N - 1),
    st.integers(0, 64 * N - 1),
    st.integers(-N, N),
    st.integers(-N, N),
    st.floats(0.3, 8),
)
def test_periodic_bumps_shift_exactly(x_64, y_64, right, down, sigma_px):
    # labels in 1/64 px: sums and remainders are then exact in float32
    world = world_of(sigma_px=sigma_px, boundary="periodic")
    label = torch.tensor([[x_64, y_64]]) / 64
    moved = torch.remainder(label + torch.tensor([right, down]), N)
    rolled = torch.roll(world.render(label), (down, right), dims=(2, 3))
    assert torch.equal(world.render(moved), rolled)


def test_on_a_torus_label_n_is_label_0_and_on_an_open_canvas_it_is_not():
    ends = torch.tensor([[0.0, 7.5], [N, 7.5]])
    for sigma_px in (0.7, 1.0, 3.0):
        first, last = world_of(sigma_px=sigma_px, boundary="periodic").render(ends)
        assert torch.equal(first, last)
        first, last = world_of(sigma_px=sigma_px).render(ends)
        assert (first - last).abs().max() > 1


@pytest.mark.parametrize("sigma_px", [1.5, 2.0, 3.0])
def test_the_error_of_a_blank_image_is_pi_sigma_2_over_n_2(sigma_px):
    world = world_of(sigma_px=sigma_px, boundary="periodic")
    labels = world.draw_labels(20, np.random.default_rng(0))
    error = (bump_share(world, labels) ** 2).mean(axis=(1, 2))
    np.testing.assert_allclose(error, np.pi * sigma_px**2 / N**2, rtol=1e-6)


def test_a_data_set_is_its_labels():
    world = world_of(design={"kind": "grid", "dx": 0.1, "dy": 0.1})
    tracemalloc.start()
    labels = world.training_labels()
    _, peak_b = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert labels.nbytes == 102_400 * 2 * 4
    images_b = 102_400 * N * N * 4
    assert peak_b < images_b / 50


@pytest.mark.parametrize("polarity", POLARITIES)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_rendering_is_differentiable_in_labels(polarity, boundary):
    world = world_of(canvas=8, sigma_px=1.2, polarity=polarity, boundary=boundary)
    labels = torch.tensor([[3.3, 6.9], [0.2, 5.5]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(world.render, labels)
    weights = torch.randn(2, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad((world.render(labels) * weights).sum(), labels)
    # dv/dx = -(x - j) v / sigma^2, and y alike
    x, y = labels.detach().T[:, :, None, None, None]
    dx, dy = (c - torch.arange(1.0, 9.0) for c in (x, y))
    if boundary == "periodic":
        dx, dy = (torch.remainder(d + 4, 8) - 4 for d in (dx, dy))
    dx, dy = dx.expand(2, 1, 8, 8), dy.expand(2, 1, 8, 8).mT
    v = torch.exp(-(dx**2 + dy**2) / (2 * 1.2**2))
    sign = -2 if polarity == "dark" else 2
    expected = [(sign * weights * -d * v / 1.2**2).sum(dim=(1, 2, 3)) for d in (dx, dy)]
    torch.testing.assert_close(gradient, torch.stack(expected, dim=1), rtol=1e-9, atol=1e-9)


@given(st.integers(1, 40))
def test_an_image_does_not_depend_on_its_batch(batch):
    world = world_of()
    labels = torch.from_numpy(world.draw_labels(batch, np.random.default_rng(batch)))
    alone = torch.cat([world.render(label[None]) for label in labels])
    assert torch.equal(world.render(labels), alone)


@pytest.mark.parametrize("bad", [-0.01, N + 0.01, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 1])
def test_a_label_off_the_canvas_is_refused(bad, column):
    labels = np.full((3, 2), 5.0)
    world_of().factors.check(labels)
    world_of().factors.check(np.array([[0.0, N], [N, 0.0]]))
    labels[1, column] = bad
    with pytest.raises(ValueError, match="xy"[column]):
        world_of().factors.check(labels)


@pytest.mark.parametrize("ends", ["low", "high"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_off_grid_labels_lie_evenly_in_the_hull_of_the_grid_and_repeat(ends, boundary):
    world = world_of(boundary=boundary, design={"kind": "grid", "dx": 2, "dy": 1, "ends": ends})
    labels, again, others = (world.draw_labels(4000, np.random.default_rng(seed)) for seed in (0, 0, 1))
    training = world.training_labels()
    low, high = (
        (np.zeros(2), np.full(2, N))
        if boundary == "periodic"
        else (training.min(axis=0), training.max(axis=0))
    )
    assert labels.dtype == np.float32
    np.testing.assert_array_equal(labels, again)
    assert (labels != others).all()
    assert (labels >= low).all()
    assert (labels <= high).all()
    share = np.sort((labels - low) / (high - low), axis=0)
    assert np.abs(share - (np.arange(4000)[:, None] + 0.5) / 4000).max() < 1.95 / np.sqrt(4000)
    assert (np.abs(labels % 1 - 0.5) < 0.499).all(axis=1).mean() > 0.99


@pytest.mark.parametrize(
    ("field", "value"), [("sigma_px", 0), ("sigma_px", 8.1), ("canvas", 3), ("canvas", 1025)]
)
def test_an_impossible_world_is_named(field, value):
    with pytest.raises(UserError, match=field):
        world_of(**{field: value})


def test_a_copy_draws_labels_from_its_own_design_whatever_was_copied_before():
    """Copies of copies take the memory of earlier ones, so that an object's address says nothing of which it is."""
    world = GaussianBump(canvas=8)
    rng = np.random.default_rng(0)
    for number in range(100):
        place = float(number % 5 + 1)
        design = Grid.from_tree({"at": {"x": place}, "within": {"y": [place, place + 2]}})
        world = world.model_copy(update={"design": design.along(world.factors)})
        if number % 3 == 0:
            world.draw_labels(1, rng)
        drawn = world.model_copy().draw_labels(4, rng)
        assert drawn[:, 1].min() >= place
        assert drawn[:, 1].max() <= place + 2


def test_a_copy_of_another_canvas_has_its_own_box():
    world = GaussianBump(canvas=8)
    world.draw_labels(1, np.random.default_rng(0))
    larger = world.model_copy(update={"canvas": 16})
    assert larger.draw_labels(200, np.random.default_rng(0)).max() > 8
