"""By which route a label reaches the latents of one run, through training: as the condition, or seen in the image."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from phasescope.places import Place
from phasescope.views.figures.drawing import Line, RunPanel, draw_panels
from phasescope.views.figures.timeline import NULL_DASHES, has_nulls
from phasescope.views.names import ROUTES, null_words, place_words, probed
from phasescope.views.record import Record
from phasescope.views.style import PALETTE

SHOWN_NULLS = ("untrained", "pixels")
KINDS = {"order": ("probe R²", 1.15, (0, 0.5, 1)), "share": ("share of variance", 0.6, (0, 1))}
"""the two panels of a place: y label, height in inches and ticks"""
MOST_COLUMNS = 5
FLOOR = -0.15
"""the end of a panel, at which what lies below is drawn"""


def told_and_seen(record: Record) -> Figure | None:
    """Two panels a place: probe R² of the condition and of the label of the input image, under it their shares of variance.

    Thin lines are those of the untrained network and of the pixels. None where no route was measured."""
    places = routed(record)
    if not places:
        return None
    per_tap = max(sum(other.tap == place.tap for other in places) for place in places)
    columns = per_tap if 1 < per_tap <= MOST_COLUMNS else min(len(places), MOST_COLUMNS)
    panels: list[RunPanel | None] = []
    for first in range(0, len(places), columns):
        row = places[first : first + columns]
        for kind in KINDS:
            panels += [_panel(record, kind, place, place == row[0]) for place in row]
            panels += [None] * (columns - len(row))
    return draw_panels(panels, columns, legend="above")


def routed(record: Record) -> list[Place]:
    """Return where routes were measured beside baselines, tap by tap."""
    places = [place for place in record.places("order_told") if has_nulls(record, "order_told", place)]
    taps = list(dict.fromkeys(place.tap for place in places))
    return sorted(places, key=lambda place: taps.index(place.tap))


def _panel(record: Record, kind: str, place: Place, is_first: bool) -> RunPanel:
    ylabel, height, ticks = KINDS[kind]
    curves = []
    for route, words in ROUTES.items():

        def series(*path: str, measure: str = f"{kind}_{route}") -> np.ndarray:
            return np.maximum(record.series(measure, place, *path), FLOOR)

        colour = PALETTE[route][0]
        x, low, high = record.images_seen, series("low"), series("high")
        curves.append(Line(x, series(), low, high, label=words, colour=colour))
        for null in SHOWN_NULLS:
            if np.isfinite(level := series("nulls", null)).any():
                label = f"{words}: {null_words(null)}"
                curves.append(Line(x, level, label=label, colour=colour, width=0.8, dashes=NULL_DASHES[null]))
    return RunPanel(
        place_words(place) if kind == "order" else "",
        "images seen" if kind == "share" else "",
        probed(ylabel, record.factors) if is_first else "",
        curves,
        x=record.images_seen,
        height_in=height,
        ylim=(FLOOR, 1.05),
        yticks=ticks,
    )
