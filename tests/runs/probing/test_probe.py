import numpy as np
import pytest
import torch
from torch import nn

from phasescope import RunConfig, Site, UserError, probe
from phasescope.models.families import DiffusionConfig
from phasescope.models.networks import UNetConfig
from phasescope.runs.probing.probe_set import ProbeSet
from phasescope.worlds import GaussianBump

WORLD = GaussianBump.from_tree({"canvas": 16})


class Passing(nn.Module):
    """Its layer `label` passes the label on, `noise` the noisy image."""

    def __init__(self):
        super().__init__()
        self.label, self.noise, self.drop = nn.Identity(), nn.Identity(), nn.Dropout()

    def forward(self, x_t, t, labels):
        return self.drop(self.noise(x_t) + self.label(labels).mean())


def test_places_are_the_taps_at_the_timesteps():
    probed = probe(Passing(), WORLD, ["label", "noise"], [50, 600], labels=70, shared=20, draws=3)
    assert list(probed.latents) == [("label", 50), ("noise", 50), ("label", 600), ("noise", 600)]
    assert probed.latents["noise", 600].shape == (70, 256)
    assert probed.trained.draws[Site("noise", 600)].shape == (3, 20, 256)
    np.testing.assert_array_equal(probed.latents["label", 50], probed.labels)
    np.testing.assert_array_equal(
        probed.latents["noise", 50], probed.baselines["pixels"].single[Site("noise", 50)]
    )


def test_it_sees_what_a_run_s_own_probe_sees():
    """The same labels and the same noise."""
    network = UNetConfig.from_tree({"widths": [4, 8], "groups": 2, "embedding": {"width": 8}}).build(
        WORLD.shape, WORLD.factors
    )
    config = type(RunConfig().probing).from_tree(
        {"layers": ["mid"], "t": [600], "latent_labels": 64, "variance_labels": 16, "p1": None}
    )
    family = DiffusionConfig().build()
    own = ProbeSet(config, WORLD, family, 3, torch.device("cpu"))
    seen = own.observe(network, {}).latents
    probed = probe(network, WORLD, ["mid"], 600, labels=own.latent_labels, shared=16, seed=3)
    np.testing.assert_array_equal(probed.latents["mid", 600], seen.single[Site("mid", 600)])
    np.testing.assert_array_equal(probed.trained.draws[Site("mid", 600)], seen.draws[Site("mid", 600)])


def test_scores_have_all_nulls_and_the_known_answers():
    known = {"untrained": Passing(), "encode": lambda labels: torch.cat((labels, labels**2), dim=1)}
    probed = probe(Passing(), WORLD, ["label", "noise"], 600, labels=128, shared=32, **known)
    table = probed.table()
    order = table["probe_r2"]["label.600"]
    assert order.value == pytest.approx(1, abs=1e-6)
    assert set(order.baselines) == {"permuted", "pixels", "untrained", "label_embedding"}
    assert order.baselines["untrained"] == order.value  # it is the same network
    assert order.baselines["label_embedding"] == pytest.approx(1, abs=1e-6)
    assert order.baselines["pixels"] < 0.5
    assert table["label_variance"]["label.600"].value == pytest.approx(1)
    noise = table["probe_r2"]["noise.600"]
    assert noise.value == noise.baselines["pixels"]


class Halfdead(Passing):
    """Its layer `noise` is a constant."""

    def __init__(self):
        super().__init__()
        self.noise = Constant()


class Constant(nn.Module):
    def forward(self, x_t):
        return torch.zeros_like(x_t)


def test_what_cannot_be_measured_at_a_place_is_left_out_there_and_said():
    table = probe(Halfdead(), WORLD, ["label", "noise"], 600, labels=64, shared=16).table()
    assert list(table["probe_r2"]) == ["label.600"]
    assert "must vary" in table.left_out["probe_r2.noise.600"]
    assert "probe_r2" not in table.left_out
    everywhere = probe(Passing(), WORLD, ["label", "noise"], 600, labels=64, shared=16).table()
    assert "must have at least 80 rows" in everywhere.left_out["mig"]
    assert "mig" not in everywhere
    with pytest.raises(ValueError, match="must have at least 80 rows"):
        probe(Passing(), WORLD, ["label"], 600, labels=64, shared=16).table(["mig"])


def test_a_function_is_probed_by_the_modules_that_it_calls():
    inner = Passing()
    probed = probe(
        lambda x_t, t, labels: inner(x_t, t, labels), WORLD, {"mine": inner.label}, 600, labels=16, shared=8
    )
    np.testing.assert_array_equal(probed.latents["mine", 600], probed.labels)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"t": 1000}, r"`t` \(=1000\) must be a noise level from 0 to 999"),
        ({"t": -1}, r"`t` \(=-1\)"),
        ({"t": 1, "draws": 1}, r"`draws` \(=1\) must be an integer of at least 2"),
        ({"t": 1, "draws": 2.5}, r"`draws` \(=2.5\) must be an integer"),
        ({"t": 1, "batch": 0}, r"`batch` \(=0\) must be an integer of at least 1"),
        ({"t": 1, "shared": 0}, r"`shared` \(=0\) must be an integer of at least 1"),
        ({"t": 1, "crossed": -1}, r"`crossed` \(=-1\) must be an integer of at least 0"),
        ({"t": 1, "seed": True}, r"`seed` \(=True\) must be an integer"),
        ({"t": 1, "labels": True}, r"`labels` \(=True\) must be an integer"),
        ({"t": 1, "labels": 0}, r"`labels` \(=0\) must be an integer of at least 1"),
        ({"t": 1, "labels": np.ones((4, 2)) * 1j}, r"`labels` \(of complex128\) must hold real numbers"),
        ({"t": 1, "labels": np.ma.array(np.ones((4, 2)), mask=True)}, r"`labels` \(8 of 8 masked\)"),
        ({"t": 1, "labels": np.zeros((4, 3))}, r"`labels` \(shape \(4, 3\)\) must be \(n, 2\)"),
        ({"t": 1, "labels": np.zeros((0, 2))}, r"`labels` \(shape \(0, 2\)\) must be \(n, 2\)"),
    ],
)
def test_what_cannot_be_probed_is_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        probe(Passing(), WORLD, ["label"], **arguments)
