"""Helpers of all figures: widths, stretches of a curve, numbers along an axis, and writing to files."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np

from phasescope.core.errors import UserError
from phasescope.views.pixels import write_out
from phasescope.views.style import RC

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WITHOUT_DATES: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
    "png": {"Software": None},
}
# Of a figure for a page, inches; a phone scrolls it.
WIDTH_IN = 10.8


def stretches(phases: Sequence[str | None]) -> Iterator[tuple[str | None, int, int]]:
    """(phase, first, one past last) for each stretch of equal phases."""
    first = 0
    for phase, equal in groupby(phases):
        end = first + len(list(equal))
        yield phase, first, end
        first = end


def edges(at: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n_plus_1"]:
    """Borders of the stretches that the points `at` stand for: half way between neighbours, closed at both ends."""
    if len(at) == 1:
        return np.array([at[0], at[0] + 1.0])
    return np.concatenate([at[:1], (at[:-1] + at[1:]) / 2, at[-1:]])


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes belong to, the outermost one.

    Raises:
        UserError: they belong to none any more.
    """
    figure = ax.get_figure(root=True)
    if figure is None:
        raise UserError("`ax` must be axes of a figure: these were removed from theirs")
    return figure


def figure_bytes(figure: Figure, kind: str, dpi: float = RC["savefig.dpi"]) -> bytes:
    """Return the content of a file, png, svg or pdf: text stays text, and the same data give the same bytes."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({**RC, "pdf.fonttype": 42, "svg.hashsalt": "phasescope"}):
        figure.savefig(buffer, format=kind, dpi=dpi, metadata=WITHOUT_DATES[kind])
    return buffer.getvalue()


def write_figure(figure: Figure, out: Path) -> None:
    """Draw a figure into `out`, in the format of its suffix.

    Raises:
        UserError: it cannot be written.
    """
    write_out(out, figure_bytes(figure, out.suffix[1:]))
