"""A world that is a data set: images and their labels, as arrays.

    phasescope train world.kind=arrays world.file=dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz
    ArrayWorld.from_arrays(images, labels, names=["scale", "orientation"], periodic=["orientation"], span=[0.5, 6.283])

Two published layouts are known by their arrays' names: dSprites' `imgs` and `latents_values` (Matthey et al. 2017,
github.com/google-deepmind/dsprites-dataset), and `images` and `labels`, as Shapes3D has them (Burgess & Kim 2018,
github.com/google-deepmind/3d-shapes). Images are answered by lookup: a label that the data set lacks has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from phasescope.errors import UserError
from phasescope.factors import Factors
from phasescope.npz import open_npz
from phasescope.randomness import numpy_generator
from phasescope.worlds.base import Split, World
from phasescope.worlds.label_precision import as_float32

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

DSPRITES = ("color", "shape", "scale", "orientation", "x", "y")
SHAPES3D = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
HUES = dict.fromkeys(SHAPES3D[:3], 1.0)
NAMED = ("shape", "color")
"""factors of those data sets whose values have no order"""
LAYOUTS: dict[tuple[str, str], tuple[tuple[str, ...], dict[str, float]]] = {
    ("imgs", "latents_values"): (DSPRITES, {"orientation": 2 * np.pi}),
    ("images", "labels"): (SHAPES3D, HUES),
}
"""by the names of images and labels in a file: the factors of the data set published so, and the periods of those that
come round"""


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
    """seed of that draw"""
    names: tuple[str, ...] | None = None
    """of the factors; null: those of the layout, or label1, label2, ..."""
    periodic: tuple[str, ...] = ()
    """factors that come round"""
    categorical: tuple[str, ...] = ()
    """factors whose values are names without order"""
    span: tuple[float, ...] | None = None
    """range of each factor, of a periodic one its period; null: that of the labels, where none is periodic"""

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        """Read now: an error comes before any work."""
        if not self.file:
            return self
        try:
            self.data  # noqa: B018
        except UserError as error:
            told = str(error)
            own = any(told.startswith(f"`{field}` (=") for field in type(self).model_fields)
            raise ValueError(
                told if own else f"`file` (={self.file}) {told.removeprefix(f'`{self.file}` ')}"
            ) from None
        return self

    @classmethod
    def from_arrays(
        cls,
        images: np.ndarray,
        labels: Float[np.ndarray, "M K"],
        names: Sequence[str] | None = None,
        periodic: Sequence[str] = (),
        categorical: Sequence[str] = (),
        span: Sequence[float] | None = None,
    ) -> Self:
        """A world of arrays at hand, to probe and to watch with; a run that is trained needs a `file`.

        Args:
            images: (M, N, N), (M, N, N, C) or (M, C, N, N) with C = 1 or 3; uint8 from 0 to 255 (or 0 and 1), or floats from
                0 to 1, or from -1 to 1.
            labels: (M, K).
            names: of the factors; by default label1, label2, ...
            periodic, categorical: names of those that are so.
            span: each factor's range; for a periodic one its period; by default that of the labels, where none is periodic.

        Raises:
            UserError: names the argument, its value and the rule.
        """
        world = cls()
        world.__dict__["data"] = ImageSet(images, labels, names, periodic, categorical, span)
        return world

    def saved(self, file: Path) -> Self:
        """The same world out of a file, which is written where it is not there."""
        data, factors = self.data, self.data.factors
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(file, images=data.images, labels=data.labels)
        return type(self)(
            file=str(file),
            names=factors.names,
            span=tuple(factors.span.tolist()),
            periodic=tuple(factor.name for factor in factors if factor.periodic),
            categorical=tuple(factor.name for factor in factors if factor.categorical),
        )

    @cached_property
    def data(self) -> ImageSet:
        """The images and labels.

        Raises:
            UserError: there is no file, it cannot be read, or is of no known layout.
        """
        if not self.file:
            raise UserError("`world.file` (=) must be given: an npz file with images and labels")
        images, labels, layout = read_arrays(Path(self.file), self.limit, self.draw)
        names, periods = LAYOUTS[layout]
        known = labels.ndim == 2 and labels.shape[1] == len(names) and self.names is None
        if not known:
            return ImageSet(images, labels, self.names, self.periodic, self.categorical, self.span)
        spans = [periods.get(name, float(np.ptp(labels[:, k])) or 1.0) for k, name in enumerate(names)]
        categorical = self.categorical or tuple(name for name in names if name in NAMED)
        return ImageSet(
            images, labels, names, self.periodic or tuple(periods), categorical, self.span or spans
        )

    @property
    def factors(self) -> Factors:
        return self.data.factors

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.images.shape[1:]

    def training_labels(self) -> Float[np.ndarray, "M K"]:
        """The labels, one row a distinct one."""
        return self.data.distinct

    def draw_labels(self, n: int, generator: np.random.Generator) -> Float[np.ndarray, "n K"]:
        """`n` different labels of the data set, or all: a world that is a data set has no image of any other."""
        first = self.data.first
        return self.data.labels[np.sort(generator.permutation(first)[:n])]

    def splits(self) -> Mapping[str, Split]:
        """The data set's own labels alone."""
        return {"trained": self.draw_labels}

    def render(self, labels: Float[Tensor, "B K"]) -> Float[Tensor, "B C N N"]:
        """The images of `labels` in [-1, 1], on their device; of several images of a label the first.

        Raises:
            ValueError: the data set has no image of a label.
        """
        import torch

        rows = np.ascontiguousarray(labels.detach().cpu().numpy(), dtype=np.float32)
        return torch.from_numpy(self.data.of(rows)).to(labels.device)

    def sentence(self) -> str:
        channels, *spatial = self.shape
        return (
            f"{len(self.data.labels):,} images ({channels} x {'x'.join(map(str, spatial))}) "
            f"of {', '.join(self.factors.names)}"
        )


