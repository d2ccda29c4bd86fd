"""One vertical and one horizontal Gaussian stripe on a canvas: the additive world of Liang et al. 2024 (arXiv 2408.13256).

    v(i, j) = a (exp(-(x - j)^2 / (2 sigma^2)) + exp(-(y - i)^2 / (2 sigma^2))),    pixel centres i, j = 1 ... N

x is where the vertical stripe crosses the columns, y where the horizontal one crosses the rows. Dark stripes on white are
1 - 2v, bright ones 2v - 1. Around the canvas there may be a margin: a coordinate in it means that this stripe is not shown,
so that one label space holds images of two stripes, of one alone, and of none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from phasescope.core.factors import Factor, Factors
from phasescope.worlds.base import Reader
from phasescope.worlds.designs import AnyDesign, Grid
from phasescope.worlds.plane import PlaneWorld, profiles

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class Stripes(PlaneWorld):
    """A world of two stripes that cross."""

    kind: Literal["stripes"] = "stripes"
    canvas: int = Field(32, ge=8, le=1024)
    """side N of the square canvas, px"""
    margin_px: float = Field(0.0, ge=0, le=1024)
    """how far labels go beyond the canvas on each side, where a stripe is not shown, px"""
    sigma_px: float = Field(1.0, ge=0.25)
    """standard deviation of a stripe's profile, px"""
    scale: float = Field(0.5, gt=0.05, le=0.5)
    """contrast a of one stripe, a share of the range from background to full; where two cross it is twice that"""
    polarity: Literal["dark", "bright"] = "dark"
    """dark stripes on white, or bright ones on black"""
    boundary: Literal["open", "periodic"] = "open"
    """whether stripes are cut off at the canvas' edges or continue on the other side"""
    design: AnyDesign = Field(Grid(), validate_default=True)
    """which labels the training set holds"""

    @model_validator(mode="after")
    def _fits(self) -> Stripes:
        if self.sigma_px > self.canvas / 8:
            raise ValueError(
                f"`sigma_px` (={self.sigma_px:g}) must be at most an eighth of the canvas (={self.canvas} px): "
                "else no background is left to see a stripe against"
            )
        if self.periodic and self.margin_px:
            raise ValueError(f"`margin_px` (={self.margin_px:g}) must be 0 if boundary=periodic")
        return self

    @property
    def factors(self) -> Factors:
        low, high = -self.margin_px, self.canvas + self.margin_px
        return Factors(Factor(name, low, high, "px", self.periodic) for name in ("x", "y"))

    def shown(self, labels: Any) -> Any:
        """Return whether each stripe of labels (n, 2) is on the canvas, as an array or a tensor of that shape."""
        return (labels >= 0) & (labels <= self.canvas)

    def draw_labels(self, n: int, generator: np.random.Generator) -> Float[np.ndarray, "n 2"]:
        """Return `n` labels of two stripes drawn evenly from the canvas."""
        low = 0.0 if self.periodic else 1.0
        return generator.uniform(low, self.canvas, size=(n, 2)).astype(np.float32)

    def reader(self) -> Reader:
        from phasescope.worlds.stripes.reader import StripesReader

        return StripesReader(
            self.canvas, self.polarity, self.periodic, sigma_px=self.sigma_px, scale=self.scale
        )

    def sentence(self) -> str:
        around = ", periodic across the canvas' edges" if self.periodic else ""
        alone = f", alone where a label lies in a margin of {self.margin_px:g} px" if self.margin_px else ""
        return (
            f"a vertical {self.polarity} stripe at x and a horizontal one at y (sigma {self.sigma_px:g} px) on "
            f"{self.canvas}x{self.canvas} px{around}{alone}; {self.design.sentence(self.factors)}"
        )

    def render(self, labels: Float[Tensor, "B 2"]) -> Float[Tensor, "B 1 N N"]:
        stripes = profiles(labels, self.canvas, self.sigma_px, self.periodic) * self.shown(labels)[:, :, None]
        v_x, v_y = (self.scale * stripes).unbind(dim=1)
        v = (v_x[:, None, :] + v_y[:, :, None])[:, None]
        return self.blank * (1 - 2 * v)
