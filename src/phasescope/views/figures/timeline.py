"""The timeline of one run's learning.

Every panel's x axis is images seen. A score is drawn with its 95 % interval, its nulls, and where it
comes to its threshold above these."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from phasescope.places import Place
from phasescope.views.figures.axes import WIDTH_IN, edges, short, stretches
from phasescope.views.levels import levels
from phasescope.views.names import (
    MEASURES,
    READINGS,
    measure_words,
    null_words,
    place_words,
    probed,
    split_words,
)
from phasescope.views.probe_r2 import PROBES
from phasescope.views.record import Record, score
from phasescope.views.style import INK, MUTED, ON_DATA, PALETTE, PHASE_COLOURS, RC

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLES = {
    "order": "Probe R² (ridge), minimum over factors",
    "p1_order": "P1's R² (UMAP-3D), minimum over factors",
    "label_dimension": "Dimension of label means",
    "label_share": "Label share of variance",
}
UNITS = {
    "order": "R²",
    "p1_order": "R²",
    "label_dimension": "participation ratio",
    "label_share": "share",
}
PANELS = (
    ("representation", "order", 1.4),
    ("representation_p1", "p1_order", 1.4),
    ("representation", "label_dimension", 1.0),
    ("representation", "label_share", 1.0),
)
"""(whose place, measure, height in inches)"""
OWN_HEIGHT_IN = 1.2
"""of the panel of a measure of one's own"""
BESIDE = {
    "p1_order": ("order", "ridge R², same latents"),
    "label_dimension": ("participation_ratio", "of single latents"),
}
"""a second curve in a measure's panel: what is best compared with it, read off the same place"""

NULL_DASHES = {
    "untrained": (5, 2),
    "pixels": (5, 1.5, 1, 1.5),
    "permuted": (1, 1.5),
    "label_embedding": (9, 3),
}
OTHER_DASHES = (3, 1.5, 1, 1.5, 1, 1.5)
READING_COLOURS = {
    "behaviour": INK,
    "representation": PALETTE["order"][0],
    "representation_p1": PALETTE["p1"][0],
}


UNDECIDED: Any = {"hatch": "////", "edgecolor": MUTED}


def timeline(record: Record) -> Figure:
    """Outcome shares, order, dimension, label share and phases against images seen, in one column of panels.

    Args:
        record: a run with at least one line of metrics.
    """
    panels = _panels(record)
    with matplotlib.rc_context(RC):
        heights = [height for height, _ in panels]
        figure = Figure(figsize=(WIDTH_IN, sum(heights) + 0.34 * len(panels) + 0.5))
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for ax, (_, draw) in zip(axes, panels, strict=True):
            draw(ax)
            _mark_onsets(ax, record)
            if ax.get_legend_handles_labels()[0]:
                ax.legend(loc="center left", bbox_to_anchor=(1.005, 0.5))
        last = edges(record.images_seen)[-1]
        axes[-1].set(xlim=(record.images_seen[0], last), xlabel="images seen")
        axes[-1].xaxis.set(major_locator=MaxNLocator(9), major_formatter=FuncFormatter(short))
        ratio = record.images_per_step
        steps = axes[0].secondary_xaxis(
            "top", functions=(lambda seen: seen / ratio, lambda step: step * ratio)
        )
        steps.set_xlabel("gradient steps")
        steps.spines["top"].set_visible(True)
        steps.xaxis.set(major_locator=MaxNLocator(9), major_formatter=FuncFormatter(short))
    return figure


def _panels(record: Record) -> list[tuple[float, Callable[[Axes], None]]]:
    """(height in inches, what draws it) of each panel for which the run holds data, from the top down."""
    panels: list[tuple[float, Callable[[Axes], None]]] = [(0.75, lambda ax: draw_phases(ax, record))]
    for split in record.splits:
        panels.append((1.1, lambda ax, split=split: draw_outcomes(ax, record, split)))
    own = [("representation", name, OWN_HEIGHT_IN) for name in record.measures if name not in MEASURES]
    for reading, measure, height in (*PANELS, *own):
        place = record.declared_place(reading)
        if place and has_nulls(record, measure, place):
            colour = READING_COLOURS[reading]
            panels.append((height, lambda ax, m=measure, p=place, c=colour: draw_score(ax, record, m, p, c)))
    if len(record.places()) > 1:
        height = 0.35 + 0.11 * len(record.places())
        panels.append((height, lambda ax: draw_order_everywhere(ax, record)))
    return panels


