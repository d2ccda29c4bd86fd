"""Known answers of what the studies of the open questions bring along."""

import numpy as np
import pytest
import torch

from phasescope import networks, worlds
from studies.bands.baselines import in_hull, nearest
from studies.bands.kinds import Bands
from studies.bands.study import FEW, FURTHER, SINGLE, STUDY, cell
from studies.biases import axis, kinds, readings, shuffled
from studies.codes.kinds import BetaVAE, nats
from studies.depth.study import reach
from studies.factors.kinds import OneObject
from studies.labels.study import unevenness
from studies.losses.kinds import summed


@pytest.mark.parametrize(("head", "rank"), [("product", 1), ("sum", 0)])
def test_a_head_gives_rank_one_or_no_mixed_difference(head, rank):
    network = kinds.HeadUNet(widths=(8, 8), head=head).build((1, 32, 32), OneObject().factors[:2])
    contrast = 1 - network(torch.randn(2, 1, 32, 32), torch.tensor([3, 500]), torch.rand(2, 2)).double()
    values = torch.linalg.svdvals(contrast if rank else contrast.diff(dim=2).diff(dim=3))
    assert values[..., rank:].max() < 1e-5 * torch.linalg.svdvals(contrast).max()


def test_modulation_by_axis_is_the_usual_one_where_places_are_encoded_alike_and_x_moves_only_columns():
    built, embedding = [], {"modulation": "scale_shift"}
    for config in (axis.ByAxisUNet, networks.UNetConfig):
        torch.manual_seed(0)
        built.append(config(widths=(8, 8), embedding=embedding).build((1, 32, 32), OneObject().factors[:2]))
    (t, x, other), y = torch.randn(3, 1, 64), torch.zeros(1, 64)
    layer, flat = built[0].mid.layers[0], torch.ones(1, 8, 16, 16)
    change = layer(flat, torch.cat((t, x, y), 1)) - layer(flat, torch.cat((t, other, y), 1))
    inner = change[..., 2:-2, 2:-2]
    assert inner.diff(dim=2).abs().max() < 1e-4 < inner.diff(dim=3).abs().max()
    for module in built[0].modules():
        module.places = lambda size: torch.ones(size, 64)
    given = torch.randn(2, 1, 32, 32), torch.tensor([3, 500]), 32 * torch.rand(2, 2)
    assert torch.allclose(built[0](*given), built[1](*given), atol=1e-4)
    moved = shuffled.shuffled(lambda size: torch.arange(size), 16).tolist()
    assert sorted(moved) == list(range(16)) != moved
    with pytest.raises(ValueError, match="must have modulation=scale_shift"):
        axis.ByAxisUNet(widths=(8, 8)).check((1, 32, 32), OneObject().factors[:2])


def test_the_reach_of_a_shift_is_its_distance():
    x_t = torch.randn(3, 1, 32, 32)
    assert reach(lambda x: x.roll((2, 5), (2, 3)) + 9 * x, x_t) == 5
    assert reach(lambda x: x.mean((2, 3), keepdim=True) + 0 * x, x_t.detach()) == pytest.approx(10.7, abs=0.1)


def test_the_affine_hull_of_sums_is_what_completed_rectangles_reach():
    seen = np.random.default_rng(0).integers(0, 9, size=(10, 2))
    every, reached = np.argwhere(np.ones((9, 9))), set(map(tuple, seen))
    for _ in range(9):
        reached |= {(c, d) for a, b in reached for e, d in reached if e == a for c, f in reached if f == b}
    for rule in (readings.in_one_component, in_hull):
        assert set(map(tuple, every[rule(seen, every)])) == reached
    assert readings.in_one_component(seen, every[:0]).shape == (0,)


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
    assert world.reader().correct(read, labels).all()
    assert np.mean([unevenness(places, 32) for places in even]) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("variance", [0.5, 2.0])
