"""Worlds (synthetic datasets with known factors) and readers of their images.

A world renders an image for a label, says which labels are trained on, and into which splits the others fall. A reader
estimates the factors of an image, so that generated images can be judged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float
from pydantic import model_validator

from phasescope.core.factors import Factors
from phasescope.core.kinds import Kind
from phasescope.measures.columns import Column
from phasescope.worlds.designs import Design

if TYPE_CHECKING:
    from torch import Tensor

# A world has so many labels for its latents to be measured: the 10 nearest of each are less than half of the others.
LEAST_LABELS = 22
Split = Callable[[int, np.random.Generator], np.ndarray]
"""from (n, generator) n labels of a named set of labels, (n, K) float32; fewer if it holds fewer"""
Columns = Mapping[str, np.ndarray]
"""readings of n images: by name (n,) each"""


class Outcome(NamedTuple):
    """A possible outcome of a generated image."""

    name: str
    phase: str
    """A, B or C: the phase of learning in which most images turn out so; empty if it speaks for none"""
    colour: str
    """#rrggbb, in figures and pages"""


class World(Kind):
    """A factor space, a renderer and a design. Torch is imported by `render` alone."""

    continuous: ClassVar[bool] = True
    """whether there is an image of every label"""
    on_cpu: ClassVar[bool] = False
    """whether images come from the CPU's memory: training on a GPU then renders there, and copies them without waiting"""
    position: ClassVar[tuple[str, str] | None] = None
    """the factors that are a place on the canvas, along columns and along rows in px, pixel centres from 1 on; if both
    are periodic the canvas is, so that its edges are no edges"""

    @model_validator(mode="after")
    def _grid_along_the_factors(self) -> Self:
        """Fill in the increment of each factor; refuse others."""
        design = getattr(self, "design", None)
        if isinstance(design, Design):
            object.__setattr__(self, "design", design.along(self.factors))
        return self

    @property
    @abstractmethod
    def factors(self) -> Factors:
        """The factors of the labels, K; networks, measures and readers are given the columns of the visible ones."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of an image: (C, *spatial)."""

    @property
    def blank(self) -> float | None:
        """Value of every pixel of an image without an object; None if there is no such image."""
        return None

    @abstractmethod
    def training_labels(self) -> Float[np.ndarray, "M K"]:
        """Return the labels of the training set, float32, in the factors' units."""

    @abstractmethod
    def render(self, labels: Float[Tensor, "B K"]) -> Float[Tensor, "B C *spatial"]:
        """Return the images of labels in [-1, 1], on their device, of their dtype."""

    def complete(
        self, labels: Float[np.ndarray, "n V"], generator: np.random.Generator
    ) -> Float[np.ndarray, "n K"]:
        """Return full labels: `labels` of the visible factors, with hidden ones as `draw_labels` draws them."""
        if not self.factors.hidden:
            return labels
        full = self.draw_labels(len(labels), generator)
        full[:, [k for k, factor in enumerate(self.factors) if not factor.hidden]] = labels
        return full

    def draw_labels(self, n: int, generator: np.random.Generator) -> Float[np.ndarray, "n K"]:
        """Return `n` labels drawn evenly from each factor's range, trained on or not, float32."""
        low, span, named = self.factors.low, self.factors.span, self.factors.categorical
        labels = generator.uniform(low, low + span, size=(n, len(low)))
        if named.any():  # whole numbers from low to high
            labels[:, named] = low[named] + generator.integers(
                span[named].astype(int) + 1, size=(n, int(named.sum()))
            )
        return labels.astype(np.float32)

    def splits(self) -> Mapping[str, Split]:
        """Return the named sets of labels that are sampled and read: those that are trained on first, then others."""
        held = {name: some_of(lambda labels=labels: labels) for name, labels in self.held_out().items()}
        return {"grid": some_of(self.training_labels), **held, "off_grid": self.draw_labels}

    def rendered_splits(self) -> Mapping[str, Split]:
        """Return those splits of whose labels there are images: all, but of a data set."""
        return self.splits()

    def held_out(self) -> Mapping[str, Float[np.ndarray, "n K"]]:
        """Return by split the labels that the design holds out."""
        design = getattr(self, "design", None)
        return design.held(self.factors) if isinstance(design, Design) else {}

    def reader(self) -> Reader | None:
        """Return the reader of this world's images; None if there is none, and only the representation is observed."""
        return None

    def sentence(self) -> str:
        """Describe the images in words: "a ring of radius r at (x, y)"."""
        factors = ", ".join(factor.sentence() for factor in self.factors)
        return f"images of {factors} ({'x'.join(map(str, self.shape))})"


