"""Square canvases with pixel centres 1 ... N along each axis, x along columns and y along rows, downward."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from jaxtyping import Float
from scipy import special

from phasescope.worlds.base import World

if TYPE_CHECKING:
    from torch import Tensor

    from phasescope.worlds.designs import AnyDesign


class PlaneWorld(World):
    """A world of what lies at (x, y) on a canvas of one channel."""

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
        """The labels of the training set, (M, 2) float32."""
        return self.design.labels(self.factors)


def profiles(
    labels: Float[Tensor, "B K"], canvas: int, width_px: float, periodic: bool
) -> Float[Tensor, "B K N"]:
    """exp(-(label - pixel)^2 / (2 width^2)) along an axis, of each of a label's places; modulo N where it is periodic."""
    import torch

    pixels = torch.arange(1, canvas + 1, device=labels.device, dtype=labels.dtype)
    distance = labels[:, :, None] - pixels
    if periodic:
        distance = torch.remainder(distance + canvas / 2, canvas) - canvas / 2
    return torch.exp(-0.5 * (distance / width_px) ** 2)


def wrap(difference_px: np.ndarray, period_px: float | None) -> np.ndarray:
    """The difference modulo the period, in [-period / 2, period / 2); as it is where there is no period."""
    if period_px is None:
        return difference_px
    return (difference_px + period_px / 2) % period_px - period_px / 2


def noise_deviation(g: Float[np.ndarray, "n N N"]) -> Float[np.ndarray, " n"]:
    """Each image's white noise, robustly: the median absolute second difference along both axes.

    The mask [1 -2 1]^T [1 -2 1] of Immerkaer (1996) has norm 6 and annuls what is linear along x or along y.
    """
    second = np.diff(np.diff(g, n=2, axis=1), n=2, axis=2)
    return np.median(np.abs(second).reshape(len(g), (g.shape[1] - 2) ** 2), axis=1) / (
        6 * special.ndtri(0.75)
    )


def in_contrasts(
    images: Float[np.ndarray, "n N N"], dark: bool, limit: float = 1e6
) -> tuple[Float[np.ndarray, "n N N"], np.ndarray]:
    """Images in [-1, 1] in units of the contrast on a background of 0, clipped at `limit`; whether each was finite: where
    not it is 0."""
    g = (1 + (-1.0 if dark else 1.0) * images.astype(np.float64)) / 2
    finite = np.asarray(np.isfinite(g).all(axis=(1, 2)))
    return np.clip(np.where(finite.reshape(-1, 1, 1), g, 0.0), -limit, limit), finite
