"""How far images are from known ones, and how far those are from one another.

Distance is Euclidean over pixels, as a root mean square. How far is too far is calibrated by known images, each left out
once: a quantile of their distances to the nearest of the others.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.randomness import numpy_generator

CALIBRATED_ON = 4096
"""known images that are left out in turn, at most, drawn at random"""
# So many distances exist at a time, which bounds memory.
AT_ONCE = 2**24


class LeftOut(NamedTuple):
    """Known images that were left out: their rows, of each the row of the nearest other one, and the RMS distance to it."""

    rows: Int[np.ndarray, " m"]
    nearest: Int[np.ndarray, " m"]
    far: Float[np.ndarray, " m"]


class Neighbours:
    """Finds the nearest of known images (M, pixels), float32."""

    def __init__(self, images: Float[np.ndarray, "M pixels"]):
        self.images = images
        self._squares = np.square(images).sum(axis=1)

    @cached_property
    def contents(self) -> Int[np.ndarray, " M"]:
        """A number of each image by its content, which is the same of copies: that of the first one."""
        first: dict[bytes, int] = {}
        digests = (hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in self.images)
        return np.array([first.setdefault(digest, row) for row, digest in enumerate(digests)])

    @cached_property
    def left_out(self) -> LeftOut:
        order = numpy_generator(0, "images left out").permutation(len(self.images))
        rows = np.sort(order[:CALIBRATED_ON])
        return LeftOut(rows, *self.nearest(self.images[rows], without=rows))

    def quantile(self, share: float) -> float:
        """Return the distance within which this share of left-out images has its nearest neighbour."""
        return float(np.quantile(self.left_out.far, share))

    def nearest(
        self, images: Float[np.ndarray, "n pixels"], without: Int[np.ndarray, " n"] | None = None
    ) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Return the row of the nearest known image, and the RMS distance to it; `without` are rows that are left out."""
        rows, squares = np.empty(len(images), dtype=int), np.empty(len(images))
        for part in np.array_split(np.arange(len(images)), 1 + len(images) * len(self.images) // AT_ONCE):
            far = self._squares - 2 * images[part] @ self.images.T
            if without is not None:
                # Copies are left out with an image: if every image stood twice, all others would be malformed.
                far[self.contents[without[part], None] == self.contents] = np.inf
            rows[part] = far.argmin(axis=1)
            # from the difference itself: the expanded square has lost the digits of a small distance
            squares[part] = np.square(images[part] - self.images[rows[part]]).mean(axis=1)
        return rows, np.sqrt(squares)
