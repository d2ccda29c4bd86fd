"""The one drawer of plots: panels as data (`Panel` of a study, `RunPanel` of a run) become axes of matplotlib.

A series has a colour of Okabe and Ito (2008) and a mark of its own, so that either alone identifies it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator, ScalarFormatter

from phasescope.studies.fields import ParallelPanel
from phasescope.studies.plots import Curve, Panel
from phasescope.views.facts.numbers import format_score, format_short
from phasescope.views.facts.palette import INK, LINE, PHASE_COLOURS, SERIES_COLOURS
from phasescope.views.facts.panel import Line, Mesh, RunPanel
from phasescope.views.figures.axes import WIDTH_IN, edges, stretches
from phasescope.views.figures.parallel import draw_parallel
from phasescope.views.style import OPEN_MAP, shade, styled

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

# One more than colours, so that the ninth series has neither the first's colour and mark nor another's.
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
DASHES = {"dashed": (5, 2), "dotted": (1, 2), "dashdot": (6, 2, 1, 2)}
# A legend of so many series finds a place within the panel; that of more stands beside.
MOST_INSIDE = 4
# From here on numbers along a linear x axis run into one another, and are written short.
CROWDED = 10_000


def draw_panels(panels: Sequence[RunPanel]) -> Drawing:
    """Return the drawing of a run's panels, one below the other; they share their x axis if all are of images seen."""
    heights = [panel.height_in for panel in panels]
    with styled():
        drawing = Drawing(figsize=(WIDTH_IN, sum(heights) + 0.34 * len(panels) + 0.5))
        shared = all(len(panel.x) for panel in panels)
        grid = drawing.subplots(len(panels), sharex=shared, squeeze=False, height_ratios=heights)
        for ax, panel in zip(grid.flat, panels, strict=True):
            draw_panel(ax, panel, with_legend=False)
            if ax.get_legend_handles_labels()[0]:
                ax.legend(loc="center left", bbox_to_anchor=(1.005, 0.5))
    return drawing


def handles_of(axes: Iterable[Axes]) -> dict[str, Artist]:
    """Return of each series that a panel draws its mark, by its label: a panel may have records of some series alone."""
    handles: dict[str, Artist] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    return handles


def draw_panel(ax: Axes, panel: Panel, with_legend: bool = True) -> None:
    """Draw one pair of axes."""
    ax.set(title=panel.title, xlabel=panel.xlabel, ylabel=panel.ylabel)
    if isinstance(panel, ParallelPanel):
        draw_parallel(ax, panel)
        return
    if panel.grid is not None:
        _draw_grid(ax, panel)
        return

    ax.set(xscale=panel.xscale, yscale=panel.yscale)
    for curve in panel.curves:
        if len(curve.x):
            _draw_curve(ax, curve)
    if panel.level is not None:
        ax.axhline(panel.level, color=INK, linewidth=0.7, linestyle=(0, (3, 3)))
    if panel.ylim:
        ax.set_ylim(*panel.ylim)
    ax.grid(axis="y")

    if isinstance(panel, RunPanel):
        _draw_run(ax, panel)
    else:
        _write_ticks(ax, panel)

    labelled = sum(bool(curve.label) and len(curve.x) > 0 for curve in panel.curves)
    if with_legend and labelled > MOST_INSIDE:
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    elif with_legend and labelled:
        ax.legend()


def _write_ticks(ax: Axes, panel: Panel) -> None:
    if panel.ticks is not None:
        letters = [len(text) for text in panel.ticks.values()]  # else names run into one another
        long = max(letters, default=0) > 14 or sum(letters) > 80
        ax.set_xticks(
            list(panel.ticks),
            list(panel.ticks.values()),
            rotation=20 if long else 0,
            ha="right" if long else "center",
        )
        ax.xaxis.set_minor_locator(NullLocator())
    elif panel.xscale == "linear" and ax.get_xlim()[1] >= CROWDED:
        ax.xaxis.set_major_formatter(FuncFormatter(format_short))
    low, high = ax.get_ylim()
    if panel.yscale == "log" and high < 10 * low:  # within a decade powers of ten say nothing
        ax.yaxis.set_major_formatter(ScalarFormatter())
        ax.yaxis.set_minor_formatter(ScalarFormatter())


