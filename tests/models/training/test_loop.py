from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from helpers.tiny_training import ATTENTIVE, FAMILY, NETWORK, WORLD, config_of
from phasescope.models.networks import UNetConfig
from phasescope.models.training.loop import fresh_learner, learn, resolve_device, share_of_last


def learner_of(seed=0, network=NETWORK, **fields):
    return fresh_learner(network, WORLD.shape, WORLD.factors, config_of(**fields), seed)


def run(learner, until=None, family=FAMILY, seed=0):
    """Losses of the steps up to `until`."""
    losses = []
    for loss in learn(learner, family, WORLD, seed):
        losses.append(loss.item())
        if learner.step == until:
            break
    return losses


def copied(tensors):
    return {name: tensor.clone() for name, tensor in tensors.items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


VARIANTS = [
    {},
    {"optimiser": {"kind": "muon"}, "decay": "cosine"},
    {"optimiser": {"kind": "sgd", "momentum": 0.9}},
    {"label_dropout": 0.5, "clip": None},
    {"precision": "bfloat16"},
]


@pytest.mark.parametrize("fields", VARIANTS, ids=str)
def test_resumed_at_any_step_it_ends_bitwise_the_same(fields):
    whole = learner_of(**fields)
    losses = run(whole)
    assert whole.step == 6
    assert whole.images_seen == 30
    for step in range(6) if not fields else (1, 4):
        first = learner_of(**fields)
        before = run(first, until=step) if step else []
        saved = copied(first.tensors())
        run(first)
        second = learner_of(seed=1, **fields)
        second.load(saved, step)
        assert before + run(second) == losses
        assert same(second.tensors(), whole.tensors())


class Dropping(UNetConfig):
    """A U-Net that draws by itself while it learns."""

    def build(self, shape, factors):
        network = super().build(shape, factors)
        network.register_forward_hook(lambda net, given, made: nn.functional.dropout(made, 0.5, net.training))
        return network


def test_what_a_network_draws_itself_is_the_seeds_and_the_steps():
    dropping = Dropping(**NETWORK.model_dump(exclude={"kind"}))

    def fresh():
        return fresh_learner(dropping, WORLD.shape, WORLD.factors, config_of(), 0)

    losses = run(fresh())
    assert losses != run(learner_of())
    first = fresh()
    before = run(first, until=3)
    second = fresh()
    second.load(copied(first.tensors()), 3)
    torch.rand(7)
    assert before + run(second) == losses
    assert run(fresh(), seed=1) != losses


def test_a_resumed_learner_shares_no_memory_with_the_state_it_took_up():
    first, second = learner_of(), learner_of(seed=1)
    run(first, until=3)
    second.load(first.tensors(), 3)
    before = copied(first.tensors())
    run(second)
    assert same(first.tensors(), before)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.995])
def test_averaged_weights_are_the_bias_corrected_mean(decay):
    learner = learner_of(ema=decay)
    fresh = copied(learner.network.state_dict())
    assert same(learner.average.state_dict(), fresh)
    passed = []
    for _ in learn(learner, FAMILY, WORLD, 0):
        passed.append({name: tensor.double() for name, tensor in learner.network.state_dict().items()})
        n = len(passed)
        shares = (1 - decay) * decay ** (n - 1 - np.arange(n)) / (1 - decay**n)
        assert shares.sum() == pytest.approx(1)
        for name, averaged in learner.average.state_dict().items():
            mean = sum(share * weights[name] for share, weights in zip(shares, passed, strict=True))
            torch.testing.assert_close(averaged.double(), mean, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.995])
def test_what_the_last_weights_weigh_is_their_share_among_all(decay):
    for n in (1, 2, 7, 500):
        shares = decay ** np.arange(n - 1, -1, -1)
        assert share_of_last(decay, n) == pytest.approx(shares[-1] / shares.sum())


def test_the_average_of_flat_weights_is_bitwise_that_of_each_parameter():
    learner = learner_of(ema=0.995, steps=20)
    each = [parameter.detach().clone() for parameter in learner.average.parameters()]
    for _ in learn(learner, FAMILY, WORLD, 0):
        weights = [parameter.detach() for parameter in learner.network.parameters()]
        torch._foreach_lerp_(each, weights, share_of_last(0.995, learner.step))
    assert all(map(torch.equal, learner.average.parameters(), each))


