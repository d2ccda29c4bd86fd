"""Two worlds in one label space: what both factors show together, and what each shows alone (Liang et al. 2024,
arXiv 2408.13256).

A label whose coordinates both lie on the canvas is an image of `together`, as of one object at (x, y). In a margin around
the canvas it is an image of `alone`: of the one factor that is still on the canvas, or of nothing. So a network can be
trained on combinations and on single factors at once, as ``design={kind: union, parts: [...]}`` says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from phasescope.factors import Factor, Factors
from phasescope.worlds.base import Columns, Outcome, Reader, World
from phasescope.worlds.designs import AnyDesign, Grid
from phasescope.worlds.stripes.world import Stripes, check_rim

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor


def _any_world(value: Any) -> World:
    from pydantic import TypeAdapter

    from phasescope.worlds import AnyWorld

    return TypeAdapter(AnyWorld).validate_python(value)


class Mixed(World):
    """A world of two others."""

    position: ClassVar[tuple[str, str]] = ("x", "y")

    kind: Literal["mixed"] = "mixed"
    together: Annotated[World, BeforeValidator(_any_world), PlainSerializer(lambda world: world.tree(), dict)]
    """what is shown where both coordinates are on the canvas: a world of x and y; its own design is not used"""
    alone: Stripes = Field(Stripes(margin_px=6.0, scale=0.5))
    """what is shown where one is, or none; its own design is not used"""
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
                "alone where the other lies in the margin"
            )
        check_rim(self.design, self.training_labels(), other)
        return self

    @property
    def blank(self) -> float:
        return self.alone.blank

    @property
    def shape(self) -> tuple[int, ...]:
        return self.together.shape

    @property
    def factors(self) -> Factors:
        return Factors(Factor(one.name, one.low, one.high, one.unit) for one in self.alone.factors)

    def training_labels(self) -> Float[np.ndarray, "M 2"]:
        """The labels of the training set, (M, 2) float32."""
        return self.design.labels(self.factors)

    def draw_labels(self, n: int, generator: np.random.Generator) -> Float[np.ndarray, "n 2"]:
        """`n` labels of both factors drawn evenly from the canvas, (n, 2) float32."""
        return self.alone.draw_labels(n, generator)

    def reader(self) -> Reader | None:
        """Reads each image by what its label shows; None where `together` has no reader."""
        one, other = self.together.reader(), self.alone.reader()
        return None if one is None else MixedReader.of(one, other, self.alone)

    def sentence(self) -> str:
        own = self.together.sentence().partition(";")[0]
        other = self.alone.sentence().partition(";")[0]
        return f"{own}; in the margin {other}; {self.design.sentence(self.factors)}"

    def render(self, labels: Float[Tensor, "B 2"]) -> Float[Tensor, "B C *spatial"]:
        """Images of `labels` in [-1, 1], on their device, of their dtype."""
        import torch

        both = ((labels >= 0) & (labels <= self.alone.canvas)).all(dim=1)
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
    def of(cls, together: Reader, alone: Reader, world: Stripes) -> MixedReader:
        """What can become of an image of either world."""
        first, *others = together.outcomes
        known = {one.name for one in together.outcomes}
        more = [one for one in alone.outcomes if one.name not in known]
        return cls((first, *more, *others), together, alone, world)

    def read(self, images: Float[np.ndarray, "n C *spatial"]) -> Columns:
        """What both readers find."""
        other = {f"{name}_alone": values for name, values in self.alone.read(images).items()}
        return {**self.together.read(images), **other}

    def errors(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        one, other = self._both("errors", columns, labels)
        return np.where(self._together(labels)[:, None], one, other)

    def right(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n 2"]:
        one, other = self._both("right", columns, labels)
        return np.where(self._together(labels)[:, None], one, other)

    def outcome(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> np.ndarray:
        one, other = self._both("outcome", columns, labels)
        return np.where(self._together(labels), one, other)

    def ungated(
        self, columns: Columns, labels: Float[np.ndarray, "n 2"]
    ) -> dict[str, Float[np.ndarray, "n 2"]]:
        """The ways that both readers have."""
        one, other = self._both("ungated", columns, labels)
        together = self._together(labels)[:, None]
        return {way: np.where(together, one[way], other[way]) for way in one if way in other}

    def told(self, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n 2"]:
        return self.world.shown(labels)

    @property
    def tolerance(self) -> Float[np.ndarray, " 2"]:
        return self.together.tolerance

    def _both(self, method: str, columns: Columns, labels: np.ndarray) -> tuple[Any, Any]:
        other = {
            name.removesuffix("_alone"): values for name, values in columns.items() if name.endswith("_alone")
        }
        return getattr(self.together, method)(columns, labels), getattr(self.alone, method)(other, labels)

    def _together(self, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, " n"]:
        return np.asarray(self.told(labels).all(axis=1))
