"""Worlds (synthetic datasets with known factors) and readers of their images.

A world renders an image for a label, says which labels are trained on, and into which splits the others fall. A reader
estimates the factors of an image, so that generated images can be judged.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float
from pydantic import model_validator

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.core.factors import Factors, not_a_word
from phasescope.core.kinds import Kind
from phasescope.core.randomness import numpy_generator
from phasescope.core.sources import failing
from phasescope.measures.columns import Column
from phasescope.worlds.designs import Design

if TYPE_CHECKING:
    from torch import Tensor

# A world has so many labels for its latents to be measured: the 10 nearest of each are less than half of the others.
LEAST_LABELS = 22
FEW = 4
"""labels with which a user's own world is tried out"""
MANY = 256
"""labels that it draws, which must all lie in its factors' ranges"""
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
    position: ClassVar[tuple[str, str] | None] = None
    """the factors that are a place on the canvas, along columns and along rows in px, pixel centres from 1 on"""

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

    def held_out(self) -> Mapping[str, Float[np.ndarray, "n K"]]:
        """Return by split the labels that the design holds out."""
        design = getattr(self, "design", None)
        return design.held(self.factors) if isinstance(design, Design) else {}

    def reader(self) -> Reader | None:
        """Return what reads this world's images; None if nothing does, and only the representation is observed."""
        return None

    def sentence(self) -> str:
        """Return what the images show, in words: "a ring of radius r at (x, y)"."""
        names = ", ".join(self.factors.names)
        return f"images of {names} ({'x'.join(map(str, self.shape))})"


class Reader(ABC):
    """Reads images of one world."""

    outcomes: tuple[Outcome, ...]
    """how an image can turn out, in the order in which they are reported; the last one is success"""
    declared: ClassVar[tuple[Column, ...]] = ()
    """the columns of `summary`"""

    def __init_subclass__(cls, **keywords: Any):
        super().__init_subclass__(**keywords)
        # `right` is the earlier name of `correct`, in kinds whose bytes belong to the records of studies.
        if right := vars(cls).get("right"):
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
        """Return how many objects each image holds, NaN if it cannot be read; for a reader that counts them."""
        raise NotImplementedError

    def summary(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Mapping[str, float | None]:
        """Return further statistics of a split, each with its unit in its name."""
        return {}


@own_arithmetic()
def check_world(world: World) -> None:
    """Try out a user's own world on a few labels.

    Raises:
        UserError: a method violates the interface of `World` or `Reader`; names the first fault by class and method.
        SourceFailed: a method raises an exception.
    """
    with failing(f"`{type(world).__name__}` must render and read {FEW} labels"):
        _try_out(world)


def _try_out(world: World) -> None:
    import torch

    rng, factors, shape = numpy_generator(0, "world tried out"), world.factors, world.shape
    known = isinstance(factors, Factors) and len(factors) > 0
    _must(known, world, "factors", "be Factors, one at least", factors)
    wrong = not_a_word(factors.names)
    _must(wrong is None, world, "factors", "have words as names: letters, digits, _ and spaces", wrong)
    fits = isinstance(shape, tuple) and len(shape) > 1 and all(isinstance(n, int) and n > 0 for n in shape)
    _must(fits, world, "shape", "be (C, *spatial), whole numbers from 1", shape)

    def check_labels(method: str, labels: Any, count: int | None = None) -> None:
        K, fits = len(factors), isinstance(labels, np.ndarray) and labels.dtype == np.float32
        fits = fits and labels.shape[1:] == (K,) and len(labels) > 0 and np.isfinite(labels).all()
        _must(bool(fits), world, method, f"return finite labels (n, {K}), float32", labels)
        rule = f"return {count} labels if it is asked for them"
        _must(count in (None, len(labels)), world, method, rule, labels)
        with as_user_error(f"`{type(world).__name__}.{method}` must return labels of the world: "):
            factors.check(labels)

    trained = world.training_labels()
    check_labels("training_labels", trained)
    drawn, again = (world.draw_labels(FEW, numpy_generator(0, "labels drawn twice")) for _ in range(2))
    check_labels("draw_labels", drawn, FEW)
    _must(np.array_equal(drawn, again), world, "draw_labels", "draw with the given generator alone", again)
    check_labels("draw_labels", world.draw_labels(MANY, numpy_generator(0, "many labels drawn")))
    for name, split in world.splits().items():
        check_labels(f"splits()[{name!r}]", split(FEW, rng))

    some = torch.from_numpy(trained[np.linspace(0, len(trained) - 1, FEW).astype(int)])
    given = some.clone()
    images, again = world.render(given), world.render(some.clone())
    _must(torch.equal(given, some), world, "render", "leave its labels as they are", given)
    dtype = torch.get_default_dtype()
    _must(dtype == torch.float32, world, "render", "leave torch's default dtype as it is", dtype)
    trained_again = world.training_labels()
    same = np.array_equal(trained, trained_again)
    _must(same, world, "training_labels", "return the same when it is called again", trained_again)
    fits = isinstance(images, torch.Tensor) and tuple(images.shape) == (FEW, *shape)
    rule = f"return a float32 tensor of shape {(FEW, *shape)} without a gradient"
    _must(fits and images.dtype == torch.float32 and not images.requires_grad, world, "render", rule, images)
    largest = float(images.abs().max())
    _must(largest <= 1 + 1e-3, world, "render", "return numbers in [-1, 1]", largest)
    # A resumed run must see the same images as an uninterrupted one.
    _must(torch.equal(images, again), world, "render", "return the same when it is called again", again)
    alone = torch.cat([world.render(label[None].clone()) for label in some])
    fits = torch.allclose(images, alone, atol=1e-4)
    _must(fits, world, "render", "return the same image of a label, whatever is rendered beside it", alone)
    reader = world.reader()
    if reader is not None:
        _check_reader(reader, world, images.numpy())


def _check_reader(reader: Any, world: World, images: np.ndarray) -> None:
    _must(isinstance(reader, Reader), world, "reader", "return a Reader, or None", reader)
    outcomes, n = getattr(reader, "outcomes", ()), len(images)
    fits = len(outcomes) > 0 and all(
        isinstance(each, Outcome)
        and each.phase in ("A", "B", "C", "")
        and re.fullmatch("#[0-9a-fA-F]{6}", each.colour)
        for each in outcomes
    )
    rule = "be Outcomes, one at least, each with a phase, A, B, C or empty, and a colour, #rrggbb"
    _must(fits, reader, "outcomes", rule, outcomes)
    columns = reader.read(images)
    fits = isinstance(columns, Mapping) and all(np.shape(column) == (n,) for column in columns.values())
    _must(fits, reader, "read", f"return columns by name, ({n},) each for {n} images", columns)


def _must(holds: bool, owner: Any, method: str, rule: str, value: Any) -> None:
    if not holds:
        kind = " ".join(repr(value)[:80].split())
        if hasattr(value, "dtype"):
            kind = f"{value.dtype} of shape {tuple(value.shape)}"
        raise UserError(f"`{type(owner).__name__}.{method}` (={kind}) must {rule}")


def not_finite(world: World) -> str:
    """Return the message for a world whose images are not finite, in one line."""
    return f"`{type(world).__name__}.render` (=NaN or infinite) must return finite images: `world` is wrong"


def some_of(labels: Callable[[], Float[np.ndarray, "M K"]]) -> Split:
    """Return a split that gives n different ones of these labels, in their order."""

    def drawn(n: int, generator: np.random.Generator) -> np.ndarray:
        every = labels()
        return every[np.sort(generator.permutation(len(every))[:n])]

    return drawn
