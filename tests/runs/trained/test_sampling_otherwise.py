"""Sampling with another sampler, with guidance, with layers under other labels; states on the way; attention."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers.schedules import sampler_of
from helpers.small_run import N, config, network_of, write_small_run
from phasescope import UserError, open_run
from phasescope.core.randomness import torch_generator
from phasescope.runs.probing.capture import attention_maps
from phasescope.runs.probing.interventions import Patched

LABELS = np.array([[3.5, 5.0], [6.0, 1.0]], np.float32)
OTHER = np.array([[1.0, 7.0], [7.0, 2.5]], np.float32)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return open_run(write_small_run(tmp_path_factory.mktemp("runs")).path)


@pytest.fixture(scope="module")
def attentive_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attentive")
    return open_run(write_small_run(folder, attention=("mid",)).path)


def sampled(network, sampler=None) -> np.ndarray:
    """The same samples, by the family itself."""
    family = config().family.build()
    if sampler is not None:
        family.sampler = sampler.build(family.schedule)
    with torch.no_grad():
        generator = torch_generator(0, "sample", 0, "cpu")
        return family.sample(network, torch.from_numpy(LABELS), (1, N, N), generator).numpy()


@pytest.mark.parametrize(
    ("asked", "sampler"),
    [
        ({}, None),
        ({"sampler": "ddim", "steps": 6}, sampler_of("ddim", steps=6)),
        ({"sampler": "dpm_solver", "steps": 4}, sampler_of("dpm_solver", steps=4)),
        ({"sampler": "ddpm"}, sampler_of("ddpm")),
    ],
)
def test_samples_are_those_of_the_sampler_that_is_asked_for(run, asked, sampler):
    np.testing.assert_array_equal(run.sample(LABELS, **asked), sampled(network_of(config(), 40), sampler))


def test_guidance_0_is_the_network_and_minus_1_hears_no_label(run):
    np.testing.assert_array_equal(run.sample(LABELS, guidance=0), run.sample(LABELS))
    deaf = [run.sample(labels, guidance=-1.0) for labels in (LABELS, OTHER)]
    np.testing.assert_allclose(*deaf, atol=1e-5)

    network = network_of(config(), 40)

    def guided(x_t, t, labels):
        none = network(x_t, t, torch.full_like(labels, torch.nan))
        return none + 3 * (network(x_t, t, labels) - none)

    np.testing.assert_allclose(run.sample(LABELS, guidance=2.0), sampled(guided), atol=1e-5)


def test_a_patch_with_the_images_own_label_changes_nothing_and_another_does(run):
    same, other = (run.sample(LABELS, patch={"mid": labels}) for labels in (LABELS, OTHER))
    np.testing.assert_array_equal(same, run.sample(LABELS))
    assert not np.array_equal(other, same)
    one = run.sample(LABELS, patch={"mid": OTHER[0]})
    np.testing.assert_array_equal(one, run.sample(LABELS, patch={"mid": OTHER[[0, 0]]}))


def test_all_layers_that_receive_the_label_patched_are_the_other_labels_images(run):
    every = dict.fromkeys(config().network.layer_names, OTHER)
    np.testing.assert_allclose(run.sample(LABELS, patch=every), run.sample(OTHER), atol=1e-5)


class Sum(nn.Module):
    """y = a(c) + b(c), each a layer; counts its passes."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Identity(), nn.Identity()

    def forward(self, x, t, c):
        return self.a(c[:, :1]) + 10 * self.b(c[:, :1])


def test_layers_are_each_given_their_own_label_and_rows_without_a_label_none():
    network = Sum()
    targets = {"a": torch.tensor([[2.0], [2.0]]), "b": torch.tensor([[3.0], [4.0]])}
    patched = Patched(network, {name: network.get_submodule(name) for name in targets}, targets)
    x, t = torch.zeros(2, 1), torch.zeros(2)
    assert patched(x, t, torch.tensor([[1.0], [1.0]])).flatten().tolist() == [32.0, 42.0]
    without = patched(x, t, torch.tensor([[1.0], [torch.nan]])).flatten()
    assert without[0] == 32.0
    assert without[1].isnan()
    assert not network.a._forward_hooks


