"""Latents of a network: its activations at some taps, for noisy images of fixed labels with fixed noise.

Several noise draws a label separate what a latent owes to the label from what it owes to the noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from phasescope.probing.capture import Taps, activations
from phasescope.randomness import torch_generator
from phasescope.worlds.factors import Factor

Place = tuple[str, int]
"""A tap and a timestep."""
Latents = dict[Place, np.ndarray]


def label_lattice(factors: Sequence[Factor], values: int) -> Float[np.ndarray, "n K"]:
    """All combinations of `values` labels of each factor, evenly over its range, float32 in the world's units.

    They lie three quarters into equal cells: between the labels of a grid of whole steps, and as far apart round the ends of
    a periodic factor as elsewhere.
    """
    axes = [factor.low + factor.span * (np.arange(values) + 0.75) / values for factor in factors]
    lattice = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return lattice.reshape(-1, len(factors)).astype(np.float32)


class NoisyImages:
    """x_t of n labels under one noise draw, and of the first m of them under further draws.

    Args:
        world: has `render(labels) -> (n, C, H, W)`.
        family: has `noisy(x_0, t, noise) -> x_t`.
        labels: (n, K) float32.
        draws: noise draws of the first `shared` labels; the others have one.
        shared: m.
        seed: what noise derives from.
        device: where it is computed.
        batch: images in one pass of a network.
    """

    def __init__(
        self,
        world,
        family,
        labels: Float[np.ndarray, "n K"],
        draws: int,
        shared: int,
        seed: int,
        device: torch.device,
        batch: int,
    ):
        self.world, self.family, self.labels, self.draws, self.shared = world, family, labels, draws, shared
        self.seed, self.device, self.batch = seed, device, batch

    def at(self, t: int, draw: int) -> tuple[Float[Tensor, "n C H W"], Float[Tensor, "n K"]]:
        """x_t and labels: all for the first draw, the first m for further ones."""
        count = len(self.labels) if draw == 0 else self.shared
        labels = torch.from_numpy(self.labels[:count]).to(self.device)
        x_0 = self.world.render(labels)
        generator = torch_generator(self.seed, f"probe noise {t}", draw)
        noise = torch.randn(x_0.shape, generator=generator).to(self.device)
        times = torch.full((count,), t, device=self.device)
        return self.family.noisy(x_0, times, noise), labels

    def pixels(self, t: int) -> tuple[np.ndarray, np.ndarray]:
        """The noisy images themselves as if they were latents: (n, features) and (draws, m, features)."""
        x_t = [self.at(t, draw)[0].flatten(1).cpu().numpy() for draw in range(self.draws)]
        return x_t[0], np.stack([first[: self.shared] for first in x_t])

    def latents(self, network: Any, taps: Taps, timesteps: Sequence[int]) -> tuple[Latents, Latents]:
        """Activations of `network`: by place (n, features), and (draws, m, features) of the first m labels."""
        latents, draws = {}, {}
        for t in timesteps:
            seen = [self._activations(network, taps, t, draw) for draw in range(self.draws)]
            for tap in taps:
                latents[tap, t] = seen[0][tap]
                draws[tap, t] = np.stack([one[tap][: self.shared] for one in seen])
        return latents, draws

    def _activations(self, network: Any, taps: Taps, t: int, draw: int) -> dict[str, np.ndarray]:
        x_t, labels = self.at(t, draw)
        times = torch.full((len(x_t),), t, device=self.device)
        parts = [
            activations(network, taps, *part)
            for part in zip(*(whole.split(self.batch) for whole in (x_t, times, labels)), strict=True)
        ]
        return {tap: torch.cat([part[tap] for part in parts]).cpu().numpy() for tap in taps}


@contextmanager
def evaluating(network: Any, taps: Taps = ()) -> Iterator[None]:
    """Within the block, all of the network that is a module evaluates (no dropout); then each is as it was."""
    roots = [network, *(taps.values() if isinstance(taps, Mapping) else ())]
    modules = [module for root in roots if isinstance(root, nn.Module) for module in root.modules()]
    modes = [(module, module.training) for module in modules]
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
