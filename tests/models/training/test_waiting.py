"""No step waits for a GPU, seen on a simulated one: nothing is read back, no shape depends on numbers, and copies from the
host are of pinned memory."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from helpers.simulated_gpu import simulated_gpu
from helpers.tiny_training import ATTENTIVE, WORLD, config_of
from phasescope.models.families import DiffusionConfig
from phasescope.models.families.diffusion.family import Diffusion
from phasescope.models.families.task import Examples, Task
from phasescope.models.training import data, loop
from phasescope.models.training.loop import Learner, fresh_learner, learn
from phasescope.models.training.torch_optimiser import TorchOptimiser
from phasescope.worlds import GaussianBump, ImageWorld, Mixed, Stripes

DIFFUSION = DiffusionConfig.from_tree({"schedule": {"kind": "linear", "steps": 50}})
RNG = np.random.default_rng(0)
DIGITS = ImageWorld.from_arrays(
    RNG.uniform(-1, 1, (60, 8, 8)).astype(np.float32),
    np.arange(60) % 3,
    ["digit"],
    classes={"digit": ["a", "b", "c"]},
)


def trained(*, network=ATTENTIVE, family=DIFFUSION, world=WORLD, steps=13, resumed=False, **fields):
    """(what the steps from the fourth on would wait for, losses on the host) of a training on a simulated GPU."""
    config = config_of(**{"steps": steps, "batch": 7, **fields, "device": "cuda"})

    def fresh():
        return fresh_learner(network, world.shape, world.factors.visible, config, 0)

    with simulated_gpu() as gpu:
        learner, seen = fresh(), []
        assert learner.device.type == "cuda"
        for loss in learn(learner, family.build(), world, 0):
            seen.append(loss)
            if learner.step == 3:
                if resumed:
                    saved = {name: tensor.cpu().clone() for name, tensor in learner.tensors().items()}
                    learner = fresh()
                    learner.load(saved, 3)
                    break
                gpu.waits.clear()
        if resumed:
            going = learn(learner, family.build(), world, 0)
            seen += [next(going) for _ in range(3)]
            gpu.waits.clear()
            seen += list(going)
        waits = list(gpu.waits)
        assert all(loss.is_cuda for loss in seen)
        return waits, [loss.item() for loss in seen]


FIELDS = [
    {},
    {"label_dropout": 0.5, "clip": None},
    {"label_dropout": (0.5, 0.1)},
    {"precision": "bfloat16"},
    {"optimiser": {"kind": "muon"}, "decay": "cosine"},
    {"optimiser": {"kind": "sgd", "momentum": 0.9}},
    {"optimiser": {"kind": "torch.optim:NAdam", "lr": 1e-3}},
    {"freeze": ["mid"]},
]


@pytest.mark.some(3)
@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_a_step_waits_for_nothing_and_computes_what_a_cpu_does(fields):
    """The simulated GPU draws a CPU's noise, so that losses are equal but for another order of sums, or bfloat16."""
    waits, losses = trained(**fields)
    assert waits == []
    config = config_of(**{"steps": 13, "batch": 7, **fields})
    learner = fresh_learner(ATTENTIVE, WORLD.shape, WORLD.factors, config, 0)
    expected = [loss.item() for loss in learn(learner, DIFFUSION.build(), WORLD, 0)]
    is_rounded = config.precision == "bfloat16" or config.optimiser.kind == "muon"
    np.testing.assert_allclose(losses, expected, rtol=2e-2 if is_rounded else 1e-4)


FAMILIES = {
    "flow": {"schedule": {"kind": "flow", "steps": 50}, "predict": "velocity"},
    "stratified, logit-normal": {
        "schedule": {"kind": "flow", "steps": 50},
        "predict": "velocity",
        "times": "stratified",
        "density": {"kind": "logit_normal"},
    },
    "v, min-SNR": {"predict": "v", "weighting": {"kind": "min_snr"}},
}


@pytest.mark.some(1)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_step_of_any_family_waits_for_nothing(name):
    assert trained(family=DiffusionConfig.from_tree(FAMILIES[name]), label_dropout=0.5)[0] == []


WORLDS = {
    "periodic": GaussianBump.from_tree({"canvas": 8, "boundary": "periodic"}),
    "stripes": Stripes.from_tree({"canvas": 8}),
    "mixed": Mixed(together=GaussianBump(canvas=8), alone=Stripes(canvas=8, margin_px=2.0)),
    "data set with a hidden factor": DIGITS,
}