def test_a_linear_vae_is_probabilistic_pca(variance):
    """Its least loss is B/2 (1 + log(variance / B)) if B is below the variance; the code then has log(variance / B) / 2."""
    B = 1.0
    scale = torch.tensor([max(variance - B, 0) ** 0.5, min(B / variance, 1)]).double().requires_grad_()

    class Linear:
        training = False

        def encode(self, x):
            return x * scale[0] / variance, scale[1].log().expand_as(x)

        def decode(self, z, _):
            return z * scale[0]

    x = torch.tensor([1.0, -1.0, 1.0, -1.0]).double()[:, None] * variance**0.5
    noise = torch.tensor([1.0, 1.0, -1.0, -1.0]).double()[:, None]  # mean 0, variance 1, independent of x
    loss = BetaVAE(B=B, code=1).loss_at(Linear(), x, x, noise).mean()
    least = B / 2 * (1 + np.log(variance / B)) if variance > B else variance / 2
    assert loss.item() == pytest.approx(least)
    assert nats(*Linear().encode(x)).mean().item() == pytest.approx(max(np.log(variance / B) / 2, 0))
    assert torch.autograd.grad(loss, scale)[0].abs().max() < 1e-12


def test_the_codes_first_threshold_is_the_largest_variance_of_the_images():
    world = worlds.GaussianBump(boundary="periodic")
    images = world.render(torch.from_numpy(world.training_labels()).double()).flatten(1)
    assert np.linalg.eigvalsh(np.cov(images.T.numpy(), bias=True))[-1] == pytest.approx(0.148, abs=5e-4)


def test_lines_are_read_as_rendered_and_baselines_are_what_brute_force_counts():
    world, rng = Bands(count=3), np.random.default_rng(0)
    labels = world.draw_labels(64, rng)
    read = world.reader().read(world.render(torch.from_numpy(labels)).numpy())
    assert set(world.reader().outcome(read, labels)) == {"correct"}
    assert set(world.reader().outcome(read, (labels + 4) % 32)) == {"misplaced"}
    runs = type("Runs", (), {"table": {"factors": [2], "images": [12]}})
    trained, asked = rng.integers(0, 32, (4000, 12, 2)), rng.integers(0, 32, (4000, 1, 2))
    near = np.abs((trained - asked + 16) % 32 - 16) <= 1
    held_out = near[~(trained == asked).all(2).any(1)]
    assert held_out.all(2).any(1).mean() == pytest.approx(nearest(runs)[0], abs=0.02)
    assert held_out.any(1).all(1).mean() == pytest.approx(nearest(runs, each=True)[0], abs=0.03)
    one = type("Runs", (), {"table": {"factors": [1], "images": [16]}})
    assert nearest(one)[0] == pytest.approx(1 - 15 * 14 / (31 * 30))


def test_a_line_alone_is_read_as_rendered_and_the_same_images_of_all_lines_lie_beside():
    for factors, images in FEW.items():
        of_few, single, further = (
            STUDY.config(cell(factors, images, more), 3).world for more in ("", SINGLE, FURTHER)
        )
        labels, few = single.training_labels(), of_few.training_labels()
        assert np.array_equal(labels[:images], few)
        assert set(map(tuple, few)) <= set(map(tuple, further.training_labels()))
        assert len(further.training_labels()) == len(labels) == images + 32 * factors
        shown, read = (world.render(torch.from_numpy(labels)).numpy() for world in (single, of_few))
        assert np.array_equal(shown[:images], read[:images])
        bands = shown[images:].reshape(-1, 4, 8, 32)[:, :factors]
        alone = labels[images:] > 0
        assert (alone.sum(axis=1) == 1).all()
        assert (bands[~alone] == 1).all()
        assert np.array_equal(bands[alone], read[images:].reshape(-1, 4, 8, 32)[:, :factors][alone])
        read = single.reader().read(shown[:images])
        assert set(single.reader().outcome(read, few)) == {"correct"}
