"""Converting images to screen pixels, grey or in colour, and to files: a PNG grid, or an npz of `images` and `labels`."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phasescope.core.errors import UserError
from phasescope.runs.store.files import write_aside

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped, UInt8
    from PIL import Image

GAP_PX = 2
"""between two images of a sheet or a mosaic"""


def pixels(images: Float[np.ndarray, "*n C *spatial"], dims: int = 2) -> UInt8[np.ndarray, "*n H W c"]:
    """Return images in [-1, 1] as bytes: -1 -> 0, 1 -> 255, with other values clipped and NaN as 0.

    Three channels are red, green and blue (c = 3); of any other number the mean is shown in grey (c = 1). A signal along one
    axis is a single row; of a volume the middle slice is shown.

    Args:
        dims: of the images' own axes *spatial.
    """
    channels = images.ndim - dims - 1
    if images.shape[channels] not in (1, 3):
        images = images.mean(axis=channels, keepdims=True)
    if dims == 1:
        images = images[..., None, :]
    for _ in range(dims - 2):
        images = images.take(images.shape[channels + 1] // 2, axis=channels + 1)
    shown = np.moveaxis(images, channels, -1)
    return np.nan_to_num(np.clip((shown + 1) * 127.5, 0, 255)).round().astype(np.uint8)


def joined(cells: Shaped[np.ndarray, "rows columns H W c"]) -> Shaped[np.ndarray, "height width c"]:
    """Return one picture of cells, each with a margin of `GAP_PX` at its right and below that the picture's rim lacks."""
    rows, columns, high, wide, channels = cells.shape
    picture = cells.transpose(0, 2, 1, 3, 4).reshape(rows * high, columns * wide, channels)
    return picture[:-GAP_PX, :-GAP_PX]


def sheet(images: Float[np.ndarray, "n C *spatial"], enlarge: int = 4) -> Image.Image:
    """Return a picture of `images` (in [-1, 1]) in a square of rows and columns, each pixel `enlarge` wide and high."""
    from PIL import Image

    shown = pixels(images, images.ndim - 2)
    n, high, wide, channels = shown.shape
    columns = math.isqrt(n - 1) + 1
    rows = -(-n // columns)
    cells = np.full((rows * columns, high + GAP_PX, wide + GAP_PX, channels), 128, np.uint8)
    cells[:n, :high, :wide] = shown
    large = (
        joined(cells.reshape(rows, columns, *cells.shape[1:])).repeat(enlarge, axis=0).repeat(enlarge, axis=1)
    )
    return Image.fromarray(large if channels == 3 else large[..., 0])


def write_samples(out: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    """Write images as `out` ends.

    Raises:
        UserError: it cannot be written.
    """
    buffer = io.BytesIO()
    if out.suffix == ".npz":
        np.savez(buffer, images=images, labels=labels)
    else:
        sheet(images).save(buffer, format="PNG")
    write_out(out, buffer.getvalue())
    return out


def write_out(out: Path, content: bytes) -> None:
    """Write a file that the user asked for.

    Raises:
        UserError: it cannot be written.
    """
    try:
        write_aside(out, content)
    except OSError as error:
        raise UserError(f"`--out` (={out}) cannot be written: {error.strerror}") from None
