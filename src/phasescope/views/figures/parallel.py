"""Parallel axes, each with a scale of its own, and a run a line across them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.ticker import LogLocator, MaxNLocator

from phasescope.studies.fields import Coordinate, ParallelPanel
from phasescope.views.facts.palette import INK, MUTED
from phasescope.views.style import shade

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICKS = 5
"""on an axis, about"""
FEW = 30
"""lines that are drawn strongly; more are thinner and let each other through"""
LONG = 14
"""letters from which the names below the axes are slanted"""


def draw_parallel(ax: Axes, panel: ParallelPanel) -> None:
    """Draw the axes of a panel side by side, evenly spaced, and the runs with the highest value of the colour on top."""
    coloured = heights(panel.coloured)
    across = np.stack([heights(axis) for axis in panel.axes], axis=1)
    is_many = len(across) > FEW
    places = np.arange(len(panel.axes))

    # Runs without a value of the colour first, so that they are below the others.
    for run in np.argsort(np.where(np.isnan(coloured), -1.0, coloured), kind="stable"):
        ax.plot(
            places,
            across[run],
            color=MUTED if np.isnan(coloured[run]) else shade(float(coloured[run])),
            linewidth=0.9 if is_many else 1.4,
            alpha=0.6 if is_many else 0.9,
            clip_on=False,
        )

    for place, axis in enumerate(panel.axes):
        if axis is panel.coloured:
            _draw_scale(ax, place)
        else:
            ax.axvline(place, color=INK, linewidth=0.8)
        for height, text in ticks_of(axis):
            behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
            ax.annotate(
                text,
                (place, height),
                xytext=(-3, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=7,
                bbox=behind,
            )

    long = max(len(axis.label) for axis in panel.axes) > LONG and len(panel.axes) > 4
    ax.set_xticks(
        places,
        [axis.label for axis in panel.axes],
        rotation=20 if long else 0,
        ha="right" if long else "center",
    )
    ax.set(xlim=(-0.35, len(panel.axes) - 0.8), ylim=(-0.02, 1.02), yticks=[])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _draw_scale(ax: Axes, place: int) -> None:
    """Draw an axis in the colours of its values."""
    ends = np.linspace(0, 1, 65)
    pieces = [[(place, low), (place, high)] for low, high in itertools.pairwise(ends)]
    colours = [shade(float(middle)) for middle in (ends[:-1] + ends[1:]) / 2]
    ax.add_collection(LineCollection(pieces, colors=colours, linewidths=5, antialiaseds=False))


def heights(axis: Coordinate) -> np.ndarray:
    """Return where each value is on its axis, (n,), 0 for the smallest and 1 for the largest; one half if all are equal."""
    low, high = _ends(axis)
    scaled = _scaled(axis, axis.values)
    return np.where(np.isnan(scaled), np.nan, 0.5) if low == high else (scaled - low) / (high - low)


def ticks_of(axis: Coordinate) -> list[tuple[float, str]]:
    """Return the heights of an axis's ticks with their texts: its words, else round numbers within its range."""
    low, high = _ends(axis)
    values = axis.values[np.isfinite(axis.values)]
    if low == high:
        texts = axis.ticks or {}
        return [(0.5, texts.get(float(value), f"{value:.6g}")) for value in values[:1]]

    if axis.ticks is not None:
        at, texts = np.array([*axis.ticks]), [*axis.ticks.values()]
    else:
        at = round_numbers(axis.scale, values.min(), values.max())
        texts = [f"{value:.6g}" for value in at]
    return list(zip(((_scaled(axis, at) - low) / (high - low)).tolist(), texts, strict=True))


def round_numbers(scale: str, low: float, high: float) -> np.ndarray:
    """Return about `TICKS` round numbers from `low` to `high`.

    On a logarithmic axis over decades they are powers of ten, of less than three decades also twice and five times these.
    """
    locator = MaxNLocator(TICKS)
    if scale == "log" and high >= 10 * low:
        locator = LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,), numticks=12)
    at = np.asarray(locator.tick_values(low, high))
    return at[(at >= low * (1 - 1e-9)) & (at <= high * (1 + 1e-9))]


def _ends(axis: Coordinate) -> tuple[float, float]:
    scaled = _scaled(axis, axis.values)
    if not np.isfinite(scaled).any():
        return 0.0, 1.0
    return float(np.nanmin(scaled)), float(np.nanmax(scaled))


def _scaled(axis: Coordinate, values: np.ndarray) -> np.ndarray:
    return np.log(values) if axis.scale == "log" else np.asarray(values, dtype=float)