@pytest.mark.some(1)
@pytest.mark.parametrize("name", WORLDS)
def test_a_step_in_any_world_waits_for_nothing(name):
    assert trained(world=WORLDS[name], label_dropout=0.5)[0] == []


def test_a_resumed_optimiser_of_torch_waits_for_nothing():
    assert trained(optimiser={"kind": "torch.optim:NAdam", "lr": 1e-3}, resumed=True)[0] == []


# ---- what would wait, put back into a step: each is seen ----


def reading_the_loss(patch):
    update = Learner.update

    def reads(self, loss):
        assert float(loss.detach()) >= 0
        update(self, loss)

    patch.setattr(Learner, "update", reads)


def branching_on_the_norm(patch):
    def clip(gradients, largest):
        norm = torch.linalg.vector_norm(gradients)
        if norm > largest:
            gradients.mul_(largest / norm)
        return norm

    patch.setattr(loop, "clip", clip)


def shares_from_the_host(make):
    def put_back(patch):
        def withheld(self, labels, generator):
            drawn = torch.rand(len(labels), 1, device=self.device, generator=generator)
            return labels.masked_fill(drawn < make(drawn, [0.5]), torch.nan)

        patch.setattr(data.Batches, "_withheld", withheld)

    return put_back


def blocking_permutations(patch):
    def permutation(self, epoch):
        return torch.randperm(len(self.labels), generator=torch.Generator()).to(self.labels.device)

    patch.setattr(data.LabelStream, "_permutation", permutation)


def noise_of_the_host(patch):
    def draw(self, x_0, generator):
        t = self._draw_times(len(x_0), generator)
        return t, torch.randn(x_0.shape).to(x_0.device)

    patch.setattr(Diffusion, "draw", draw)


def tables_at_each_step(patch):
    table = Diffusion._table

    def copied(self, like):
        self._tables.clear()
        return table(self, like)

    patch.setattr(Diffusion, "_table", copied)


def a_mask_of_rows(patch):
    draw = Diffusion.draw

    def masked(self, x_0, generator):
        t, noise = draw(self, x_0, generator)
        assert x_0[t >= 0].shape == x_0.shape
        return t, noise

    patch.setattr(Diffusion, "draw", masked)


def columns_by_a_list(patch):
    at = data.Batches.at

    def listed(self, step):
        batch = at(self, step)
        return batch._replace(labels=batch.labels[:, list(range(batch.labels.shape[1]))])

    patch.setattr(data.Batches, "at", listed)


def images_that_are_not_pinned(patch):
    patch.setattr(data, "_copied", lambda x, device: x.to(device, non_blocking=True))


def labels_of_a_data_set_on_the_gpu(patch):
    patch.setattr(ImageWorld, "on_cpu", False)


def a_resumed_optimiser_as_torch_leaves_it(patch):
    patch.setattr(TorchOptimiser, "_keep_on_the_host", lambda self: None)


NADAM = {"steps": 8, "optimiser": {"kind": "torch.optim:NAdam", "lr": 1e-3}, "resumed": True}
PUT_BACK = [
    (reading_the_loss, {}, "_local_scalar_dense"),
    (reading_the_loss, {"precision": "bfloat16"}, "_local_scalar_dense"),
    (branching_on_the_norm, {}, "_local_scalar_dense"),
    (shares_from_the_host(torch.Tensor.new_tensor), {"label_dropout": 0.5}, "new_tensor"),
    (
        shares_from_the_host(lambda drawn, shares: torch.tensor(shares, device=drawn.device)),
        {"label_dropout": 0.5},
        "tensor",
    ),
    (blocking_permutations, {"steps": 13}, "copy to the GPU"),
    (noise_of_the_host, {"family": DiffusionConfig.from_tree(FAMILIES["flow"])}, "copy to the GPU"),
    (tables_at_each_step, {}, "copy to the GPU"),
    (a_mask_of_rows, {}, "index"),
    (columns_by_a_list, {"world": DIGITS}, "index"),
    (images_that_are_not_pinned, {"world": DIGITS}, "copy to the GPU"),
    (labels_of_a_data_set_on_the_gpu, {"world": DIGITS}, "copy to the host"),
    (a_resumed_optimiser_as_torch_leaves_it, NADAM, "_local_scalar_dense"),
]


@pytest.mark.some(4)
@pytest.mark.parametrize(
    ("put_back", "settings", "wait"), PUT_BACK, ids=[f"{i}-{wait}" for i, (_, _, wait) in enumerate(PUT_BACK)]
)
def test_a_wait_that_is_put_back_is_seen(put_back, settings, wait, monkeypatch):
    put_back(monkeypatch)
    assert wait in trained(**{"steps": 5, **settings})[0]


