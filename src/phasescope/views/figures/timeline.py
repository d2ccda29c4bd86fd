"""The timeline of one run's learning: panels over images seen, as data.

A score has its 95 % interval, its baselines, and the level at which it reaches its threshold above these."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from phasescope.places import Place
from phasescope.views.figures.axes import short
from phasescope.views.figures.drawing import Line, RunPanel, draw_panels
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
from phasescope.views.style import INK, MUTED, ON_DATA, PALETTE, RC

TITLES = {
    "order": ("Probe R² (ridge), minimum over factors", "R²"),
    "p1_order": ("P1's R² (UMAP-3D), minimum over factors", "R²"),
    "label_dimension": ("Dimension of label means", "participation ratio"),
    "label_share": ("Variance explained by the label", "share"),
}
"""of a measure's panel, and its y axis"""
PANELS = (
    ("representation", "order", 1.4),
    ("representation_p1", "p1_order", 1.4),
    ("representation", "label_dimension", 1.0),
    ("representation", "label_share", 1.0),
)
"""(whose place, measure, height in inches)"""
BESIDE = {
    "p1_order": ("order", "ridge R², same latents"),
    "label_dimension": ("participation_ratio", "of single latents"),
}
"""a second curve in a measure's panel: what is best compared with it, at the same place"""

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


def timeline(record: Record) -> Figure:
    """Outcome shares, probe R², dimension, label variance and phases against images seen, in one column of panels.

    Args:
        record: a run with at least one line of metrics.
    """
    figure = draw_panels(panels(record))
    with matplotlib.rc_context(RC):
        first, last = figure.axes[0], figure.axes[-1]
        ratio = record.images_per_step
        steps = first.secondary_xaxis("top", functions=(lambda seen: seen / ratio, lambda step: step * ratio))
        steps.set_xlabel("gradient steps")
        steps.spines["top"].set_visible(True)
        last.set_xlabel("images seen")
        for axis in (steps.xaxis, last.xaxis):
            axis.set(major_locator=MaxNLocator(9), major_formatter=FuncFormatter(short))
    return figure


def panels(record: Record) -> list[RunPanel]:
    """Return each panel for which the run holds data, from the top down."""
    x = record.images_seen
    onsets = ((record.onsets(reading)["C"], colour) for reading, colour in READING_COLOURS.items())
    verticals = [(float(onset), colour) for onset, colour in onsets if onset is not None]
    bands = {words: record.phases(name) for name, words in READINGS.items() if any(record.phases(name))}
    majority = Line(
        x, np.full(len(x), record.thresholds["majority"]), colour=ON_DATA, width=0.7, dashes=(3, 3)
    )
    shown = [RunPanel("", "", "", x=x, height_in=0.25 * max(len(bands), 3), bands=bands, verticals=verticals)]
    for split in record.splits:
        colours = {outcome.name: outcome.colour for outcome in record.outcomes}
        shares = reversed(record.outcome_shares(split).items())
        shown.append(
            RunPanel(
                f"Outcomes, {split_words(split, record.is_unconditional)} (n = {record.count(split)})",
                "",
                "share",
                [majority],
                x=x,
                height_in=1.1,
                areas={name: (colours[name], share) for name, share in shares},
                ylim=(0, 1),
                yticks=(0, 0.5, 1),
                verticals=verticals,
            )
        )
    own = [("representation", name, 1.2) for name in record.measures if name not in MEASURES]
    for reading, measure, height in (*PANELS, *own):
        place = record.declared_place(reading)
        if place and has_nulls(record, measure, place):
            shown.append(_score_panel(record, measure, place, READING_COLOURS[reading], height, verticals))
    if len(places := record.places()) > 1:
        shown.append(
            RunPanel(
                probed("Probe R² (ridge), minimum over factors, wherever it was read", record.factors),
                "",
                "",
                x=x,
                height_in=0.35 + 0.11 * len(places),
                mesh=np.clip(np.stack([record.series("order", place) for place in places]), 0, 1),
                rows=[place_words(place) for place in places],
                verticals=verticals,
            )
        )
    return shown


def _score_panel(
    record: Record, measure: str, place: Place, colour: str, height: float, verticals: list[tuple[float, str]]
) -> RunPanel:
    title, unit = TITLES.get(measure, (measure_words(measure), ""))
    shown, scale = (probed(words, record.factors) for words in (title, unit))
    is_dimension = unit == "participation ratio"
    return RunPanel(
        f"{shown} at {place_words(place)}",
        "",
        scale,
        _score_curves(record, measure, place, colour, is_dimension),
        x=record.images_seen,
        height_in=height,
        yscale="log" if is_dimension else "linear",
        ylim=(-0.12, 1.05) if unit and not is_dimension else None,
        yticks=(0, 0.5, 1) if unit and not is_dimension else None,
        verticals=verticals,
    )


def _score_curves(record: Record, measure: str, place: Place, colour: str, is_dimension: bool) -> list[Line]:
    x = record.images_seen

    def line(of: str, *path: str, **look) -> Line:
        return Line(x, record.series(of, place, *path), **look)

    low, high = (record.series(measure, place, end) for end in ("low", "high"))
    curves = [line(measure, low=low, high=high, label="as learnt", colour=colour)]
    for factor in record.factors if measure in PROBES and len(record.factors) > 1 else ():
        curves.append(line(measure, "detail", factor.name, colour=colour, width=0.6))
    if measure in BESIDE:
        other, label = BESIDE[measure]
        curves.append(line(other, label=label, colour=READING_COLOURS["representation"], width=0.9))
    for null in record.nulls(measure):
        dashes = NULL_DASHES.get(null, OTHER_DASHES)
        curves.append(
            line(measure, "nulls", null, label=null_words(null), colour=MUTED, width=1.1, dashes=dashes)
        )
    level = levels(record, measure, place)
    if np.isfinite(level).any():
        limit = f" {level[-1]:.3g}" if is_dimension else f": gain {record.thresholds[measure]:g}"
        curves.append(Line(x, level, label=f"threshold{limit}", colour=INK, width=0.7))
    return [curve for curve in curves if np.isfinite(curve.y).any()]


def has_nulls(record: Record, measure: str, place: Place) -> bool:
    """Whether `measure` was read at `place` beside a baseline at any time: a score without baselines is not shown."""
    scores = (score(line, measure, place) for line in record.metrics)
    return any(value and value.get("value") is not None and value.get("nulls") for value in scores)
