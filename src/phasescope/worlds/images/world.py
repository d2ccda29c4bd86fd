"""A world that is a data set: images and their labels.

    phasescope train world.kind=images world.file=squares world.names=[x,y] world.tolerance={x: 1, y: 1}
    ImageWorld.from_arrays(images, labels, names=["scale", "angle"], periodic=["angle"], span={"angle": 360})
    ImageWorld.from_dataset(dataset, image="image", factors={"x": {"tolerance": 1}, "angle": {"period": 360}})

`world.file` is a folder of PNG or JPEG files with their metadata (`folder`), or an npz file (`npz`). Images are answered by
lookup: a label that the data set lacks has none. A label that several images have names all of them: a hidden factor,
`image`, distinguishes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from phasescope.core.config import Tree
from phasescope.core.errors import UserError, writing
from phasescope.core.factors import Factors
from phasescope.core.kinds import reference_to
from phasescope.worlds.base import Reader, Split, World
from phasescope.worlds.images.dataset import read_dataset
from phasescope.worlds.images.folder import read_folder
from phasescope.worlds.images.image_set import ImageSet, image_set
from phasescope.worlds.images.npz import SAID, SCALE, read_npz
from phasescope.worlds.images.pictures import Channels
from phasescope.worlds.images.place import Stamp, find, stamp_of
from phasescope.worlds.images.read_by import NEAREST, AnyReadBy
from phasescope.worlds.images.scale import scale_of
from phasescope.worlds.images.source import Source
from phasescope.worlds.images.table import classes_of_texts

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

EARLIER = "arrays"
"""the earlier kind of these worlds, by which stored runs name it: their identity has the file's path, and no SHA-256"""