ON_GPU = {"device": "cuda"}
WAITING = {
    "item": lambda x: x.sum().item(),
    "float": lambda x: float(x.sum()),
    "int": lambda x: int(x.sum()),
    "bool": lambda x: bool(x.sum() > 0),
    "format": lambda x: f"{x.sum():g}",
    "tolist": lambda x: x.tolist(),
    "cpu": lambda x: x.cpu(),
    "to a name": lambda x: x.to("cpu"),
    "to another tensor": lambda x: x.to(torch.zeros(1)),
    "of the host": lambda x: torch.zeros(3).to(x),
    "not pinned": lambda x: torch.zeros(3).to("cuda", non_blocking=True),
    "pinned, blocking": lambda x: torch.zeros(3).pin_memory().to("cuda"),
    "tensor": lambda x: torch.tensor([1.0], device="cuda"),
    "new_tensor": lambda x: x.new_tensor([1.0]),
    "as_tensor": lambda x: torch.as_tensor(np.ones(3), device=x.device),
    "mask": lambda x: x[x > 0],
    "list": lambda x: x[:, [0]],
    "nonzero": lambda x: x.nonzero(),
    "where": lambda x: torch.where(x > 0),
    "unique": lambda x: x.unique(),
    "equal": lambda x: torch.equal(x, x),
    "slice by a tensor": lambda x: x[: (x.sum() > 0).long()],
    "copy_": lambda x: x.copy_(torch.zeros(2, 3)),
    "copy_ to the host": lambda x: torch.zeros(2, 3).copy_(x),
    "classes unknown": lambda x: F.one_hot(x.long()),
}


@pytest.mark.parametrize("name", WAITING)
def test_what_waits_is_listed(name):
    with simulated_gpu() as gpu:
        x = torch.ones(2, 3, **ON_GPU)
        gpu.waits.clear()
        WAITING[name](x)
        assert len(gpu.waits) >= 1


def pinned(x):
    return torch.randperm(3, pin_memory=True).to("cuda", non_blocking=True)


FREE = {
    "arithmetic": lambda x: (x * 2 + torch.ones(())).sum(),
    "a number set": lambda x: x.__setitem__((0, 0), 1.0),
    "a mask set": lambda x: x.__setitem__(x > 0, 1.0),
    "a mask filled": lambda x: x.masked_fill(x > 0, 1.0),
    "slices": lambda x: x[:, 1:][None],
    "by an index there": lambda x: x[torch.arange(2, device="cuda")],
    "pinned": pinned,
    "on it already": lambda x: x.to("cuda").to(torch.float64),
    "made there": lambda x: torch.rand(3, device="cuda", generator=torch.Generator(device="cuda")),
    "known classes": lambda x: F.one_hot(x.long(), 5),
    "reads of the host": lambda x: torch.ones(3).tolist(),
}


@pytest.mark.parametrize("name", FREE)
def test_what_does_not_wait_is_not_listed(name):
    with simulated_gpu() as gpu:
        x = torch.ones(2, 3, **ON_GPU)
        FREE[name](x)
        assert gpu.waits == []


def test_tensors_of_the_host_and_the_gpu_do_not_mix():
    with simulated_gpu():
        x = torch.ones(3, **ON_GPU)
        with pytest.raises(RuntimeError, match="to be on the same device"):
            x + torch.ones(3)


def test_where_a_tensor_is_follows_from_what_it_is_made_of():
    with simulated_gpu():
        x = torch.ones(3, requires_grad=True, **ON_GPU)
        assert x.is_cuda
        assert (x[1:] * 2).is_cuda
        (gradient,) = torch.autograd.grad(x.square().sum(), [x])
        assert gradient.is_cuda
        assert not x.detach().cpu().is_cuda
        assert not torch.ones(3).is_cuda
    assert not torch.ones(3).is_cuda


def test_exact_optima_compute_on_the_cpu():
    """In float64, in which most GPUs are many times slower than in float32."""
    task = Task.from_world(WORLD)
    examples = Examples(
        task, WORLD.shape, task.training[:6].reshape(3, 2, -1), seed=0, device=torch.device("cpu")
    )
    expected = DIFFUSION.analysis(task, seed=0).references(examples)
    with simulated_gpu() as gpu:
        analysis = DIFFUSION.analysis(task, seed=0)
        references = analysis.references(replace(examples, device=torch.device("cuda:0")))
        assert gpu.doubles == []
    assert references == expected
