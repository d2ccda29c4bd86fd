"""Reading the images and labels of an npz file.

Two published layouts are known by their arrays' names: dSprites' `imgs` and `latents_values` (Matthey et al. 2017,
github.com/google-deepmind/dsprites-dataset), and `images` and `labels`, as Shapes3D has them (Burgess & Kim 2018,
github.com/google-deepmind/3d-shapes). A file may also hold `images` and one array for each factor, under its name.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from phasescope.core.errors import UserError
from phasescope.core.npz import open_npz
from phasescope.worlds.images.scale import SCALES
from phasescope.worlds.images.source import Source

DSPRITES = ("color", "shape", "scale", "orientation", "x", "y")
SHAPES3D = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
HUES = dict.fromkeys(SHAPES3D[:3], 1.0)
LAYOUTS: dict[tuple[str, str], tuple[tuple[str, ...], dict[str, float]]] = {
    ("imgs", "latents_values"): (DSPRITES, {"orientation": 2 * np.pi}),
    ("images", "labels"): (SHAPES3D, HUES),
}
"""by the names of images and labels in a file: the factors of the data set that is published so, and their periods"""
SAID = "said"
"""array of what was done to the images before they were saved, in words"""
SCALE = "image_scale"
"""array of a and b for which a image + b lies in [-1, 1], of images that do not tell their range by themselves"""


def read_npz(path: Path) -> Source:
    """Return the images and labels of an npz file; UserError if it cannot be read, or its layout is unknown."""
    with open_npz(path) as arrays:
        layout = next((names for names in LAYOUTS if set(names) <= set(arrays)), None)
        if layout is not None:
            images, labels = (arrays[name] for name in layout)
            names, periods = LAYOUTS[layout]
            is_published = labels.ndim == 2 and labels.shape[1] == len(names)
            said = str(arrays[SAID])[:200] if SAID in arrays else ""
            scale = _scale(arrays[SCALE]) if SCALE in arrays else None
            return Source(
                images=images,
                labels=labels,
                published=names if is_published else (),
                periods=periods if is_published else {},
                said=said,
                scale=scale,
            )

        images = arrays["images"] if "images" in arrays else np.empty(0)
        others = [(name, arrays[name]) for name in arrays if name != "images"] if len(images) else []
        columns = {name: column.tolist() for name, column in others if column.shape == (len(images),)}
        if not columns:
            raise UserError(
                f"`{path}` (arrays: {', '.join(arrays)}) must hold "
                + " or ".join(" and ".join(names) for names in LAYOUTS)
                + ", or images and an array for each factor"
            )
        return Source(images, columns)


def _scale(array: np.ndarray) -> tuple[float, float]:
    """Return a saved scale; UserError if it is that of no range of images."""
    for scale in SCALES:
        if array.dtype.kind == "f" and array.tolist() == list(scale):
            return scale
    known = " or ".join(f"[{a:g}, {b:g}]" for a, b in SCALES)
    raise UserError(f"`{SCALE}` (={array!s:.60}) must be {known}")