class Reader(ABC):
    """Reads images of one world."""

    outcomes: tuple[Outcome, ...]
    """how an image can turn out, in the order in which they are reported; the last one is success"""
    declared: ClassVar[tuple[Column, ...]] = ()
    """the columns of `summary`"""

    def __init_subclass__(cls, **keywords: Any):
        super().__init_subclass__(**keywords)
        # `right` is the earlier name of `correct`, in kinds whose bytes belong to the records of studies.
        right = vars(cls).get("right")
        if right is not None:
            cls.correct = right

    @abstractmethod
    def read(self, images: Float[np.ndarray, "n C *spatial"]) -> Columns:
        """Return columns by name: for each factor one of its name with each image's estimate, NaN without one; and more.

        Readers may also have columns in which factors are estimated from malformed images.
        """

    @abstractmethod
    def errors(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Float[np.ndarray, "n K"]:
        """Return estimate minus label, in each factor's unit, NaN if there is no estimate."""

    @abstractmethod
    def correct(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Bool[np.ndarray, "n K"]:
        """Return whether each factor of each image agrees with the label."""

    @abstractmethod
    def outcome(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> np.ndarray:
        """Return the outcome of each image, (n,) of str: names of `outcomes`."""

    def ungated(
        self, columns: Columns, labels: Float[np.ndarray, "n K"]
    ) -> Mapping[str, Float[np.ndarray, "n K"]]:
        """Return estimate minus label of each factor by the name of a further reading, which also reads malformed images;
        NaN if nothing can be read, or the label does not ask for it. `within` decides whether a factor is correct."""
        return {}

    def requested(self, labels: Float[np.ndarray, "n K"]) -> Bool[np.ndarray, "n K"]:
        """Return whether a label asks for each factor to be visible in the image."""
        return np.ones(np.shape(labels), dtype=bool)

    def within(
        self, errors: Float[np.ndarray, "n K"], labels: Float[np.ndarray, "n K"]
    ) -> Bool[np.ndarray, "n K"]:
        """Return whether each factor is correct by an `ungated` reading; one that is asked for but not read is wrong."""
        return (np.abs(errors) <= self.tolerance) | ~self.requested(labels)

    @property
    def tolerance(self) -> Float[np.ndarray, " K"]:
        """The largest error of a correct factor, in its unit; for a reader with `ungated` readings."""
        raise NotImplementedError

    def objects(self, columns: Columns) -> Float[np.ndarray, " n"]:
        """Return the number of objects in each image, NaN if it cannot be read; for a reader that counts them."""
        raise NotImplementedError

    def summary(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Mapping[str, float | None]:
        """Return further statistics of a split, each with its unit in its name."""
        return {}


def not_finite(world: World) -> str:
    """Return the message for a world whose images are not finite, in one line."""
    return f"`{type(world).__name__}.render` (=NaN or infinite) must return finite images: `world` is wrong"


def some_of(labels: Callable[[], Float[np.ndarray, "M K"]]) -> Split:
    """Return a split that gives n different ones of these labels, in their order."""

    def drawn(n: int, generator: np.random.Generator) -> np.ndarray:
        every = labels()
        return every[np.sort(generator.permutation(len(every))[:n])]

    return drawn