class ImageSet:
    """Images found by their labels; arguments as `ArrayWorld.from_arrays` has them.

    Attributes:
        images: (M, C, N, N), as they were given.
        labels: (M, K) float32, of the factors that vary.
        distinct: (m, K), each label once.
        first: (m,), where the first image of each lies.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        names: Sequence[str] | None = None,
        periodic: Sequence[str] = (),
        categorical: Sequence[str] = (),
        span: Sequence[float] | None = None,
    ):
        images, labels = np.asarray(images), np.asarray(labels)
        if labels.dtype.kind not in "biuf":
            raise UserError(f"`labels` (of {labels.dtype}) must be numbers")
        if (
            images.ndim == 0
            or labels.ndim != 2
            or labels.shape[1] == 0
            or len(labels) != len(images)
            or len(labels) < 2
        ):
            raise UserError(
                f"`labels` (shape {labels.shape}) must be (M, K) with K >= 1 and one row for each of "
                f"the images (shape {images.shape}), two at least"
            )
        if not np.isfinite(labels).all():
            raise UserError(f"`labels` ({(~np.isfinite(labels)).sum()} not finite) must be finite")
        names = names or [f"label{k + 1}" for k in range(labels.shape[1])]
        if len(names) != labels.shape[1]:
            raise UserError(
                f"`names` (={list(names)}) must have one entry for each of {labels.shape[1]} factors"
            )
        labels = as_float32(labels, names) + 0.0  # -0.0 is 0.0
        low, high = labels.min(axis=0), labels.max(axis=0)
        varies = high > low
        if not varies.any():
            raise UserError(f"`labels` (={labels[0].tolist()} in each row) must vary")
        if periodic and span is None:
            raise UserError(
                f"`span` (=None) must be given where `periodic` (={list(periodic)}) is: labels do not tell a period"
            )
        try:
            spans = Factors.named(
                names, span or np.where(varies, high - low, 1.0).tolist(), periodic, categorical
            )
        except ValueError as error:
            raise UserError(str(error)) from None
        for factor, extent in zip(spans, (high - low).tolist(), strict=True):
            if not factor.categorical and factor.span < extent * (1 - 1e-6):
                raise UserError(
                    f"`span` (={factor.span:g}) must be at least what the labels of {factor.name} extend over: {extent:g}"
                )
        self.images, self._factor, self._offset = _checked(images)
        self.labels = np.ascontiguousarray(labels[:, varies])
        self.factors = Factors(
            replace(factor, low=float(low[k]), high=float(low[k]) + factor.span)
            for k, factor in enumerate(spans)
            if varies[k]
        )
        known, self._first = np.unique(self.labels, axis=0, return_index=True)
        self._known = {row.tobytes(): i for row, i in zip(known, self._first, strict=True)}
        self.first = np.sort(self._first)
        self.distinct = self.labels[self.first]

    def of(self, labels: Float[np.ndarray, "B K"]) -> Float[np.ndarray, "B C N N"]:
        """Their images in [-1, 1], float32.

        Raises:
            ValueError: there is none of a label.
        """
        try:
            where = [self._known[row.tobytes()] for row in labels]
        except KeyError:
            missing = next(row for row in labels if row.tobytes() not in self._known)
            raise ValueError(
                f"`labels` (={missing.tolist()}) must be one of the data set's: it has no other image"
            ) from None
        return self._factor * self.images[where].astype(np.float32) + self._offset


def read_arrays(path: Path, limit: int | None, seed: int) -> tuple[np.ndarray, np.ndarray, tuple[str, str]]:
    """(images, labels, names of the two) in an npz file; of more than `limit` images so many, drawn by `seed`.

    Raises:
        UserError: the file cannot be read, or is of no known layout.
    """
    with open_npz(path) as arrays:
        layout = next((names for names in LAYOUTS if set(names) <= set(arrays)), None)
        if layout is None:
            raise UserError(
                f"`{path}` (arrays: {', '.join(arrays)}) must hold "
                + " or ".join(" and ".join(names) for names in LAYOUTS)
            )
        images, labels = (arrays[name] for name in layout)
    if limit is not None and limit < len(images):
        kept = np.sort(numpy_generator(seed, "images kept").permutation(len(images))[:limit])
        images, labels = images[kept], labels[kept]
    return images, labels, layout


def _checked(images: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Images as (M, C, N, N), and a and b for which a image + b lies in [-1, 1], white at 1.

    Raises:
        UserError: no square images of one or three channels, or values out of range.
    """
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[1] not in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    if images.ndim != 4 or images.shape[1] not in (1, 3) or images.shape[2] != images.shape[3]:
        raise UserError(
            f"`images` (shape {images.shape}) must be (M, N, N), (M, N, N, C) or (M, C, N, N) with C = 1 or 3"
        )
    if images.dtype == np.uint8:
        return images, 2 / (255 if images.max() > 1 else 1), -1.0
    if (
        not np.issubdtype(images.dtype, np.floating)
        or not np.isfinite(images).all()
        or np.abs(images).max() > 1
    ):
        raise UserError(
            f"`images` (of {images.dtype}) must be uint8, or finite floats from 0 to 1 or from -1 to 1"
        )
    return (images, 1.0, 0.0) if images.min() < 0 else (images, 2.0, -1.0)
