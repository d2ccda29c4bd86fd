"""The scale of images: what takes their values to [-1, 1]."""

import numpy as np

from phasescope.core.errors import UserError

BYTES, SHARES, SIGNED = (2 / 255, -1.0), (2.0, -1.0), (1.0, 0.0)
SCALES = (BYTES, SHARES, SIGNED)
"""a and b for which a image + b lies in [-1, 1]: of bytes, of bits or floats from 0 to 1, of floats from -1 to 1"""


def scale_of(images: np.ndarray) -> tuple[float, float]:
    """Return a and b for which a image + b lies in [-1, 1], white at 1.

    They are those of all images of a data set: of a few, none might be bright enough to tell 0 and 1 from 0 to 255.

    Raises:
        UserError: they are neither bytes nor floats in one of the two ranges.
    """
    if images.dtype == np.uint8:
        return BYTES if images.max() > 1 else SHARES
    if images.dtype.kind != "f" or not np.abs(images).max() <= 1:  # nor NaN
        raise UserError(f"`images` (of {images.dtype}) must be uint8, or floats in [0, 1] or in [-1, 1]")
    return SIGNED if images.min() < 0 else SHARES
