"""Painted images as a file: a PNG grid, or an npz with `images` (n, C, *spatial) and `labels` (n, K)."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from phasescope.errors import UserError
from phasescope.store.files import write_aside


def check_out(out: Path) -> None:
    """Raises UserError where images cannot be written to `out`: before any is painted."""
    if out.suffix not in (".png", ".npz"):
        raise UserError(f"`--out` (={out}) must end in .png or .npz")
    if not out.parent.is_dir():
        raise UserError(f"`--out` (={out}) must be in a folder that is there: there is no {out.parent}")


def write_samples(out: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    """Write images as `out` ends.

    Raises:
        UserError: it cannot be written.
    """
    buffer = io.BytesIO()
    if out.suffix == ".npz":
        np.savez(buffer, images=images, labels=labels)
    else:
        from phasescope.views.figures.pixels import sheet

        sheet(images).save(buffer, format="PNG")
    try:
        write_aside(out, buffer.getvalue())
    except OSError as error:
        raise UserError(f"`--out` (={out}) cannot be written: {error.strerror}") from None
    return out
