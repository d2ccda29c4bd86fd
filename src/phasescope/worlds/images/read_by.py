"""How images are read: by the nearest training image, by a regression, or by a reader of the user's own.

world.read_by=regressor
world.read_by.kind=my_reader.py:Squares world.read_by.most_px=0.5
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.kinds import Constructed, Kind, open_union
from phasescope.core.randomness import numpy_generator
from phasescope.core.sources import failing
from phasescope.worlds.base import Reader, World
from phasescope.worlds.images.image_set import ImageSet
from phasescope.worlds.images.nearest import MOST_NUMBERS
from phasescope.worlds.trial import check_reader

TRIED = 512
"""training images on which your own reader is tried out, at most, drawn at random"""


class ReadBy(Kind):
    """How the factors of a generated image are read."""

    @abstractmethod
    def reader(self, data: ImageSet, world: World) -> Reader | None:
        """Return the reader of a world's data; None if they are too many for it.

        Raises:
            UserError, SourceFailed: it cannot read these images.
        """

    def reads_between(self, data: ImageSet) -> bool:
        """Return whether images of labels between those that are trained on can be correct."""
        return True

    def sentence(self, data: ImageSet, world: World) -> str:
        """Return how well images are read, in words; empty if that is not known."""
        return ""


class ReadByNearest(ReadBy):
    """The label of the nearest training image."""

    kind: Literal["nearest"] = "nearest"

    def reader(self, data: ImageSet, world: World) -> Reader | None:
        return data.nearest if self._reads(data) else None

    def reads_between(self, data: ImageSet) -> bool:
        judged = (factor.categorical or factor.name in data.tolerance for factor in data.factors.visible)
        return self._reads(data) and all(judged)

    @staticmethod
    def _reads(data: ImageSet) -> bool:
        return data.images.size <= MOST_NUMBERS


class ReadByRegressor(ReadBy):
    """A kernel ridge regression on pixels, whose error on images left out bounds what can be read."""

    kind: Literal["regressor"] = "regressor"

    def reader(self, data: ImageSet, world: World) -> Reader | None:
        return data.regressor

    def sentence(self, data: ImageSet, world: World) -> str:
        return data.regressor.sentence()


class ReadByOwn(ReadBy, Constructed):
    """A reader of the user's own, which is given the world, with its other arguments as further keys."""

    FIELD: ClassVar[str] = "world.read_by"
    OF: ClassVar[str] = "phasescope.worlds.base:Reader"
    GIVEN: ClassVar[int] = 1

    def reader(self, data: ImageSet, world: World) -> Reader | None:
        reader = self.construct(world)
        with (
            own_arithmetic(),
            failing(f"`world.read_by` (={self.kind}) must read images of the training set"),
        ):
            labels = data.distinct[:4]
            check_reader(reader, world, data.images_of(labels), world.factors.visible_columns(labels))
        return reader

    def sentence(self, data: ImageSet, world: World) -> str:
        """Return which share of the training images it reads as correct."""
        labels = numpy_generator(0, "images that a reader is tried on").permutation(data.distinct)[:TRIED]
        reader = world.reader()
        assert reader is not None
        with (
            own_arithmetic(),
            failing(f"`world.read_by` (={self.kind}) must read images of the training set"),
        ):
            columns = reader.read(data.images_of(labels))
            correct = np.all(reader.correct(columns, world.factors.visible_columns(labels)), axis=1)
        share = f"{100 * correct.mean():.1f} % of {len(labels):,} training images"
        return f"read by {self.kind.rpartition(':')[2]}, which finds {share} correct"


NEAREST: ReadBy = ReadByNearest()
AnyReadBy: Any = ReadBy if TYPE_CHECKING else open_union(ReadByNearest | ReadByRegressor, ReadBy, ReadByOwn)
"""the annotation of a configuration's `read_by`"""
