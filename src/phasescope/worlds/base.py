"""What a world is, and what reads its images.

A world renders an image for a label, says which labels are trained on, and into which splits the others fall. A reader says
what is in an image, so that what a network paints can be judged.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float
from pydantic import model_validator

from phasescope.factors import Factors
from phasescope.kinds import Kind
from phasescope.randomness import numpy_generator
from phasescope.sources import failing
from phasescope.worlds.designs import Design

if TYPE_CHECKING:
    from torch import Tensor

LEAST_LABELS = 22
"""of a world, for its latents to be measured: the 10 nearest of each are less than half of the others"""
FEW = 4
"""labels with which a world of somebody's own is tried out"""
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
        """A design says the increment of each factor, and of nothing else."""
        design = getattr(self, "design", None)
        if isinstance(design, Design):
            object.__setattr__(self, "design", design.along(self.factors))
        return self

    @property
    @abstractmethod
    def factors(self) -> Factors:
        """Of the labels, K. Of a hidden factor only this class and designs know: networks, measures and readers are given
        the columns of the others."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of an image: (C, *spatial)."""

    @property
    def blank(self) -> float | None:
        """Of every pixel of an image in which nothing is shown; None where there is no such image."""
        return None

    @abstractmethod
    def training_labels(self) -> Float[np.ndarray, "M K"]:
        """The labels of the training set, float32, in the factors' units."""

    @abstractmethod
    def render(self, labels: Float[Tensor, "B K"]) -> Float[Tensor, "B C *spatial"]:
        """The images of labels in [-1, 1], on their device, of their dtype."""

    def complete(
        self, labels: Float[np.ndarray, "n V"], generator: np.random.Generator
    ) -> Float[np.ndarray, "n K"]:
        """Full labels: `labels` of the visible factors, with values of the hidden ones drawn as `draw_labels` draws them."""
        if not self.factors.hidden:
            return labels
        full = self.draw_labels(len(labels), generator)
        full[:, [k for k, factor in enumerate(self.factors) if not factor.hidden]] = labels
        return full

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
        held = {name: some_of(lambda labels=labels: labels) for name, labels in self.held_out().items()}
        return {"grid": some_of(self.training_labels), **held, "off_grid": self.draw_labels}

    def held_out(self) -> Mapping[str, Float[np.ndarray, "n K"]]:
        """By split the labels that the design holds out."""
        design = getattr(self, "design", None)
        return design.held(self.factors) if isinstance(design, Design) else {}

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

    def ungated(
        self, columns: Columns, labels: Float[np.ndarray, "n K"]
    ) -> Mapping[str, Float[np.ndarray, "n K"]]:
        """By the name of a further way to read the factors: read minus told, each by itself, of every image, well formed
        or not; NaN where nothing can be read, or nothing of it is told. A factor is right by it as `within` says."""
        return {}

    def told(self, labels: Float[np.ndarray, "n K"]) -> Bool[np.ndarray, "n K"]:
        """Whether a label says of each factor what is to be seen: where a factor is not shown, it does not."""
        return np.ones(np.shape(labels), dtype=bool)

    def within(
        self, errors: Float[np.ndarray, "n K"], labels: Float[np.ndarray, "n K"]
    ) -> Bool[np.ndarray, "n K"]:
        """Whether each factor is right by an `ungated` way; what is told and not read is not, what is not told is."""
        return (np.abs(errors) <= self.tolerance) | ~self.told(labels)

    @property
    def tolerance(self) -> Float[np.ndarray, " K"]:
        """The largest error of a factor that is right, in its unit; of a reader that reads `ungated`."""
        raise NotImplementedError

    def objects(self, columns: Columns) -> Float[np.ndarray, " n"]:
        """How many objects each image holds, NaN where it cannot be read; of a reader that counts them."""
        raise NotImplementedError

    def summary(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Mapping[str, float | None]:
        """More numbers of a split, each with its unit in its name."""
        return {}


def check_world(world: World) -> None:
    """Try out a world of somebody's own on a few labels.

    Raises:
        ValueError: a method fails, or does not return what `World` or `Reader` says; the first fault, by class and method.
    """
    rng = numpy_generator(0, "world tried out")
    factors, shape = (_told(world, name, of=partial(getattr, world, name)) for name in ("factors", "shape"))
    known = isinstance(factors, Factors) and len(factors) > 0
    _must(known, world, "factors", "be Factors, one at least", factors)
    K = len(factors)
    fits = isinstance(shape, tuple) and len(shape) > 1 and all(isinstance(n, int) and n > 0 for n in shape)
    _must(fits, world, "shape", "be (C, *spatial), whole numbers from 1", shape)
    labels = _labels(world, "training_labels", K, _told(world, "training_labels"))
    _same(world, "training_labels", labels, _told(world, "training_labels"))
    labels = labels[np.linspace(0, len(labels) - 1, FEW).astype(int)]
    _labels(world, "draw_labels", K, _told(world, "draw_labels", FEW, rng))
    splits = _told(world, "splits")
    named = isinstance(splits, Mapping) and len(splits) > 0 and all(map(callable, splits.values()))
    _must(named, world, "splits", "return functions (n, generator) -> labels by name, one at least", splits)
    for name, split in splits.items():
        _labels(world, f"splits()[{name!r}]", K, _told(world, f"splits()[{name!r}]", FEW, rng, of=split))
    images = _images(world, labels)
    reader = _told(world, "reader")
    if reader is not None:
        _check_reader(reader, world, images, factors.visible_columns(labels))


def _images(world: World, labels: np.ndarray) -> np.ndarray:
    import torch

    given = torch.from_numpy(labels.copy())
    images = _told(world, "render", given)
    whole = (len(labels), *world.shape)
    fits = isinstance(images, torch.Tensor) and tuple(images.shape) == whole and images.dtype == torch.float32
    _must(fits, world, "render", f"return a float32 tensor of shape {whole}", images)
    _must(not images.requires_grad, world, "render", "return a tensor that needs no gradient", images)
    images = images.numpy()
    within = bool((np.abs(images) <= 1 + 1e-3).all())
    _must(within, world, "render", "return numbers in [-1, 1]", float(np.abs(images).max()))
    _must(
        np.array_equal(given.numpy(), labels),
        world,
        "render",
        "leave the labels it is given as they are",
        given,
    )
    _same(world, "render", images, _told(world, "render", given).numpy())
    return images


def _check_reader(reader: Any, world: World, images: np.ndarray, labels: np.ndarray) -> None:
    _must(isinstance(reader, Reader), world, "reader", "return a Reader, or None", reader)
    outcomes = getattr(reader, "outcomes", ())
    fits = len(outcomes) > 0 and all(
        isinstance(one, Outcome) and one.phase in tuple("ABC") and re.fullmatch("#[0-9a-fA-F]{6}", one.colour)
        for one in outcomes
    )
    rule = "be Outcomes, one at least, each with a phase, A, B or C, and a colour, #rrggbb"
    _must(fits, reader, "outcomes", rule, outcomes)
    columns, n = _told(reader, "read", images), len(images)
    fits = isinstance(columns, Mapping) and all(np.shape(column) == (n,) for column in columns.values())
    _must(fits, reader, "read", f"return columns by name, ({n},) each for {n} images", columns)
    for method, expected in (("errors", labels.shape), ("right", labels.shape), ("outcome", (n,))):
        found = _told(reader, method, columns, labels)
        _must(np.shape(found) == expected, reader, method, f"return an array of shape {expected}", found)
    names = [one.name for one in outcomes]
    strange = [name for name in np.asarray(found).tolist() if name not in names]
    _must(not strange, reader, "outcome", f"return names of its outcomes: {', '.join(names)}", strange)


def _labels(world: World, method: str, K: int, labels: Any) -> np.ndarray:
    fits = isinstance(labels, np.ndarray) and labels.ndim == 2 and labels.shape[1] == K and len(labels) > 0
    _must(fits and labels.dtype == np.float32, world, method, f"return labels (n, {K}), float32", labels)
    _must(bool(np.isfinite(labels).all()), world, method, "return finite labels", labels)
    return labels


def _told(owner: Any, method: str, *given: Any, of: Callable[..., Any] | None = None) -> Any:
    with failing(f"`{type(owner).__name__}.{method}` must not fail"):
        return (of or getattr(owner, method))(*given)


def _same(world: World, method: str, first: np.ndarray, second: np.ndarray) -> None:
    _must(np.array_equal(first, second), world, method, "return the same when it is called again", second)


def not_finite(world: World) -> str:
    """What is said of a world whose images are not finite, in one line."""
    return (
        f"`{type(world).__name__}.render` (=NaN or infinite) must return finite images: `world` is at fault"
    )


def _must(holds: bool, owner: Any, method: str, rule: str, found: Any) -> None:
    if not holds:
        kind = (
            f"{found.dtype} of shape {tuple(found.shape)}"
            if hasattr(found, "dtype")
            else " ".join(repr(found)[:80].split())
        )
        raise ValueError(f"`{type(owner).__name__}.{method}` (={kind}) must {rule}")


def some_of(labels: Callable[[], Float[np.ndarray, "M K"]]) -> Split:
    """Of some labels n different ones, in their order."""

    def drawn(n: int, generator: np.random.Generator) -> np.ndarray:
        all_of_them = labels()
        return all_of_them[np.sort(generator.permutation(len(all_of_them))[:n])]

    return drawn
