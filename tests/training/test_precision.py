"""bfloat16 on a CPU: group normalisation computes in float32, in networks of any origin."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from phasescope.training.config import TrainingConfig
from phasescope.training.loop import Learner
from phasescope.training.precision import normalise_in_float32

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
