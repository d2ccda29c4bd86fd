"""Anybody's network, probed: its latents of a world's labels, with all that their scores are to be set against.

    probed = probe(network, world, taps=["mid"], t=[100, 600])
    probed.latents["mid", 600]              # (n, features)
    probed.table()                          # measure -> tap -> t -> Score with its nulls

`network(x_t, t, labels)` is any callable that answers x_t (B, C, H, W), t (B,) int64 and labels (B, K) in the world's
units. It is left as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from phasescope import measures
from phasescope.errors import UserError
from phasescope.measures import Score
from phasescope.probing.capture import Network, Taps
from phasescope.probing.latents import Latents, NoisyImages, evaluating
from phasescope.randomness import numpy_generator
from phasescope.worlds.factors import Factor


@dataclass(frozen=True)
class Probed:
    """Latents of n labels at some places, (tap, t), and what their scores are to be set against.

    Attributes:
        labels: (n, K), in the world's units.
        factors: of the labels, K.
        latents: by place, (n, features).
        draws: by place, (draws, m, features) of the first m labels under several noise draws.
        nulls: by null (`pixels`, and where they were given `untrained` and `label_embedding`), the same two of what takes
            the latents' place.
    """

    labels: Float[np.ndarray, "n K"]
    factors: tuple[Factor, ...]
    latents: Latents
    draws: Latents
    nulls: Mapping[str, tuple[Latents, Latents]] = field(default_factory=dict)

    def table(self, chosen: Sequence[str] | None = None) -> dict[str, dict[str, dict[str, Score]]]:
        """measure -> tap -> t -> Score, each with all of its nulls.

        Args:
            chosen: names of measures, as in `measures.battery`; all of them by default.

        Raises:
            ValueError: there is no such measure.
        """
        kinds = [(self.latents, self.draws), *self.nulls.values()]
        found: dict[str, dict[str, dict[str, Score]]] = {}
        kept: dict[int, dict[str, Score]] = {}
        for tap, t in self.latents:
            of_kind = []
            for latents, draws in kinds:
                array = latents[tap, t]
                if id(array) not in kept:  # pixels and encodings are the same at each tap
                    kept[id(array)] = self._battery(array, draws[tap, t], chosen)
                of_kind.append(kept[id(array)])
            learnt, *others = of_kind
            for name, score in learnt.items():
                levels = {
                    null: other[name] for null, other in zip(self.nulls, others, strict=True) if name in other
                }
                found.setdefault(name, {}).setdefault(tap, {})[str(t)] = score.with_nulls(**levels)
        return found

    def _battery(
        self, latents: np.ndarray, draws: np.ndarray, chosen: Sequence[str] | None
    ) -> dict[str, Score]:
        return measures.battery(
            latents,
            self.labels,
            draws=draws,
            periodic=[factor.periodic for factor in self.factors],
            span=[factor.span for factor in self.factors],
            names=[factor.name for factor in self.factors],
            chosen=chosen,
        )


def probe(
    network: Network,
    world: Any,
    taps: Taps,
    t: Sequence[int] | int,
    *,
    family: Any = None,
    labels: Float[np.ndarray, "n K"] | int = 512,
    draws: int = 4,
    shared: int = 128,
    untrained: Network | None = None,
    encode: Callable[[torch.Tensor], torch.Tensor] | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    batch: int = 64,
) -> Probed:
    """Record a network's latents of a world's labels.

    Args:
        network: any callable; where it is a module, it evaluates meanwhile.
        world: has `factors`, `render(labels) -> (B, C, H, W)`, and for a number of labels `off_grid_labels(n, generator)`.
        taps: names of modules; for a network that is no module, the modules by name.
        t: timesteps of the noisy images.
        family: has `noisy(x_0, t, noise) -> x_t`; by default a diffusion with 1,000 steps on the linear schedule.
        labels: (n, K), or how many to draw off the grid.
        draws: noise draws of the first `shared` labels.
        untrained: the network as it was before training, for that null.
        encode: from labels (B, K) to what the network is given of them, (B, features): the ceiling of order.
        seed: of labels and noise.
        device: on which the network computes.
        batch: images in one pass.

    Raises:
        UserError: labels, a count or a timestep are not as they must be.
        ValueError: a tap is not there.
    """
    if family is None:
        from phasescope.families.diffusion.config import DiffusionConfig

        family = DiffusionConfig().build()
    timesteps = [t] if isinstance(t, int) else list(t)
    steps = family.schedule.steps
    for one in timesteps:
        if not 0 <= one < steps:
            raise UserError(f"`t` (={one}) must be from 0 to {steps - 1}: the schedule has {steps} levels")
    if isinstance(labels, int):
        labels = world.off_grid_labels(labels, numpy_generator(seed, "probe labels"))
    labels = np.ascontiguousarray(labels, dtype=np.float32)
    if labels.ndim != 2 or len(labels) == 0 or labels.shape[1] != len(world.factors):
        raise UserError(
            f"`labels` (shape {labels.shape}) must be (n, {len(world.factors)}), one column a factor of the world"
        )
    shared = min(shared, len(labels))
    if draws < 2:
        raise UserError(f"`draws` (={draws}) must be at least 2: noise is what differs between them")
    noisy = NoisyImages(world, family, labels, draws, shared, seed, torch.device(device), batch)
    with evaluating(network, taps):
        latents, of_draws = noisy.latents(network, taps, timesteps)
    places = list(latents)
    pixels = {one: noisy.pixels(one) for one in timesteps}
    nulls = {"pixels": _everywhere(places, {place: pixels[place[1]] for place in places})}
    if untrained is not None:
        names = list(taps)
        with evaluating(untrained):
            nulls["untrained"] = noisy.latents(untrained, names, timesteps)
    if encode is not None:
        encoded = encode(torch.from_numpy(labels)).detach().numpy()
        repeated = np.stack([encoded[:shared]] * draws)
        nulls["label_embedding"] = _everywhere(places, dict.fromkeys(places, (encoded, repeated)))
    return Probed(labels, tuple(world.factors), latents, of_draws, nulls)


def _everywhere(
    places: Sequence[tuple[str, int]], by_place: Mapping[tuple[str, int], tuple[np.ndarray, np.ndarray]]
) -> tuple[Latents, Latents]:
    return {place: by_place[place][0] for place in places}, {place: by_place[place][1] for place in places}
