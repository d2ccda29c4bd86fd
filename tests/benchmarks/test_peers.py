"""Every installed peer is as large as the others, is told x, y and t, and learns with all its parameters."""

from functools import cache

import pytest
import torch

from benchmarks.peers import PEERS
from benchmarks.steps import EQUAL_PARAMETERS, peer_step, shape_like, size_of, size_of_unet

pytestmark = pytest.mark.filterwarnings("ignore")  # the peers' own, as they are imported

CANVAS = 16
LEAST_MOVE = 1e-6


@cache
def size_of_peer(peer, canvas=32):
    return size_of(PEERS[peer].build(canvas), canvas)


@pytest.fixture(params=PEERS)
def peer(request):
    pytest.importorskip(PEERS[request.param].distribution.replace("-", "_"))
    return request.param


@pytest.mark.slow
def test_parameters_are_equal_within_5_percent(peer):
    size = size_of_peer(peer)
    assert size_of_unet(EQUAL_PARAMETERS, 32)["parameters"] == pytest.approx(size["parameters"], rel=0.05)


@pytest.mark.slow
def test_the_same_shape_takes_as_many_operations(peer):
    found = size_of_unet(shape_like(peer, 32), 32)
    assert found["forward_mflop"] == pytest.approx(size_of_peer(peer)["forward_mflop"], rel=0.05)


def test_operations_are_counted(peer):
    """Backward takes twice as many as forward, but for the images, which need no gradient."""
    small, large = size_of_peer(peer, 16), size_of_peer(peer)
    assert 2.95 < large["step_mflop"] / large["forward_mflop"] <= 3.0
    assert large["forward_mflop"] / small["forward_mflop"] == pytest.approx(4, rel=0.02)


@pytest.mark.some(2)
def test_the_prediction_depends_on_x_y_and_t(peer, monkeypatch):
    network = trained(peer, monkeypatch)
    torch.manual_seed(0)
    x_t, t, labels = torch.randn(2, 1, CANVAS, CANVAS), torch.tensor([100, 700]), torch.rand(2, 2) * CANVAS
    with torch.no_grad():
        seen = network(x_t, t, labels)
        assert seen.shape == x_t.shape
        moved = {
            "x": network(x_t, t, labels + torch.tensor([3.0, 0.0])),
            "y": network(x_t, t, labels + torch.tensor([0.0, 3.0])),
            "t": network(x_t, t + 100, labels),
            "x_t": network(x_t + 1, t, labels),
        }
    for what, other in moved.items():
        assert (other - seen).abs().amax((1, 2, 3)).min() > LEAST_MOVE, what
    with torch.no_grad():
        torch.testing.assert_close(network(x_t[1:], t[1:], labels[1:]), seen[1:], atol=1e-4, rtol=1e-4)


@pytest.mark.some(2)
def test_the_gradient_reaches_all_parameters(peer, monkeypatch):
    network = trained(peer, monkeypatch)
    x_t, t, labels = torch.randn(4, 1, CANVAS, CANVAS), torch.randint(1000, (4,)), torch.rand(4, 2) * CANVAS
    network(x_t, t, labels).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.slow
def test_a_step_lowers_the_loss(peer, monkeypatch):
    """The images are nearly white: after some steps the noise is told from them better than by answering 0."""
    network = trained(peer, monkeypatch, steps=12)
    torch.manual_seed(1)
    noise, labels = torch.randn(16, 1, CANVAS, CANVAS), torch.rand(16, 2) * CANVAS
    t = torch.full((16,), 999)
    with torch.no_grad():
        assert (network(noise, t, labels) - noise).square().mean() < 0.9


def trained(peer, monkeypatch, steps=4):
    """The peer's network after a few steps: some start at zero."""
    torch.manual_seed(0)
    network = PEERS[peer].build(CANVAS)
    built = {**PEERS, peer: type("Same", (), {"build": staticmethod(lambda canvas: network)})}
    monkeypatch.setattr("benchmarks.steps.PEERS", built)
    peer_step(peer, "float32", False, batch=8, canvas=CANVAS, device="cpu").advance(steps)
    network.zero_grad()
    return network
