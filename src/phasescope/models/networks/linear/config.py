"""What a linear network is, as its user writes it; built without importing torch until `build`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from phasescope.core.factors import Factors
from phasescope.models.networks.base import NetworkConfig

if TYPE_CHECKING:
    from phasescope.models.networks.linear.network import BandedMap

MOST_PARAMETERS = 2**28
"""1 GiB as float32, before gradients and moments"""


class _Banded(NetworkConfig):
    """An affine map of x_t, one for each band of noise levels; it hears no label."""

    bands: int = Field(10, ge=1, le=1000)
    """bands of noise levels, each with a map of its own"""
    levels: int = Field(1000, ge=1, le=100_000)
    """noise levels T that are divided among them"""

    @property
    def taps(self) -> tuple[str, ...]:
        return ("map",)

    def parameters(self, shape: tuple[int, ...]) -> int:
        """Return the number of its maps' parameters."""
        raise NotImplementedError

    def check(self, shape: tuple[int, ...], factors: Factors) -> None:
        if self.bands > self.levels:
            raise ValueError(
                f"`network.bands` (={self.bands}) must be at most `network.levels` (={self.levels})"
            )
        if (count := self.parameters(shape)) > MOST_PARAMETERS:
            raise ValueError(
                f"`network.bands` (={self.bands}) must be fewer, or images smaller: {count:,} parameters, and "
                f"{MOST_PARAMETERS:,} at most"
            )


class LinearConfig(_Banded):
    """Any affine map: W x_t + c."""

    kind: Literal["linear"] = "linear"

    def parameters(self, shape: tuple[int, ...]) -> int:
        return self.bands * math.prod(shape) * (math.prod(shape) + 1)

    def build(self, shape: tuple[int, ...], factors: Factors) -> BandedMap:
        from phasescope.models.networks.linear.network import BandedMap, Dense

        return BandedMap(Dense(self.bands, shape), self.bands, self.levels)


class CirculantConfig(_Banded):
    """An affine map that commutes with every shift round the canvas: a convolution with a kernel as large as it."""

    kind: Literal["circulant"] = "circulant"

    def commutes_with(self, shape: tuple[int, ...]) -> int:
        return 1

    def parameters(self, shape: tuple[int, ...]) -> int:
        return self.bands * shape[0] * (math.prod(shape) + 1)

    def build(self, shape: tuple[int, ...], factors: Factors) -> BandedMap:
        from phasescope.models.networks.linear.network import BandedMap, Circulant

        return BandedMap(Circulant(self.bands, shape), self.bands, self.levels)
