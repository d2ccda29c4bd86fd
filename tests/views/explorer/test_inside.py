"""Maps of a tap's channels are those of the snapshot's network on the label's own image."""

import numpy as np
import pytest
from small_run import N, network_of, write_small_run
from starlette.testclient import TestClient
from test_packets import unpacked

from phasescope.core.errors import UserError
from phasescope.core.places import Place
from phasescope.runs.painting import Painter, as_maps
from phasescope.runs.probing.capture import activations
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
    found = painter.looked_into(run, 20, LABEL, place)
    latents = painter.latents(run, 20, np.array([LABEL], np.float32), place)
    assert found.told["shape"] == found.told["output"] == [8, 4, 4]
    np.testing.assert_array_equal(found.maps.ravel(), latents[0])
    assert found.given.shape == (1, 1, N, N)
    assert found.told["taps"] == ["stem", "down1", "mid", "up1"]
    assert found.told["conditions"] == [0, 49]


def test_they_change_with_the_snapshot_the_label_and_t(run):
    painter = Painter()

    def maps(step=20, label=LABEL, t=10):
        return painter.looked_into(run, step, label, Place("mid", t)).maps

    for other in (maps(step=40), maps(label=(6.0, 2.0)), maps(t=40)):
        assert np.abs(other - maps()).max() > 1e-3


@pytest.mark.parametrize(
    ("shape", "maps"),
    [((5,), (1, 1, 5)), ((3, 4), (3, 1, 4)), ((3, 4, 5), (3, 4, 5)), ((2, 3, 4, 5), (2, 3, 20))],
)
def test_whatever_a_block_puts_out_is_drawn_as_maps(shape, maps):
    output = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    assert as_maps(output).shape == maps
    np.testing.assert_array_equal(as_maps(output).ravel(), output.ravel())


def test_they_travel_as_arrays(client, run):
    answer = client.get(f"/api/runs/{run.name}/inside?label=3,5&place=mid.10&step=20")
    header, arrays = unpacked(answer.content)
    assert (header["place"], header["step"], header["output"]) == ("mid.10", 20, [8, 4, 4])
    assert arrays["maps"].shape == (8, 4, 4)
    assert arrays["given"].shape == (1, N, N, 1)


@pytest.mark.parametrize(
    "query",
    ["label=3,5", "place=mid.10", "label=3&place=mid.10", "label=3,99&place=mid.10", "label=3,5&place=nothing.10",
     "label=3,5&place=mid", "label=3,5&place=mid.-1", "label=3,5&place=mid.50", "label=3,5&place=mid.10&step=7"],
)  # fmt: skip
def test_what_cannot_be_looked_into_is_told_in_a_line(client, run, query):
    answer = client.get(f"/api/runs/{run.name}/inside?{query}")
    assert answer.status_code == 400
    assert "`" in answer.json()["error"]


def test_a_network_of_another_snapshot_gives_its_own(run):
    painter = Painter()
    found = painter.looked_into(run, 40, LABEL, Place("up1", 40))
    expected = activations(network_of(painter.load(run, 40).config, 40), ["up1"], *_given(painter, run))[
        "up1"
    ]
    np.testing.assert_allclose(found.maps.ravel(), expected[0].numpy(), rtol=1e-4, atol=1e-5)
    with pytest.raises(UserError, match="must be one of the network's"):
        painter.looked_into(run, 40, LABEL, Place("nowhere", 40))


def _given(painter, run):
    inputs = inputs_at(painter.load(run, 40), np.array([LABEL], np.float32), Place("up1", 40))
    return inputs.at(40, 0)
