"""Known answers of what the studies of the open questions bring along."""

import numpy as np
import pytest
import torch

from studies.biases import kinds, readings
from studies.factors.kinds import OneObject
from studies.labels.study import unevenness
from studies.losses.kinds import summed


@pytest.mark.parametrize(("head", "rank"), [("product", 1), ("sum", 0)])
def test_a_head_gives_rank_one_or_no_mixed_difference(head, rank):
    network = kinds.HeadUNet(widths=(8, 8), head=head).build((1, 32, 32), OneObject().factors[:2])
    contrast = 1 - network(torch.randn(2, 1, 32, 32), torch.tensor([3, 500]), torch.rand(2, 2)).double()
    values = torch.linalg.svdvals(contrast if rank else contrast.diff(dim=2).diff(dim=3))
    assert values[..., rank:].max() < 1e-5 * torch.linalg.svdvals(contrast).max()


def test_the_affine_hull_of_sums_is_what_completed_rectangles_reach():
    seen = np.random.default_rng(0).integers(0, 9, size=(10, 2))
    every, reached = np.argwhere(np.ones((9, 9))), set(map(tuple, seen))
    for _ in range(9):
        reached |= {(c, d) for a, b in reached for e, d in reached if e == a for c, f in reached if f == b}
    assert set(map(tuple, every[readings.in_one_component(seen, every)])) == reached


def test_exact_answers_for_stripes_on_a_torus_add_up():
    places = torch.cartesian_prod(*[torch.arange(8)] * 2)
    line = torch.exp(-(((torch.arange(8) + 4) % 8 - 4.0) ** 2) / 2).double()
    by_x, by_y = torch.stack([line.roll(at) for at in range(8)])[places].unbind(1)
    images = (by_x[:, None, :] + by_y[:, :, None])[:, None]

    def posterior_mean(
        x_t, t, labels
    ):  # over the images that agree with what is given, at noise of deviation 1
        given = ((labels[:, None] == places) | labels[:, None].isnan()).all(2)
        likelihood = -((x_t[:, None] - images) ** 2).flatten(2).sum(2) / 2
        return torch.einsum("nm,mchw->nchw", likelihood.masked_fill(~given, -torch.inf).softmax(1), images)

    x_t = images + torch.randn(images.shape, generator=torch.manual_seed(0), dtype=torch.float64)
    assert summed(posterior_mean, x_t, torch.zeros(64), places.double()) == pytest.approx(images, abs=1e-9)


def test_objects_are_read_as_they_were_rendered_and_even_places_are_as_uneven_as_chance():
    world, rng = OneObject(width_px=(1.5, 3.0)), np.random.default_rng(0)
    labels, even = world.draw_labels(64, rng), rng.uniform(0.5, 32.5, size=(200, 400, 2))
    read = world.reader().read(world.render(torch.from_numpy(labels)).numpy())
    assert world.reader().right(read, labels).all()
    assert np.mean([unevenness(places, 32) for places in even]) == pytest.approx(1, abs=0.1)
