"""Square canvases with pixel centres 1 ... N along each axis, x along columns and y along rows, downward."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import special

from phasescope.core.errors import UserError
from phasescope.worlds.base import Columns, Reader, World

if TYPE_CHECKING:
    from torch import Tensor

    from phasescope.worlds.designs import AnyDesign


# At sigma = 0.5 px a matched filter would lose 40 % between whole pixels, 12 % between half ones.
CANDIDATES_PER_PX = 2


class PlaneWorld(World):
    """A world of objects at (x, y) on a canvas of one channel."""

    position: ClassVar[tuple[str, str]] = ("x", "y")

    if TYPE_CHECKING:  # fields of each such world
        canvas: int
        polarity: Literal["dark", "bright"]
        boundary: Literal["open", "periodic"]
        design: AnyDesign

    @property
    def periodic(self) -> bool:
        return self.boundary == "periodic"

    @property
    def blank(self) -> float:
        return 1.0 if self.polarity == "dark" else -1.0

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.canvas, self.canvas

    def training_labels(self) -> Float[np.ndarray, "M 2"]:
        return self.design.labels(self.factors)


def profiles(
    labels: Float[Tensor, "B K"], canvas: int, width_px: float, periodic: bool
) -> Float[Tensor, "B K N"]:
    """Return exp(-(label - pixel)^2 / (2 width^2)) along each axis; modulo N if it is periodic."""
    import torch

    pixels = torch.arange(1, canvas + 1, device=labels.device, dtype=labels.dtype)
    distance = labels[:, :, None] - pixels
    if periodic:
        distance = torch.remainder(distance + canvas / 2, canvas) - canvas / 2
    return torch.exp(-0.5 * (distance / width_px) ** 2)


def wrap(difference_px: np.ndarray, period_px: float | None) -> np.ndarray:
    """Return the difference modulo the period, in [-period / 2, period / 2); unchanged without a period."""
    if period_px is None:
        return difference_px
    return (difference_px + period_px / 2) % period_px - period_px / 2


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of outcomes; contrasts are relative to that of an object."""

    half_contrast: float = 0.5
    """amplitude from which there is an object: half way between none and one"""
    false_objects: float = 0.01
    """an object's score must exceed what noise as strong as the image's reaches at so many places of the image"""
    noise_floor: float = 0.02
    """noise that is always assumed: what is fainter (a tint, a far flank) is no evidence"""
    width: tuple[float, float] = (0.6, 1.6)
    """fitted width over the nominal one: without half and double, with 3 Cramer-Rao deviations at 1 px and noise 0.2"""
    amplitude: tuple[float, float] = (0.5, 1.5)
    """fitted amplitude: the half contrast that finds an object, and as much above one"""
    residual: float = 0.1
    """root mean square left unexplained: an ellipse with axes 2 : 1 leaves 0.11"""
    residual_radius_sigma: float = 3.0
    """how far from an object a residual counts, in its deviations: a Gaussian has ended there (1 %)"""
    tolerance_px: float = 1.0
    """largest error along an axis of an object that is correct, px (Liang et al. 2024)"""


THRESHOLDS = Thresholds()


