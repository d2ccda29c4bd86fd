"""Figures of studies: panels side by side, in the house's style.

A series has a colour of Okabe and Ito (2008) and a mark of its own, so that neither alone has to be told apart."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullLocator, ScalarFormatter

from phasescope.studies.panels import Curve, Panel, Plot
from phasescope.studies.runs_table import Runs
from phasescope.views.figures.axes import short
from phasescope.views.style import INK, MUTED, OPEN_MAP, PHASE_COLOURS, RC

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7d4f50", INK)
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
"""one more than colours, so that the ninth series has neither the first's colour and mark nor another's"""
COLUMNS = 3
"""panels in a row"""
MOST_INSIDE = 4
"""series of a panel whose legend finds a place within; that of more stands beside"""
PAGE_IN, ROW_IN = 10.8, 2.7
"""width of a figure, and height of a row of panels, inches"""
LABEL_IN, LETTER_IN = 0.55, 0.075
"""of an entry of a legend, beside its words, and a letter of these"""


def draw(plot: Plot, runs: Runs) -> Drawing:
    """Return the drawing of a plot; panels without data are left out."""
    panels = [panel for panel in plot.panels(runs) if _shows(panel)]
    columns = max(1, min(COLUMNS, len(panels)))
    rows = max(1, -(-len(panels) // columns))
    with matplotlib.rc_context(RC):
        drawing = Drawing(figsize=(min(PAGE_IN, 3.0 + 4.4 * columns), ROW_IN * rows + 0.3))
        axes = drawing.subplots(rows, columns, squeeze=False)
        for ax in axes.flat[len(panels) :]:
            ax.set_visible(False)
        if not panels:
            drawing.text(0.5, 0.5, "nothing is recorded for this yet", ha="center", color=MUTED)
        shared = _shared_legend(panels)
        for index, (ax, panel) in enumerate(zip(axes.flat, panels, strict=False)):
            draw_panel(ax, panel, with_legend=not shared and _own_legend(panels, index))
        if shared:
            handles = _handles(axes.flat)
            fit = int(drawing.get_figwidth() / (LABEL_IN + LETTER_IN * max(map(len, handles))))
            ncols = max(1, min(len(handles), fit, 6))
            drawing.legend(handles.values(), handles.keys(), ncols=ncols, loc="outside lower center")
        if any(panel.colours == "phases" for panel in panels):
            patches = [Patch(color=colour, label=f"phase {phase}") for phase, colour in PHASE_COLOURS.items()]
            drawing.legend(handles=patches, ncols=3, loc="outside lower center")
    return drawing


def draw_png(plot: Plot, runs: Runs) -> bytes:
    """Return a plot as a PNG file's content."""
    file = io.BytesIO()
    with matplotlib.rc_context(RC):
        draw(plot, runs).savefig(file, format="png", dpi=130, metadata={"Software": None})
    return file.getvalue()


def _shows(panel: Panel) -> bool:
    if panel.grid is not None:
        return bool(np.size(panel.grid))
    return any(np.isfinite(curve.y).any() for curve in panel.curves)


def _shared_legend(panels: Sequence[Panel]) -> bool:
    """Whether all panels, several, have the same series: their legend then stands below, clear of the data."""
    labels = [[curve.label for curve in panel.curves if curve.label] for panel in panels]
    return len(panels) > 1 and bool(labels[0]) and all(one == labels[0] for one in labels)


def _handles(axes: Iterable[Axes]) -> dict[str, Artist]:
    """Of each series that a panel draws, its mark, by its label: a panel may have records of some series alone."""
    found: dict[str, Artist] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return found


def _own_legend(panels: Sequence[Panel], index: int) -> bool:
    """A panel that has the same series as the one before it leaves the legend to that one."""
    if index == 0:
        return True
    one, other = ([curve.label for curve in panels[i].curves] for i in (index - 1, index))
    return one != other


CROWDED = 10_000
"""from which numbers along a linear x axis run into one another, and are written short"""


