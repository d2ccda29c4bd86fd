"""Latents of a network: its activations at some sites, for fixed labels under fixed noise. All latents come from here.

Several noise draws per label separate the label's share of a latent's variance from the noise's. Labels combined with the
images of other labels separate the conditioning route from the input route.
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
from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.measures import crossing
from phasescope.models.families.base import Family, evaluating
from phasescope.runs.probing.capture import Layers, activations
from phasescope.runs.store.sites import Site
from phasescope.worlds.base import World, not_finite

# Images per label, and labels per image, in the crossed design: estimating a variance takes two.
CROSSINGS = 2
# Fewer labels are not crossed: a linear probe needs at least ten.
LEAST_CROSSED = 16


@dataclass(frozen=True)
class Latents:
    """Latents by site: those of n labels, of the first m of them under several noise draws, and of the first c of them
    combined with one another's images."""

    single: MutableMapping[Site, Float[np.ndarray, "n features"]]
    draws: MutableMapping[Site, Float[np.ndarray, "draws m features"]] = field(default_factory=dict)
    crossed: MutableMapping[Site, Float[np.ndarray, "D c features"]] = field(default_factory=dict)

    def at(self, site: Site) -> tuple[np.ndarray, np.ndarray]:
        """Return the latents of all labels (n, features), and those of several draws (draws, m, features)."""
        return self.single[site], self.draws[site]


def label_lattice(factors: Factors, values: int) -> Float[np.ndarray, "n K"]:
    """Return all combinations of `values` evenly spaced values of each factor, float32 in the world's units.

    Each value lies at three quarters of its cell: between the labels of a grid of integer steps, and equally spaced across
    the boundary of a periodic factor.
    """
    axes = [factor.low + factor.span * (np.arange(values) + 0.75) / values for factor in factors]
    lattice = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return lattice.reshape(-1, len(factors)).astype(np.float32)


