"""Freed memory stays with the process, where its C library is glibc."""

import platform
import subprocess
import sys

import pytest
import torch

from phasescope.families.diffusion.config import DiffusionConfig
from phasescope.networks.config import UNetConfig
from phasescope.training.config import TrainingConfig
from phasescope.training.loop import fresh_learner, learn
from phasescope.worlds.gaussian_bump import GaussianBumpConfig

WORK = """
import resource, sys
import torch
from phasescope.training.memory import keep_freed_memory

torch.set_num_threads(1)
assert not int(sys.argv[1]) or keep_freed_memory()
def work(times):
    for _ in range(times):
        blocks = [torch.ones(1_000_000) for _ in range(8)]
work(3)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work(50)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_is_freed_is_found_again_without_page_faults():
    page_faults = [
        int(
            subprocess.run(
                [sys.executable, "-c", WORK, kept], capture_output=True, text=True, check=True
            ).stdout
        )
        for kept in "01"
    ]
    assert page_faults[1] < page_faults[0] / 2


def layout(tensor):
    return [stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if size > 1]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_gradients_and_moments_lie_in_memory_as_their_weights(precision):
    """Fused updates walk the memory: where it is laid out otherwise they would pair the wrong numbers."""
    world = GaussianBumpConfig(canvas=8)
    config = TrainingConfig(steps=2, batch=4, warmup=0, precision=precision, device="cpu")
    network = UNetConfig(widths=(8, 8), groups=4, patch=2, attention=("mid",))
    learner = fresh_learner(network, world.channels, 2, config, seed=0)
    layouts = []
    for parameter in learner.network.parameters():
        parameter.register_post_accumulate_grad_hook(lambda p: layouts.append((layout(p), layout(p.grad))))
    for _ in learn(learner, DiffusionConfig().build(), world, seed=0):
        pass
    assert len(layouts) == 2 * len(list(learner.network.parameters()))
    assert all(weight == gradient for weight, gradient in layouts)
    restored = fresh_learner(network, world.channels, 2, config, seed=1)
    restored.load({name: tensor.contiguous() for name, tensor in learner.tensors().items()}, step=2)
    moments = restored.optimiser.tensors()
    for index, parameter in enumerate(restored.network.parameters()):
        assert parameter.ndim < 4 or parameter.is_contiguous(memory_format=torch.channels_last)
        assert layout(moments[f"0.{index}.exp_avg"]) == layout(parameter)
