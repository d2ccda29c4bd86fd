"""What a run's object gives from Python: its network, images of any label, activations at any site."""

import numpy as np
import pytest
import torch

from phasescope import Site, UserError
from phasescope.runs.probing import capture

LABELS = np.array([[2.0, 3.0], [5.0, 1.0], [4.5, 6.25]], np.float32)


def test_the_network_has_the_weights_of_its_snapshot(run):
    for step in (0, 10, None):
        network, snapshot = run.load_network(step), run.snapshot(step)
        assert not network.training
        stored = snapshot.weights()
        assert all(np.array_equal(w.numpy(), stored[name]) for name, w in network.state_dict().items())
    with pytest.raises(UserError, match=r"`--step` \(=7\) must be one of the snapshots: 0, 10, 20"):
        run.load_network(7)


def test_images_follow_the_seed_and_the_labels_in_their_order(run):
    images = run.sample(LABELS, n=2, seed=3)
    assert images.shape == (6, 1, 8, 8)
    assert images.dtype == np.float32
    assert np.array_equal(images, run.sample(np.repeat(LABELS, 2, axis=0), seed=3))
    assert not np.array_equal(images, run.sample(LABELS, n=2, seed=4))
    assert not np.array_equal(images, run.sample(LABELS, n=2, seed=3, step=0))
    assert np.array_equal(run.sample((2.0, 3.0), seed=3), run.sample(LABELS[:1], seed=3))
    with pytest.raises(UserError, match=r"`x` \(=9\) must lie in the world"):
        run.sample((9.0, 3.0))
    with pytest.raises(UserError, match=r"`n` \(=0\) must be an integer of at least 1"):
        run.sample(LABELS, n=0)
    with pytest.raises(UserError, match=r"`n` \(=2.5\) must be an integer"):
        run.sample(LABELS, n=2.5)
    with pytest.raises(UserError, match=r"`labels` \(of complex64\) must hold real numbers"):
        run.sample(LABELS + 0j)


def test_activations_are_those_that_the_snapshot_recorded(run):
    for step in (0, 20):
        snapshot = run.snapshot(step)
        read = run.activations("mid.40", snapshot.latent_labels(), step)
        assert read.dtype == np.float32
        np.testing.assert_allclose(read, snapshot.latents("mid", 40), atol=5e-3)
    assert run.activations(Site("up1", 3), LABELS).shape[0] == len(LABELS)


@pytest.mark.parametrize(
    ("site", "rule"),
    [
        ("nowhere.40", r"`layer` \(=nowhere\) must be one of the network's layers: .*mid"),
        ("mid", r"`site` \(=mid\) must end in a number from 0 to 49"),
        ("mid.50", r"`site` \(=mid.50\) must end in a number from 0 to 49"),
    ],
)
def test_a_site_that_is_not_there_is_named_with_those_that_are(run, site, rule):
    with pytest.raises(UserError, match=rule):
        run.activations(site, LABELS)


def hooks_of(network: torch.nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in network.modules())


def test_no_hook_stays_though_the_pass_fails(run):
    network = run.load_network()
    given = torch.zeros(2, 1, 8, 8), torch.zeros(2, dtype=torch.long), torch.zeros(2, 2)
    before = hooks_of(network)
    capture.activations(network, ["mid"], *given)
    assert hooks_of(network) == before
    with pytest.raises(RuntimeError):
        capture.activations(network, ["mid"], torch.zeros(2, 5, 8, 8), *given[1:])
    assert hooks_of(network) == before
