"""Curves of one run's learning as data, over images seen: the timeline, probes by route, and denoising errors.

A score has its 95 % interval, its baselines, and the level at which it reaches its threshold above these."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from phasescope.core.places import Place
from phasescope.views.figures.axes import short
from phasescope.views.figures.drawing import Line, Mesh, RunPanel, draw_panels
from phasescope.views.record import Record, number, score
from phasescope.views.scores import PROBES, gains, levels
from phasescope.views.style import INK, MUTED, ON_DATA, PALETTE, RC
from phasescope.views.terms import (
    MEASURES,
    READINGS,
    ROUTES,
    measure_words,
    null_words,
    place_words,
    probed,
    split_words,
)

PANELS = {
    "order": ("representation", 1.4, "Probe R² (ridge), minimum over factors", "R²"),
    "p1_order": ("representation_p1", 1.4, "P1's R² (UMAP-3D), minimum over factors", "R²"),
    "label_dimension": ("representation", 1.0, "Dimension of label means", "participation ratio"),
    "label_share": ("representation", 1.0, "Variance explained by the label", "share"),
}
"""of a measure's panel: the reading at whose place it is drawn, height in inches, title, y axis"""
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
        steps = first.secondary_xaxis(
            "top", functions=(lambda seen: np.divide(seen, ratio), lambda step: np.multiply(step, ratio))
        )
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
    own = [name for name in record.measures if name not in MEASURES]
    for measure in (*PANELS, *own):
        if panel := _score_panel(record, measure, verticals):
            shown.append(panel)
    if len(places := record.places()) > 1:
        shown.append(
            RunPanel(
                probed(
                    "Gain of probe R² at every layer: share of the gap from the highest baseline to 1",
                    record.factors,
                ),
                "",
                "",
                x=x,
                height_in=0.35 + 0.11 * len(places),
                mesh=Mesh(
                    np.clip(np.stack([gains(record, "order", place) for place in places]), 0, 1),
                    names=[place_words(place) for place in places],
                ),
                verticals=verticals,
            )
        )
    return shown


def _score_panel(record: Record, measure: str, verticals: list[tuple[float, str]]) -> RunPanel | None:
    """Return the panel of a measure; None if it has no baseline, without which a score is not shown."""
    plain = ("representation", 1.2, measure_words(measure), "")
    reading, height, title, unit = PANELS.get(measure, plain)
    place = record.declared_place(reading)
    if place is None or not has_nulls(record, measure, place):
        return None
    shown, scale = (probed(words, record.factors) for words in (title, unit))
    is_dimension = unit == "participation ratio"
    return RunPanel(
        f"{shown} at {place_words(place)}",
        "",
        scale,
        _score_curves(record, measure, place, READING_COLOURS[reading], is_dimension),
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
    curves = [line(measure, low=low, high=high, label="this network", colour=colour)]
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


SHOWN_NULLS = ("untrained", "pixels")
MOST_COLUMNS = 5
FLOOR = -0.15
"""the end of a panel, at which what lies below is drawn"""


def told_and_seen(record: Record) -> Figure | None:
    """A panel a place: probe R² of the condition and of the label of the input image; dashed, their shares of variance.

    Thin lines are those of the untrained network and of the pixels. None where no route was measured."""
    places = routed(record)
    if not places:
        return None
    per_tap = max(sum(other.tap == place.tap for other in places) for place in places)
    columns = min(per_tap if per_tap > 1 else len(places), MOST_COLUMNS)
    panels = [_routes_panel(record, place, index % columns == 0) for index, place in enumerate(places)]
    return draw_panels(panels, columns, legend="above")


def routed(record: Record) -> list[Place]:
    """Return where routes were measured beside baselines, tap by tap."""
    places = [place for place in record.places("order_told") if has_nulls(record, "order_told", place)]
    taps = list(dict.fromkeys(place.tap for place in places))
    return sorted(places, key=lambda place: taps.index(place.tap))


def _routes_panel(record: Record, place: Place, is_first: bool) -> RunPanel:
    def line(measure: str, *path: str, **look: Any) -> Line:
        return Line(record.images_seen, np.maximum(record.series(measure, place, *path), FLOOR), **look)

    curves = []
    for route, words in ROUTES.items():
        colour, order = PALETTE[route][0], f"order_{route}"
        low, high = (np.maximum(record.series(order, place, end), FLOOR) for end in ("low", "high"))
        curves.append(line(order, low=low, high=high, label=words, colour=colour))
        label = f"{words}: share of variance"
        curves.append(line(f"share_{route}", label=label, colour=colour, width=1.1, dashes=(8, 2)))
        for null in SHOWN_NULLS:
            label = f"{words}: {null_words(null)}"
            look = {"colour": colour, "width": 0.8, "dashes": NULL_DASHES[null]}
            curves.append(line(order, "nulls", null, label=label, **look))
    return RunPanel(
        place_words(place),
        "images seen",
        probed("probe R²", record.factors) if is_first else "",
        [curve for curve in curves if np.isfinite(curve.y).any()],
        x=record.images_seen,
        height_in=1.6,
        ylim=(FLOOR, 1.05),
        yticks=(0, 0.5, 1),
    )


BANDS_A_ROW = 5
DENOISERS: dict[str, tuple[str, dict[str, Any]]] = {
    "network": ("network", {"colour": PALETTE["accent"][0], "marker": "o"}),
    "unconditional": ("best without the label", {"colour": MUTED, "dashes": (5, 2)}),
    "floor": ("best with the label", {"colour": MUTED, "dashes": (1, 1.5)}),
}


def denoising(record: Record) -> Figure | None:
    """The network's mean squared error of the noise, by band of t, above the exact conditional optimum.

    Beside it the exact unconditional optimum: what a denoiser that ignores the label can at best do. None
    where no error was measured."""
    bands = next((line["denoising"] for line in reversed(record.metrics) if line.get("denoising")), [])
    if not bands:
        return None
    errors = {(band["low"], band["high"]): _errors(record, band) for band in bands}
    least = min(np.nanmin(curves["network"]) for curves in errors.values())
    most = np.nanmax([value for curves in errors.values() for value in curves.values()])
    panels = [
        RunPanel(
            f"t in [{low}, {high})",
            "images seen",
            "" if index % BANDS_A_ROW else "MSE of the noise",
            # without a hidden factor a label names one image, and the best error with the label is 0
            [
                Line(record.images_seen, curves[name], label=label, **look)
                for name, (label, look) in DENOISERS.items()
                if np.isfinite(curves[name]).any()
            ],
            x=record.images_seen,
            height_in=2.0,
            yscale="log",
            ylim=(least / 2, 2 * most),
        )
        for index, ((low, high), curves) in enumerate(errors.items())
    ]
    return draw_panels(panels, min(len(panels), BANDS_A_ROW), legend="above")


def _errors(record: Record, band: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return each curve over the run, NaN where it is not above 0."""
    own = [
        next((one for one in line.get("denoising") or [] if one["low"] == band["low"]), {})
        for line in record.metrics
    ]
    curves = {name: np.array([number(error.get(name)) for error in own]) for name in DENOISERS}
    return {name: np.where(curve > 0, curve, np.nan) for name, curve in curves.items()}
