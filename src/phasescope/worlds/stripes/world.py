"""One vertical and one horizontal Gaussian stripe on a canvas: the additive world of Liang et al. 2024 (arXiv 2408.13256).

    v(i, j) = a (exp(-(x - j)^2 / (2 sigma^2)) + exp(-(y - i)^2 / (2 sigma^2))),    pixel centres i, j = 1 ... N

x is where the vertical stripe crosses the columns, y where the horizontal one crosses the rows. Dark stripes on white are
1 - 2v, bright ones 2v - 1. Around the canvas there may be a margin: a coordinate in it means that this stripe is not shown,
so that one label space holds images of two stripes, of one alone, and of none.

`Mixed` has two worlds in one label space: what both factors show together, and what each shows alone. A label whose
coordinates both lie on the canvas is an image of `together`, as of one object at (x, y). In a margin around the canvas it
is an image of `alone`: of the one factor that is still on the canvas, or of nothing. So a network can be trained on
combinations and on single factors at once, as ``design={kind: union, parts: [...]}`` says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from phasescope.core.factors import Factor, Factors
from phasescope.worlds.base import Columns, Outcome, Reader, World
from phasescope.worlds.designs import AnyDesign, Grid
from phasescope.worlds.plane import PlaneWorld, profiles

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
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


def _any_world(value: Any) -> World:
    from pydantic import TypeAdapter

    from phasescope.worlds import AnyWorld

    return TypeAdapter(AnyWorld).validate_python(value)


class Mixed(World):
    """A world of two others."""

    position: ClassVar[tuple[str, str]] = ("x", "y")

    kind: Literal["mixed"] = "mixed"
    together: Annotated[World, BeforeValidator(_any_world), PlainSerializer(lambda world: world.tree(), dict)]
    """world of x and y whose image is shown if both coordinates are on the canvas; its own design is not used"""
    alone: Stripes = Field(Stripes(margin_px=6.0, scale=0.5))
    """world whose image is shown if one of them is on the canvas, or none; its own design is not used"""
    design: AnyDesign = Field(Grid(), validate_default=True)
    """which labels the training set holds"""

    @model_validator(mode="after")
    def _fit(self) -> Mixed:
        own, other = self.together, self.alone
        if own.shape != other.shape or own.factors.names != ("x", "y"):
            raise ValueError(
                f"`together` (=images {own.shape} of {', '.join(own.factors.names)}) must be of x and y, and of "
                f"`alone`'s shape {other.shape}"
            )
        if own.factors.periodic.any() or other.periodic or not other.margin_px:
            raise ValueError(
                f"`alone.margin_px` (={other.margin_px:g}) must be greater than 0, and neither world periodic: a factor is "
                "shown alone if the other lies in the margin"
            )
        return self

    @property
    def blank(self) -> float:
        return self.alone.blank

    @property
    def shape(self) -> tuple[int, ...]:
        return self.together.shape

    @property
    def factors(self) -> Factors:
        return Factors(Factor(each.name, each.low, each.high, each.unit) for each in self.alone.factors)

    def training_labels(self) -> Float[np.ndarray, "M 2"]:
        return self.design.labels(self.factors)

    def draw_labels(self, n: int, generator: np.random.Generator) -> Float[np.ndarray, "n 2"]:
        return self.alone.draw_labels(n, generator)

    def reader(self) -> Reader | None:
        """Return what reads each image by what its label shows; None if `together` has no reader."""
        together, alone = self.together.reader(), self.alone.reader()
        return None if together is None else MixedReader.from_readers(together, alone, self.alone)

    def sentence(self) -> str:
        own, alone = (world.sentence().partition(";")[0] for world in (self.together, self.alone))
        return f"{own}; in the margin {alone}; {self.design.sentence(self.factors)}"

    def render(self, labels: Float[Tensor, "B 2"]) -> Float[Tensor, "B C *spatial"]:
        import torch

        both = self.alone.shown(labels).all(dim=1)
        images = self.alone.render(labels)
        return torch.where(both[:, None, None, None], self.together.render(labels), images)


@dataclass
class MixedReader(Reader):
    """Reads an image as one world or the other, by its label; columns of `alone` are named with `_alone`."""

    outcomes: tuple[Outcome, ...]
    together: Reader
    alone: Reader
    world: Stripes

    @classmethod
    def from_readers(cls, together: Reader, alone: Reader, world: Stripes) -> MixedReader:
        """Return the reader of either world, with the outcomes of both."""
        first, *others = together.outcomes
        known = {outcome.name for outcome in together.outcomes}
        more = [outcome for outcome in alone.outcomes if outcome.name not in known]
        return cls((first, *more, *others), together, alone, world)

    def read(self, images: Float[np.ndarray, "n C *spatial"]) -> Columns:
        """Return the columns of both readers."""
        other = {f"{name}_alone": values for name, values in self.alone.read(images).items()}
        return {**self.together.read(images), **other}

    def errors(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        return np.where(self._together(labels)[:, None], *self._both("errors", columns, labels))

    def correct(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n 2"]:
        return np.where(self._together(labels)[:, None], *self._both("correct", columns, labels))

    def outcome(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> np.ndarray:
        return np.where(self._together(labels), *self._both("outcome", columns, labels))

    def ungated(
        self, columns: Columns, labels: Float[np.ndarray, "n 2"]
    ) -> dict[str, Float[np.ndarray, "n 2"]]:
        """Return the ways that both readers have."""
        own, alone = self._both("ungated", columns, labels)
        together = self._together(labels)[:, None]
        return {way: np.where(together, own[way], alone[way]) for way in own if way in alone}

    def requested(self, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n 2"]:
        return self.world.shown(labels)

    @property
    def tolerance(self) -> Float[np.ndarray, " 2"]:
        return self.together.tolerance

    def _both(self, method: str, columns: Columns, labels: np.ndarray) -> tuple[Any, Any]:
        alone = {name.removesuffix("_alone"): x for name, x in columns.items() if name.endswith("_alone")}
        return getattr(self.together, method)(columns, labels), getattr(self.alone, method)(alone, labels)

    def _together(self, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, " n"]:
        return np.asarray(self.requested(labels).all(axis=1))
