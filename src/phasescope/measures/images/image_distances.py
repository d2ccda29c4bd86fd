"""Images as rows: which training images are nearest, without a table of all pairs."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from phasescope.measures.checks import check_finite

BLOCK = 4096
"""Training images at a time."""

CANDIDATES = 4
"""Nearest ones kept by |x|^2 - 2 <x, a> + |a|^2, whose rounding can mistake neighbours; their distances are then exact."""


def check_images(
    name: str, images: ArrayLike, like: np.ndarray | None = None, n: int | None = None
) -> Float[np.ndarray, "n pixels"]:
    """Images of any shape as rows.

    Raises:
        ValueError: not (n, ...), none, not finite; not of the pixels of `like`, or not `n`.
    """
    x = np.asarray(images)
    if x.ndim < 2 or not x.size:
        raise ValueError(f"`{name}` (shape {x.shape}) must be (n, ...) with n of at least 1: one image a row")
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(float)
    x = x.reshape(len(x), -1)
    if like is not None and x.shape[1] != like.shape[1]:
        raise ValueError(f"`{name}` ({x.shape[1]} pixels) must have {like.shape[1]} pixels, as the others")
    if n is not None and len(x) != n:
        raise ValueError(f"`{name}` (n={len(x)}) must be {n} images: one for each label")
    check_finite(name, x)
    return x


def distinct(images: Float[np.ndarray, "n pixels"]) -> Int[np.ndarray, " m"]:
    """The first of each set of equal images."""
    first: dict[bytes, int] = {}
    for i, image in enumerate(images):
        first.setdefault((image + 0.0).tobytes(), i)  # -0.0 + 0.0 is 0.0
    return np.fromiter(first.values(), int, len(first))


def two_nearest(
    x: Float[np.ndarray, "n pixels"], training: Float[np.ndarray, "M pixels"]
) -> Float[np.ndarray, "n 2"]:
    """Euclidean distances to the nearest and the second nearest of M >= 2 training images."""
    x = x.astype(float)
    centre = training.mean(axis=0, dtype=float)
    x_centred = x - centre
    best, at = np.empty((len(x), 0)), np.empty((len(x), 0), dtype=int)
    for start in range(0, len(training), BLOCK):
        a = training[start : start + BLOCK].astype(float) - centre
        squared = (a**2).sum(axis=1) - 2 * x_centred @ a.T
        best = np.concatenate([best, squared], axis=1)
        at = np.concatenate([at, np.broadcast_to(start + np.arange(len(a)), squared.shape)], axis=1)
        if best.shape[1] > CANDIDATES:
            kept = best.argpartition(CANDIDATES - 1, axis=1)[:, :CANDIDATES]
            best, at = np.take_along_axis(best, kept, axis=1), np.take_along_axis(at, kept, axis=1)
    distances = [np.linalg.norm(x - training[of], axis=1) for of in at.T]
    return np.sort(np.stack(distances, axis=1), axis=1)[:, :2]
