"""A compiled step is the eager one, whoever compiles it."""

import os
import shutil

import pytest
import torch
from jaxtyping import config
from torch import nn

from helpers.tiny_training import FAMILY, NETWORK, WORLD, assert_same_state, config_of, single
from phasescope import UserError
from phasescope.models.families import DiffusionConfig
from phasescope.models.networks import UNetConfig
from phasescope.models.training.compiling import compiled
from phasescope.models.training.loop import Learner, learn

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def _shapes_are_not_checked():
    """The compiler cannot trace the checks, which users do not have."""
    config.update("jaxtyping_disable", True)


@pytest.fixture(autouse=True)
def _a_cache_of_its_own(monkeypatch, tmp_path):
    """What others compile on this machine at the same time is not to be met half written."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))


EVERY_KIND_OF_LAYER = UNetConfig.from_tree(
    {
        "widths": [4, 8],
        "groups": 2,
        "heads": 2,
        "attention": ["mid"],
        "input_skip": True,
        "embedding": {"width": 8, "hidden": 8, "modulation": "scale_shift"},
    }
)


@pytest.mark.slow
@pytest.mark.parametrize("network", [NETWORK, EVERY_KIND_OF_LAYER], ids=["added", "scale and shift"])
def test_a_step_is_traced_whole_and_once_and_equals_the_eager_one(traced, network):
    fields = {"label_dropout": 0.3, "clip": 0.5}
    learner, losses = single(0, network, compile=True, **fields)
    assert len(traced) == 1
    eager, expected = single(0, network, **fields)
    assert len(traced) == 1
    torch.testing.assert_close(losses, expected)
    assert_same_state(learner, eager, rtol=1e-4, atol=1e-5)


class Painter(nn.Module):
    """Two convolutions that hear t and the label between them: little code to generate."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.enter = nn.Conv2d(1, 4, 3, padding=1)
            self.hear = nn.Linear(3, 4)
            self.leave = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, x_t, t, labels):
        heard = self.hear(torch.cat((t[:, None].float(), labels), dim=1))
        return self.leave(nn.functional.silu(self.enter(x_t) + heard[:, :, None, None]))


def trained(device, **fields):
    learner = Learner(Painter(), config_of(device=device, **fields), torch.device(device))
    return learner, torch.stack(list(learn(learner, FAMILY, WORLD, 0)))


def assert_compiled_equals_eager(device, **tolerance):
    learner, losses = trained(device, compile=True)
    eager, expected = trained(device)
    torch.testing.assert_close(losses, expected, **tolerance)
    assert_same_state(learner, eager, **tolerance)


COMPILERS = [os.environ.get("CXX", "g++"), "g++", "clang++"]


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="no C++ compiler")
def test_what_the_compiler_makes_for_a_cpu_is_the_eager_step():
    assert_compiled_equals_eager("cpu", rtol=1e-4, atol=1e-5)


@pytest.mark.cuda
def test_a_graph_of_a_gpu_is_the_eager_step():
    assert_compiled_equals_eager("cuda", rtol=1e-3, atol=1e-4)
    learner, losses = single(0, device="cuda", compile=True)
    eager, expected = single(0, device="cuda")
    torch.testing.assert_close(losses, expected, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(learner.flat.weights, eager.flat.weights, rtol=1e-2, atol=1e-3)


def test_where_there_is_no_compiler_one_line_says_so(monkeypatch):
    def backend(*_):
        raise RuntimeError("no working\ncompiler found")

    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function, **_: real(function, backend=backend))
    with pytest.raises(
        UserError, match=r"^`training.compile` \(=True\) must .*no working compiler found"
    ) as error:
        compiled(torch.square, torch.device("cpu"))(torch.ones(2))
    assert "\n" not in str(error.value)
    torch._dynamo.reset()


def test_a_loss_is_all_that_was_drawn_and_nothing_else():
    family = DiffusionConfig().build()
    x_0, labels = WORLD.render(torch.tensor([[2.0, 3.0]])), torch.tensor([[2.0, 3.0]])
    generators = [torch.Generator().manual_seed(5) for _ in range(2)]
    drawn = family.draw(x_0, generators[0])
    network = Painter()
    loss = family.loss(network, x_0, labels, generators[1])
    for _ in range(2):
        assert torch.equal(family.loss_at(network, x_0, labels, *drawn), loss)