class Listener:
    """A family that keeps what it is asked to learn."""

    def __init__(self):
        self.labels, self.images, self.dtypes = [], [], []

    def draw(self, x_0, generator):
        return (torch.randint(50, (len(x_0),), generator=generator, device=generator.device),)

    def loss_at(self, network, x_0, labels, t):
        self.labels.append(labels.clone())
        self.images.append(x_0.clone())
        prediction = network(x_0, t, labels)
        self.dtypes.append(prediction.dtype)
        return prediction.square().mean(dim=(1, 2, 3))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_labels_are_withheld_whole_and_in_their_share(share):
    listener, given = Listener(), Listener()
    run(learner_of(label_dropout=share, steps=8, batch=250), family=listener)
    run(learner_of(label_dropout=0.0, steps=8, batch=250), family=given)
    labels, true = torch.cat(listener.labels), torch.cat(given.labels)
    withheld = labels.isnan()
    assert torch.equal(withheld.any(dim=1), withheld.all(dim=1))
    rows = withheld.all(dim=1)
    assert torch.equal(labels[~rows], true[~rows])
    assert abs(rows.double().mean() - share) <= 4 * (share * (1 - share) / len(rows)) ** 0.5
    assert torch.equal(torch.cat(listener.images), torch.cat(given.images))
    assert torch.equal(torch.cat(given.images), WORLD.render(true))


def test_factors_are_withheld_by_themselves_each_in_its_share():
    listener = Listener()
    run(learner_of(label_dropout=(0.0, 0.3), steps=8, batch=250), family=listener)
    withheld = torch.cat(listener.labels).isnan()
    assert not withheld[:, 0].any()
    assert abs(withheld[:, 1].double().mean() - 0.3) <= 4 * (0.3 * 0.7 / len(withheld)) ** 0.5
    both = Listener()
    run(learner_of(label_dropout=(0.5, 0.5), steps=8, batch=250), family=both)
    x, y = torch.cat(both.labels).isnan().T
    assert abs((x & y).double().mean() - 0.25) <= 4 * (0.25 * 0.75 / len(x)) ** 0.5


def test_bfloat16_is_the_arithmetic_and_float32_the_weights():
    for precision, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        listener = Listener()
        learner = learner_of(precision=precision)
        run(learner, family=listener)
        assert set(listener.dtypes) == {dtype}
        assert all(tensor.dtype == torch.float32 for tensor in learner.tensors().values())
    exact, rounded = run(learner_of()), run(learner_of(precision="bfloat16"))
    assert exact != rounded
    np.testing.assert_allclose(rounded, exact, rtol=0.05)


@pytest.mark.usefixtures("untouched_random_streams")
def test_the_global_random_streams_are_left_alone():
    run(learner_of(label_dropout=0.5))


def test_what_others_draw_from_the_global_stream_changes_nothing():
    quiet, disturbed = learner_of(), learner_of()
    run(quiet)
    for _ in learn(disturbed, FAMILY, WORLD, 0):
        torch.rand(3)
        torch.manual_seed(5)
    assert same(quiet.tensors(), disturbed.tensors())


def test_fresh_weights_depend_on_the_seed_alone():
    one = learner_of(seed=3).network.state_dict()
    torch.rand(7)
    assert same(one, learner_of(seed=3).network.state_dict())
    other = learner_of(seed=4).network.state_dict()
    assert all((one[name] != other[name]).any() for name in one if one[name].unique().numel() > 1)


def test_the_seed_of_the_run_changes_what_is_seen():
    one, other = learner_of(), learner_of()
    assert run(one, seed=0) != run(other, seed=1)


def test_a_state_of_another_network_is_refused():
    wide = UNetConfig.from_tree({"widths": [8, 8], "groups": 2, "patch": 2, "embedding": {"width": 8}})
    stranger = fresh_learner(wide, WORLD.shape, WORLD.factors, learner_of().config, 0)
    with pytest.raises(RuntimeError):
        learner_of().load(stranger.tensors(), 0)


def test_the_gradient_is_clipped_to_the_largest_norm():
    class Steep(Listener):
        def loss_at(self, network, x_0, labels, t):
            return 1e4 * super().loss_at(network, x_0, labels, t)

    norms = {}
    for clip in (None, 0.5):
        learner = learner_of(clip=clip, steps=1, warmup=0)
        taken = learner.optimiser.step

        def watched(lr_factor, learner=learner, taken=taken, clip=clip):
            norms[clip] = learner.flat.gradients.norm().item()
            taken(lr_factor)

        learner.optimiser.step = watched
        run(learner, family=Steep())
    assert norms[None] > 1
    assert norms[0.5] == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("largest", [None, 1e-3, 1e3])