class ImageWorld(World):
    """Images by label, out of a folder of PNG or JPEG files, an npz file, arrays or a data set in memory.

    Factors that are the same for all images are left out.
    """

    continuous: ClassVar[bool] = False
    on_cpu: ClassVar[bool] = True
    OUTSIDE_DIGEST: ClassVar[frozenset[str]] = frozenset({"file"})

    kind: Literal["images", "arrays"] = "images"
    file: str = Field("", validate_default=True)
    """folder of PNG or JPEG files with metadata.csv or metadata.jsonl, or npz file with images and labels; no part of the
    identity"""
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    """SHA-256 of the data, by which they are known wherever they lie; null: that of `file`, filled in"""
    channels: Channels | None = None
    """gray or rgb makes all images that; null leaves them as they are"""
    resize: int | None = Field(None, ge=4, le=1024)
    """side to which images are scaled, px, each its middle square; null leaves them as they are"""
    limit: int | None = Field(None, ge=2)
    """images to keep, drawn at random; null keeps all"""
    draw: int = Field(0, ge=0, lt=2**63)
    """seed with which `limit` draws"""
    names: tuple[str, ...] | None = None
    """names of the factors: of a table those of its columns that are factors, null all; of an array without names one for
    each column, null label1, label2, ..., or those of a published data set"""
    periodic: tuple[str, ...] = ()
    """periodic factors, whose periods `span` has"""
    categorical: tuple[str, ...] = ()
    """factors whose values are classes without order: whole numbers; words are classes without being named here"""
    classes: dict[str, tuple[str, ...]] = Field({})
    """by factor the names of its classes, from the smallest value up; such a factor is categorical. Of words their order"""
    hidden: tuple[str, ...] = ()
    """factors that are neither given to the network nor measured"""
    tolerance: dict[str, float] = Field({})
    """by factor the largest error of a correct one, in its unit; without one it is correct if it is that of the requested
    training image, or, by a regressor, within what that can read"""
    read_by: AnyReadBy = NEAREST
    """how factors of generated images are read: `nearest`, as those of the nearest training image; `regressor`, by a
    regression whose error on images left out is shown; or by a Reader of your own, `read_by.kind=my_reader.py:Squares`"""
    span: dict[str, float] | tuple[float, ...] | None = None
    """by factor its range, of a periodic one its period, or a list of all; by default the labels' range, except for periodic
    factors"""

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        """Read now, so that an error comes before any work; fill in where the data are, and their SHA-256."""
        try:
            if self.file or self.sha256:
                self._check_reader()
        except UserError as error:
            message = str(error)
            if not any(message.startswith(f"`{field}` (") for field in type(self).model_fields):
                message = f"`file` (={self.file}) {message.removeprefix(f'`{self.file}` ')}"
            raise ValueError(message) from None
        return self

    def identity(self) -> Tree:
        """Return the fields that differ from their defaults; of a run of the earlier kind its file instead of the digest."""
        fields = super().identity()
        if self.kind == EARLIER:
            fields.pop("sha256", None)
            fields |= {"file": self.file} if self.file else {}
        return fields

    @classmethod
    def from_arrays(
        cls,
        images: np.ndarray,
        labels: Float[np.ndarray, "M K"],
        names: Sequence[str] | None = None,
        **described: Any,
    ) -> Self:
        """Return a world of arrays in memory, to train on, to probe and to watch with.

            world = ImageWorld.from_arrays(images, labels, names=["x", "kind"], tolerance={"x": 1.0}, categorical=["kind"])
            run = phasescope.train(phasescope.load_config(overrides=["preset=lean"]), world=world)

        The run keeps the arrays in its folder (world.npz). The trap: `RunConfig(world=world)` alone does not, so that its
        YAML cannot be read again; write the arrays with `saved` where a configuration must stand for itself.

        Args:
            images: (M, N, N), (M, N, N, C) or (M, C, N, N) with C = 1 or 3; uint8 from 0 to 255 (or 0 and 1), or floats from
                0 to 1, or from -1 to 1.
            labels: (M, K), or (M,) of one factor: numbers, or words, which are classes. Texts of one factor are words even
                if they read as numbers ("0", "1"), unless `periodic`, `span` or `tolerance` name it; numbers that are
                classes must be named in `categorical`. A label that several images have names all of them.
            names: of the factors; by default label1, label2, ...
            described: `periodic`, `categorical`, `classes`, `hidden`, `tolerance`, `span`, `channels`, `resize`, `read_by`,
                as the fields of this class; a Reader of your own also as the class.

        Raises:
            UserError: names the argument, its value and the rule.
        """
        world = cls.from_tree({"names": names, **_with_reader(described)})
        name = world.names[0] if world.names else "label1"
        spans = (name,) if isinstance(world.span, tuple) else world.span or ()
        is_number = name in {*world.periodic, *world.tolerance, *spans}
        words = () if is_number else classes_of_texts(labels)
        return world._with(Source(images, labels, classes={name: words} if words else {}))

    @classmethod
    def from_dataset(
        cls,
        dataset: Any,
        image: str | int = "image",
        factors: Mapping[str, Any] | Sequence[str] | None = None,
        **described: Any,
    ) -> Self:
        """Return a world of a data set in memory: a `datasets.Dataset`, or a torch `Dataset` whose items are mappings or
        tuples.

            ImageWorld.from_dataset(dataset, factors=["x", "y"])
            ImageWorld.from_dataset(dataset, image=0, factors={"digit": {"column": 1, "classes": ["zero", "one"]}})

        The trap: each item is read once, now, and kept. Random augmentation of a `Dataset` is therefore frozen.

        Args:
            dataset: has a length, and an item for each number below it.
            image: the key of an item's image (its number in a tuple): a Pillow image, or an array or tensor (H, W),
                (H, W, C) or (C, H, W), as `from_arrays` takes them.
            factors: the names of the factors, or by name what each is: `continuous`, `categorical`, `hidden`, or a mapping
                with any of `column` (its key in an item; by default its name), `period`, `span`, `categorical`, `classes`,
                `hidden`, `tolerance`. By default all keys but the image's.
            described: `channels`, `resize`, `limit`, `draw`, `read_by`, as the fields of this class.

        Raises:
            UserError: names the argument, its value and the rule.
            SourceFailed: the data set raises an exception.
        """
        source, fields = read_dataset(
            dataset, image, factors, described.get("channels"), described.get("resize")
        )
        return cls.from_tree({**fields, **_with_reader(described)})._with(source)

    def _with(self, source: Source) -> Self:
        """Return this world with its data in memory; UserError if its reader cannot read them."""
        self.__dict__["data"] = image_set(source, self)
        self._check_reader()
        return self

    def _check_reader(self) -> None:
        """Raise UserError if the data, or a reader that may refuse them, cannot be had."""
        self.data  # noqa: B018
        if self.read_by.kind != NEAREST.kind:  # which refuses nothing, and is large
            self.reader()

    def saved(self, file: Path) -> Self:
        """Return the same world from an npz file, which is written if it does not exist."""
        data, factors = self.data, Factors(self.data.factors[: self.data.given])
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            with writing(file):
                arrays = {"images": data.images, "labels": data.labels[:, : data.given]}
                if data.said:
                    arrays[SAID] = np.array(data.said)
                # Only where it is needed: the file's SHA-256 is the identity of runs that are stored already.
                if data.scale != scale_of(data.images):
                    arrays[SCALE] = np.array(data.scale)
                np.savez(file, **arrays)  # pyrefly: ignore

        return type(self)(
            file=str(file),
            names=factors.names,
            span=tuple(factors.span.tolist()),
            periodic=tuple(factor.name for factor in factors if factor.periodic),
            categorical=tuple(factor.name for factor in factors if factor.categorical and not factor.classes),
            classes={factor.name: tuple(factor.classes) for factor in factors if factor.classes},
            hidden=tuple(factor.name for factor in factors if factor.hidden),
            tolerance={name: most for name, most in self.tolerance.items() if name in factors.names},
            read_by=self.read_by,
        )

    @cached_property
    def data(self) -> ImageSet:
        """The images and labels; UserError if there are none, they cannot be read, or their layout is unknown."""
        path, digest = find(self.file, self.sha256)
        if not self.file:
            object.__setattr__(self, "file", str(path))
        if self.kind != EARLIER:
            object.__setattr__(self, "sha256", digest)
        return _kept(path, stamp_of(path), self)

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

    def reader(self) -> Reader | None:
        """Return the reader that `read_by` names; None if the data set is too large for the nearest image."""
        return self._own_reader

    @cached_property
    def _own_reader(self) -> Reader | None:
        return self.read_by.reader(self.data, self)

    def splits(self) -> Mapping[str, Split]:
        """Return the data set's own labels, and labels between them if images of those can be correct."""
        splits: dict[str, Split] = {"trained": self.draw_labels}
        if self.kind != EARLIER and self.read_by.reads_between(self.data) and len(self.data.between.rows):
            splits["between"] = self.data.between
        return splits

    def rendered_splits(self) -> Mapping[str, Split]:
        """Return the data set's own labels alone: it has no images of others."""
        return {"trained": self.draw_labels}

    def render(self, labels: Float[Tensor, "B K"]) -> Float[Tensor, "B C N N"]:
        """Return the images of labels; ValueError if the data set has none of a label."""
        import torch

        rows = np.ascontiguousarray(labels.detach().cpu().numpy(), dtype=np.float32)
        return torch.from_numpy(self.data.images_of(rows)).to(labels.device)

    def sentence(self) -> str:
        channels, *spatial = self.shape
        images = (
            f"{len(self.data.labels):,} images ({channels} x {'x'.join(map(str, spatial))}) "
            f"of {', '.join(factor.sentence() for factor in self.factors.visible)}"
        )
        return "; ".join(filter(None, [images, self.data.said, self.read_by.sentence(self.data, self)]))


def _with_reader(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of a world in which a class of a reader is named by its reference."""
    reader = described.get("read_by")
    named = {"read_by": {"kind": reference_to(reader)}} if isinstance(reader, type) else {}
    return {**described, **named}


# Configurations are built several times in a process, and decoding a folder takes seconds.
_RECENT: dict[tuple[Path, Stamp, str], ImageSet] = {}
MOST_RECENT = 3


def _kept(path: Path, stamp: Stamp, world: ImageWorld) -> ImageSet:
    """Return the data of a world, read once as long as the files and the fields stay the same."""
    fields = world.model_dump(mode="json", exclude={"kind", "file", "sha256"})
    key = path.resolve(), stamp, json.dumps(fields, sort_keys=True)
    if key not in _RECENT:
        data = image_set(_read(path, world), world)
        for old in list(_RECENT)[: len(_RECENT) - MOST_RECENT + 1]:
            del _RECENT[old]
        _RECENT[key] = data
    return _RECENT[key]


def _read(path: Path, world: ImageWorld) -> Source:
    return read_folder(path, world.channels, world.resize) if path.is_dir() else read_npz(path)