def _draw_run(ax: Axes, panel: RunPanel) -> None:
    """Draw what panels of runs alone have: phases, stacked shares, a mesh, verticals, spans, an axis of images seen."""
    if panel.yscale == "log":
        low, high = ax.get_ylim()
        subs = (1, 2, 5) if high < 1000 * low else (1,)
        ax.yaxis.set(major_locator=LogLocator(subs=subs, numticks=12), minor_locator=NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(format_short))

    if panel.yticks is not None:
        ax.set_yticks(panel.yticks)
    for at, colour in panel.verticals:
        ax.axvline(at, color=colour, linewidth=0.9, linestyle=(0, (1, 2)))
    for low, high, colour in panel.spans:
        ax.axvspan(low, high, facecolor=colour, alpha=0.13, edgecolor="none")
        for end in (low, high):
            ax.axvline(end, color=colour, linewidth=0.7, linestyle=(0, (1, 2)))
    if not len(panel.x):
        return

    borders = edges(panel.x)
    if panel.bands:
        _draw_bands(ax, panel.bands, panel.x)
    if panel.areas:
        at = borders if len(panel.x) == 1 else panel.x
        shares = [np.broadcast_to(share, at.shape) for _, share in panel.areas.values()]
        ax.stackplot(at, *shares, colors=[colour for colour, _ in panel.areas.values()], linewidth=0)
        for name, (colour, _) in reversed(list(panel.areas.items())):
            ax.bar(0, 0, color=colour, label=name)
    if panel.mesh:
        _draw_mesh(ax, panel.mesh, borders)

    ax.grid(visible=not (panel.bands or panel.areas or panel.mesh), axis="y")
    if panel.over == "lines":  # a log begins after the first snapshot
        ax.set_xlim(borders[0], borders[-1])
    ax.xaxis.set(major_locator=MaxNLocator(5), major_formatter=FuncFormatter(format_short))


def _draw_bands(ax: Axes, bands: Mapping[str, Sequence[str | None]], x: np.ndarray) -> None:
    """Draw a row of phases: solid from the first to the last snapshot of a phase, hatched between two different phases."""
    borders = edges(x)
    room = 0.02 * (borders[-1] - borders[0])
    for row, phases in enumerate(bands.values()):
        for phase, first, end in stretches(phases):
            colour = PHASE_COLOURS.get(phase or "")
            if not phase:
                continue
            if first and phases[first - 1]:
                between = (x[first - 1], x[first] - x[first - 1])
                _draw_change(ax, row, between, phases[first - 1], phase)

            solid = (x[first], x[end - 1] - x[first])
            ax.broken_barh([solid], (row - 0.4, 0.8), facecolor=colour or LINE, linewidth=0)
            if colour and borders[end] - borders[first] > room:
                _draw_letter(ax, row, phase, (x[first] + x[end - 1]) / 2, (x[0], x[-1]))

    ax.set(ylim=(len(bands) - 0.45, -0.55), yticks=range(len(bands)), yticklabels=list(bands))
    ax.tick_params(axis="y", length=0)
    ax.spines[["left", "bottom"]].set_visible(False)

    for phase, colour in PHASE_COLOURS.items():
        ax.bar(0, 0, color=colour, label=f"phase {phase}")
    if any("undecided" in phases for phases in bands.values()):
        ax.bar(0, 0, color=LINE, label="undecided")


def _draw_letter(ax: Axes, row: int, phase: str, at: float, ends: tuple[float, float]) -> None:
    """Draw a phase's letter on its colour, which shows a phase of one snapshot too; at either end of the axis inside it."""
    side = {ends[0]: "left", ends[1]: "right"}.get(at, "center")
    behind = {"facecolor": PHASE_COLOURS[phase], "edgecolor": "none", "pad": 1.5}
    ax.text(at, row, phase, ha=side, va="center", color="white", weight="bold", bbox=behind)


