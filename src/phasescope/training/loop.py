"""The training loop: a generator of states that knows no observer.

Weights are averaged with a bias-corrected exponential mean: after n steps the average is

    m_n = sum_k (1 - d) d^(n-k) w_k / (1 - d^n),    that is    m_n = m_(n-1) + (1 - d)/(1 - d^n) (w_n - m_(n-1)),

so the fresh weights, which are no result of learning, never enter it (Kingma & Ba 2015, section 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from phasescope.randomness import derive, torch_generator
from phasescope.training.config import TrainingConfig
from phasescope.training.data import LabelStream
from phasescope.training.memory import keep_freed_memory, lay_channels_last
from phasescope.training.optimisers import Optimiser, lr_factor

Parameters = tuple[Tensor, ...] | list[Tensor]


class Family(Protocol):
    """What the loop needs of a way to learn: per-image losses."""

    def loss(self, network: nn.Module, x_0: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor: ...


class Learner:
    """All that training changes: weights, their average, the optimiser's state, and the steps taken."""

    def __init__(self, network: nn.Module, config: TrainingConfig, device: torch.device):
        self.network = network.to(device)
        lay_channels_last(self.network)
        self.config = config
        self.device = device
        self.optimiser = Optimiser(self.network, config.optimiser)
        self.average = AveragedModel(self.network, multi_avg_fn=bias_corrected(config.ema))
        self.step = 0

    @property
    def images_seen(self) -> int:
        return self.step * self.config.batch

    def tensors(self) -> dict[str, Tensor]:
        """The whole state, as flat named tensors."""
        return {
            **_prefixed("network", self.network.state_dict()),
            **_prefixed("average", self.average.module.state_dict()),
            **_prefixed("optimiser", self.optimiser.tensors()),
        }

    def load(self, tensors: dict[str, Tensor], step: int) -> None:
        """Take up the state that `tensors` gave after `step` steps.

        Raises:
            RuntimeError: the tensors are of another network.
        """
        self.network.load_state_dict(_under("network", tensors))
        self.average.module.load_state_dict(_under("average", tensors))
        self.average.n_averaged.fill_(step)
        self.optimiser.load_tensors(_under("optimiser", tensors))
        self.step = step


def learn(learner: Learner, family: Family, world, seed: int) -> Iterator[Tensor]:
    """Train from where `learner` stands to its last step; yields each step's mean loss (a 0-d tensor), after the step.

    Args:
        world: has `training_labels() -> (M, K)` and `render(labels) -> (B, C, H, W)`.
        seed: the run's; batches, noise and dropped labels derive from (seed, purpose, step).
    """
    config, device = learner.config, learner.device
    stream = LabelStream(torch.from_numpy(world.training_labels()).to(device), config.batch, seed)
    parameters = list(learner.network.parameters())
    learner.network.train()
    while learner.step < config.steps:
        labels = stream.at(learner.step)
        x_0 = world.render(labels)
        generator = torch_generator(seed, "noise", learner.step, str(device))
        if config.label_dropout:
            dropped = torch.rand(len(labels), 1, device=device, generator=generator) < config.label_dropout
            labels = labels.masked_fill(dropped, torch.nan)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
            loss = family.loss(learner.network, x_0, labels, generator).mean()
        loss.backward()
        if config.clip is not None:
            nn.utils.clip_grad_norm_(parameters, config.clip)
        learner.optimiser.step(lr_factor(learner.step, config))
        learner.average.update_parameters(learner.network)
        learner.step += 1
        yield loss.detach()


def fresh_learner(network_config, channels: int, factors: int, config: TrainingConfig, seed: int) -> Learner:
    """A learner whose initial weights derive from (seed, "weights"); torch's global random state is left as it was."""
    device = resolve_device(config.device)
    if device.type == "cpu":
        keep_freed_memory()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(seed, "weights"))
        network = network_config.build(channels, factors)
    return Learner(network, config, device)


def resolve_device(name: str) -> torch.device:
    """The device that `auto`, `cpu`, `cuda` or `cuda:N` names here.

    Raises:
        ValueError: CUDA is asked for and there is none, or no device of that number.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"`training.device` (={name}) must be on this machine: it has {torch.cuda.device_count()} CUDA devices"
        )
    return torch.device(name)


def bias_corrected(decay: float) -> Callable[[Parameters, Parameters, Tensor | int], None]:
    """The update of `AveragedModel` that makes it the bias-corrected exponential mean of the weights after each step."""

    @torch.no_grad()
    def update(average: Parameters, weights: Parameters, averaged: Tensor | int) -> None:
        n = int(averaged) + 1
        torch._foreach_lerp_(average, weights, (1 - decay) / (1 - decay**n))

    return update


def _prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix + "."): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix + ".")
    }
