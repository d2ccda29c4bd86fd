import math
from functools import partial
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from helpers.tiny_training import TrainingConfig
from phasescope.models.training.flat import FlatParameters
from phasescope.models.training.muon import orthogonalised
from phasescope.models.training.optimisers import clip, layout_for, optimiser_of


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
    """Random ones, by name."""
    generator = torch.Generator().manual_seed(step)
    return {name: torch.randn(p.shape, generator=generator) for name, p in network.named_parameters()}


class Trained:
    """A network and its optimiser."""

    def __init__(self, kind, **fields):
        self.network = Net()
        config = optimiser_config(kind, **fields)
        self.flat = FlatParameters(self.network, layout_for(self.network, config))
        self.optimiser = optimiser_of(self.network, self.flat, config)

    def update(self, step, lr_factor):
        views = self.flat.layout.views(self.flat.gradients)
        for name, gradient in gradients(self.network, step).items():
            views[name].copy_(gradient)
        self.optimiser.step(lr_factor)

    def run(self, steps):
        for step in steps:
            self.update(step, 1 / (1 + step))
        return self


def optimiser_config(kind, **fields):
    return TrainingConfig.from_tree({"optimiser": {"kind": kind, **fields}}).optimiser


def as_matrix(kernel):
    return kernel.permute(0, 2, 3, 1).reshape(len(kernel), -1)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


CONFIGS = [
    ("adamw", {"weight_decay": 0.1}),
    ("muon", {"weight_decay": 0.1}),
    ("sgd", {"momentum": 0.9, "weight_decay": 0.1}),
]


@pytest.mark.parametrize(("kind", "fields"), CONFIGS)
@pytest.mark.parametrize("before", [0, 1, 3])
def test_its_state_carries_over_bitwise(kind, fields, before):
    one, two = Trained(kind, **fields), Trained(kind, **fields).run([7])
    one.run(range(before))
    two.network.load_state_dict(one.network.state_dict())
    two.optimiser.load_tensors(one.optimiser.tensors())
    for trained in (one, two):
        trained.run(range(before, 6))
    assert same(one.network.state_dict(), two.network.state_dict())
    assert same(one.optimiser.tensors(), two.optimiser.tensors())
    assert len(one.optimiser.tensors()) > 0


@pytest.mark.parametrize(("kind", "fields"), CONFIGS)
def test_its_state_matters(kind, fields):
    one, two = Trained(kind, **fields).run(range(3)), Trained(kind, **fields)
    two.network.load_state_dict(one.network.state_dict())
    assert not same(one.run([3]).network.state_dict(), two.run([3]).network.state_dict())


@pytest.mark.parametrize(
    ("fields", "theirs", "entries"),
    [
        ({"kind": "adamw"}, partial(torch.optim.AdamW, betas=(0.9, 0.99), foreach=False), {"step", "exp_avg", "exp_avg_sq"}),
        ({"kind": "sgd", "momentum": 0.0}, partial(torch.optim.SGD, momentum=0.0), set()),
        ({"kind": "sgd", "momentum": 0.8}, partial(torch.optim.SGD, momentum=0.8), {"momentum_buffer"}),
    ],
)  # fmt: skip
def test_each_parameter_is_updated_as_by_torch(fields, theirs, entries):
    mine, twin = Trained(**fields, lr=0.01, weight_decay=0.1).run(range(5)), Net()
    torchs = theirs(twin.parameters(), lr=0.01, weight_decay=0.1)
    for step in range(5):
        for name, gradient in gradients(twin, step).items():
            twin.get_parameter(name).grad = gradient
        torchs.param_groups[0]["lr"] = 0.01 / (1 + step)
        torchs.step()
    for name, weights in twin.state_dict().items():
        torch.testing.assert_close(mine.network.state_dict()[name], weights, rtol=1e-5, atol=1e-7)
    tensors = mine.optimiser.tensors()
    prefix = "0." if fields["kind"] == "adamw" else ""
    for index, parameter in enumerate(twin.parameters()):
        state = {entry: tensor for entry, tensor in torchs.state[parameter].items() if tensor is not None}
        assert state.keys() == entries
        for entry, tensor in state.items():
            torch.testing.assert_close(tensors[f"{prefix}{index}.{entry}"], tensor, rtol=1e-5, atol=1e-7)
    assert bool(tensors) == bool(entries)


