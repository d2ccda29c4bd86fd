"""By which way a label reaches the latents of one run, through training: told, or seen in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from phasescope.places import Place
from phasescope.views.figures.axes import WIDTH_IN, edges, short
from phasescope.views.figures.timeline import NULL_DASHES, has_nulls
from phasescope.views.names import null_words, place_words, probed
from phasescope.views.record import Record
from phasescope.views.style import PALETTE, RC

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROUTES = ("told", "seen")
SHOWN_NULLS = ("untrained", "pixels")
ORDER_IN, SHARE_IN = 1.15, 0.6
"""heights of a panel's two parts, inches"""
MOST_COLUMNS = 5
FLOOR = -0.15
"""the end of a panel, at which what lies below is drawn"""


def told_and_seen(record: Record) -> Figure | None:
    """A panel a place: order of what is told and of what is seen against images seen, under it their shares of variance.

    Thin lines are those of the untrained network and of the pixels. None where no route was measured."""
    places = routed(record)
    if not places:
        return None
    per_tap = max(sum(other.tap == place.tap for other in places) for place in places)
    columns = per_tap if 1 < per_tap <= MOST_COLUMNS else min(len(places), MOST_COLUMNS)
    rows = -(-len(places) // columns)
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(WIDTH_IN, rows * (ORDER_IN + SHARE_IN + 0.55) + 0.6))
        axes = figure.subplots(
            2 * rows,
            columns,
            sharex=True,
            sharey="row",
            squeeze=False,
            height_ratios=[ORDER_IN, SHARE_IN] * rows,
        )
        for index in range(rows * columns):
            row, column = divmod(index, columns)
            order, share = axes[2 * row : 2 * row + 2, column]
            if index >= len(places):
                order.set_visible(False)
                share.set_visible(False)
                continue
            _draw(order, record, "order", places[index])
            _draw(share, record, "share", places[index])
            order.set(title=place_words(places[index]), ylim=(FLOOR, 1.05), yticks=(0, 0.5, 1))
            share.set(ylim=(FLOOR, 1.05), yticks=(0, 1))
            share.xaxis.set(major_locator=MaxNLocator(4), major_formatter=FuncFormatter(short))
            if not column:
                order.set_ylabel(probed("order, R²", record.factors))
                share.set_ylabel("share")
            if index + columns >= len(places):
                share.set_xlabel("images seen")
                share.tick_params(labelbottom=True)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
    return figure


def routed(record: Record) -> list[Place]:
    """Where routes were measured beside nulls, tap by tap."""
    places = [place for place in record.places("order_told") if has_nulls(record, "order_told", place)]
    taps = list(dict.fromkeys(place.tap for place in places))
    return sorted(places, key=lambda place: taps.index(place.tap))


def _draw(ax: Axes, record: Record, kind: str, place: Place) -> None:
    at = edges(record.images_seen) if len(record.images_seen) == 1 else record.images_seen
    for route in ROUTES:
        measure, colour = f"{kind}_{route}", PALETTE[route][0]

        def series(*path: str, measure: str = measure) -> np.ndarray:
            values = np.maximum(record.series(measure, place, *path), FLOOR)
            return np.repeat(values, 2) if len(values) == 1 else values

        ax.fill_between(at, series("low"), series("high"), color=colour, alpha=0.2, linewidth=0)
        ax.plot(at, series(), color=colour, label=f"what is {route}")
        for null in SHOWN_NULLS:
            level = series("nulls", null)
            if np.isfinite(level).any():
                label = f"{route}: {null_words(null)}"
                ax.plot(at, level, color=colour, linewidth=0.8, dashes=NULL_DASHES[null], label=label)
    ax.grid(axis="y")
    ax.set_xlim(at[0], at[-1])