def test_of_the_last_step_its_rate_and_its_gradients_norm_before_the_clipping_are_told(largest):
    learner = learner_of(clip=largest, decay="cosine", warmup=4, steps=6)
    assert learner.last_step() == {"learning_rate": None, "gradient_norm": None}
    rates = []
    for step, _ in enumerate(learn(learner, FAMILY, WORLD, 0), 1):
        told, left = learner.last_step(), learner.flat.gradients.norm().item()
        rates.append(told["learning_rate"] / learner.config.optimiser.lr)
        assert told["gradient_norm"] > 1e-3
        if largest == 1e-3:
            assert left == pytest.approx(1e-3, rel=1e-2)
        else:
            assert left == pytest.approx(told["gradient_norm"])
        assert learner.step == step
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1, 1, 0.5])


def test_learning_lowers_the_loss():
    losses = run(learner_of(steps=150, batch=32, warmup=10, optimiser={"kind": "adamw", "lr": 1e-2}))
    assert np.mean(losses[-30:]) < 0.7 * np.mean(losses[:10])


def test_devices_are_what_this_machine_has():
    count = torch.cuda.device_count()
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    for name in (f"cuda:{count}", "cuda:128", "cuda:99999999999999999999"):
        with pytest.raises(ValueError, match=rf"training.device.*{name}"):
            resolve_device(name)
    if not count:
        with pytest.raises(ValueError, match=r"training\.device"):
            resolve_device("cuda")


def test_tf32_is_refused_where_no_gpu_rounds_so():
    with pytest.raises(ValueError, match=r"`training.precision` \(=tf32\) must be"):
        learner_of(precision="tf32")


@pytest.mark.cuda
def test_on_a_gpu_it_learns_and_leaves_the_global_stream_alone():
    state = torch.cuda.get_rng_state()
    losses = run(learner_of(device="cuda", label_dropout=0.5))
    assert np.isfinite(losses).all()
    assert torch.equal(torch.cuda.get_rng_state(), state)


@pytest.mark.cuda
@pytest.mark.parametrize("fields", VARIANTS, ids=str)
def test_no_step_waits_for_the_gpu(fields):
    """Batches straddle epochs on the way, and a fresh permutation is copied."""
    learner = learner_of(network=ATTENTIVE, device="cuda", **{**fields, "steps": 60, "batch": 7})
    steps = learn(learner, FAMILY, WORLD, 0)
    for _ in range(3):
        next(steps)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(50):
            next(steps)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.cuda
@pytest.mark.parametrize("fields", VARIANTS, ids=str)
def test_on_a_gpu_a_resumed_run_ends_bitwise_the_same(fields):
    whole, first, second = (learner_of(network=ATTENTIVE, device="cuda", **fields) for _ in range(3))
    losses = run(whole)
    before = run(first, until=3)
    second.load(copied(first.tensors()), 3)
    assert before + run(second) == losses
    assert same(second.tensors(), whole.tensors())


@pytest.mark.cuda
def test_a_gpu_learns_what_a_cpu_does_from_the_same_batches():
    """Its noise is another stream; the labels and the first weights are the same."""
    one, other = learner_of(device="cuda"), learner_of(device="cpu")
    assert torch.equal(one.flat.weights.cpu(), other.flat.weights)
    streams = [Listener(), Listener()]
    run(one, family=streams[0]), run(other, family=streams[1])
    assert torch.equal(torch.cat(streams[0].labels).cpu(), torch.cat(streams[1].labels))


@pytest.mark.slow
def test_runs_trained_in_four_threads_have_the_weights_that_they_have_alone():
    """Fresh layers and dropout draw from torch's one global stream, which all threads of a process share."""

    class Dropping(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1), nn.Dropout(), nn.Conv2d(16, 1, 3, padding=1)
            )

        def forward(self, x_t, t, labels):
            return self.layers(x_t)

    class Built:
        def build(self, shape, factors):
            return Dropping()

    def weights(seed):
        torch.set_num_threads(1)
        learner = fresh_learner(Built(), WORLD.shape, WORLD.factors, config_of(steps=12), seed)
        run(learner, seed=seed)
        return copied(learner.tensors())

    alone = [weights(seed) for seed in range(8)]
    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            assert all(map(same, alone, pool.map(weights, range(8))))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_weights_that_are_not_float32_are_refused(dtype):
    class Other(UNetConfig):
        def build(self, shape, factors):
            return super().build(shape, factors).to(dtype)

    other = Other.from_tree({"widths": [4, 8], "groups": 2, "patch": 2, "embedding": {"width": 8}})
    with pytest.raises(ValueError, match=rf"`network` \(enter.weight of {dtype}\) must have float32 weights"):
        fresh_learner(other, WORLD.shape, WORLD.factors, config_of(), 0)
