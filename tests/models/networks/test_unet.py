import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from phasescope import Factors, load_config
from phasescope.models.networks import UNetConfig, encodings
from phasescope.models.networks.layers import ResidualLayer, upsampled
from phasescope.models.networks.unet import network as unet
from phasescope.runs.probing.capture import activations
from phasescope.worlds import GaussianBump


def build(channels=1, factors=2, **fields):
    config = UNetConfig.from_tree(
        {"widths": [8, 8], "groups": 2, "heads": 2, "embedding": {"width": 8}, **fields}
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return config.build((channels, 32, 32), Factors.unknown(factors))


def inputs(network, batch=2, times=1, channels=1, factors=2, seed=0):
    """Images of `times` the smallest canvas, timesteps, labels."""
    generator = torch.Generator().manual_seed(seed)
    canvas = times * network.config.patch * 2**network.config.depth
    x_t = torch.randn(batch, channels, canvas, canvas, generator=generator)
    t = torch.randint(1000, (batch,), generator=generator)
    return x_t, t, canvas * torch.rand(batch, factors, generator=generator)


@st.composite
def odd_configs(draw):
    widths = draw(st.lists(st.sampled_from([4, 8, 12]), min_size=2, max_size=4))
    fields = {
        "widths": widths,
        "mid_width": draw(st.sampled_from([None, 4, 16])),
        "layers": draw(st.integers(1, 2)),
        "patch": draw(st.sampled_from([1, 2, 4])),
        "padding": draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
        "embedding": {
            "width": draw(st.sampled_from([2, 8])),
            "hidden": draw(st.sampled_from([None, 5])),
            "modulation": draw(st.sampled_from(["added", "scale_shift"])),
        },
        "coordinates": draw(st.booleans()),
        "input_skip": draw(st.booleans()),
        "groups": 2,
        "heads": draw(st.sampled_from([1, 2, 4])),
    }
    names = UNetConfig.from_tree(fields).layer_names
    return {**fields, "attention": draw(st.lists(st.sampled_from(names), unique=True, max_size=3))}


@settings(max_examples=20)
@given(odd_configs(), st.integers(1, 3), st.integers(1, 3))
def test_odd_networks_answer_in_the_shape_of_x_t_and_every_parameter_hears(fields, channels, factors):
    network = build(channels, factors, **fields)
    x_t, t, labels = inputs(network, 3, 2, channels, factors)
    prediction = network(x_t, t, labels)
    assert prediction.shape == x_t.shape
    (
        prediction - torch.randn(x_t.shape, generator=torch.Generator().manual_seed(1))
    ).square().mean().backward()
    heard = silent = 0
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name
        silent += (parameter.grad == 0).sum().item()
        heard += parameter.numel()
    assert silent < 0.02 * heard


@pytest.mark.parametrize("mid_width", [None, 16])
def test_taps_are_the_blocks_in_their_order_and_halve_then_double(mid_width):
    network = build(widths=[4, 8, 12], mid_width=mid_width, groups=4, patch=2, attention=["mid"], heads=4)
    x_t, t, labels = inputs(network, 3, 2)
    assert x_t.shape[2] == 16
    assert network.config.layer_names == ("stem", "down1", "down2", "mid", "up1", "up2")
    latents = activations(network, network.config.layer_names, x_t, t, labels)
    features = [4 * 8**2, 8 * 4**2, 12 * 2**2, (mid_width or 12) * 2**2, 8 * 4**2, 4 * 8**2]
    shapes = [(3, count) for count in features]
    assert [latents[layer].shape for layer in network.config.layer_names] == shapes
    assert latents.keys() == {*network.config.layer_names}
    with pytest.raises(ValueError, match=r"`layer` \(=up3\) must be one of stem, down1, "):
        network.get_layer("up3")


def test_an_image_does_not_depend_on_its_batch():
    network = build(widths=[8, 8, 8], attention=["mid"]).double()
    x_t, t, labels = inputs(network, 5, 2)
    x_t = x_t.double()
    alone = torch.cat([network(x_t[[i]], t[[i]], labels[[i]]) for i in range(5)])
    torch.testing.assert_close(network(x_t, t, labels), alone)


def test_no_label_is_a_zero_encoding_and_differs_from_label_zero(monkeypatch):
    network = build()
    x_t, t, labels = inputs(network, 4, 2)
    none = network(x_t, t, torch.full_like(labels, torch.nan))
    zero = network(x_t, t, torch.zeros_like(labels))
    assert none.isfinite().all()
    assert (none - zero).abs().amax(dim=(1, 2, 3)).min() > 1e-4
    monkeypatch.setattr(
        encodings,
        "encoded_labels",
        lambda config, labels, factors: torch.zeros(len(labels), 2 * config.width),
    )
    assert torch.equal(network(x_t, t, labels), none)


@pytest.mark.parametrize("modulation", ["added", "scale_shift"])
@pytest.mark.parametrize("factor", [0, 1])
def test_the_label_reaches_every_block_by_itself(modulation, factor):
    network = build(widths=[8, 8, 8], embedding={"width": 8, "modulation": modulation}, layers=2)
    x_t, t, labels = inputs(network, 2, 2)
    changed = labels.clone()
    changed[0, factor] += 1.0
    for layer in network.config.layer_names:
        deaf = copy.deepcopy(network)
        for other in network.config.layer_names:
            if other != layer:
                for module in deaf.get_layer(other).modules():
                    if isinstance(module, ResidualLayer):
                        torch.nn.init.zeros_(module.modulate.weight)
        before, after = (activations(deaf, [layer], x_t, t, given)[layer] for given in (labels, changed))
        assert not torch.equal(before[0], after[0])
        assert torch.equal(before[1], after[1])


def test_coordinates_tell_a_place_to_a_network_that_has_no_other_way_to_know_it():
    """With circular padding and the same value everywhere, all places look alike."""
    for coordinates in (False, True):
        network = build(widths=[8, 8], padding="circular", coordinates=coordinates)
        _, t, labels = inputs(network, 1, 4)
        prediction = network(torch.ones(1, 1, 8, 8), t, labels)
        assert (prediction.std() > 1e-4) == coordinates


def test_coordinates_run_from_minus_one_to_one_x_along_columns():
    x, y = unet.coordinates_like(torch.zeros(3, 5, 2, 3))[1]
    assert x.tolist() == [[-1, 0, 1], [-1, 0, 1]]
    assert y.tolist() == [[-1, -1, -1], [1, 1, 1]]


@pytest.mark.parametrize("circular", [True, False])
def test_a_gradient_that_is_a_slice_is_passed_on_as_any_other(circular):
    padding = "circular" if circular else "zeros"
    h = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    beside = torch.randn(2, 5, 8, 8, dtype=torch.float64)

    def beside_another(h):
        return torch.cat((upsampled(h, padding), beside), dim=1).square()

    assert torch.autograd.gradcheck(beside_another, h, check_undefined_grad=False)


def test_the_time_matters():
    network = build()
    x_t, t, labels = inputs(network)
    assert not torch.allclose(network(x_t, t, labels), network(x_t, t + 200, labels))


def shift_error(network, label):
    """How far the network is from shifting with noisy periodic bumps, by as much as it halves the canvas."""
    world = GaussianBump.from_tree({"canvas": 16, "boundary": "periodic"})
    shift = network.config.patch * 2**network.config.depth
    labels = torch.tensor([[3.3, 9.1]], dtype=torch.float64)
    noise = torch.randn(1, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x_t = world.render(labels) + noise
    moved = world.render((labels + shift) % 16) + noise.roll((shift, shift), (2, 3))
    torch.testing.assert_close(moved, x_t.roll((shift, shift), (2, 3)))
    t, given = torch.tensor([300]), torch.full((1, 2), label)
    there = network(x_t, t, given).roll((shift, shift), (2, 3))
    return (network(moved, t, given) - there).abs().max().item()


@pytest.mark.parametrize("label", [torch.nan, 5.0])
@pytest.mark.parametrize(
    "fields", [{}, {"patch": 2, "widths": [8, 8]}, {"attention": ["down1", "up1"]}], ids=str
)
def test_on_a_torus_a_circular_network_shifts_with_its_image(fields, label):
    fields = {"widths": [8, 8, 8], **fields}
    assert shift_error(build(padding="circular", **fields).double(), label) < 1e-10
    assert shift_error(build(padding="zeros", **fields).double(), label) > 1e-3


def test_the_network_of_liang_et_al_has_about_23_million_parameters(capsys):
    config = load_config(overrides=["preset=paper"]).network
    with torch.device("meta"):
        network = config.build((1, 32, 32), Factors.unknown(2))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    with capsys.disabled():
        print(f"\npaper preset: {parameters:,} parameters")
    assert 22e6 < parameters < 24e6
    assert config.widths == (64, 128, 256, 256)
    assert config.depth == 3
    assert set(config.attention) == set(config.layer_names) - {"stem"}
    assert all(
        (network.get_layer(layer).attention is not None) == (layer != "stem") for layer in config.layer_names
    )