def draw_phases(ax: Axes, record: Record) -> None:
    """A row of coloured bands for each reading: the phases that it went through."""
    borders = edges(record.images_seen)
    rows = [reading for reading in READINGS if any(record.phases(reading))]
    for row, reading in enumerate(rows):
        for phase, first, end in stretches(record.phases(reading)):
            left, width = borders[first], borders[end] - borders[first]
            colour = PHASE_COLOURS.get(phase or "")
            if colour:
                ax.broken_barh([(left, width)], (row - 0.4, 0.8), linewidth=0, facecolor=colour)
            elif phase:
                ax.broken_barh([(left, width)], (row - 0.4, 0.8), linewidth=0, facecolor="none", **UNDECIDED)
            if colour and width > 0.02 * (borders[-1] - borders[0]):
                ax.text(
                    left + width / 2, row, str(phase), ha="center", va="center", color="white", weight="bold"
                )
    ax.set(
        ylim=(len(rows) - 0.45, -0.55), yticks=range(len(rows)), yticklabels=[READINGS[row] for row in rows]
    )
    ax.tick_params(axis="y", length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    for phase, colour in PHASE_COLOURS.items():
        ax.bar(0, 0, color=colour, label=f"phase {phase}")
    ax.bar(0, 0, linewidth=0, facecolor="none", label="undecided", **UNDECIDED)


def draw_outcomes(ax: Axes, record: Record, split: str) -> None:
    """Stacked shares of the outcomes, success at the bottom."""
    at, shares = record.images_seen, dict(reversed(record.outcome_shares(split).items()))
    if len(at) == 1:
        at, shares = edges(at), {name: np.repeat(share, 2) for name, share in shares.items()}
    colours = {outcome.name: outcome.colour for outcome in record.outcomes}
    ax.stackplot(at, *shares.values(), colors=[colours[name] for name in shares], linewidth=0)
    for name, colour in colours.items():
        ax.bar(0, 0, color=colour, label=name)
    ax.set(
        ylim=(0, 1),
        ylabel="share",
        yticks=(0, 0.5, 1),
        title=f"Outcomes, {split_words(split, record.is_unconditional)} (n = {record.count(split)})",
    )
    ax.axhline(record.thresholds["majority"], color=ON_DATA, linewidth=0.7, linestyle=(0, (3, 3)))


def draw_score(ax: Axes, record: Record, measure: str, place: Place, colour: str) -> None:
    """A score's curve, interval, nulls and threshold."""
    at = record.images_seen
    value = record.series(measure, place)
    low, high = (record.series(measure, place, end) for end in ("low", "high"))
    ax.fill_between(at, low, high, color=colour, alpha=0.22, linewidth=0)
    marker = "o" if len(at) == 1 else None
    ax.plot(at, value, color=colour, label="as learnt", marker=marker)
    for factor in record.factors if measure in PROBES and len(record.factors) > 1 else ():
        ax.plot(
            at, record.series(measure, place, "detail", factor.name), color=colour, linewidth=0.6, alpha=0.7
        )
    if measure in BESIDE:
        other, label = BESIDE[measure]
        beside = record.series(other, place)
        if np.isfinite(beside).any():
            ax.plot(
                at, beside, color=READING_COLOURS["representation"], linewidth=0.9, label=label, marker=marker
            )
    for null in record.nulls(measure):
        level = record.series(measure, place, "nulls", null)
        if np.isfinite(level).any():
            level = np.repeat(level, 2) if len(at) == 1 else level
            ax.plot(
                edges(at) if len(at) == 1 else at,
                level,
                color=MUTED,
                linewidth=1.1,
                dashes=NULL_DASHES.get(null, OTHER_DASHES),
                label=null_words(null),
            )
    title, unit = TITLES.get(measure, measure_words(measure)), UNITS.get(measure, "")
    shown, scale = (probed(words, record.factors) for words in (title, unit))
    ax.set(title=f"{shown} at {place_words(place)}", ylabel=scale)
    if unit == "participation ratio":
        ax.set_yscale("log")
        ax.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), minor_locator=NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(short))
    elif unit:
        ax.set(ylim=(-0.12, 1.05), yticks=(0, 0.5, 1))
    level = levels(record, measure, place)
    if np.isfinite(level).any():
        threshold = record.thresholds[measure]
        told = (
            f"threshold {level[-1]:.3g}"
            if unit == "participation ratio"
            else f"threshold: gain {threshold:g}"
        )
        level = np.repeat(level, 2) if len(at) == 1 else level
        ax.plot(edges(at) if len(at) == 1 else at, level, color=INK, linewidth=0.7, label=told)


def draw_order_everywhere(ax: Axes, record: Record) -> None:
    """Order at every tap and noise level, a row each, by colour."""
    places = record.places()
    values = np.stack([record.series("order", place) for place in places])
    mesh = ax.pcolormesh(
        edges(record.images_seen),
        np.arange(len(places) + 1) - 0.5,
        np.clip(values, 0, 1),
        vmin=0,
        vmax=1,
        rasterized=True,
    )
    ax.set(
        title=probed("Probe R² (ridge), minimum over factors, wherever it was read", record.factors),
        yticks=range(len(places)),
        yticklabels=map(place_words, places),
    )
    ax.set_ylim(len(places) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    bar = ax.figure.colorbar(mesh, cax=ax.inset_axes((1.012, 0, 0.014, 1)), ticks=(0, 0.5, 1))
    bar.outline.set_visible(False)


def has_nulls(record: Record, measure: str, place: Place) -> bool:
    """Whether `measure` was read at `place` beside a null at any time: a score without its nulls is not
    shown."""
    scores = (score(line, measure, place) for line in record.metrics)
    return any(one and one.get("value") is not None and one.get("nulls") for one in scores)


def _mark_onsets(ax: Axes, record: Record) -> None:
    for reading, colour in READING_COLOURS.items():
        onset = record.onsets(reading)["C"]
        if onset is not None:
            ax.axvline(onset, color=to_rgba(colour), linewidth=0.9, linestyle=(0, (1, 2)))
