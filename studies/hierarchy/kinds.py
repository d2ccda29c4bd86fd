"""Hierarchies: a cascade that draws a small image before the whole one, and a label of two levels."""

from functools import partial
from typing import Any

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from phasescope import Factor, Factors, Family, families, networks

CELLS = 4
"""along each axis, of the coarse level of a label"""
enlarged = partial(F.interpolate, scale_factor=2, mode="bilinear")


class TwoLevelUNet(networks.UNetConfig):
    """A U-Net that is given a place in two levels: which of 4 x 4 cells of the canvas, a class, and where in the cell."""

    kind: str = ""  # of a U-Net it can only be `unet`  # pyrefly: ignore[bad-override]

    def build(self, shape: Any, factors: Any) -> nn.Module:
        side, cell = shape[-1] / CELLS, Factor("cell", 0, CELLS**2 - 1, categorical=True)
        levels = Factors((cell, *(Factor(name, 0, side, "px") for name in "uv")))
        return _TwoLevel(super().build(shape, levels), side)


class _TwoLevel(nn.Module):
    def __init__(self, unet: nn.Module, side: float):
        super().__init__()
        self.unet, self.side = unet, side

    def forward(self, x_t: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        # Pixel centres are whole numbers from 1 on: a cell ends half a pixel beyond its last one.
        cell = ((labels - 0.5) / self.side).floor().clamp(0, CELLS - 1)
        number = cell[:, :1] * CELLS + cell[:, 1:]
        return self.unet(x_t, t, torch.cat((number, labels - self.side * cell), dim=1))


class CascadeUNet(networks.UNetConfig):
    """Two U-Nets, both given the label: `coarse` for images of half the side, `fine` for whole ones beside a coarse one."""

    kind: str = ""  # pyrefly: ignore[bad-override]
    fine_widths: tuple[int, ...] | None = None
    """channels of the second, as `widths`; null: the same"""

    def build(self, shape: Any, factors: Any) -> nn.Module:
        wide = self.model_copy(update={"widths": self.fine_widths or self.widths})
        stages = nn.Module()
        stages.coarse = super().build(shape, factors)
        stages.fine = networks.UNetConfig.build(wide, (2 * shape[0], *shape[1:]), factors)
        return stages


class CascadeConfig(families.DiffusionConfig):
    """Two diffusions alike, one of means of 2 x 2 px and one of whole images given such an image."""

    kind: str = ""  # pyrefly: ignore[bad-override]
    augmented: float = Field(0.1, ge=0, le=1)
    """standard deviation of the noise that is added to the coarse image (Ho et al. 2021)"""

    def build(self) -> Any:
        return Cascade(super().build(), self.augmented)


class Cascade(Family):
    """The losses of both stages are added; a sample is drawn by the first stage, and then by the second."""

    def __init__(self, diffusion: Any, augmented: float):
        self.diffusion, self.augmented = diffusion, augmented

    def draw(self, x_0: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        small = F.avg_pool2d(x_0, 2)
        noise = torch.randn(small.shape, generator=generator, device=generator.device).to(x_0)
        return *self.diffusion.draw(small, generator), *self.diffusion.draw(x_0, generator), noise

    def loss_at(self, network: Any, x_0: Any, labels: Any, *drawn: torch.Tensor) -> torch.Tensor:
        small = F.avg_pool2d(x_0, 2)
        fine = self.given(network, small, drawn[4])
        coarse_loss = self.diffusion.loss_at(network.coarse, small, labels, *drawn[:2])
        return coarse_loss + self.diffusion.loss_at(fine, x_0, labels, *drawn[2:4])

    def given(self, network: Any, small: torch.Tensor, noise: torch.Tensor) -> Any:
        """Return the second stage as a network, given small images (B, C, H/2, W/2) and unit noise."""
        seen = enlarged(small + self.augmented * noise)
        return lambda x_t, t, labels: network.fine(torch.cat((x_t, seen), 1), t, labels).chunk(2, 1)[0]

    def trajectory(self, network: Any, labels: Any, shape: Any, generator: torch.Generator) -> Any:
        small = self.coarse(network, labels, shape, generator)
        return self.finished(network, small, labels, shape, generator)

    def coarse(self, network: Any, labels: Any, shape: Any, generator: torch.Generator) -> Any:
        """Return samples of the first stage, (B, C, H/2, W/2)."""
        half = (shape[0], *(side // 2 for side in shape[1:]))
        return self.diffusion.sample(network.coarse, labels, half, generator)

    def finished(self, network: Any, small: Any, labels: Any, shape: Any, generator: Any) -> Any:
        """Return the trajectory of the second stage from samples of the first."""
        noise = torch.randn(small.shape, generator=generator, device=generator.device).to(small)
        return self.diffusion.trajectory(self.given(network, small, noise), labels, shape, generator)

    def inputs(self, x_0: Any, labels: Any, t: Any, noise: Any) -> Any:
        return self.diffusion.inputs(x_0, labels, t, noise)
