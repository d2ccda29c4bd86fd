"""The one way from a network to its latents: activations at some places, for fixed labels under fixed noise.

Several noise draws a label separate what a latent owes to the label from what it owes to the noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from phasescope.factors import Factors
from phasescope.families.base import Family, evaluating
from phasescope.places import Place
from phasescope.probing.capture import Taps, activations
from phasescope.randomness import torch_generator
from phasescope.worlds.base import World


@dataclass(frozen=True)
class Latents:
    """Latents by place: of n labels, and of the first m of them under several noise draws."""

    single: Mapping[Place, Float[np.ndarray, "n features"]]
    draws: Mapping[Place, Float[np.ndarray, "draws m features"]] = field(default_factory=dict)

    def at(self, place: Place) -> tuple[np.ndarray, np.ndarray]:
        """(n, features) and (draws, m, features)."""
        return self.single[place], self.draws[place]


def label_lattice(factors: Factors, values: int) -> Float[np.ndarray, "n K"]:
    """All combinations of `values` labels of each factor, evenly over its range, float32 in the world's units.

    They lie three quarters into equal cells: between the labels of a grid of whole steps, and as far apart round the ends of
    a periodic factor as elsewhere.
    """
    axes = [factor.low + factor.span * (np.arange(values) + 0.75) / values for factor in factors]
    lattice = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return lattice.reshape(-1, len(factors)).astype(np.float32)


@dataclass(frozen=True)
class Inputs:
    """What a network is given where its latents are read: n labels under one noise draw, the first m under further draws.

    Args:
        labels: (n, K) float32.
        conditions: of the family, under which latents are read; none where it has none.
        draws: noise draws of the first `shared` labels; the others have one.
        shared: m.
        seed: what noise derives from.
        device: where it is computed.
        batch: images in one pass of a network.
    """

    world: World
    family: Family
    labels: Float[np.ndarray, "n K"]
    conditions: Sequence[int]
    draws: int
    shared: int
    seed: int
    device: torch.device
    batch: int

    @property
    def _conditions(self) -> tuple[int | None, ...]:
        return tuple(self.conditions) or (None,)

    def places(self, taps: Taps) -> list[Place]:
        """Every tap under every condition."""
        return [Place(tap, condition) for condition in self._conditions for tap in taps]

    def at(self, condition: int | None, draw: int) -> tuple[Tensor, Tensor, Tensor]:
        """(x, t, labels) of all labels for the first draw, of the first m for further ones."""
        count = len(self.labels) if draw == 0 else self.shared
        labels = torch.from_numpy(self.labels[:count]).to(self.device)
        x_0 = self.world.render(labels)
        generator = torch_generator(self.seed, f"probe noise {condition}", draw)
        noise = torch.randn(x_0.shape, generator=generator).to(self.device)
        return self.family.inputs(x_0, labels, condition, noise)

    def latents(self, network: Any, taps: Taps) -> Latents:
        """Activations of `network`, which is left as it was."""
        single, draws = {}, {}
        with evaluating(network, taps):
            for condition in self._conditions:
                seen = [self._activations(network, taps, condition, draw) for draw in range(self.draws)]
                for tap in taps:
                    place = Place(tap, condition)
                    single[place] = seen[0][tap]
                    draws[place] = np.stack([one[tap][: self.shared] for one in seen])
        return Latents(single, draws)

    def pixels(self, taps: Taps) -> Latents:
        """What the network is given of the images, as if that were its latents; the same at each tap."""
        single, draws = {}, {}
        for condition in self._conditions:
            x = [self.at(condition, draw)[0].flatten(1).cpu().numpy() for draw in range(self.draws)]
            several = np.stack([first[: self.shared] for first in x])
            for tap in taps:
                single[Place(tap, condition)], draws[Place(tap, condition)] = x[0], several
        return Latents(single, draws)

    def encodings(self, taps: Taps, encode: Callable[[Tensor], Tensor | None]) -> Latents | None:
        """What the network is told of the labels, as if that were its latents: the ceiling of what may be owed to
        being told."""
        encoded = encode(torch.from_numpy(self.labels))
        if encoded is None:
            return None
        told = encoded.detach().numpy()
        repeated = np.stack([told[: self.shared]] * self.draws)
        places = self.places(taps)
        return Latents(dict.fromkeys(places, told), dict.fromkeys(places, repeated))

    def _activations(
        self, network: Any, taps: Taps, condition: int | None, draw: int
    ) -> dict[str, np.ndarray]:
        whole = self.at(condition, draw)
        parts = [
            activations(network, taps, *part)
            for part in zip(*(one.split(self.batch) for one in whole), strict=True)
        ]
        return {tap: torch.cat([part[tap] for part in parts]).cpu().numpy() for tap in taps}
