"""Freed memory stays with the process, where its C library is glibc."""

import platform
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.tiny_training import TrainingConfig
from phasescope.core.randomness import torch_generator
from phasescope.models.families import DiffusionConfig
from phasescope.models.networks import UNetConfig
from phasescope.models.training import loop
from phasescope.models.training.flat import Layout
from phasescope.models.training.loop import Learner, fresh_learner, learn
from phasescope.models.training.optimisers import layout_for
from phasescope.worlds import GaussianBump

WORK = """
import resource
import torch
from phasescope.models.training.processor import keep_freed_memory

torch.set_num_threads(1)
def work(times):
    for _ in range(times):
        blocks = [torch.ones(1_000_000) for _ in range(8)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
plain = -work(3) + work(50)
assert keep_freed_memory()
print(plain, -work(3) + work(50))
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_is_freed_is_found_again_without_page_faults():
    end = subprocess.run([sys.executable, "-c", WORK], capture_output=True, text=True, check=True)
    plain, kept = map(int, end.stdout.split())
    assert kept < plain / 2


SHAPES = st.dictionaries(
    st.text("abc", min_size=1), st.lists(st.integers(1, 5), max_size=4), min_size=1, max_size=8
)


@given(SHAPES, st.booleans())
def test_a_layout_gives_every_tensor_a_place_of_its_own(shapes, channels_last):
    layout = Layout(shapes, channels_last)
    flat = torch.zeros(layout.size)
    for number, view in enumerate(layout.views(flat).values(), 1):
        assert not view.any()
        view.fill_(number)
    for number, (name, view) in enumerate(layout.views(flat).items(), 1):
        assert view.shape == tuple(shapes[name])
        assert (view == number).all()
        assert (view.data_ptr() - flat.data_ptr()) % 64 == 0
    assert (flat != 0).sum() == sum(view.numel() for view in layout.views(flat).values())


WORLD = GaussianBump(canvas=8)


@pytest.fixture(params=["adamw", "muon"])
def learner(request):
    config = TrainingConfig.from_tree({"batch": 4, "device": "cpu", "optimiser": {"kind": request.param}})
    network = UNetConfig(widths=(8, 8), groups=4, patch=2, attention=("mid",))
    return fresh_learner(network, WORLD.shape, WORLD.factors, config, seed=0)


def test_moving_a_network_into_one_run_of_memory_changes_no_weight(learner):
    with torch.random.fork_rng():
        torch.manual_seed(torch_generator(0, "weights").initial_seed())
        fresh = learner.network.config.build(WORLD.shape, WORLD.factors)
    for name, weights in fresh.state_dict().items():
        assert torch.equal(learner.network.state_dict()[name], weights)


def test_weights_gradients_and_averages_are_views_of_one_memory_each_kernels_with_channels_last(learner):
    flat = learner.flat
    for whole, network in ((flat.weights, learner.network), (learner.averaged, learner.average)):
        storage = whole.untyped_storage().data_ptr()
        for parameter in network.parameters():
            assert parameter.untyped_storage().data_ptr() == storage
            assert parameter.ndim < 4 or parameter.is_contiguous(memory_format=torch.channels_last)
    assert flat.weights.untyped_storage().data_ptr() != learner.averaged.untyped_storage().data_ptr()
    flat.weights.fill_(2)
    assert all((parameter == 2).all() for parameter in learner.network.parameters())


def test_gradients_are_those_of_each_parameter(learner):
    parameters = dict(learner.network.named_parameters())

    def loss():
        generator = torch.Generator().manual_seed(0)
        x_t, labels = torch.randn(4, 1, 8, 8, generator=generator), torch.rand(4, 2, generator=generator)
        return learner.network(x_t, torch.arange(4), labels).square().mean()

    learner.flat.differentiate(loss())
    gradients = learner.flat.layout.views(learner.flat.gradients)
    assert gradients.keys() == parameters.keys()
    loss().backward()
    for name, parameter in parameters.items():
        assert torch.equal(gradients[name], parameter.grad)


def test_what_is_between_the_parameters_stays_zero(learner):
    for _ in learn(learner, DiffusionConfig().build(), WORLD, seed=0):
        if learner.step == 3:
            break
    for whole in (learner.flat.weights, learner.averaged):
        used = torch.zeros_like(whole, dtype=torch.bool)
        for view in learner.flat.layout.views(used).values():
            view.fill_(True)
        assert used.sum() == sum(parameter.numel() for parameter in learner.network.parameters())
        assert used.sum() < used.numel()
        assert not whole[~used].any()


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_a_state_is_the_same_in_either_layout_and_so_is_what_follows(kind, monkeypatch):
    """A GPU has its kernels with channels first: a run may be resumed where the other layout is used."""
    config = TrainingConfig.from_tree({"batch": 4, "device": "cpu", "optimiser": {"kind": kind}})
    network = UNetConfig(widths=(8, 8), groups=4, patch=2)

    def learner_with(channels_last: bool) -> Learner:
        monkeypatch.setattr(loop, "layout_for", lambda *given: laid_out(channels_last, *given))
        return fresh_learner(network, WORLD.shape, WORLD.factors, config, seed=0)

    def after(learner: Learner, steps: int) -> dict:
        for _ in learn(learner, DiffusionConfig().build(), WORLD, seed=0):
            if learner.step == steps:
                break
        return {name: tensor.clone() for name, tensor in learner.tensors().items()}

    state = after(learner_with(channels_last=True), 3)
    first, last = learner_with(channels_last=False), learner_with(channels_last=True)
    for learner in (first, last):
        learner.load(state, 3)
        assert all(torch.equal(tensor, state[name]) for name, tensor in learner.tensors().items())
    one, other = after(first, 6), after(last, 6)
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-3, atol=2e-4)


def laid_out(channels_last: bool, network, config) -> Layout:
    layout = layout_for(network, config)
    return Layout(layout.shapes, channels_last)
