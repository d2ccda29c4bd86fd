"""Decoding PNG and JPEG files, and bringing images to one size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Literal

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image, ImageOps

from phasescope.core.errors import UserError

Channels = Literal["gray", "rgb"]
# A few kilobytes can claim to be an image of any size, whose decoding takes as much memory.
MOST_PIXELS = 2**26
# Pillow's modes of 8 bits without colour, with 1 bit, and with a transparency.
GRAY = ("1", "L")
TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")


def decoded(content: bytes, channels: Channels | None = None) -> UInt8[np.ndarray, "C H W"]:
    """Return the image in a PNG or JPEG file, upright, of one channel if it is gray, else of three.

    Args:
        channels: makes it gray (ITU-R 601 luma) or RGB, whatever it is.

    Raises:
        ValueError: it has more than 8 bits a channel, is partly transparent, or is too large.
        OSError, SyntaxError: it is neither PNG nor JPEG, or damaged; Pillow says how.
    """
    # The content decides, not the name; other formats have decoders that nobody asked for.
    with Image.open(BytesIO(content), formats=("PNG", "JPEG")) as picture:
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise ValueError(f"it has {width} x {height} pixels, and may have {MOST_PIXELS:,}")
        return pixels_of(picture, channels)


def pixels_of(picture: Image.Image, channels: Channels | None = None) -> UInt8[np.ndarray, "C H W"]:
    """Return a Pillow image as `decoded` returns that of a file; ValueError as there."""
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in TRANSPARENT or "transparency" in upright.info:
        upright = upright.convert("RGBA")
        if upright.getextrema()[3][0] < 255:  # pyrefly: ignore
            raise ValueError("it is partly transparent: put it on a background first")
        is_gray = False
    elif upright.mode in ("I", "F") or upright.mode.startswith("I;"):
        raise ValueError(f"it has more than 8 bits a channel (mode {upright.mode}): convert it to 8")
    else:
        is_gray = upright.mode in GRAY

    mode = {"gray": "L", "rgb": "RGB", None: "L" if is_gray else "RGB"}[channels]
    pixels = np.asarray(upright.convert(mode))
    return pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)


def of_one_size(
    images: Iterable[Shaped[np.ndarray, "C H W"]] | Shaped[np.ndarray, "M C H W"],
    resize: int | None,
    rows: Sequence[str] = (),
) -> tuple[Shaped[np.ndarray, "M C N N"], str]:
    """Return images as one array of squares, and what was done to them in words, empty if nothing was.

    Images that are decoded as they are asked for are resized one by one, so that no two large ones are in memory.

    Args:
        resize: their side in px afterwards: the middle square of each is scaled bilinearly, by area where it shrinks. None
            leaves them as they are.
        rows: the image of each row in words, for errors.

    Raises:
        UserError: they have several numbers of channels; or several sizes or no square one, and `resize` is None.
    """
    shapes, kept = [], []
    for image in images:
        shapes.append(image.shape)
        kept.append(image if resize is None else _resized(image, resize))

    counts = Counter(channels for channels, _, _ in shapes)
    if len(counts) > 1:
        raise UserError(
            f"`channels` (=None) must be given: gray images: {counts[1]}, RGB images: {counts[3]}; channels=rgb or "
            "channels=gray makes them all that"
        )

    sizes = Counter(shape[1:] for shape in shapes)
    height, width = next(iter(sizes))
    if resize is None:
        if len(sizes) > 1 or height != width:
            rule = "of one size" if len(sizes) > 1 else "square"
            rarest = min(sizes, key=lambda size: sizes[size])
            first = next(k for k, shape in enumerate(shapes) if shape[1:] == rarest)
            which = f"; {rows[first]} is {rarest[1]} x {rarest[0]} px" if rows and len(sizes) > 1 else ""
            raise UserError(
                f"`resize` (=None) must be given, for images must be {rule}: there are {_listed(sizes)}{which}; "
                "resize=32 makes each 32 x 32, of its middle square"
            )
        return images if isinstance(images, np.ndarray) else np.stack(kept), ""

    resized = np.stack(kept)
    changed = Counter({size: count for size, count in sizes.items() if size != (resize, resize)})
    if not changed:
        return resized, ""
    cropped = ", the middle square of each" if any(h != w for h, w in changed) else ""
    return resized, f"resized to {resize} x {resize} px from {_listed(changed)}{cropped}"


def _resized(image: Shaped[np.ndarray, "C H W"], side: int) -> Shaped[np.ndarray, "C side side"]:
    _, height, width = image.shape
    shorter = min(height, width)
    top, left = (height - shorter) // 2, (width - shorter) // 2
    middle = image[:, top : top + shorter, left : left + shorter]
    if shorter == side:
        return middle

    # Plane by plane, because Pillow has no mode for three channels of floats.
    dtype = np.uint8 if image.dtype == np.uint8 else np.float32
    planes = (Image.fromarray(np.ascontiguousarray(plane, dtype)) for plane in middle)
    return np.stack(
        [np.asarray(plane.resize((side, side), Image.Resampling.BILINEAR)) for plane in planes]
    ).astype(image.dtype)


def _listed(sizes: Counter[tuple[int, ...]]) -> str:
    """Return up to three sizes in words, the most frequent ones first: "32 x 48 px (120 images), 40 x 40 px (3)"."""
    common = sizes.most_common()
    texts = [
        f"{width} x {height} px ({count} image{'s' if count > 1 else ''})"
        for (height, width), count in common[:3]
    ]
    return ", ".join([*texts, *([f"{len(common) - 3} other sizes"] if len(common) > 3 else [])])


def channels_of(images: Iterable[np.ndarray], channels: Channels | None) -> list[np.ndarray]:
    """Return arrays (C, H, W) with as many channels as asked for; None leaves them as they are."""
    if channels is None:
        return list(images)
    luma = np.array([299, 587, 114]) / 1000  # as Pillow makes gray of RGB
    return [_with_channels(image, 1 if channels == "gray" else 3, luma) for image in images]


def _with_channels(image: np.ndarray, count: int, luma: np.ndarray) -> np.ndarray:
    if len(image) == count:
        return image
    if count == 3:
        return np.repeat(image, 3, axis=0)
    gray = np.tensordot(luma, image, axes=1)[None]
    return (gray.round() if image.dtype == np.uint8 else gray).astype(image.dtype)
