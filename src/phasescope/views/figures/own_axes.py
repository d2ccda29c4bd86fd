"""Panels on axes of a user's own, beside which others may stand: the title and the legend stay within them."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import matplotlib
import matplotlib.axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from phasescope.core.errors import UserError
from phasescope.studies.plots import Panel
from phasescope.views.facts.panel import RunPanel
from phasescope.views.figures.axes import figure_of
from phasescope.views.figures.drawing import draw_panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 72
"""in an inch"""
MOST_LINES = 2
"""of a title"""
MANY = 6
"""entries of a legend from which they have two columns"""
BELOW_BANDS, MOST_PHASES = 0.4, 4
"""room for the legend of bands, in heights of one; its entries: A, B, C, undecided"""


def check_own_axes(ax: Axes | None, size: object, style: object) -> None:
    """Raise UserError if axes of the user's own are none, or given together with what only their figure can have."""
    if ax is None:
        return
    if not isinstance(ax, matplotlib.axes.Axes):
        raise UserError(
            f"`ax` (={type(ax).__name__}) must be axes of matplotlib, one pair: of several choose one, as axes[0]"
        )
    if not (size is None and style is None):
        raise UserError("`size` and `style` must be left out where `ax` is given: its figure has them")


def draw_on(ax: Axes, panel: Panel, title: str = "") -> None:
    """Draw a panel on axes, with a title that fits and a legend within.

    Args:
        title: is taken if the panel's own needs more than `MOST_LINES` lines.
    """
    draw_panel(ax, replace(panel, title=fitted(panel.title, title, ax)), with_legend=False)
    if isinstance(panel, RunPanel) and panel.bands:
        low, high = ax.get_ylim()
        ax.set_ylim(low + BELOW_BANDS, high)
        legend_within(ax, loc="lower center", ncols=MOST_PHASES)
    else:
        legend_within(ax)


def legend_within(ax: Axes, loc: Literal["best", "lower center"] = "best", ncols: int | None = None) -> None:
    """Draw the legend, small, and so that what is below it shows through; by default where it hides least."""
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        ax.legend(
            handles,
            labels,
            loc=loc,
            fontsize="x-small",
            ncols=ncols or (2 if len(labels) >= MANY else 1),
            frameon=True,
            framealpha=0.7,
            borderpad=0.3,
            labelspacing=0.25,
            columnspacing=1.0,
            handlelength=1.5,
        )


def fitted(title: str, shorter: str, ax: Axes, most_lines: int = MOST_LINES) -> str:
    """Return a title in lines that are no longer than the axes are wide, or a shorter one if these are too many."""
    lines = wrapped(title, ax)
    return "\n".join(lines if len(lines) <= most_lines or not shorter else wrapped(shorter, ax))


def wrapped(text: str, ax: Axes) -> list[str]:
    """Return the lines of a text, each, unless it is a single word, no longer than the axes are wide now."""
    font = FontProperties(weight=matplotlib.rcParams["axes.titleweight"])
    font.set_size(matplotlib.rcParams["axes.titlesize"])
    room = width_in(ax) * POINTS

    # A value stays beside its name, as in `n = 128`.
    words = text.replace(" = ", "\0=\0").split()
    lines: list[str] = []
    for word in (word.replace("\0", " ") for word in words):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and TextPath((0, 0), longer, prop=font).get_extents().width <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def width_in(ax: Axes) -> float:
    """Return how wide axes are now, inches."""
    return ax.get_window_extent().width / figure_of(ax).dpi


def is_shown_by_pyplot(figure: Figure) -> bool:
    """Return whether pyplot shows a figure itself, as notebooks have it do at the end of a cell."""
    if "matplotlib.pyplot" not in sys.modules or not matplotlib.is_interactive():
        return False
    from matplotlib._pylab_helpers import Gcf

    return figure.canvas.manager in Gcf.figs.values()
