"""Painted images as a file: a PNG grid, or an npz with `images` (n, C, *spatial) and `labels` (n, K)."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from phasescope.errors import UserError
from phasescope.store.files import write_aside


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
    write_out(out, buffer.getvalue())
    return out


def write_out(out: Path, content: bytes, flag: str = "--out") -> None:
    """Write a file that the user asked for.

    Raises:
        UserError: it cannot be written.
    """
    try:
        write_aside(out, content)
    except OSError as error:
        raise UserError(f"`{flag}` (={out}) cannot be written: {error.strerror}") from None
