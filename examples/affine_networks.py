"""Affine denoisers, one map for each band of noise levels: x -> W_b x + c_b, nearly zero at first. They ignore labels.

The best of them for a finite data set is Wiener's filter. Under gradient flow each mode of the data is learned at its rate
(Wang & Pehlevan 2025, arXiv 2503.03206); a circulant W has the modes of Fourier from the start, one number each.
"""

import math

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from phasescope import NetworkConfig

# Of the first answer, where x_t is 1: small enough to forget, and not 0, of which nothing can be measured.
SMALL = 0.01


class Dense(nn.Module):
    """W_b of (pixels, pixels), c_b of (pixels,)."""

    def __init__(self, bands: int, shape: tuple[int, ...]):
        super().__init__()
        pixels = math.prod(shape)
        self.weight = nn.Parameter(torch.randn(bands, pixels, pixels) * SMALL / math.sqrt(pixels))
        self.bias = nn.Parameter(torch.zeros(bands, pixels))

    def forward(self, x: Float[Tensor, "n C *spatial"], band: int) -> Float[Tensor, "n C *spatial"]:
        return (x.flatten(1) @ self.weight[band].T + self.bias[band]).view_as(x)


class Circulant(nn.Module):
    """A kernel for each pair of channels, (C, C, *spatial), and a constant for each channel."""

    def __init__(self, bands: int, shape: tuple[int, ...]):
        super().__init__()
        channels, *spatial = shape
        kernels = torch.randn(bands, channels, channels, *spatial)
        self.weight = nn.Parameter(kernels * SMALL / math.sqrt(math.prod(shape)))
        self.bias = nn.Parameter(torch.zeros(bands, channels))

    def forward(self, x: Float[Tensor, "n C *spatial"], band: int) -> Float[Tensor, "n C *spatial"]:
        axes = tuple(range(-(x.ndim - 2), 0))
        spectrum = torch.fft.rfftn(self.weight[band], dim=axes)
        seen = torch.fft.rfftn(x, dim=axes)
        mixed = torch.einsum("dc...,nc...->nd...", spectrum, seen)
        out = torch.fft.irfftn(mixed, s=x.shape[2:], dim=axes)
        return out + self.bias[band].view(1, -1, *[1] * (x.ndim - 2))


class _Map(nn.Module):
    """Applies to each row the map of its band of noise levels."""

    def __init__(self, single: nn.Module, bands: int, levels: int):
        super().__init__()
        self.single, self.bands, self.levels = single, bands, levels

    def forward(
        self, x_t: Float[Tensor, "B C *spatial"], t: Int[Tensor, " B"]
    ) -> Float[Tensor, "B C *spatial"]:
        band = (t * self.bands // self.levels).clamp(max=self.bands - 1)
        out = torch.zeros_like(x_t)
        for number in band.unique().tolist():
            rows = (band == number).nonzero()[:, 0]
            out = out.index_copy(0, rows, self.single(x_t[rows], number).to(out.dtype))
        return out


class BandedMap(nn.Module):
    """``network(x_t, t, labels)`` of affine maps, which ignores labels: `single(x, band)` is the map of each of `bands`
    bands, among which `levels` noise levels are divided."""

    def __init__(self, single: nn.Module, bands: int, levels: int):
        super().__init__()
        self.map = _Map(single, bands, levels)

    def forward(
        self, x_t: Float[Tensor, "B C *spatial"], t: Int[Tensor, " B"], labels: Float[Tensor, "B K"]
    ) -> Float[Tensor, "B C *spatial"]:
        return self.map(x_t, t)


class LinearConfig(NetworkConfig):
    """Any affine map: W x_t + c."""

    bands: int = Field(10, ge=1, le=1000)
    """bands of noise levels, each with a map of its own"""
    levels: int = Field(1000, ge=1, le=100_000)
    """number T of noise levels, which are divided among the bands"""

    @property
    def layer_names(self):
        return ("map",)

    def check(self, shape, factors):
        if self.bands > self.levels:
            raise ValueError(
                f"`network.bands` (={self.bands}) must be at most `network.levels` (={self.levels})"
            )

    def build(self, shape, factors):
        return BandedMap(Dense(self.bands, shape), self.bands, self.levels)


class CirculantConfig(LinearConfig):
    """An affine map that commutes with every shift round the canvas: a convolution with a kernel as large as it."""

    def commutes_with(self, shape):
        return 1

    def build(self, shape, factors):
        return BandedMap(Circulant(self.bands, shape), self.bands, self.levels)