def test_a_trajectory_ends_in_the_samples_and_its_activations_are_the_networks(run):
    way = run.trajectory(LABELS, ["mid"], sampler="ddim", steps=6)
    assert len(way.t) == 7
    assert way.t[-1] == -1
    assert (np.diff(way.t) < 0).all()
    np.testing.assert_array_equal(way.x_t[-1], run.sample(LABELS, sampler="ddim", steps=6))
    assert way.activations["mid"].shape[:2] == (6, 2)

    network, seen = run.load_network(), []
    handle = network.get_layer("mid").register_forward_hook(lambda *args: seen.append(args[2]))
    at = torch.full((2,), int(way.t[3]))
    network(torch.from_numpy(way.x_t[3]), at, torch.from_numpy(LABELS))
    handle.remove()
    np.testing.assert_allclose(way.activations["mid"][3], seen[0].detach().flatten(1), atol=1e-6)


def test_guidance_changes_the_way_and_not_whose_activations_are_read(run):
    plain, guided = (run.trajectory(LABELS, "mid", guidance=weight) for weight in (0.0, 3.0))
    np.testing.assert_array_equal(plain.activations["mid"][0], guided.activations["mid"][0])
    assert not np.array_equal(plain.x_0[0], guided.x_0[0])


class Attending(nn.Module):
    """torch's own attention over the four pixels of an image."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(1, 4)
        self.torchs = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x, t, labels):
        tokens = self.enter(x.flatten(2).transpose(1, 2))
        return self.torchs(tokens, tokens, tokens, need_weights=False)[0]


def test_attention_sums_to_1_and_is_that_of_the_layer(attentive_run):
    maps = attentive_run.attention("mid.40", LABELS)
    assert maps.shape[:2] == (2, 2)
    np.testing.assert_allclose(maps.sum(axis=-1), 1, atol=1e-6)

    network, kept = attentive_run.load_network(), []
    layer = network.get_layer("mid").attention
    given = torch.randn(2, layer.qkv.in_features, 2, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        handle = layer.project.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
        layer(given)
        handle.remove()
        values = layer._projected(given.flatten(2).transpose(1, 2))[2]
        expected = (layer.attention_maps(given) @ values).transpose(1, 2).flatten(2)
    torch.testing.assert_close(kept[0], expected)


def test_attention_of_torchs_own_module_is_read_too():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Attending().eval()
    x = torch.randn(3, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    maps = attention_maps(network, "torchs", x, torch.zeros(3), torch.zeros(3, 2))
    tokens = network.enter(x.flatten(2).transpose(1, 2))
    _, expected = network.torchs(tokens, tokens, tokens, average_attn_weights=False)
    torch.testing.assert_close(maps, expected.detach())
    assert not network.torchs._forward_pre_hooks


@pytest.mark.parametrize(
    ("ask", "rule"),
    [
        (lambda run: run.sample(LABELS, sampler="eular"), r"`sampler` \(=eular\) must be one of ddim, ddpm"),
        (lambda run: run.sample(LABELS, steps=0), r"`steps` \(=0\) must be an integer of at least 1"),
        (lambda run: run.sample(LABELS, steps=51), r"`steps` \(=51\) must be from 1 to 50"),
        (lambda run: run.sample(LABELS, guidance=np.nan), r"`guidance` \(=nan\) must be from -20 to 20"),
        (lambda run: run.sample(LABELS, patch={"nowhere": OTHER}), r"`layer` \(=nowhere\) must be one of"),
        (
            lambda run: run.sample(LABELS, patch={"mid": OTHER[[0, 0, 0]]}),
            r"`patch` \(at mid\) must give one label, or one for each of the 2",
        ),
        (lambda run: run.sample(LABELS, patch={"mid": (99, 1)}), r"`patch` \(at mid\): `x` \(=99\) must lie"),
        (lambda run: run.trajectory(LABELS, ["nowhere"]), r"`layer` \(=nowhere\) must be one of"),
        (
            lambda run: run.attention("mid.40", LABELS),
            r"`layer` \(=mid\) must hold one module with attention",
        ),
        (lambda run: run.attention("mid", LABELS), r"`site` \(=mid\) must end in a number"),
    ],
)
def test_what_cannot_be_sampled_or_read_is_refused_by_name(run, ask, rule):
    with pytest.raises(UserError, match=rule):
        ask(run)


def test_guidance_of_a_network_that_always_had_its_label_is_refused(tmp_path):
    run = open_run(write_small_run(tmp_path, dropout=0.0).path)
    with pytest.raises(UserError, match=r"`guidance` \(=1\) must be 0: .*label_dropout"):
        run.sample(LABELS, guidance=1.0)


def test_a_trajectory_that_would_not_fit_is_refused_at_its_first_state(run, monkeypatch):
    monkeypatch.setattr("phasescope.runs.trained.sample.MOST_BYTES", 1_000)
    with pytest.raises(UserError, match=r"a trajectory of 7 states has .* GiB"):
        run.trajectory(LABELS, sampler="ddim", steps=6)