def _draw_change(
    ax: Axes, row: int, between: tuple[float, float], before: str | None, after: str | None
) -> None:
    """Draw that a phase gave way to another somewhere between two snapshots: hatched in the colours of both."""
    face, lines = (PHASE_COLOURS.get(phase or "", LINE) for phase in (before, after))
    start, width = between
    # Some versions of matplotlib take a hatch's colour from the edge, others from the settings.
    with matplotlib.rc_context({"hatch.color": lines}):
        ax.barh(row, width, 0.8, start, facecolor=face, hatch="/////", edgecolor=lines, linewidth=0)


def _draw_mesh(ax: Axes, mesh: Mesh, borders: np.ndarray) -> None:
    cells, colours = np.ma.masked_invalid(mesh.values), ListedColormap(list(mesh.colours.values()))
    ax.pcolormesh(borders, mesh.borders, cells, cmap=colours, vmin=-0.5, vmax=len(mesh.colours) - 0.5)
    for name, colour in mesh.colours.items():
        ax.bar(0, 0, color=colour, label=name)


def _draw_curve(ax: Axes, curve: Curve) -> None:
    colour = colour_of(curve) or SERIES_COLOURS[curve.series % len(SERIES_COLOURS)]
    mark = MARKS[curve.series % len(MARKS)]
    ends = None if curve.low is None or curve.high is None else (curve.low, curve.high)

    if isinstance(curve, Line):
        _draw_line(ax, curve, colour, ends)
    elif curve.style == "points":
        if ends:  # where an interval is open the bar ends at the mark
            low, high = (np.where(np.isfinite(end), end, curve.y) for end in ends)
            ax.vlines(curve.x, low, high, color=colour, linewidth=1.1)
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
    elif curve.style == "bars":
        ax.plot(curve.x, curve.y, linestyle="none", color=INK, marker="_", markersize=16, markeredgewidth=1.6)
    elif curve.style in DASHES:
        ax.plot(curve.x, curve.y, color=colour, dashes=DASHES[curve.style], linewidth=1.2, label=curve.label)
    else:
        if ends:
            ax.fill_between(curve.x, *ends, color=colour, alpha=0.18, linewidth=0)
        every = max(1, len(curve.x) // 8)
        ax.plot(curve.x, curve.y, color=colour, marker=mark, markevery=every, label=curve.label)


def colour_of(curve: Curve) -> str | None:
    """Return the colour of a curve, #rrggbb; None for its series' own."""
    if isinstance(curve, Line) and curve.shade is not None:
        return shade(curve.shade)
    return curve.colour


def _draw_line(ax: Axes, line: Line, colour: str, ends: tuple[np.ndarray, np.ndarray] | None) -> None:
    """Draw a line; of a single snapshot a stretch."""
    repeats = 2 if len(line.x) == 1 else 1
    x = edges(line.x) if repeats == 2 else line.x
    if ends:
        low, high = (np.repeat(end, repeats) for end in ends)
        ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)

    (drawn,) = ax.plot(
        x,
        np.repeat(line.y, repeats),
        color=colour,
        linestyle="none" if line.style == "points" else "solid",
        linewidth=line.width,
        marker=line.marker,
        label=line.label or None,
    )
    if line.dashes:
        drawn.set_dashes(line.dashes)


def _draw_grid(ax: Axes, panel: Panel) -> None:
    grid = np.asarray(panel.grid, dtype=float)
    if not grid.size:
        return

    cmap, (low, high) = OPEN_MAP, panel.ylim or (None, None)
    if panel.colours == "phases":
        cmap, (low, high) = ListedColormap(list(PHASE_COLOURS.values())), (-0.5, 2.5)
    image = ax.imshow(
        np.ma.masked_invalid(grid), aspect="auto", interpolation="nearest", cmap=cmap, vmin=low, vmax=high
    )

    ax.grid(visible=False)
    ax.set_yticks(range(len(panel.rows)), panel.rows)
    every = max(1, math.ceil(len(panel.columns) / 8))
    ax.set_xticks(range(0, len(panel.columns), every), panel.columns[::every])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)

    if panel.colours == "phases":
        return
    for (row, column), value in np.ndenumerate(grid):
        text = format_score(float(value), 2)
        dark = math.isnan(value) or float(np.asarray(image.norm(value))) > 0.55
        ax.text(column, row, text, ha="center", va="center", fontsize=7, color=INK if dark else "white")