def within(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Return whether each value lies between two limits, both included; NaN does not."""
    return (values >= limits[0]) & (values <= limits[1])


@dataclass(frozen=True)
class PlaneReader(Reader):
    """Reads x and y of what lies on a square canvas of one channel."""

    WAYS: ClassVar[tuple[str, ...]]
    """further readings of a place, also from malformed images; their columns are named x_way and y_way"""

    canvas: int
    polarity: Literal["dark", "bright"] = "dark"
    periodic: bool = False
    thresholds: Thresholds = THRESHOLDS

    def contrasts(
        self, images: Float[np.ndarray, "n 1 N N"]
    ) -> tuple[Float[np.ndarray, "n N N"], np.ndarray]:
        """Return images as `in_contrasts` does; UserError if they do not have this reader's canvas."""
        images = np.asarray(images)
        if images.shape[1:] != (1, self.canvas, self.canvas):
            raise UserError(
                f"`images` (of shape {images.shape}) must have the shape (n, 1, {self.canvas}, {self.canvas})"
            )
        return in_contrasts(images[:, 0], self.polarity == "dark")

    def errors(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Return (dx, dy) of a single object, px, the short way round a periodic canvas; NaN without a place or a label."""
        return self._errors(columns, labels, "")

    def ungated(
        self, columns: Columns, labels: Float[np.ndarray, "n 2"]
    ) -> dict[str, Float[np.ndarray, "n 2"]]:
        """Return (dx, dy) of the place by each of `WAYS`, px."""
        return {way: self._errors(columns, labels, f"_{way}") for way in self.WAYS}

    def _errors(self, columns: Columns, labels: np.ndarray, way: str) -> Float[np.ndarray, "n 2"]:
        places = np.stack([columns[f"{axis}{way}"] for axis in "xy"], axis=1)
        off = wrap(places - labels, self.canvas if self.periodic else None)
        return np.where(self.requested(labels), off, np.nan)

    @property
    def tolerance(self) -> Float[np.ndarray, " 2"]:
        return np.full(2, self.thresholds.tolerance_px)

    @abstractmethod
    def failures(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> list[Any]:
        """Return for each of `outcomes` but the last whether each image has it, (n,) bool; the first that holds counts."""

    def outcome(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> np.ndarray:
        *failures, success = (outcome.name for outcome in self.outcomes)
        return np.select(self.failures(columns, labels), failures, default=success)


@dataclass(frozen=True)
class Pixels:
    """N pixels along an axis, or along both: its ends cut objects or, if it is periodic, are one place."""

    size: int
    periodic: bool
    width_px: float
    """standard deviation of an object"""

    @property
    def pixels(self) -> Float[np.ndarray, " N"]:
        return np.arange(1.0, self.size + 1)

    @property
    def candidates(self) -> Float[np.ndarray, " M"]:
        """Return candidate centres: the pixels and, on an open canvas, one more around them (labels begin at 0)."""
        first, count = (1.0, self.size) if self.periodic else (0.0, self.size + 1)
        steps = count * CANDIDATES_PER_PX + (not self.periodic)
        return first + np.arange(steps) / CANDIDATES_PER_PX

    def displacement(self, from_px: np.ndarray, to_px: np.ndarray) -> np.ndarray:
        """Return to - from, px; the shortest one if the axis is periodic."""
        return wrap(to_px - from_px, self.size if self.periodic else None)


def noise_deviation(g: Float[np.ndarray, "n N N"]) -> Float[np.ndarray, " n"]:
    """Return each image's white noise, robustly: the median absolute second difference along both axes.

    The mask [1 -2 1]^T [1 -2 1] of Immerkaer (1996) has norm 6 and annuls what is linear along x or along y.
    """
    second = np.diff(np.diff(g, n=2, axis=1), n=2, axis=2)
    return np.median(np.abs(second).reshape(len(g), (g.shape[1] - 2) ** 2), axis=1) / (
        6 * special.ndtri(0.75)
    )


def beyond_noise(
    left: Float[np.ndarray, "n N N"], where: Bool[np.ndarray, "n N N"], noise: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Return the root mean square of what is left at the pixels `where`, beyond what white noise leaves.

    The mean square of n pixels' noise has the deviation noise^2 sqrt(2 / n); three of them are granted.
    """
    count = np.maximum(where.sum(axis=(1, 2)), 1)
    mean_square = np.where(where, left**2, 0).sum(axis=(1, 2)) / count
    return np.sqrt(np.maximum(mean_square - noise**2 * (1 + 3 * np.sqrt(2 / count)), 0))


def count_regions(
    inside: Bool[np.ndarray, "n m M"], peak: Bool[np.ndarray, "n m M"], periodic: bool
) -> Int[np.ndarray, " n"]:
    """Return the number of connected regions `inside` each image that hold a peak; across the edges if it is periodic.

    A profile is an image with m = 1.
    """
    from scipy import ndimage
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if periodic:
        # A first row and column more, beside the last ones: where both are inside, it is one region.
        inside = np.pad(inside, ((0, 0), (0, 1), (0, 1)), mode="wrap")
        peak = np.pad(peak, ((0, 0), (0, 1), (0, 1)), mode="wrap")

    in_plane = np.zeros((3, 3, 3), dtype=int)
    in_plane[1] = 1
    region, count = ndimage.label(inside, structure=in_plane)

    if periodic:
        first_edge, last_edge = _edge(region, 0), _edge(region, -1)
        joined = np.ones(len(first_edge), dtype=bool)
        same = coo_array((joined, (first_edge, last_edge)), shape=(count + 1, count + 1))
        region = connected_components(same, directed=False)[1][region]

    _, first = np.unique(region[peak], return_index=True)
    return np.bincount(np.nonzero(peak)[0][first], minlength=len(inside))


def _edge(region: Int[np.ndarray, "n m M"], at: int) -> Int[np.ndarray, " edge"]:
    """Return the regions along the row and the column `at` of all images."""
    return np.concatenate([region[:, at, :].ravel(), region[:, :, at].ravel()])


def in_contrasts(
    images: Float[np.ndarray, "n N N"], dark: bool
) -> tuple[Float[np.ndarray, "n N N"], np.ndarray]:
    """Return images in [-1, 1] in units of the contrast on a background of 0, clipped at 10^6; and whether each was
    finite, else it is 0."""
    sign = -1.0 if dark else 1.0
    g = (1 + sign * images.astype(np.float64)) / 2
    finite = np.asarray(np.isfinite(g).all(axis=(1, 2)))
    return np.clip(np.where(finite.reshape(-1, 1, 1), g, 0.0), -1e6, 1e6), finite
