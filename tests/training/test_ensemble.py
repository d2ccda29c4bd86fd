"""An ensemble's members are the runs of their seeds."""

from __future__ import annotations

import pytest
import torch
from tiny_training import FAMILY, NETWORK, WORLD, assert_same_state, config_of, single

from phasescope.networks.config import UNetConfig
from phasescope.training.ensemble import Ensemble, fresh_ensemble, learn_ensemble
from phasescope.training.loop import fresh_learner, learn

SEEDS = (3, 0, 7)
WITH_ATTENTION = UNetConfig.of(
    {
        "widths": [4, 8],
        "groups": 2,
        "heads": 2,
        "attention": ["mid"],
        "input_skip": True,
        "padding": "circular",
        "coordinates": True,
    }
)


def ensemble_of(seeds=SEEDS, network=NETWORK, **fields):
    return fresh_ensemble(network, 1, 2, config_of(**fields), seeds)


def losses_of(ensemble, family=FAMILY):
    return torch.stack(list(learn_ensemble(ensemble, family, WORLD)))


FLOAT32 = {"rtol": 1e-4, "atol": 2e-5}
VARIANTS = [
    ({"clip": 0.3, "label_dropout": 0.3, "optimiser": {"kind": "adamw", "weight_decay": 0.1}}, FLOAT32),
    ({"clip": None, "decay": "cosine"}, FLOAT32),
    ({"optimiser": {"kind": "muon", "weight_decay": 0.1}}, FLOAT32),
    ({"precision": "bfloat16"}, {"rtol": 0.05, "atol": 0.01}),
]


@pytest.mark.parametrize(("fields", "tolerance"), VARIANTS, ids=lambda value: str(value)[:40])
def test_each_member_is_the_run_of_its_seed(fields, tolerance):
    ensemble = ensemble_of(**fields)
    losses = losses_of(ensemble)
    assert losses.shape == (6, 3)
    assert ensemble.step == 6
    for member, seed in enumerate(SEEDS):
        learner, alone = single(seed, **fields)
        torch.testing.assert_close(losses[:, member], alone, **tolerance)
        assert_same_state(ensemble.unstack(member), learner, **tolerance)


def test_so_it_is_with_attention_and_wrapped_edges():
    ensemble = ensemble_of(network=WITH_ATTENTION)
    losses = losses_of(ensemble)
    for member, seed in enumerate(SEEDS):
        learner, alone = single(seed, network=WITH_ATTENTION)
        torch.testing.assert_close(losses[:, member], alone, **FLOAT32)
        assert_same_state(ensemble.unstack(member), learner, **FLOAT32)


def test_gradients_are_clipped_by_each_members_own_norm():
    class Steeper:
        """The member whose labels were drawn first has a loss 10^4 times the others'."""

        def draw(self, x_0, generator):
            self.calls = getattr(self, "calls", -1) + 1
            steep = 1e4 if self.calls % 3 == 0 else 1e-4
            return *FAMILY.draw(x_0, generator), torch.tensor(steep)

        def loss_at(self, network, x_0, labels, t, noise, steep):
            return steep * FAMILY.loss_at(network, x_0, labels, t, noise)

    ensemble = ensemble_of(clip=0.5, steps=1, warmup=0)
    losses_of(ensemble, Steeper())
    norms = ensemble.flat.gradients.norm(dim=1)
    torch.testing.assert_close(norms[0], torch.tensor(0.5), rtol=1e-4, atol=0)
    assert (norms[1:] < 0.01).all()
    assert (norms[1:] > 0).all()


def test_a_member_that_fails_is_no_harm_to_the_others():
    ensemble, whole = ensemble_of(), ensemble_of()
    ensemble.flat.weights[1] = torch.nan
    losses, others = losses_of(ensemble), losses_of(whole)
    assert losses[:, 1].isnan().all()
    assert torch.equal(losses[:, [0, 2]], others[:, [0, 2]])
    assert torch.equal(ensemble.flat.weights[[0, 2]], whole.flat.weights[[0, 2]])


@pytest.mark.parametrize("kind", ["adamw", "muon"])
@pytest.mark.parametrize("step", [0, 2])
def test_unstacked_and_stacked_again_it_goes_on_bitwise_the_same(step, kind):
    whole, first = (ensemble_of(optimiser={"kind": kind}) for _ in range(2))
    losses = losses_of(whole)
    going = learn_ensemble(first, FAMILY, WORLD)
    for _ in range(step):
        next(going)
    second = Ensemble([first.unstack(member) for member in range(3)], SEEDS)
    list(going)
    assert torch.equal(losses_of(second), losses[step:])
    for member in range(3):
        mine, its = second.unstack(member).tensors(), whole.unstack(member).tensors()
        assert mine.keys() == its.keys()
        assert all(torch.equal(tensor, its[name]) for name, tensor in mine.items())


def test_an_unstacked_member_goes_on_by_itself():
    ensemble = ensemble_of()
    going = learn_ensemble(ensemble, FAMILY, WORLD)
    for _ in range(3):
        next(going)
    alone = ensemble.unstack(2)
    before = alone.flat.weights.clone()
    losses = torch.stack(list(going))
    assert torch.equal(alone.flat.weights, before)
    rest = torch.stack(list(learn(alone, FAMILY, WORLD, SEEDS[2])))
    torch.testing.assert_close(rest, losses[:, 2], **FLOAT32)


def test_at_first_weights_are_those_of_each_seed():
    ensemble = ensemble_of()
    for member, seed in enumerate(SEEDS):
        fresh = fresh_learner(NETWORK, 1, 2, config_of(), seed)
        assert torch.equal(ensemble.flat.weights[member], fresh.flat.weights)


@pytest.mark.usefixtures("untouched_random_streams")
def test_the_global_random_streams_are_left_alone():
    losses_of(ensemble_of(label_dropout=0.5))


def test_bad_input_to_an_ensemble_is_named():
    with pytest.raises(ValueError, match=r"`seeds` \(=\[\]\) must be one a learner"):
        ensemble_of(seeds=())
    learners = [fresh_learner(NETWORK, 1, 2, config_of(), seed) for seed in SEEDS]
    with pytest.raises(ValueError, match=r"`seeds` \(=\[1\]\) must be one a learner, of 3"):
        Ensemble(learners, [1])
    learners[1].step = 4
    with pytest.raises(ValueError, match=r"same step, not at \[0, 4\]"):
        Ensemble(learners, SEEDS)


@pytest.mark.cuda
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("compile", [False, True])
def test_on_a_gpu_each_member_is_the_run_of_its_seed(compile):
    ensemble = ensemble_of(device="cuda", compile=compile, label_dropout=0.3)
    losses = losses_of(ensemble)
    for member, seed in enumerate(SEEDS):
        learner, alone = single(seed, device="cuda", label_dropout=0.3)
        torch.testing.assert_close(losses[:, member], alone, rtol=1e-3, atol=1e-4)
        assert_same_state(ensemble.unstack(member), learner, rtol=1e-2, atol=1e-3)