@dataclass(frozen=True)
class Inputs:
    """The network inputs for which latents are read: n labels under one noise draw, the first m under further draws.

    Args:
        labels: (n, K) float32, of all factors; each further draw of a label has other values of the hidden factors.
        t: the noise levels at which latents are read; empty if the family has none.
        draws: noise draws of the first `shared` labels; the others have one.
        shared: m.
        seed: of the noise.
        device: on which the network computes.
        batch: images in one pass of a network.
        crossed: c, the number of labels that are combined with one another's images; 0 for none.
        most_features: of a layer with more, as many are read, the same ones each time; None: all.
    """

    world: World
    family: Family
    labels: Float[np.ndarray, "n K"]
    t: Sequence[int]
    draws: int
    shared: int
    seed: int
    device: torch.device
    batch: int
    crossed: int = 0
    most_features: int | None = None

    @cached_property
    def shown(self) -> Int[np.ndarray, "D c"]:
        """The rows of the labels whose images each label is combined with, in each of the `CROSSINGS`."""
        return crossing(self.crossed, CROSSINGS, numpy_generator(self.seed, "crossing"))

    @property
    def _levels(self) -> tuple[int | None, ...]:
        return tuple(self.t) or (None,)

    def sites(self, layers: Layers) -> list[Site]:
        """Return every layer at every t."""
        return [Site(layer, t) for t in self._levels for layer in layers]

    def at(self, t: int | None, draw: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return (x, t, labels), for all labels in the first draw and for the first m in further draws."""
        labels = self.labels if draw == 0 else self.labels[: self.shared]
        if draw > 0:
            visible = self.world.factors.visible_columns(labels)
            labels = self.world.complete(visible, numpy_generator(self.seed, "hidden factors", draw))
        return self._given(conditioned=labels, shown=labels, t=t, purpose=f"probe noise {t}", draw=draw)

    def crossed_at(self, t: int | None, draw: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return (x, t, labels) of the first c labels, each with the image of another label."""
        labels = self.labels[: self.crossed]
        return self._given(
            conditioned=labels, shown=labels[self.shown[draw]], t=t, purpose=f"crossed noise {t}", draw=draw
        )

    def _given(
        self, conditioned: np.ndarray, shown: np.ndarray, t: int | None, purpose: str, draw: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        x_0 = self.world.render(torch.tensor(shown, device=self.device))
        if not x_0.isfinite().all():
            raise RunFailed(not_finite(self.world))
        noise = torch.randn(x_0.shape, generator=torch_generator(self.seed, purpose, draw)).to(self.device)
        labels = torch.from_numpy(self.world.factors.visible_columns(conditioned)).to(self.device)
        return self.family.inputs(x_0, labels, t, noise)

    def latents(self, network: Any, layers: Layers) -> Latents:
        """Return the activations of `network`, which is not changed."""

        def seen(given: tuple[Tensor, Tensor, Tensor]) -> dict[str, np.ndarray]:
            parts = [
                activations(network, layers, *part)
                for part in zip(*(tensor.split(self.batch) for tensor in given), strict=True)
            ]
            return {
                layer: torch.cat([self._some(part[layer], layer) for part in parts]).cpu().numpy()
                for layer in layers
            }

        with evaluating(network, layers):
            return self._of_all(layers, seen)

    def pixels(self, layers: Layers) -> Latents:
        """Return the network's input images in the place of latents; they are the same at each layer."""

        def seen(given: tuple[Tensor, Tensor, Tensor]) -> dict[str, np.ndarray]:
            return dict.fromkeys(layers, self._some(given[0].flatten(1), "pixels").cpu().numpy())

        return self._of_all(layers, seen)

    def _some(self, activations: Float[Tensor, "B F"], name: str) -> Float[Tensor, "B f"]:
        """Return the features that are read: all, or as many as are asked for, which depend on seed and name alone."""
        features = activations.shape[1]
        if self.most_features is None or features <= self.most_features:
            return activations
        drawn = numpy_generator(self.seed, f"features of {name}").permutation(features)[: self.most_features]
        return activations[:, torch.from_numpy(np.sort(drawn)).to(activations.device)]

    def _of_all(
        self, layers: Layers, seen: Callable[[tuple[Tensor, Tensor, Tensor]], dict[str, np.ndarray]]
    ) -> Latents:
        """Return `seen` of all inputs, by layer; an array that several layers share is stored once."""
        latents = Latents({}, {}, {})
        for t in self._levels:
            draws = [seen(self.at(t, draw)) for draw in range(self.draws)]
            crossed = [seen(self.crossed_at(t, d)) for d in range(CROSSINGS if self.crossed else 0)]

            # By the array of a layer: layers that share one share its stack, too.
            several: dict[int, np.ndarray] = {}
            pairs: dict[int, np.ndarray] = {}
            for layer in layers:
                site, first = Site(layer, t), draws[0][layer]
                latents.single[site] = first
                latents.draws[site] = several.setdefault(
                    id(first), np.stack([by_layer[layer][: self.shared] for by_layer in draws])
                )

                if crossed:
                    latents.crossed[site] = pairs.setdefault(
                        id(first), np.stack([by_layer[layer] for by_layer in crossed])
                    )
        return latents

    def encodings(self, layers: Layers, encode: Callable[[Tensor], Tensor | None]) -> Latents | None:
        """Return the network's label encodings in the place of latents: the upper reference of the conditioning route."""
        encoded = encode(torch.from_numpy(self.world.factors.visible_columns(self.labels)))
        if encoded is None:
            return None
        single = encoded.detach().cpu().numpy()
        sites = self.sites(layers)
        repeated = np.stack([single[: self.shared]] * self.draws)
        crossed = np.stack([single[: self.crossed]] * CROSSINGS)
        return Latents(
            dict.fromkeys(sites, single),
            dict.fromkeys(sites, repeated),
            dict.fromkeys(sites, crossed) if self.crossed else {},
        )
