"""The fixed inputs of a meter: pairs, noise levels, noise, and whose condition takes the place of the pair's own.

They derive from the seed and the band alone, so that all readings have the same, and are made anew at each reading: kept,
eight bands of 256 images would take as much memory as the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from phasescope.core.errors import UserError, log_once
from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.models.families.diffusion.meter.conditions import (
    Conditions,
    Part,
    as_conditions,
    as_tensor,
    check_part,
    exchanged,
    groups,
    map_tensors,
    partners,
)
from phasescope.models.families.diffusion.meter.noising import Levels, Noising
from phasescope.models.families.diffusion.schedule import per_image

ALL = "all"
UNUSUAL = 50.0
"""values beyond which images are hardly what a model of noise of variance 1 is trained on: bytes, or unscaled latents"""
Exchanges = Mapping[str, tuple[Part, ...] | None]
"""by name, what of a condition is another pair's; None: all of it"""


@dataclass(frozen=True, eq=False)
class Draws:
    """The inputs of one band: n noisy images, with conditions and targets."""

    levels: Levels
    x_t: Tensor
    """(n, *shape), float64"""
    target: Tensor
    """what the model should answer, (n, *shape), float64"""
    own: Conditions
    others: dict[str, Conditions]
    """by what was exchanged"""
    pair: np.ndarray
    """number of the pair, (n,)"""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Images and their conditions."""

    name: str
    x_0: Tensor
    """(n, *shape), float32 on the CPU"""
    conditions: Conditions
    group: dict[str, np.ndarray]
    """by what is exchanged, the number of each row's distinct condition, (n,)"""

    @classmethod
    def checked(cls, name: str, x_0: object, conditions: object, exchanges: Exchanges) -> Pairs:
        """Return pairs that can be exchanged.

        Raises:
            UserError: fewer than two images; they are no floating numbers, or not finite; conditions do not fit; all rows
                have the same condition.
        """
        field = "x_0" if name == "held_out" else f"{name}[0]"
        images = as_tensor(f"`{field}`", x_0)
        if images.ndim < 2 or len(images) < 2:
            raise UserError(
                f"`{field}` (of shape {tuple(images.shape)}) must be two images or more, (n, *shape): "
                "a condition is exchanged with another pair's"
            )
        if not images.is_floating_point():
            raise UserError(
                f"`{field}` (={images.dtype}) must be floating numbers, as the model is trained on"
            )
        if not bool(images.isfinite().all()):
            raise UserError(f"`{field}` must be finite")
        if (greatest := float(images.abs().max())) > UNUSUAL:
            log_once(
                f"`{field}` has values up to {greatest:g}: log SNR is that of images in the model's own range, as -1 to 1"
            )

        known = as_conditions(conditions, len(images))
        group = {}
        for exchange, parts in exchanges.items():
            for part in parts or ():
                check_part(known, part, "shuffle" if exchange == ALL else f"factors[{exchange!r}]")
            group[exchange] = groups(known, parts)
            if len(np.unique(group[exchange])) < 2:
                field = "conditions" if exchange == ALL else f"factors[{exchange!r}]"
                raise UserError(
                    f"`{field}` must differ between pairs: all {len(images)} images have the same"
                )
        return cls(name, images.float().clone(), known, group)

    def draw(
        self,
        noising: Noising,
        exchanges: Exchanges,
        *,
        band: int,
        low: float,
        high: float,
        n: int,
        seed: int,
    ) -> Draws | None:
        """Return n draws of a band with log SNR from `low` to `high`; None if the model has no noise level there."""
        generator = torch_generator(seed, f"meter {self.name}", band)
        levels = noising.draw(low, high, n, generator)
        if levels is None:
            return None

        rng = numpy_generator(seed, f"meter pairs {self.name}", band)
        rounds = -(-n // len(self.x_0))
        pair = np.concatenate([rng.permutation(len(self.x_0)) for _ in range(rounds)])[:n]
        own = map_tensors(self.conditions, lambda tensor: tensor[torch.from_numpy(pair)])
        others = {}
        for exchange, parts in exchanges.items():
            whose = torch.from_numpy(partners(self.group[exchange], pair, rng))
            other = map_tensors(self.conditions, lambda tensor, whose=whose: tensor[whose])
            others[exchange] = exchanged(own, other, parts)

        x_0 = self.x_0[torch.from_numpy(pair)].double()
        noise = torch.randn(x_0.shape, generator=generator, dtype=torch.float64)
        alpha, sigma = per_image(levels.alpha, x_0.ndim), per_image(levels.sigma, x_0.ndim)
        return Draws(
            levels=levels,
            x_t=alpha * x_0 + sigma * noise,
            target=noising.target_of(x_0, noise, alpha, sigma),
            own=own,
            others=others,
            pair=pair,
        )
