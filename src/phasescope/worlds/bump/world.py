"""One Gaussian bump at (x, y) on a square canvas: the world of Liang, Liu & Fiete 2024 (arXiv 2402.03305).

    v(i, j) = exp(-((x - j)^2 + (y - i)^2) / (2 sigma^2)),    pixel centres i, j = 1 ... N,   labels x, y in [0, N]

x runs along columns and y along rows, downward. A dark bump on white is 1 - 2v, a bright one 2v - 1: images lie in
[-1, 1]. On a periodic canvas distances are taken modulo N. The exponential factorizes, so an image is an outer product
and a data set is no more than its labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from phasescope.core.factors import Factor, Factors
from phasescope.worlds.base import Reader
from phasescope.worlds.designs import AnyDesign, Grid
from phasescope.worlds.plane import PlaneWorld, profiles

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class GaussianBump(PlaneWorld):
    """A world of one bump."""

    kind: Literal["gaussian_bump"] = "gaussian_bump"
    canvas: int = Field(32, ge=4, le=1024)
    """side N of the square canvas, px"""
    sigma_px: float = Field(1.0, ge=0.05)
    """standard deviation of the bump, px; narrower bumps would be lost between pixels"""
    polarity: Literal["dark", "bright"] = "dark"
    """a dark bump on white, or a bright one on black"""
    boundary: Literal["open", "periodic"] = "open"
    """whether the bump is cut off at the canvas' edge or continues on the other side"""
    design: AnyDesign = Field(Grid(), validate_default=True)
    """which labels the training set holds"""

    @model_validator(mode="after")
    def _fits(self) -> GaussianBump:
        if self.sigma_px > self.canvas / 4:
            raise ValueError(f"`sigma_px` (={self.sigma_px}) must be at most {self.canvas / 4:g}, canvas / 4")
        return self

    @property
    def factors(self) -> Factors:
        return Factors(Factor(name, 0.0, float(self.canvas), "px", self.periodic) for name in ("x", "y"))

    def draw_labels(self, n: int, generator: np.random.Generator) -> Float[np.ndarray, "n 2"]:
        """Return `n` labels drawn evenly from the box that the training labels span; all of a torus, and of a factor of
        which they have one value from the first pixel to the last."""
        low, high = self._box()
        first = 0.0 if self.periodic else 1.0
        low, high = np.where((low == high) | self.periodic, [[first], [self.canvas]], [low, high])
        return generator.uniform(low, high, size=(n, 2)).astype(np.float32)

    def _box(self) -> tuple[Float[np.ndarray, " 2"], Float[np.ndarray, " 2"]]:
        """Return the least and the largest training label of each factor, kept since a fine grid takes long to lay out."""
        # pydantic copies what an instance keeps into a copy, which may have another design or canvas.
        factors = self.factors
        design, of_factors, box = self.__dict__.get("kept_box", (None, None, None))
        if box is None or design is not self.design or of_factors != factors:
            box = self.design.box(factors)
            self.__dict__["kept_box"] = self.design, factors, box
        return box

    def reader(self) -> Reader:
        from phasescope.worlds.bump.reader import BumpReader

        return BumpReader(self.canvas, self.polarity, self.periodic, sigma_px=self.sigma_px)

    def sentence(self) -> str:
        around = ", periodic across the canvas' edges" if self.periodic else ""
        return (
            f"one {self.polarity} Gaussian bump (sigma {self.sigma_px:g} px) at (x, y) on "
            f"{self.canvas}x{self.canvas} px{around}; {self.design.sentence(self.factors)}"
        )

    def render(self, labels: Float[Tensor, "B 2"]) -> Float[Tensor, "B 1 N N"]:
        import torch

        v_x, v_y = profiles(labels, self.canvas, self.sigma_px, self.periodic).unbind(dim=1)
        return torch.addcmul(
            torch.full((), self.blank, device=labels.device, dtype=labels.dtype),
            (-2 * self.blank * v_y)[:, None, :, None],
            v_x[:, None, None, :],
        )
