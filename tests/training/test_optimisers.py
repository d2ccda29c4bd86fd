from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from phasescope.training.config import MuonConfig, TrainingConfig
from phasescope.training.optimisers import Optimiser, lr_factor


class Net(nn.Module):
    """An entrance, inner convolutions, a linear layer, an exit."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.enter = nn.Conv2d(1, 4, 3, padding=1)
            self.wide = nn.Conv2d(4, 6, 3, padding=1)
            self.norm = nn.GroupNorm(2, 6)
            self.narrow = nn.Conv2d(6, 4, 1)
            self.linear = nn.Linear(4, 4)
            self.leave = nn.Conv2d(4, 1, 3, padding=1)


def gradients(network, step):
    """Random ones, laid out as their parameters, as autograd's are: fused updates walk the memory."""
    generator = torch.Generator().manual_seed(step)
    for parameter in network.parameters():
        parameter.grad = torch.empty_like(parameter).copy_(torch.randn(parameter.shape, generator=generator))


def run(optimiser, network, steps):
    for step in steps:
        gradients(network, step)
        optimiser.step(1 / (1 + step))


def optimiser_config(kind, **fields):
    return TrainingConfig.of({"optimiser": {"kind": kind, **fields}}).optimiser


def flat(kernel):
    return kernel.reshape(len(kernel), -1)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


CONFIGS = [("adamw", {"weight_decay": 0.1}), ("muon", {"weight_decay": 0.1})]


@pytest.mark.parametrize(("kind", "fields"), CONFIGS)
@pytest.mark.parametrize("before", [0, 1, 3])
def test_its_state_carries_over_bitwise(kind, fields, before):
    network, twin = Net(), Net()
    one, two = (Optimiser(n, optimiser_config(kind, **fields)) for n in (network, twin))
    run(one, network, range(before))
    twin.load_state_dict(network.state_dict())
    two.load_tensors(one.tensors())
    run(one, network, range(before, 6))
    run(two, twin, range(before, 6))
    assert same(network.state_dict(), twin.state_dict())
    assert same(one.tensors(), two.tensors())
    assert len(one.tensors()) > 0


@pytest.mark.parametrize(("kind", "fields"), CONFIGS)
def test_its_state_matters(kind, fields):
    network, twin = Net(), Net()
    one, two = (Optimiser(n, optimiser_config(kind, **fields)) for n in (network, twin))
    run(one, network, range(3))
    twin.load_state_dict(network.state_dict())
    run(one, network, [3])
    run(two, twin, [3])
    assert not same(network.state_dict(), twin.state_dict())


def test_muon_takes_the_inner_kernels_as_matrices_and_adamw_the_rest():
    network, twin = Net(), Net()
    config = optimiser_config("muon", lr=0.03, momentum=0.9, weight_decay=0.1)
    assert isinstance(config, MuonConfig)
    run(Optimiser(network, config), network, range(4))

    kernels = [twin.wide.weight, twin.narrow.weight]
    matrices = [nn.Parameter(flat(kernel.detach()).clone()) for kernel in kernels]
    rest = [p for p in twin.parameters() if not any(p is kernel for kernel in kernels)]
    muon = torch.optim.Muon(matrices, lr=0.03, momentum=0.9, weight_decay=0.1)
    adamw = torch.optim.AdamW(rest, lr=config.rest.lr, betas=config.rest.betas, weight_decay=0.1, fused=True)
    for step in range(4):
        gradients(twin, step)
        for matrix, kernel in zip(matrices, kernels, strict=True):
            matrix.grad = flat(kernel.grad)
        for part, lr in ((muon, 0.03), (adamw, config.rest.lr)):
            part.param_groups[0]["lr"] = lr / (1 + step)
            part.step()
    for matrix, kernel in zip(matrices, kernels, strict=True):
        kernel.data.copy_(matrix.detach().view_as(kernel))
    assert same(network.state_dict(), twin.state_dict())


def test_muons_first_step_is_nearly_orthogonal():
    network, before = Net(), Net()
    run(Optimiser(network, optimiser_config("muon", lr=1.0)), network, [0])
    update = flat(network.wide.weight - before.wide.weight).detach()
    singular = torch.linalg.svdvals(update)
    # Newton-Schulz in bfloat16 leaves the singular values within 0.7 ... 1.2 of one
    assert singular.min() > 0.6
    assert singular.max() < 1.3


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_a_step_changes_every_weight_and_clears_the_gradients(kind):
    network, before = Net(), Net()
    optimiser = Optimiser(network, optimiser_config(kind))
    run(optimiser, network, [0])
    assert all(parameter.grad is None for parameter in network.parameters())
    for name, parameter in network.state_dict().items():
        assert (parameter != before.state_dict()[name]).all(), name
    moved = {name: parameter.clone() for name, parameter in network.state_dict().items()}
    gradients(network, 1)
    optimiser.step(0.0)
    assert same(moved, network.state_dict())


SCHEDULES = st.tuples(st.integers(1, 300), st.integers(0, 300)).map(lambda pair: (max(pair), min(pair)))


@given(SCHEDULES, st.sampled_from(["constant", "cosine"]))
def test_learning_rates_rise_in_a_line_then_stay_or_fall_in_half_a_cosine(schedule, decay):
    steps, warmup = schedule
    config = TrainingConfig(steps=steps, warmup=warmup, decay=decay)
    factors = [lr_factor(step, config) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)
    for step in range(warmup):
        assert math.isclose(factors[step] * warmup, step + 1)
    after = factors[warmup:]
    if decay == "constant":
        assert all(factor == 1 for factor in after)
    else:
        assert all(later < earlier for earlier, later in pairwise(after))
        for done, factor in enumerate(after[1:], 1):
            assert math.isclose(factor + after[len(after) - done], 1)
        assert not after or after[0] == 1
        assert lr_factor(steps, config) < 1e-12 or warmup == steps
