"""What figures share: their widths, and how they write numbers along an axis."""

from __future__ import annotations

WIDE_IN, NARROW_IN = 10.8, 3.9
"""widths of a figure for a page, and for a phone, inches"""


def short(value: float, _position: int | None = None) -> str:
    """96000 -> 96k, 1200000 -> 1.2M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
