"""The one way from a network to its latents: activations at some places, for fixed labels under fixed noise.

Several noise draws a label separate what a latent owes to the label from what it owes to the noise; labels crossed with the
images of others separate what it was told from what it saw.
"""

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from phasescope.core.errors import RunFailed
from phasescope.core.factors import Factors
from phasescope.core.places import Place
from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.measures import crossing
from phasescope.models.families.base import Family, evaluating
from phasescope.runs.probing.capture import Taps, activations
from phasescope.worlds.base import World, not_finite

# Each label is crossed with so many images, and each image with so many labels: a variance between them takes two.
CROSSINGS = 2
# Fewer labels are not crossed: an order is read from ten at the least.
LEAST_CROSSED = 16


@dataclass(frozen=True)
class Latents:
    """Latents by place: of n labels, of the first m of them under several noise draws, and of the first c of them crossed
    with one another's images."""

    single: MutableMapping[Place, Float[np.ndarray, "n features"]]
    draws: MutableMapping[Place, Float[np.ndarray, "draws m features"]] = field(default_factory=dict)
    crossed: MutableMapping[Place, Float[np.ndarray, "D c features"]] = field(default_factory=dict)

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
        labels: (n, K) float32, of all factors; further draws of a label have other values of the hidden ones.
        conditions: of the family, under which latents are read; none where it has none.
        draws: noise draws of the first `shared` labels; the others have one.
        shared: m.
        seed: what noise derives from.
        device: where it is computed.
        batch: images in one pass of a network.
        crossed: c, how many labels are crossed with one another's images; none where 0.
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
    crossed: int = 0

    @cached_property
    def shown(self) -> Int[np.ndarray, "D c"]:
        """Whose image each label is crossed with, in each of the `CROSSINGS`."""
        return crossing(self.crossed, CROSSINGS, numpy_generator(self.seed, "crossing"))

    @property
    def _conditions(self) -> tuple[int | None, ...]:
        return tuple(self.conditions) or (None,)

    def places(self, taps: Taps) -> list[Place]:
        """Every tap under every condition."""
        return [Place(tap, condition) for condition in self._conditions for tap in taps]

    def at(self, condition: int | None, draw: int) -> tuple[Tensor, Tensor, Tensor]:
        """(x, t, labels) of all labels for the first draw, of the first m for further ones."""
        labels = self.labels if draw == 0 else self.labels[: self.shared]
        if draw > 0:
            visible = self.world.factors.visible_columns(labels)
            labels = self.world.complete(visible, numpy_generator(self.seed, "hidden factors", draw))
        return self._given(labels, labels, condition, f"probe noise {condition}", draw)

    def crossed_at(self, condition: int | None, draw: int) -> tuple[Tensor, Tensor, Tensor]:
        """(x, t, labels) of the first c labels, each with another one's image."""
        labels = self.labels[: self.crossed]
        return self._given(labels, labels[self.shown[draw]], condition, f"crossed noise {condition}", draw)

    def _given(
        self, told: np.ndarray, shown: np.ndarray, condition: int | None, purpose: str, draw: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        x_0 = self.world.render(torch.tensor(shown, device=self.device))
        if not x_0.isfinite().all():
            raise RunFailed(not_finite(self.world))
        noise = torch.randn(x_0.shape, generator=torch_generator(self.seed, purpose, draw)).to(self.device)
        labels = torch.from_numpy(self.world.factors.visible_columns(told)).to(self.device)
        return self.family.inputs(x_0, labels, condition, noise)

    def latents(self, network: Any, taps: Taps) -> Latents:
        """Activations of `network`, which is left as it was."""

        def seen(given: tuple[Tensor, Tensor, Tensor]) -> dict[str, np.ndarray]:
            parts = [
                activations(network, taps, *part)
                for part in zip(*(one.split(self.batch) for one in given), strict=True)
            ]
            return {tap: torch.cat([part[tap] for part in parts]).cpu().numpy() for tap in taps}

        with evaluating(network, taps):
            return self._of_all(taps, seen)

    def pixels(self, taps: Taps) -> Latents:
        """What the network is given of the images, as if that were its latents; the same at each tap."""

        def seen(given: tuple[Tensor, Tensor, Tensor]) -> dict[str, np.ndarray]:
            return dict.fromkeys(taps, given[0].flatten(1).cpu().numpy())

        return self._of_all(taps, seen)

    def _of_all(
        self, taps: Taps, seen: Callable[[tuple[Tensor, Tensor, Tensor]], dict[str, np.ndarray]]
    ) -> Latents:
        """What is `seen`, by tap, of all that is given; what is one array at several taps stays one."""
        latents = Latents({}, {}, {})
        for condition in self._conditions:
            draws = [seen(self.at(condition, draw)) for draw in range(self.draws)]
            crossed = [seen(self.crossed_at(condition, d)) for d in range(CROSSINGS if self.crossed else 0)]
            several: dict[int, np.ndarray] = {}
            pairs: dict[int, np.ndarray] = {}
            for tap in taps:
                place, first = Place(tap, condition), draws[0][tap]
                latents.single[place] = first
                latents.draws[place] = several.setdefault(
                    id(first), np.stack([one[tap][: self.shared] for one in draws])
                )
                if crossed:
                    latents.crossed[place] = pairs.setdefault(
                        id(first), np.stack([one[tap] for one in crossed])
                    )
        return latents

    def encodings(self, taps: Taps, encode: Callable[[Tensor], Tensor | None]) -> Latents | None:
        """What the network is told of the labels, as if that were its latents: the ceiling of what may be owed to
        being told."""
        encoded = encode(torch.from_numpy(self.world.factors.visible_columns(self.labels)))
        if encoded is None:
            return None
        told = encoded.detach().numpy()
        places = self.places(taps)
        repeated = np.stack([told[: self.shared]] * self.draws)
        crossed = np.stack([told[: self.crossed]] * CROSSINGS)
        return Latents(
            dict.fromkeys(places, told),
            dict.fromkeys(places, repeated),
            dict.fromkeys(places, crossed) if self.crossed else {},
        )
