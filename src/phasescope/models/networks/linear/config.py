"""The configuration of a linear network; torch is imported only in `build`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from phasescope.core.factors import Factors
from phasescope.models.networks.base import NetworkConfig

if TYPE_CHECKING:
    from phasescope.models.networks.linear.network import BandedMap


class _Banded(NetworkConfig):
    """An affine map of x_t, one for each band of noise levels; labels are ignored."""

    bands: int = Field(10, ge=1, le=1000)
    """bands of noise levels, each with a map of its own"""
    levels: int = Field(1000, ge=1, le=100_000)
    """number T of noise levels, which are divided among the bands"""

    @property
    def taps(self) -> tuple[str, ...]:
        return ("map",)

    def check(self, shape: tuple[int, ...], factors: Factors) -> None:
        if self.bands > self.levels:
            raise ValueError(
                f"`network.bands` (={self.bands}) must be at most `network.levels` (={self.levels})"
            )


class LinearConfig(_Banded):
    """Any affine map: W x_t + c."""

    kind: Literal["linear"] = "linear"

    def build(self, shape: tuple[int, ...], factors: Factors) -> BandedMap:
        from phasescope.models.networks.linear.network import BandedMap, Dense

        return BandedMap(Dense(self.bands, shape), self.bands, self.levels)


class CirculantConfig(_Banded):
    """An affine map that commutes with every shift round the canvas: a convolution with a kernel as large as it."""

    kind: Literal["circulant"] = "circulant"

    def commutes_with(self, shape: tuple[int, ...]) -> int:
        return 1

    def build(self, shape: tuple[int, ...], factors: Factors) -> BandedMap:
        from phasescope.models.networks.linear.network import BandedMap, Circulant

        return BandedMap(Circulant(self.bands, shape), self.bands, self.levels)
