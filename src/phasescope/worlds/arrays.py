"""A world that is a data set: images and their labels, as arrays.

    phasescope train world.kind=arrays world.file=dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz
    ArrayWorld.from_arrays(images, labels, names=["scale", "orientation"], periodic=["orientation"], span=[0.5, 6.283])

Two published layouts are known by their arrays' names: dSprites' `imgs` and `latents_values` (Matthey et al. 2017,
github.com/google-deepmind/dsprites-dataset), and `images` and `labels`, as Shapes3D has them (Burgess & Kim 2018,
github.com/google-deepmind/3d-shapes). Images are answered by lookup: a label that the data set lacks has none. A label that
several images have names all of them: a hidden factor, `image`, distinguishes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from phasescope.core.errors import UserError, writing
from phasescope.core.factors import Factors
from phasescope.core.npz import open_npz
from phasescope.core.randomness import numpy_generator
from phasescope.worlds.base import Split, World
from phasescope.worlds.image_set import ImageSet, scale_of
from phasescope.worlds.nearest import MOST_NUMBERS, NearestImage

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

DSPRITES = ("color", "shape", "scale", "orientation", "x", "y")
SHAPES3D = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
HUES = dict.fromkeys(SHAPES3D[:3], 1.0)
# The values of these factors of those data sets have no order.
NAMED = ("shape", "color")
LAYOUTS: dict[tuple[str, str], tuple[tuple[str, ...], dict[str, float]]] = {
    ("imgs", "latents_values"): (DSPRITES, {"orientation": 2 * np.pi}),
    ("images", "labels"): (SHAPES3D, HUES),
}
"""by the names of images and labels in a file: the factors of the data set that is published so, and their periods"""


class ArrayWorld(World):
    """Images by label, out of an npz file of a known layout, or of any with the arrays `images` and `labels`.

    Factors that are the same for all images are left out.
    """

    continuous: ClassVar[bool] = False

    kind: Literal["arrays"] = "arrays"
    file: str = Field("", validate_default=True)
    """npz file with the arrays images and labels, or imgs and latents_values"""
    limit: int | None = Field(None, ge=2)
    """images to keep, drawn at random; null keeps all"""
    draw: int = Field(0, ge=0, lt=2**63)
    """seed with which `limit` draws"""
    names: tuple[str, ...] | None = None
    """names of the factors; null: those of the layout, or label1, label2, ..."""
    periodic: tuple[str, ...] = ()
    """periodic factors"""
    categorical: tuple[str, ...] = ()
    """factors whose values are classes without order: whole numbers"""
    classes: dict[str, tuple[str, ...]] = Field({})
    """by factor the names of its classes, from the smallest value up; such a factor is categorical"""
    hidden: tuple[str, ...] = ()
    """factors that are neither given to the network nor measured"""
    tolerance: dict[str, float] = Field({})
    """by factor the largest error of a correct one, in its unit; without one it is correct if it is that of the requested
    training image"""
    span: tuple[float, ...] | None = None
    """range of each factor, of a periodic one its period; null: the labels' range, if no factor is periodic"""

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        """Read now, so that an error comes before any work."""
        try:
            if self.file:
                self.data  # noqa: B018
        except UserError as error:
            message = str(error)
            if not any(message.startswith(f"`{field}` (=") for field in type(self).model_fields):
                message = f"`file` (={self.file}) {message.removeprefix(f'`{self.file}` ')}"
            raise ValueError(message) from None
        return self

    @classmethod
    def from_arrays(
        cls,
        images: np.ndarray,
        labels: Float[np.ndarray, "M K"],
        names: Sequence[str] | None = None,
        **described: Any,
    ) -> Self:
        """Return a world of arrays in memory, to probe and to watch with; a run that is trained needs a `file`.

        Args:
            images: (M, N, N), (M, N, N, C) or (M, C, N, N) with C = 1 or 3; uint8 from 0 to 255 (or 0 and 1), or floats from
                0 to 1, or from -1 to 1.
            labels: (M, K), or (M,) of one factor. A label that several images have names all of them.
            names: of the factors; by default label1, label2, ...
            described: `periodic`, `categorical`, `classes`, `hidden`, `tolerance` and `span`, as the fields of this class.

        Raises:
            UserError: names the argument, its value and the rule.
        """
        world = cls.from_tree({"names": names, **described})
        world.__dict__["data"] = ImageSet(images, labels, world)
        return world

    def saved(self, file: Path) -> Self:
        """Return the same world from a file, which is written if it does not exist."""
        data, factors = self.data, Factors(self.data.factors[: self.data.given])
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            with writing(file):
                np.savez(file, images=data.images, labels=data.labels[:, : data.given])

        return type(self)(
            file=str(file),
            names=factors.names,
            span=tuple(factors.span.tolist()),
            periodic=tuple(factor.name for factor in factors if factor.periodic),
            categorical=tuple(factor.name for factor in factors if factor.categorical and not factor.classes),
            classes={factor.name: tuple(factor.classes) for factor in factors if factor.classes},
            hidden=tuple(factor.name for factor in factors if factor.hidden),
            tolerance=self.tolerance,
        )

    @cached_property
    def data(self) -> ImageSet:
        """The images and labels; UserError if there is no file, it cannot be read, or its layout is unknown."""
        if not self.file:
            raise UserError("`world.file` (=) must be given: an npz file with images and labels")

        images, labels, layout = read_arrays(Path(self.file))
        scale = scale_of(np.asarray(images)) if np.size(images) else None
        if self.limit is not None and self.limit < len(images):
            chosen = numpy_generator(self.draw, "images kept").permutation(len(images))[: self.limit]
            kept = np.sort(chosen)
            images, labels = images[kept], labels[kept]

        names, periods = LAYOUTS[layout]
        if labels.ndim != 2 or labels.shape[1] != len(names) or self.names is not None:
            return ImageSet(images, labels, self, scale)
        spans = [periods.get(name, float(np.ptp(labels[:, k])) or 1.0) for k, name in enumerate(names)]
        of_layout = {
            "names": names,
            "periodic": self.periodic or tuple(periods),
            "categorical": self.categorical or tuple(name for name in names if name in NAMED),
            "span": self.span or spans,
        }
        return ImageSet(images, labels, self.model_copy(update=of_layout), scale)

    @property
    def factors(self) -> Factors:
        return self.data.factors

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.images.shape[1:]

    def training_labels(self) -> Float[np.ndarray, "M K"]:
        return self.data.distinct

    def draw_labels(self, n: int, generator: np.random.Generator) -> Float[np.ndarray, "n K"]:
        """Return the labels of `n` different images of the data set, or of all: it has no image of any other label.

        Their order is random, since callers take the first ones as a sample, and files are often sorted.
        """
        return self.data.labels[generator.permutation(self.data.first)[:n]]

    def complete(
        self, labels: Float[np.ndarray, "n V"], generator: np.random.Generator
    ) -> Float[np.ndarray, "n K"]:
        """Return the full label of an image drawn from those of each label; ValueError if a label has none."""
        return self.data.drawn(labels, generator) if self.factors.hidden else labels

    def reader(self) -> NearestImage | None:
        """Return the reader by the nearest training image's label; None if the data set is too large for it."""
        return self.data.nearest if self.data.images.size <= MOST_NUMBERS else None

    def splits(self) -> Mapping[str, Split]:
        """Return the data set's own labels alone."""
        return {"trained": self.draw_labels}

    def render(self, labels: Float[Tensor, "B K"]) -> Float[Tensor, "B C N N"]:
        """Return the images of labels; ValueError if the data set has none of a label."""
        import torch

        rows = np.ascontiguousarray(labels.detach().cpu().numpy(), dtype=np.float32)
        return torch.from_numpy(self.data.images_of(rows)).to(labels.device)

    def sentence(self) -> str:
        channels, *spatial = self.shape
        return (
            f"{len(self.data.labels):,} images ({channels} x {'x'.join(map(str, spatial))}) "
            f"of {', '.join(self.factors.visible.names)}"
        )


def read_arrays(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[str, str]]:
    """Return images, labels and their names in an npz file; UserError if it cannot be read, or its layout is unknown."""
    with open_npz(path) as arrays:
        layout = next((names for names in LAYOUTS if set(names) <= set(arrays)), None)
        if layout is None:
            raise UserError(
                f"`{path}` (arrays: {', '.join(arrays)}) must hold "
                + " or ".join(" and ".join(names) for names in LAYOUTS)
            )
        images, labels = (arrays[name] for name in layout)
    return images, labels, layout
