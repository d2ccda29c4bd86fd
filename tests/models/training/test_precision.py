"""bfloat16 on a CPU: group normalisation computes in float32, in networks of any origin. In a step subnormals are 0."""

import subprocess
import sys
from contextlib import suppress

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.tiny_training import FAMILY, NETWORK, WORLD, TrainingConfig, config_of
from phasescope.models.training.loop import Learner, fresh_learner, learn
from phasescope.models.training.precision import normalise_in_float32
from phasescope.models.training.processor import subnormals_as_zero

CPU = torch.device("cpu")


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.Conv2d(4, 1, 3, padding=1))


def seen_dtypes(model: nn.Module, precision: torch.dtype) -> dict[str, torch.dtype]:
    """The dtype of what each module gives, under autocast to `precision`."""
    found = {}
    for name, module in model.named_children():
        module.register_forward_hook(lambda _, __, output, name=name: found.__setitem__(name, output.dtype))
    with torch.autocast("cpu", precision, enabled=precision != torch.float32):
        model(torch.randn(2, 1, 8, 8))
    return found


def test_norms_compute_in_float32_and_convolutions_in_bfloat16():
    model = network()
    assert seen_dtypes(model, torch.bfloat16)["1"] == torch.bfloat16
    normalise_in_float32(model)
    found = seen_dtypes(model, torch.bfloat16)
    assert found == {"0": torch.bfloat16, "1": torch.float32, "2": torch.bfloat16}


def test_a_norm_in_float32_is_that_of_its_rounded_input():
    model = network()[1]
    h = (100 + torch.randn(2, 4, 3, 3)).bfloat16()
    normalise_in_float32(model)
    torch.testing.assert_close(model(h), F.group_norm(h.float(), 2))


def test_in_float32_nothing_changes():
    plain, hooked = network(), network()
    normalise_in_float32(hooked)
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(plain(x), hooked(x))
    x = x.double()
    assert hooked.double()(x).dtype == torch.float64


def test_a_learner_in_bfloat16_prepares_a_network_that_a_user_brings():
    for precision, expected in (("bfloat16", torch.float32), ("float32", torch.bfloat16)):
        learner = Learner(network(), TrainingConfig(precision=precision, device="cpu"), CPU)
        assert seen_dtypes(learner.network, torch.bfloat16)["1"] == expected


can_take_them_for_zero = pytest.mark.skipif(
    not torch.set_flush_denormal(False), reason="this processor cannot take subnormals for 0"
)


def halves() -> torch.Tensor:
    """The least normal number, halved."""
    return torch.full((1,), torch.finfo(torch.float32).tiny) / 2


@can_take_them_for_zero
def test_subnormals_are_zero_within_and_afterwards_as_they_were():
    for before in (False, True):
        torch.set_flush_denormal(before)
        try:
            with suppress(ZeroDivisionError), subnormals_as_zero(CPU):
                assert halves() == 0
                raise ZeroDivisionError
            assert bool(halves() == 0) == before
        finally:
            torch.set_flush_denormal(False)


def test_what_another_device_does_is_left_alone():
    with subnormals_as_zero(torch.device("cuda")):
        assert halves() > 0


@pytest.mark.slow
@can_take_them_for_zero
def test_threads_that_a_training_starts_take_them_for_zero_too():
    code = (
        "import torch\n"
        "from phasescope.models.training import processor\n"
        "torch.set_num_threads(4)\n"
        "processor.start_threads()\n"
        "numbers = torch.full((processor.SHARED,), torch.finfo(torch.float32).tiny)\n"
        "with processor.subnormals_as_zero(torch.device('cpu')):\n"
        "    print(int(numbers.mul_(0.25).count_nonzero()))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "0"


@can_take_them_for_zero
def test_in_a_step_of_a_training_they_are_zero_and_between_steps_what_they_were():
    config, found = config_of(), []
    learner = fresh_learner(NETWORK, WORLD.shape, WORLD.factors, config, seed=0)
    learner.network.register_forward_hook(lambda *_: found.append(bool(halves() == 0)))
    for _ in learn(learner, FAMILY, WORLD, seed=0):
        assert halves() > 0
    assert found == [True] * config.steps
