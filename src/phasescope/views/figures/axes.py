"""What figures share: their widths, how they write numbers along an axis, and how they are written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from phasescope.views.samples import write_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE_IN, NARROW_IN = 10.8, 3.9
"""widths of a figure for a page, and for a phone, inches"""


def short(value: float, _position: int | None = None) -> str:
    """96000 -> 96k, 1200000 -> 1.2M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def write_figure(figure: Figure, out: Path) -> None:
    """Draw a figure into `out`, as its end says.

    Raises:
        UserError: it cannot be written.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format=out.suffix[1:])
    write_out(out, buffer.getvalue())
