import pytest
import torch
from torch import nn

from phasescope import Factors
from phasescope.models.networks import UNetConfig
from phasescope.runs.probing.capture import activations, find_layer


@pytest.fixture
def network():
    config = UNetConfig.from_tree(
        {"widths": [4, 8, 8], "groups": 2, "heads": 2, "attention": ["mid"], "embedding": {"width": 8}}
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return config.build((1, 16, 16), Factors.unknown(2))


class Foreign(nn.Module):
    """Somebody's network, with blocks that answer more than one tensor, and one that is never used."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.encoder = nn.Sequential(
                nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 2, 3, padding=1)
            )
            self.split, self.named = Split(), Named()
            self.head = nn.Conv2d(2, 1, 1)
            self.unused = nn.Linear(2, 2)

    def forward(self, x_t, t, labels):
        h, _ = self.split(self.encoder(x_t) + labels.mean())
        return self.head(self.named(h)["h"])


class Split(nn.Module):
    def forward(self, h):
        return h, h.mean()


class Named(nn.Module):
    def forward(self, h):
        return {"h": h}


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(3, 1, 8, 8, generator=generator),
        torch.tensor([3, 50, 700]),
        8 * torch.rand(3, 2, generator=generator),
    )


def hooks(network):
    return sum(len(module._forward_hooks) for module in network.modules())


def test_it_reads_what_a_plain_pass_computes(network, inputs):
    outputs = {}
    handles = [
        network.get_layer(name).register_forward_hook(
            lambda module, given, output, name=name: outputs.update({name: output})
        )
        for name in network.config.layer_names
    ]
    network(*inputs)
    for handle in handles:
        handle.remove()
    latents = activations(network, network.config.layer_names, *inputs)
    assert list(latents) == list(network.config.layer_names)
    for name, features in latents.items():
        assert features.ndim == 2
        assert torch.equal(features, outputs[name].flatten(1))


def test_the_pass_ends_at_its_last_tap(network, inputs):
    def fail(*_):
        raise AssertionError

    network.ups["up1"].register_forward_pre_hook(fail)
    activations(network, ["mid", "stem", "mid"], *inputs)
    with pytest.raises(AssertionError):
        activations(network, ["mid", "up2"], *inputs)


def test_hooks_go_away_whatever_happens(network, inputs):
    x_t, t, labels = inputs
    activations(network, ["mid"], *inputs)
    with pytest.raises(RuntimeError):
        activations(network, ["up2"], x_t[:, :, :3], t, labels)
    for layers in (["mid", "no such layer"], ["no such layer", "mid"], ["stem", "down9"]):
        with pytest.raises(ValueError, match=r"`layer` \(="):
            activations(network, layers, *inputs)
    assert hooks(network) == 0
    foreign = Foreign()
    for layer in ("unused", "named"):
        with pytest.raises(ValueError, match=layer):
            activations(foreign, ["encoder.1", layer], *inputs)
    assert hooks(foreign) == 0


def test_a_foreign_network_is_tapped_by_the_names_of_its_modules(inputs):
    foreign = Foreign()
    latents = activations(foreign, ["encoder.1", "encoder"], *inputs)
    first = foreign.encoder[1](foreign.encoder[0](inputs[0]))
    assert torch.equal(latents["encoder.1"], first.flatten(1))
    assert torch.equal(latents["encoder"], foreign.encoder[2](first).flatten(1))
    assert find_layer(foreign, "encoder.2") is foreign.encoder[2]


def test_of_a_block_that_answers_a_tuple_the_first_entry_is_read(inputs):
    foreign = Foreign()
    latents = activations(foreign, ["encoder", "split"], *inputs)
    assert torch.equal(latents["split"], latents["encoder"] + inputs[2].mean())


def test_a_function_is_tapped_by_the_modules_that_it_calls(inputs):
    foreign = Foreign()

    def function(x_t, t, labels):
        return foreign(x_t, t, labels)

    latents = activations(function, {"mine": foreign.encoder}, *inputs)
    assert torch.equal(latents["mine"], activations(foreign, ["encoder"], *inputs)["encoder"])
    with pytest.raises(ValueError, match=r"`layers` \(='encoder'\) must be {name: module} if"):
        activations(function, ["encoder"], *inputs)


def test_half_precision_is_read_as_float32(inputs):
    foreign = Foreign().bfloat16()
    x_t, t, labels = inputs
    latents = activations(foreign, ["encoder"], x_t.bfloat16(), t, labels.bfloat16())
    assert latents["encoder"].dtype == torch.float32


@pytest.mark.parametrize("in_place", [False, True])
def test_a_network_that_was_compiled_and_called_before_is_read(in_place, inputs):
    network = Foreign().eval()
    plain = activations(network, ["encoder.1"], *inputs)["encoder.1"]
    if in_place:
        network.compile(backend="eager")
    called = network if in_place else torch.compile(network, backend="eager")
    with torch.no_grad():
        called(*inputs)
    torch.testing.assert_close(activations(called, ["encoder.1"], *inputs)["encoder.1"], plain)
    with torch.no_grad():
        called(*inputs)  # compiled again, as it was
