"""Maps of a tap's channels and attention are those of the snapshot's network on the label's own image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_run import N, network_of, write_small_run
from starlette.testclient import TestClient
from test_packets import unpacked

from phasescope.core.errors import UserError
from phasescope.core.places import Place
from phasescope.models.networks.layers import SelfAttention
from phasescope.runs.painting import Painter, as_maps
from phasescope.runs.probing.capture import activations, attention
from phasescope.runs.sampling import inputs_at
from phasescope.runs.store import Run
from phasescope.views.explorer.server import create_app

LABEL = (3.0, 5.0)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return write_small_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def client(run):
    with TestClient(create_app(run.path.parent, run.path.parent), base_url="http://127.0.0.1") as client:
        yield client


def test_the_maps_are_the_latents_with_their_shape_kept(run):
    painter, place = Painter(), Place("mid", 10)
    found = painter.looked_into(run, 20, LABEL, place, (0, 0))
    latents = painter.latents(run, 20, np.array([LABEL], np.float32), place)
    assert found.told["shape"] == found.told["output"] == [8, 4, 4]
    np.testing.assert_array_equal(found.maps.ravel(), latents[0])
    assert found.given.shape == (1, 1, N, N)
    assert len(found.attention) == 0
    assert found.told["taps"] == ["stem", "down1", "mid", "up1"]
    assert found.told["conditions"] == [0, 49]


def test_they_change_with_the_snapshot_the_label_and_t(run):
    painter = Painter()

    def maps(step=20, label=LABEL, t=10):
        return painter.looked_into(run, step, label, Place("mid", t), (0, 0)).maps

    for other in (maps(step=40), maps(label=(6.0, 2.0)), maps(t=40)):
        assert np.abs(other - maps()).max() > 1e-3


def test_attention_is_the_softmax_by_which_the_layer_mixes():
    """From the weights alone, all that the layer adds before its second half comes out."""
    torch.manual_seed(0)
    layer, h = SelfAttention(8, 2), torch.randn(1, 8, 3, 4)
    _, _, v = layer._asked(h.flatten(2).transpose(1, 2))
    shares = torch.stack([layer.weights_at(h, query) for query in range(12)], dim=2)
    torch.testing.assert_close(shares.sum(-1), torch.ones(1, 2, 12))
    mixed = (shares @ v).transpose(1, 2).flatten(2)
    tokens = h.flatten(2).transpose(1, 2) + layer.project(mixed)
    tokens = tokens + layer.mlp(layer.norm2(tokens))
    torch.testing.assert_close(tokens.transpose(1, 2).unflatten(2, (3, 4)), layer(h))


def test_attention_of_a_tap_is_of_its_last_attention_and_leaves_no_hook():
    from small_run import config

    described = config()
    unet = described.network.model_copy(update={"attention": ("mid",), "heads": 2})
    torch.manual_seed(0)
    network = unet.build(described.world.shape, described.world.factors).eval()
    given = (torch.randn(1, 1, N, N), torch.tensor([10]), torch.tensor([LABEL]))
    weights, sides = attention(network, "mid", (1, 2), given)
    assert sides == (4, 4)
    assert weights.shape == (1, 2, 16)
    assert attention(network, "stem", (0, 0), given) is None
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    flat = activations(network, ["mid"], *given)["mid"]
    whole = activations(network, ["mid"], *given, flat=False)["mid"]
    torch.testing.assert_close(whole.flatten(1), flat)
    for query in ((4, 0), (0, -1), (0,)):
        with pytest.raises(ValueError, match="must be a position of mid"):
            attention(network, "mid", query, given)


@pytest.mark.parametrize(
    ("shape", "maps"),
    [((5,), (1, 1, 5)), ((3, 4), (3, 1, 4)), ((3, 4, 5), (3, 4, 5)), ((2, 3, 4, 5), (2, 3, 20))],
)
def test_whatever_a_block_puts_out_is_drawn_as_maps(shape, maps):
    output = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    assert as_maps(output).shape == maps
    np.testing.assert_array_equal(as_maps(output).ravel(), output.ravel())


def test_they_travel_as_arrays(client, run):
    answer = client.get(f"/api/runs/{run.name}/inside?label=3,5&place=mid.10&step=20&query=1,1")
    header, arrays = unpacked(answer.content)
    assert (header["place"], header["step"], header["output"]) == ("mid.10", 20, [8, 4, 4])
    assert arrays["maps"].shape == (8, 4, 4)
    assert arrays["given"].shape == (1, N, N, 1)
    assert arrays["attention"].size == 0


@pytest.mark.parametrize(
    "query",
    ["label=3,5", "place=mid.10", "label=3&place=mid.10", "label=3,99&place=mid.10", "label=3,5&place=nothing.10",
     "label=3,5&place=mid", "label=3,5&place=mid.-1", "label=3,5&place=mid.50", "label=3,5&place=mid.10&query=1",
     "label=3,5&place=mid.10&query=-1,0", "label=3,5&place=mid.10&query=a,b", "label=3,5&place=mid.10&step=7"],
)  # fmt: skip
def test_what_cannot_be_looked_into_is_told_in_a_line(client, run, query):
    answer = client.get(f"/api/runs/{run.name}/inside?{query}")
    assert answer.status_code == 400
    assert "`" in answer.json()["error"]


def test_a_network_of_another_snapshot_gives_its_own(run):
    painter = Painter()
    found = painter.looked_into(run, 40, LABEL, Place("up1", 40), (0, 0))
    expected = activations(network_of(painter.load(run, 40).config, 40), ["up1"], *_given(painter, run))[
        "up1"
    ]
    np.testing.assert_allclose(found.maps.ravel(), expected[0].numpy(), rtol=1e-4, atol=1e-5)
    with pytest.raises(UserError, match="must be one of the network's"):
        painter.looked_into(run, 40, LABEL, Place("nowhere", 40), (0, 0))


def _given(painter, run):
    inputs = inputs_at(painter.load(run, 40), np.array([LABEL], np.float32), Place("up1", 40))
    return inputs.at(40, 0)
