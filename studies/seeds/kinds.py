"""A world, a network and a diffusion whose order, weights and noise have seeds of their own, beside the run's seed."""

from typing import Any

import numpy as np
import torch

from phasescope import families, networks, worlds
from phasescope.studies import torch_generator


class OrderedBump(worlds.GaussianBump):
    """The bump, with its training labels in an order that `order` shuffles: the run's seed then deals other batches."""

    kind: str = ""  # pyrefly: ignore[bad-override]
    order: int = 0

    def training_labels(self) -> np.ndarray:
        labels = super().training_labels()
        return labels[np.random.default_rng(self.order).permutation(len(labels))]


class InitialisedUNet(networks.UNetConfig):
    """A U-Net whose initial weights derive from `initial` instead of from the run's seed."""

    kind: str = ""  # pyrefly: ignore[bad-override]
    initial: int = 0

    def build(self, shape: Any, factors: Any) -> torch.nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.initial)
            return super().build(shape, factors)


class SeededDiffusion(families.DiffusionConfig):
    """A diffusion whose noise in training derives from `noise`, and in sampling from `sampling`, and from the run's seed."""

    kind: str = ""  # pyrefly: ignore[bad-override]
    noise: int = 0
    sampling: int = 0

    def build(self) -> Any:
        """Return the diffusion: each generator that it is given is replaced by one that the own seed is mixed into."""
        diffusion = super().build()
        draw, trajectory = diffusion.draw, diffusion.trajectory

        def other(generator: torch.Generator, seed: int, purpose: str) -> torch.Generator:
            return torch_generator(generator.initial_seed(), f"{purpose} {seed}", 0, str(generator.device))

        diffusion.draw = lambda x_0, generator: draw(x_0, other(generator, self.noise, "noise"))
        diffusion.trajectory = lambda network, labels, shape, generator: trajectory(
            network, labels, shape, other(generator, self.sampling, "sampling")
        )
        return diffusion
