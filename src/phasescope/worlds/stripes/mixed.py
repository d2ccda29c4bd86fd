"""Two worlds in one label space: what both factors show together, and what each shows alone.

A label whose coordinates both lie on the canvas is an image of `together`, as of one object at (x, y). In a margin around
the canvas it is an image of `alone`: of the one factor that is still on the canvas, or of nothing. So a network can be
trained on combinations and on single factors at once, as ``design={kind: union, parts: [...]}`` says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from phasescope.core.factors import Factor, Factors
from phasescope.worlds.base import Columns, Outcome, Reader, World
from phasescope.worlds.designs import AnyDesign, Grid
from phasescope.worlds.stripes.world import Stripes

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
        """Return the reader of each image by the factors that its label shows; None if `together` has no reader."""
        together, alone = self.together.reader(), self.alone.reader()
        return None if together is None else MixedReader.from_readers(together, alone, self.alone)

    def sentence(self) -> str:
        together = self.together.sentence().partition(";")[0]
        alone = self.alone.sentence().partition(";")[0]
        return f"{together}; in the margin {alone}; {self.design.sentence(self.factors)}"

    def render(self, labels: Float[Tensor, "B 2"]) -> Float[Tensor, "B C *spatial"]:
        import torch

        both_shown = self.alone.shown(labels).all(dim=1)[:, None, None, None]
        return torch.where(both_shown, self.together.render(labels), self.alone.render(labels))


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
        together = self.together.errors(columns, labels)
        alone = self.alone.errors(_alone(columns), labels)
        return np.where(self._both_shown(labels)[:, None], together, alone)

    def correct(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n 2"]:
        together = self.together.correct(columns, labels)
        alone = self.alone.correct(_alone(columns), labels)
        return np.where(self._both_shown(labels)[:, None], together, alone)

    def outcome(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> np.ndarray:
        together = self.together.outcome(columns, labels)
        alone = self.alone.outcome(_alone(columns), labels)
        return np.where(self._both_shown(labels), together, alone)

    def ungated(
        self, columns: Columns, labels: Float[np.ndarray, "n 2"]
    ) -> dict[str, Float[np.ndarray, "n 2"]]:
        """Return the estimates, by the names that both readers have."""
        together = self.together.ungated(columns, labels)
        alone = self.alone.ungated(_alone(columns), labels)
        both_shown = self._both_shown(labels)[:, None]
        return {way: np.where(both_shown, together[way], alone[way]) for way in together if way in alone}

    def requested(self, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n 2"]:
        return self.world.shown(labels)

    @property
    def tolerance(self) -> Float[np.ndarray, " 2"]:
        return self.together.tolerance

    def _both_shown(self, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, " n"]:
        """Return whether both factors of a label are on the canvas, so that `together` reads its image."""
        return np.asarray(self.requested(labels).all(axis=1))


def _alone(columns: Columns) -> Columns:
    """Return the columns of the reader `alone`, by its own names."""
    return {name.removesuffix("_alone"): x for name, x in columns.items() if name.endswith("_alone")}
