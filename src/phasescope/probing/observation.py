"""One look at a network: images that it paints, latents that it forms, errors that it makes.

All inputs are fixed for a run: the labels, the noise that sampling starts from, the noise in every x_t. So successive
observations differ by what was learnt alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from phasescope.families.diffusion.optimum import UnconditionalOptimum
from phasescope.probing.config import ProbingConfig
from phasescope.probing.latents import NoisyImages, Place, evaluating
from phasescope.randomness import numpy_generator, torch_generator


@dataclass(frozen=True)
class Observation:
    """What was seen of a network.

    images: (n, N, N) painted for `ProbeSet.sample_labels`; latents: (tap, t) -> (n, features) for `latent_labels`;
    draws: (tap, t) -> (draws, m, features) for the first m of these; band_errors: (bands,) mean squared eps error.
    """

    images: np.ndarray
    latents: dict[Place, np.ndarray]
    draws: dict[Place, np.ndarray]
    band_errors: np.ndarray


class ProbeSet:
    """The fixed inputs of all observations of a run."""

    def __init__(self, config: ProbingConfig, world, family, seed: int, device: torch.device):
        self.config, self.world, self.family, self.seed, self.device = config, world, family, seed, device
        generator = numpy_generator(seed, "probe labels")
        training = world.training_labels()
        chosen = generator.permutation(len(training))[: config.grid_labels]
        self.grid_labels = training[np.sort(chosen)]
        self.off_grid_labels = world.off_grid_labels(config.off_grid_labels, generator)
        self.latent_labels = world.off_grid_labels(config.latent_labels, generator)
        self.noisy = NoisyImages(
            world,
            family,
            self.latent_labels,
            config.share_draws,
            config.share_labels,
            seed,
            device,
            config.batch,
        )
        self.band_labels = training[
            generator.integers(len(training), size=(config.bands, config.band_images))
        ]

    @property
    def sample_labels(self) -> np.ndarray:
        """Labels of the painted images, (n, K): the grid's, then the others."""
        return np.concatenate([self.grid_labels, self.off_grid_labels])

    @property
    def on_grid(self) -> np.ndarray:
        """Which of `sample_labels` are the grid's, (n,) bool."""
        return np.arange(len(self.sample_labels)) < len(self.grid_labels)

    @property
    def band_edges(self) -> list[tuple[int, int]]:
        """[low, high) of t of each band."""
        edges = np.linspace(0, self.family.schedule.steps, self.config.bands + 1).round().astype(int)
        return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))

    def observe(self, network: nn.Module) -> Observation:
        """Look at `network`, which is left as it was."""
        with evaluating(network):
            latents, draws = self.noisy.latents(network, self.config.taps, self.config.timesteps)
            return Observation(self._paint(network), latents, draws, self.band_errors(network))

    @torch.no_grad()
    def band_errors(self, network) -> np.ndarray:
        """Mean squared error of eps in each band of t, over training labels, per pixel: (bands,)."""
        errors = []
        for band, (low, high) in enumerate(self.band_edges):
            generator = torch_generator(self.seed, "probe band", band)
            labels = torch.from_numpy(self.band_labels[band])
            t = torch.randint(low, high, (len(labels),), generator=generator)
            noise = torch.randn(len(labels), *self._shape, generator=generator)
            t, noise, labels = (tensor.to(self.device) for tensor in (t, noise, labels))
            errors.append(
                self.family.eps_error(network, self.world.render(labels), labels, t, noise).mean().item()
            )
        return np.array(errors)

    def unconditional_errors(self) -> np.ndarray:
        """The same of the exact posterior mean over the training set, which ignores the label: (bands,)."""
        training = self._tensor(self.world.training_labels())
        return self.band_errors(UnconditionalOptimum(self.family, self.world.render, training))

    @torch.no_grad()
    def _paint(self, network: nn.Module) -> np.ndarray:
        images = []
        for part, labels in enumerate(self._tensor(self.sample_labels).split(self.config.batch)):
            generator = torch_generator(self.seed, "probe sampling", part, str(self.device))
            images.append(
                self.family.sample(network, labels, self._shape, generator)[:, 0].float().cpu().numpy()
            )
        return np.concatenate(images)

    def _tensor(self, labels: np.ndarray) -> Tensor:
        return torch.from_numpy(labels).to(self.device)

    @cached_property
    def _shape(self) -> tuple[int, int, int]:
        return self.world.channels, self.world.canvas, self.world.canvas
