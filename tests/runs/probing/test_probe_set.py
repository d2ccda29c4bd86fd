from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from helpers.observed import PLAN
from phasescope import Factors, RunConfig, Site
from phasescope.models.families import DiffusionConfig, Task
from phasescope.models.families.diffusion.exact.band_errors import band_errors
from phasescope.models.families.diffusion.exact.optimum import ConditionalOptimum, UnconditionalOptimum
from phasescope.models.networks import UNetConfig
from phasescope.runs.probing.probe_set import ProbeSet
from phasescope.worlds import GaussianBump

CPU = torch.device("cpu")
CANVAS = 16


def probe_of(world=None, family=None, seed=0, **fields):
    world = GaussianBump.from_tree({"canvas": CANVAS, **(world or {})})
    family = DiffusionConfig.from_tree({"sampler": {"kind": "ddim", "steps": 5}, **(family or {})})
    config = {**PLAN, "bands": 5, "band_images": 16, "batch": 48, **fields}
    return ProbeSet(
        plan=type(RunConfig().probing).from_tree(config),
        world=world,
        family=family.build(),
        seed=seed,
        device=CPU,
        analysis=family.analysis(Task.from_world(world), seed),
    )


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = UNetConfig.from_tree({"widths": [4, 8], "groups": 2, "patch": 2, "embedding": {"width": 8}})
        return config.build((1, CANVAS, CANVAS), Factors.unknown(2))


class Optimal(nn.Module):
    """An exact optimum in a network's clothes, with the layers `down1` (the noisy pixels) and `mid` (the answer)."""

    def __init__(self, optimum):
        super().__init__()
        self.optimum = optimum
        self.down1, self.mid = nn.Identity(), nn.Identity()

    def forward(self, x_t, t, labels):
        return self.mid(self.optimum(self.down1(x_t), t, labels))


def conditional(probe):
    return Optimal(ConditionalOptimum(probe.family, probe.world.render))


def same(one, other):
    arrays = [(one.images, other.images)]
    arrays += [(latents, other.latents.single[place]) for place, latents in one.latents.single.items()]
    arrays += [(draws, other.latents.draws[place]) for place, draws in one.latents.draws.items()]
    return all(np.array_equal(a, b) for a, b in arrays) and one.family == other.family


def observe(probe, network):
    return probe.observe(network, probe.family_references())


def errors_by_band(seen):
    return np.array([band["network"] for band in seen.family["denoising"]])


@pytest.mark.usefixtures("untouched_random_streams")
def test_observing_leaves_a_network_and_the_random_streams_as_they_were(network):
    network.train()
    network.mid.eval()
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    modes = [module.training for module in network.modules()]
    weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    observe(probe_of(), network)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(tensor, weights[name]) for name, tensor in network.state_dict().items())
    assert all((parameter.grad == 1).all() and parameter.requires_grad for parameter in network.parameters())
    assert sum(len(module._forward_hooks) for module in network.modules()) == 0


def test_shapes_and_labels(network):
    probe = probe_of()
    seen = observe(probe, network)
    assert seen.images.shape == (70, 1, CANVAS, CANVAS)
    single, draws = seen.latents.single, seen.latents.draws
    assert set(single) == set(draws) == {Site(layer, t) for layer in ("down1", "mid") for t in (50, 600)}
    for place, latents in single.items():
        assert latents.shape == (64, 8 * 4**2)
        assert draws[place].shape == (3, 20, 8 * 4**2)
        np.testing.assert_array_equal(draws[place][0], latents[:20])
        assert (draws[place][1] != draws[place][0]).any(axis=1).all()
    training = {tuple(label) for label in probe.world.training_labels()}
    on_grid = probe.split == "grid"
    assert [tuple(label) in training for label in probe.sample_labels] == on_grid.tolist()
    assert on_grid.sum() == len({tuple(label) for label in probe.labels["grid"]}) == 40
    bands = [(band["low"], band["high"]) for band in seen.family["denoising"]]
    assert len(bands) == 5
    assert bands[0][0] == 0
    assert bands[-1][1] == 1000
    assert all(one[1] == two[0] for one, two in pairwise(bands))


@pytest.mark.parametrize("t", [50, 600])
def test_latents_are_of_the_noisy_images_of_their_labels(t):
    probe = probe_of(latent_labels=400, variance_labels=300)
    seen = observe(probe, conditional(probe))
    clean = probe.world.render(torch.from_numpy(probe.latent_labels)).flatten(1).numpy()
    alpha, sigma, _ = probe.family.schedule.at(t)
    latents, shared = seen.latents.at(Site("down1", t))
    noise = (latents - alpha * clean) / sigma
    assert abs(noise.mean()) < 4 / np.sqrt(noise.size)
    assert abs(noise.std() - 1) < 4 / np.sqrt(2 * noise.size)
    draws = (shared - alpha * clean[:300]) / sigma
    overlap = np.corrcoef(draws.reshape(3, -1)) - np.eye(3)
    assert np.abs(overlap).max() < 5 / np.sqrt(draws[0].size)
    x_t, x_t_draws = probe.inputs.pixels(["down1"]).at(Site("down1", t))
    np.testing.assert_array_equal(x_t, latents)
    np.testing.assert_array_equal(x_t_draws, shared)


@pytest.mark.slow
def test_latents_do_not_depend_on_the_size_of_a_pass(network):
    whole, parts = (observe(probe_of(batch=batch), network).latents.single for batch in (1000, 7))
    for place, latents in whole.items():
        np.testing.assert_allclose(parts[place], latents, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("predict", ["eps", "x", "v"])
@pytest.mark.parametrize("world", [{}, {"polarity": "bright", "boundary": "periodic"}], ids=str)
def test_the_conditional_optimum_makes_no_error_and_paints_every_label(predict, world):
    probe = probe_of(world, {"predict": predict})
    seen = observe(probe, conditional(probe))
    np.testing.assert_allclose(errors_by_band(seen), 0, atol=1e-8)
    labels = probe.sample_labels
    target = probe.world.render(torch.from_numpy(labels)).numpy()
    np.testing.assert_allclose(seen.images, target, atol=1e-3)
    reader = probe.world.reader()
    assert (reader.outcome(reader.read(seen.images), labels) == "correct").mean() >= 0.99


@pytest.mark.parametrize("predict", ["eps", "v"])
def test_the_unconditional_optimums_error_lies_between_the_exact_one_and_that_of_the_mean_image(predict):
    probe = probe_of(family={"predict": predict}, band_images=64)
    training = torch.from_numpy(probe.world.training_labels())
    optimum = UnconditionalOptimum(probe.family, probe.world.render, training)
    errors = np.array(probe.family_references()["unconditional"])
    np.testing.assert_array_equal(errors, band_errors(probe.family, optimum, probe.examples))
    one_image = probe.world.render(training).mean(dim=0)
    mean_image = ConditionalOptimum(probe.family, lambda labels: one_image.expand(len(labels), -1, -1, -1))
    blind = np.array(band_errors(probe.family, mean_image, probe.examples))
    assert (errors >= 0).all()
    # above the noise of 64 images, where both errors are the same
    assert (errors < 1.01 * blind).all()
    # the image is lost in noise at the end, and plain in x_t at the start
    assert errors[-1] > 0.9 * blind[-1]
    assert errors[0] < 0.05 * blind[0]
