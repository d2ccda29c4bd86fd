"""A world that is a data set: images and their labels, as arrays.

    ArrayWorld(images, labels, names=["scale", "orientation"], periodic=[False, True], span=[0.5, 6.283])
    ArrayWorld.read("dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz")

Two published layouts are known by their arrays' names: dSprites' `imgs` and `latents_values` (Matthey et al. 2017,
github.com/google-deepmind/dsprites-dataset), and `images` and `labels`, as Shapes3D has them (Burgess & Kim 2018,
github.com/google-deepmind/3d-shapes). Images are answered by lookup: a label that the data set lacks has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phasescope.errors import UserError
from phasescope.randomness import numpy_generator
from phasescope.store.tables import open_npz
from phasescope.worlds.factors import Factor

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

DSPRITES = ("color", "shape", "scale", "orientation", "x", "y")
SHAPES3D = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
HUES = dict.fromkeys(SHAPES3D[:3], 1.0)
LAYOUTS: dict[tuple[str, str], tuple[tuple[str, ...], dict[str, float]]] = {
    ("imgs", "latents_values"): (DSPRITES, {"orientation": 2 * np.pi}),
    ("images", "labels"): (SHAPES3D, HUES),
}
"""by the names of images and labels in a file: the factors of the data set published so, and the periods of those that
come round"""


class ArrayWorld:
    """Images by label.

    Factors that are the same for all images are left out.

    Args:
        images: (M, N, N), (M, N, N, C) or (M, C, N, N) with C = 1 or 3; uint8 from 0 to 255 (or 0 and 1), or floats from
            0 to 1, or from -1 to 1.
        labels: (M, K).
        names: of the factors; by default label1, label2, ...
        periodic: which come round; none by default.
        span: each factor's range; for a periodic one its period, for the others by default that of the labels.

    Raises:
        UserError: names the argument, its value and the rule.
    """

    continuous = False
    """whether there is an image of every label"""

    def __init__(
        self,
        images: np.ndarray,
        labels: Float[np.ndarray, "M K"],
        names: Sequence[str] | None = None,
        periodic: Sequence[bool] | None = None,
        span: Sequence[float] | None = None,
    ):
        images, labels = np.asarray(images), np.asarray(labels, dtype=np.float32) + 0.0  # -0.0 is 0.0
        if labels.ndim != 2 or labels.shape[1] == 0 or len(labels) != len(images) or len(labels) < 2:
            raise UserError(
                f"`labels` (shape {labels.shape}) must be (M, K) with K >= 1 and one row for each of "
                f"{len(images)} images, two at least"
            )
        if not np.isfinite(labels).all():
            raise UserError(f"`labels` ({(~np.isfinite(labels)).sum()} not finite) must be finite")
        K = labels.shape[1]
        for argument, values in (("names", names), ("periodic", periodic), ("span", span)):
            if values is not None and len(values) != K:
                raise UserError(f"`{argument}` (={list(values)}) must have one entry for each of {K} factors")
        low, high = labels.min(axis=0), labels.max(axis=0)
        varies = high > low
        if not varies.any():
            raise UserError(f"`labels` (={labels[0].tolist()} in each row) must vary")
        self.images, self._factor, self._offset = _checked(images)
        self.labels = np.ascontiguousarray(labels[:, varies])
        self.factors = tuple(
            Factor(
                name=names[k] if names else f"label{k + 1}",
                low=float(low[k]),
                high=float(low[k] + (span[k] if span else high[k] - low[k])),
                unit="",
                periodic=bool(periodic and periodic[k]),
            )
            for k in np.flatnonzero(varies).tolist()
        )
        known, self._first = np.unique(self.labels, axis=0, return_index=True)
        self._known = {row.tobytes(): i for row, i in zip(known, self._first, strict=True)}

    @classmethod
    def read(cls, path: Path | str, limit: int | None = None, seed: int = 0) -> ArrayWorld:
        """The world in an npz file of a known layout.

        Args:
            limit: images to keep, drawn at random; all without it.
            seed: of that draw.

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
        names, periods = LAYOUTS[layout]
        if labels.ndim != 2 or labels.shape[1] != len(names):
            return cls(images, labels)
        spans = [periods.get(name, float(np.ptp(labels[:, k]))) for k, name in enumerate(names)]
        return cls(images, labels, names, [name in periods for name in names], spans)

    @property
    def channels(self) -> int:
        return self.images.shape[1]

    @property
    def canvas(self) -> int:
        return self.images.shape[2]

    def training_labels(self) -> Float[np.ndarray, "M K"]:
        """The labels, one row a distinct one."""
        return self.labels[np.sort(self._first)]

    def off_grid_labels(self, n: int, generator: np.random.Generator) -> Float[np.ndarray, "n K"]:
        """`n` different labels of the data set: a world that is a data set has no image of any other.

        Raises:
            UserError: it has fewer.
        """
        if n > len(self._first):
            raise UserError(f"`labels` (={n}) must be at most {len(self._first)}: as many have an image")
        return self.labels[np.sort(generator.permutation(self._first)[:n])]

    def render(self, labels: Float[Tensor, "B K"]) -> Float[Tensor, "B C N N"]:
        """The images of `labels` in [-1, 1], on their device; of several images of a label the first.

        Raises:
            ValueError: the data set has no image of a label.
        """
        import torch

        rows = np.ascontiguousarray(labels.detach().cpu().numpy(), dtype=np.float32)
        try:
            where = [self._known[row.tobytes()] for row in rows]
        except KeyError:
            missing = next(row for row in rows if row.tobytes() not in self._known)
            raise ValueError(
                f"`labels` (={missing.tolist()}) must be one of the data set's: it has no other image"
            ) from None
        images = self._factor * self.images[where].astype(np.float32) + self._offset
        return torch.from_numpy(images).to(labels.device)


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
