"""What a world is, and what reads its images.

A world renders an image for a label, says which labels are trained on, and into which splits the others fall. A reader says
what is in an image, so that what a network paints can be judged.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float
from pydantic import model_validator

from phasescope.factors import Factors
from phasescope.kinds import Kind
from phasescope.worlds.designs import Grid

if TYPE_CHECKING:
    from torch import Tensor

Split = Callable[[int, np.random.Generator], np.ndarray]
"""From (n, generator) n labels of a named set of labels, (n, K) float32; fewer where it holds fewer."""
Columns = Mapping[str, np.ndarray]
"""What was read of n images: by name (n,) each."""


class Outcome(NamedTuple):
    """What can become of a painted image."""

    name: str
    phase: str
    """A, B or C: the phase of learning in which most images end so"""
    colour: str
    """#rrggbb, in figures and pages"""


class World(Kind):
    """A factor space, a renderer and a design. Torch is imported by `render` alone."""

    continuous: ClassVar[bool] = True
    """whether there is an image of every label"""
    position: ClassVar[tuple[str, str] | None] = None
    """the factors that are a place on the canvas, along columns and along rows in px, pixel centres from 1 on"""

    @model_validator(mode="after")
    def _grid_along_the_factors(self) -> Self:
        """A design that is a grid says the increment of each factor, and of nothing else."""
        design = getattr(self, "design", None)
        if isinstance(design, Grid):
            object.__setattr__(self, "design", design.along(self.factors))
        return self

    @property
    @abstractmethod
    def factors(self) -> Factors:
        """Of the labels, K."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of an image: (C, *spatial)."""

    @abstractmethod
    def training_labels(self) -> Float[np.ndarray, "M K"]:
        """The labels of the training set, float32, in the factors' units."""

    @abstractmethod
    def render(self, labels: Float[Tensor, "B K"]) -> Float[Tensor, "B C *spatial"]:
        """The images of labels in [-1, 1], on their device, of their dtype."""

    def draw_labels(self, n: int, generator: np.random.Generator) -> Float[np.ndarray, "n K"]:
        """`n` labels from all over the factor space, trained on or not, float32: evenly from each factor's range."""
        low, span, named = self.factors.low, self.factors.span, self.factors.categorical
        labels = generator.uniform(low, low + span, size=(n, len(low)))
        if named.any():  # whole numbers from low to high
            labels[:, named] = low[named] + generator.integers(
                span[named].astype(int) + 1, size=(n, int(named.sum()))
            )
        return labels.astype(np.float32)

    def splits(self) -> Mapping[str, Split]:
        """The named sets of labels that are painted and read: what is trained on first, then what is not."""
        return {"grid": some_of(self.training_labels), "off_grid": self.draw_labels}

    def reader(self) -> Reader | None:
        """What reads this world's images; None where nothing does, and only the representation is watched."""
        return None

    def sentence(self) -> str:
        """What is painted, for people: "a ring of radius r at (x, y)"."""
        names = ", ".join(self.factors.names)
        return f"images of {names} ({'x'.join(map(str, self.shape))})"


class Reader:
    """Reads images of one world.

    Attributes:
        outcomes: what can become of an image, in the order in which they are told; the last one is success.
    """

    outcomes: tuple[Outcome, ...]

    @abstractmethod
    def read(self, images: Float[np.ndarray, "n C *spatial"]) -> Columns:
        """What is in each image: for each factor a column of its name with an estimate, NaN where there is none; and more.

        Every factor is estimated from every image in which it can be, well formed or not, where the world's columns say so.
        """

    @abstractmethod
    def errors(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Float[np.ndarray, "n K"]:
        """Read minus told, in each factor's unit, NaN where there is no estimate."""

    @abstractmethod
    def right(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Bool[np.ndarray, "n K"]:
        """Whether each factor of each image is what the label tells."""

    @abstractmethod
    def outcome(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> np.ndarray:
        """What became of each image, (n,) of str: names of `outcomes`."""

    def summary(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Mapping[str, float | None]:
        """More numbers of a split, each with its unit in its name."""
        return {}


def some_of(labels: Callable[[], Float[np.ndarray, "M K"]]) -> Split:
    """Of some labels n different ones, in their order."""

    def drawn(n: int, generator: np.random.Generator) -> np.ndarray:
        all_of_them = labels()
        return all_of_them[np.sort(generator.permutation(len(all_of_them))[:n])]

    return drawn
