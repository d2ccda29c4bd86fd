"""Networks that theory speaks of: linear, circulant, and of a given receptive field."""

from pathlib import Path

import pytest
import torch

from examples.affine_networks import CirculantConfig, LinearConfig
from phasescope import Factors, UserError, load_config
from phasescope.models.families import DiffusionConfig
from phasescope.models.families.diffusion.exact.optimum import UnconditionalOptimum
from phasescope.models.families.diffusion.exact.reference_denoisers import Wiener, mean_and_covariance
from phasescope.models.networks import ConvNetConfig
from phasescope.worlds import GaussianBump

FACTORS = Factors.named(["x", "y"])
SHAPE = (2, 8, 8)
AFFINE = Path(__file__).parents[3] / "examples" / "affine_networks.py"


def inputs(n=6, shape=SHAPE, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x_t = torch.randn(n, *shape, generator=generator, dtype=torch.float64)
    return (
        x_t,
        torch.tensor([0, 99, 100, 500, 999, 999])[:n],
        torch.full((n, 2), torch.nan, dtype=torch.float64),
    )


def at_random(network):
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network.double()


@pytest.mark.parametrize("config", [LinearConfig(), CirculantConfig()], ids=["linear", "circulant"])
def test_they_are_affine_in_the_image_deaf_to_the_label_and_of_one_map_a_band(config):
    torch.manual_seed(0)
    network = at_random(config.build(SHAPE, FACTORS))
    x, t, labels = inputs()
    y, zero = inputs(seed=1)[0], torch.zeros_like(x)
    at_zero = network(zero, t, labels)
    torch.testing.assert_close(
        network(2 * x - 3 * y, t, labels) - at_zero,
        2 * (network(x, t, labels) - at_zero) - 3 * (network(y, t, labels) - at_zero),
    )
    torch.testing.assert_close(network(x, t, torch.ones_like(labels)), network(x, t, labels))
    same = x[:1].expand(6, -1, -1, -1)
    answers = network(same, t, labels)
    torch.testing.assert_close(answers[0], answers[1])  # t = 0 and 99 are of one band of ten
    assert (answers[1] - answers[2]).abs().max() > 0.1


def test_a_circulant_map_commutes_with_every_shift_and_is_a_linear_one():
    torch.manual_seed(0)
    network = at_random(CirculantConfig(bands=1).build(SHAPE, FACTORS))
    x, t, labels = inputs()
    for shift in ((1, 0), (3, 5)):
        moved = network(torch.roll(x, shift, (2, 3)), t, labels)
        torch.testing.assert_close(moved, torch.roll(network(x, t, labels), shift, (2, 3)))
    kernel, bias = network.map.single.weight[0], network.map.single.bias[0]
    brute = bias.view(1, -1, 1, 1) + sum(
        torch.einsum("dc,nchw->ndhw", kernel[:, :, i, j], torch.roll(x, (i, j), (2, 3)))
        for i in range(8)
        for j in range(8)
    )
    torch.testing.assert_close(network(x, t, labels), brute)


def test_the_linear_network_that_the_normal_equations_give_is_wieners():
    """eps of Wiener: (x_t - alpha x_0) / sigma, at one noise level."""
    world, level = GaussianBump(canvas=6, sigma_px=0.8), 300
    diffusion = DiffusionConfig().build()
    everything = UnconditionalOptimum(
        diffusion, world.render, torch.from_numpy(world.training_labels()).double()
    )
    mean, C = mean_and_covariance(everything)
    a, s = diffusion.schedule.alpha[level], diffusion.schedule.sigma[level]
    A = a * C @ torch.linalg.inv(a**2 * C + s**2 * torch.eye(len(C), dtype=C.dtype))
    network = LinearConfig(bands=1).build((1, 6, 6), FACTORS).double()
    network.map.single.weight.data[0] = (torch.eye(36, dtype=C.dtype) - a * A) / s
    network.map.single.bias.data[0] = -a * (mean.flatten() - a * A @ mean.flatten()) / s
    x_t = inputs(4, (1, 6, 6))[0]
    t, labels = torch.full((4,), level), torch.full((4, 2), torch.nan, dtype=torch.float64)
    torch.testing.assert_close(
        network(x_t, t, labels), Wiener.from_optimum(everything)(x_t, t), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("receptive_px", [5, 7, 11])
@pytest.mark.parametrize("padding", ["zeros", "circular"])
def test_a_pixels_answer_depends_on_its_field_and_on_no_more(receptive_px, padding):
    torch.manual_seed(0)
    config = ConvNetConfig(width=8, receptive_px=receptive_px, padding=padding, embedding={"width": 8})
    network = config.build((1, 15, 15), FACTORS).double()
    x = torch.randn(1, 1, 15, 15, dtype=torch.float64, requires_grad=True)
    t, labels = torch.tensor([300]), torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    network(x, t, labels)[0, 0, 7, 7].backward()
    assert x.grad is not None
    rows = x.grad[0, 0].abs().amax(1).nonzero()[:, 0]
    reach = receptive_px // 2
    assert (rows.min().item(), rows.max().item()) == (7 - reach, 7 + reach)
    assert torch.equal(x.grad[0, 0].abs().amax(0).nonzero()[:, 0], rows)


def test_a_convnet_hears_t_and_label_and_commutes_where_its_padding_comes_round():
    torch.manual_seed(0)
    config = ConvNetConfig(width=8, receptive_px=7, embedding={"width": 8})
    assert (config.commutes_with(SHAPE), ConvNetConfig(padding="zeros").commutes_with(SHAPE)) == (1, None)
    network = config.build((1, 12, 12), FACTORS).double()
    x_t, t, _ = inputs(3, (1, 12, 12))
    labels = torch.tensor([[3.0, 4.0]] * 3, dtype=torch.float64)
    answer = network(x_t, t, labels)
    moved = network(torch.roll(x_t, (1, 5), (2, 3)), t, labels)
    torch.testing.assert_close(moved, torch.roll(answer, (1, 5), (2, 3)), rtol=0, atol=1e-10)
    assert (network(x_t, t + 100, labels) - answer).abs().max() > 1e-3
    assert (network(x_t, t, labels + 2) - answer).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["network.kind=convnet", "network.receptive_px=8"], r"`network.receptive_px` \(=8\) must be odd"),
        (
            ["network.kind=convnet", "network.receptive_px=33"],
            r"\(=33\) must be odd, and at most the canvas \(=32 px\)",
        ),
        (
            [f"network.kind={AFFINE}:LinearConfig", "network.bands=20", "network.levels=10"],
            r"\(=20\) must be at most `network.levels`",
        ),
    ],
)
def test_what_cannot_be_built_is_told(words, message):
    with pytest.raises(UserError, match=message):
        load_config(overrides=words)


@pytest.mark.some(1)
@pytest.mark.parametrize("kind", [f"{AFFINE}:LinearConfig", f"{AFFINE}:CirculantConfig", "convnet"])
def test_they_are_trained_and_watched_as_any_network(kind, tmp_path):
    from phasescope import train

    words = [
        f"network.kind={kind}", "world.canvas=8", "training.steps=20", "training.batch=8", "training.warmup=2",
        "training.device=cpu", "training.threads=1", "probing.snapshots={dense_until: 0, every: 20}",
        "probing.images={grid: 16, off_grid: 16}", "probing.latent_labels=64", "probing.variance_labels=16",
        "probing.variance_draws=2", "probing.bands=2", "probing.band_images=4", "probing.p1=null",
        "family.sampler={kind: ddim, steps: 2}", *(["network.receptive_px=5"] if kind == "convnet" else []),
    ]  # fmt: skip
    run = train(load_config(overrides=words), tmp_path)
    assert run.status["state"] == "done"
    assert run.metrics[-1]["loss"] < 2