def test_muon_takes_the_inner_kernels_as_matrices_and_adamw_the_rest():
    mine, twin = Trained("muon", lr=0.03, momentum=0.9, weight_decay=0.1), Net()
    config = optimiser_config("muon")
    assert config.kind == "muon"
    mine.run(range(4))
    kernels = {name: twin.get_parameter(name) for name in ("wide.weight", "narrow.weight")}
    matrices = {name: nn.Parameter(as_matrix(kernel).clone()) for name, kernel in kernels.items()}
    rest = {name: p for name, p in twin.named_parameters() if name not in kernels}
    muon = torch.optim.Muon(matrices.values(), lr=0.03, momentum=0.9, weight_decay=0.1)
    adamw = torch.optim.AdamW(rest.values(), config.rest.lr, config.rest.betas, weight_decay=0.1, fused=True)
    for step in range(4):
        for name, gradient in gradients(twin, step).items():
            if name in kernels:
                matrices[name].grad = as_matrix(gradient)
            else:
                rest[name].grad = gradient
        for part, lr in ((muon, 0.03), (adamw, config.rest.lr)):
            part.param_groups[0]["lr"] = lr / (1 + step)
            part.step()
    trained = dict(mine.network.named_parameters())
    for name, weights in rest.items():
        torch.testing.assert_close(trained[name], weights, rtol=1e-5, atol=1e-7)
    for index, (name, matrix) in enumerate(matrices.items()):
        # torch's iteration is in bfloat16: 3 digits; a step moves a weight by 0.03 at most
        torch.testing.assert_close(as_matrix(trained[name]), matrix, rtol=0, atol=2e-3)
        momentum = mine.optimiser.tensors()[f"0.{index}.momentum_buffer"]
        torch.testing.assert_close(momentum.flatten(1), muon.state[matrix]["momentum_buffer"])


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_small_steps_of_sgd_are_gradient_flow(momentum):
    """On w^2 / 2 the weight is exp(-lr steps / (1 - momentum)) of what it was, once the running sum has settled."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.ones_(network.weight)
    config = optimiser_config("sgd", lr=1e-4, momentum=momentum)
    flat = FlatParameters(network, layout_for(network, config))
    optimiser = optimiser_of(network, flat, config)
    rate = 1e-4 / (1 - momentum)
    for _ in range(round(1 / rate)):
        flat.gradients.copy_(flat.weights)
        optimiser.step(1.0)
    assert network.weight.item() == pytest.approx(math.exp(-1), rel=0.01)


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(0, 1000))
def test_newton_schulz_maps_the_singular_values_and_leaves_the_singular_vectors(count, rows, columns, seed):
    matrices = torch.randn(count, rows, columns, generator=torch.Generator().manual_seed(seed))
    u, s, v = torch.linalg.svd(matrices.double(), full_matrices=False)
    s = s / s.square().sum(dim=-1, keepdim=True).sqrt()
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    expected = u @ s.diag_embed() @ v
    torch.testing.assert_close(orthogonalised(matrices).double(), expected, rtol=0, atol=1e-3)


def test_newton_schulz_leaves_zero_alone_and_no_matrix_hears_of_another():
    matrices = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(0))
    matrices[1] = 0
    found = orthogonalised(matrices)
    assert not found[1].any()
    torch.testing.assert_close(found[2], orthogonalised(matrices[2:])[0])


def test_muons_first_step_is_nearly_orthogonal():
    trained, before = Trained("muon", lr=1.0).run([0]), Net()
    update = as_matrix(trained.network.wide.weight - before.wide.weight).detach()
    singular = torch.linalg.svdvals(update)
    # Newton-Schulz leaves the singular values within 0.7 ... 1.2 of one
    assert singular.min() > 0.6
    assert singular.max() < 1.3


@pytest.mark.parametrize("kind", ["adamw", "muon", "sgd"])
def test_a_step_changes_every_weight_and_one_without_rate_none(kind):
    trained, before = Trained(kind).run([0]), Net()
    for name, parameter in trained.network.state_dict().items():
        assert (parameter != before.state_dict()[name]).all(), name
    moved = {name: parameter.clone() for name, parameter in trained.network.state_dict().items()}
    trained.update(1, 0.0)
    assert same(moved, trained.network.state_dict())


@pytest.mark.parametrize("largest", [0.1, 5.0, 1e4])
@pytest.mark.parametrize("scale", [0.1, 1, 30])
def test_gradients_are_clipped_as_torchs_are(largest, scale):
    gradients = scale * torch.randn(400, generator=torch.Generator().manual_seed(0))
    clipped, twin = gradients.clone(), nn.Parameter(torch.zeros(400))
    norm = clip(clipped, largest)
    twin.grad = gradients.clone()
    torch.testing.assert_close(norm, nn.utils.clip_grad_norm_(twin, largest))
    torch.testing.assert_close(clipped, twin.grad)


SCHEDULES = st.tuples(st.integers(1, 300), st.integers(0, 300)).map(lambda pair: (max(pair), min(pair)))


@given(SCHEDULES, st.sampled_from(["constant", "cosine"]))
def test_learning_rates_rise_in_a_line_then_stay_or_fall_in_half_a_cosine(schedule, decay):
    steps, warmup = schedule
    config = TrainingConfig(steps=steps, warmup=warmup, decay=decay)
    factors = [config.lr_factor(step) for step in range(steps)]
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
        assert config.lr_factor(steps) < 1e-12 or warmup == steps


@pytest.mark.parametrize("as_buffer", [True, False], ids=["buffer", "requires_grad"])
def test_muon_leaves_a_frozen_convolution_out(as_buffer):
    network = nn.Sequential(*(nn.Conv2d(2, 2, 3, padding=1) for _ in range(5)))
    frozen = network[2]
    if as_buffer:
        weight = frozen.weight.detach().clone()
        del frozen.weight
        frozen.register_buffer("weight", weight)
    else:
        frozen.weight.requires_grad_(False)
    before = frozen.weight.clone()

    config = optimiser_config("muon")
    flat = FlatParameters(network, layout_for(network, config))
    optimiser = optimiser_of(network, flat, config)
    flat.differentiate(network(torch.ones(1, 2, 4, 4)).square().mean())
    optimiser.step(1.0)
    assert torch.equal(frozen.weight, before)
    assert next(iter(flat.layout.shapes)) == "1.weight"