def draw_panel(ax: Axes, panel: Panel, with_legend: bool = True) -> None:
    """One pair of axes."""
    ax.set(title=panel.title, xlabel=panel.xlabel, ylabel=panel.ylabel)
    if panel.grid is not None:
        _draw_grid(ax, panel)
        return
    ax.set(xscale=panel.xscale, yscale=panel.yscale)
    for curve in panel.curves:
        _draw_curve(ax, curve)
    if panel.level is not None:
        ax.axhline(panel.level, color=INK, linewidth=0.7, linestyle=(0, (3, 3)))
    if panel.ylim:
        ax.set_ylim(*panel.ylim)
    if panel.ticks is not None:
        long = max((len(text) for text in panel.ticks.values()), default=0) > 14
        ax.set_xticks(
            list(panel.ticks),
            list(panel.ticks.values()),
            rotation=20 if long else 0,
            ha="right" if long else "center",
        )
        ax.xaxis.set_minor_locator(NullLocator())
    elif panel.xscale == "linear" and ax.get_xlim()[1] >= CROWDED:
        ax.xaxis.set_major_formatter(FuncFormatter(short))
    low, high = ax.get_ylim()
    if panel.yscale == "log" and high < 10 * low:  # within a decade no power of ten needs to be told
        ax.yaxis.set_major_formatter(ScalarFormatter())
        ax.yaxis.set_minor_formatter(ScalarFormatter())
    ax.grid(axis="y")
    labelled = sum(bool(curve.label) and len(curve.x) > 0 for curve in panel.curves)
    if with_legend and labelled > MOST_INSIDE:
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    elif with_legend and labelled:
        ax.legend()


def _draw_curve(ax: Axes, curve: Curve) -> None:
    if not len(curve.x):
        return
    colour = curve.colour or COLOURS[curve.series % len(COLOURS)]
    mark = MARKS[curve.series % len(MARKS)]
    if curve.style == "points":
        if curve.low is not None and curve.high is not None:
            ax.vlines(
                curve.x,
                _finite(curve.low, curve.y),
                _finite(curve.high, curve.y),
                color=colour,
                linewidth=1.1,
            )
        few = len(curve.x) <= 100
        ax.plot(
            curve.x,
            curve.y,
            linestyle="none",
            color=colour,
            marker=mark,
            markersize=4.5 if few else 2.5,
            alpha=1.0 if few else 0.5,
            label=curve.label,
        )
        return
    if curve.style == "bars":
        ax.plot(curve.x, curve.y, linestyle="none", color=INK, marker="_", markersize=16, markeredgewidth=1.6)
        return
    if curve.style == "dashed":
        muted = curve.colour or MUTED
        ax.plot(curve.x, curve.y, color=muted, dashes=(5, 2), linewidth=1.0, label=curve.label)
        return
    if curve.low is not None and curve.high is not None:
        ax.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0)
    every = max(1, len(curve.x) // 8)
    ax.plot(curve.x, curve.y, color=colour, marker=mark, markevery=every, label=curve.label)


def _finite(ends: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where an interval is open the bar ends at the mark."""
    return np.where(np.isfinite(ends), ends, values)


def _draw_grid(ax: Axes, panel: Panel) -> None:
    grid = np.asarray(panel.grid, dtype=float)
    if not grid.size:
        return
    options: dict[str, Any] = {"aspect": "auto", "interpolation": "nearest"}
    if panel.colours == "phases":
        options |= {"cmap": ListedColormap(list(PHASE_COLOURS.values())), "vmin": -0.5, "vmax": 2.5}
    else:
        options["cmap"] = OPEN_MAP
        if panel.ylim:
            options |= dict(zip(("vmin", "vmax"), panel.ylim, strict=True))
    image = ax.imshow(np.ma.masked_invalid(grid), **options)
    ax.set_yticks(range(len(panel.rows)), panel.rows)
    every = max(1, math.ceil(len(panel.columns) / 8))
    ax.set_xticks(range(0, len(panel.columns), every), panel.columns[::every])
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    if panel.colours == "phases":
        return
    for (row, column), value in np.ndenumerate(grid):
        text = "–" if math.isnan(value) else f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
        dark = math.isnan(value) or float(np.asarray(image.norm(value))) > 0.55
        ax.text(column, row, text, ha="center", va="center", fontsize=7, color=INK if dark else "white")
