"""Figure of a run's generated images: the same labels in columns, snapshots in rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from phasescope.views.facts.numbers import format_count
from phasescope.views.facts.palette import INK, TARGET
from phasescope.views.facts.record import Array, Record, evenly
from phasescope.views.facts.terms import count_words, factor_words, label_text
from phasescope.views.figures.axes import WIDTH_IN, figure_of
from phasescope.views.figures.own_axes import fitted, width_in
from phasescope.views.pixels import GAP_PX, joined, pixels
from phasescope.views.style import styled

if TYPE_CHECKING:
    from jaxtyping import Float, Int, UInt8
    from matplotlib.axes import Axes

CROSSHAIR = 0.13 * np.array(
    [[(-1, 0), (-0.55, 0)], [(0.55, 0), (1, 0)], [(0, -1), (0, -0.55)], [(0, 0.55), (0, 1)]]
)
"""(arm, end, x and y), in widths of an image"""
MARGIN_IN = 0.62
"""left of the images, for the numbers"""
ENTRY_IN = 0.9
"""of the legend"""
LABEL_LINE = 2
"""factors of a label that are written beside each other; more stand in lines"""


def samples(
    record: Record, columns: int = 12, rows: int | Sequence[int] = 10, own: Axes | None = None
) -> Figure | None:
    """Generated images, bordered by the colours of their outcomes where these are read, with a crosshair at the requested
    position if a label names one.

    Args:
        record: a run.
        columns: labels shown, the same number of each split.
        rows: how many snapshots, evenly in images seen, or their steps.
        own: axes of the user's own; by default those of a figure of its own.

    Returns:
        The figure; None if no snapshot holds samples.
    """
    chosen = record.sampled(rows)
    if not chosen:
        return None

    samples = [snapshot.samples() for snapshot in chosen]
    labels, splits = samples[-1]["labels"], samples[-1]["split"].astype(str)
    shown = _columns(splits, columns)

    dims = samples[-1]["images"].ndim - 2
    images = np.stack([pixels(sample["images"][shown], dims) for sample in samples])
    mosaic = tile(images, _borders(record, [record.readings(snapshot) for snapshot in chosen], shown))
    height, width = mosaic.shape[:2]
    high, wide = images.shape[2:4]

    texts = ["" if record.is_unconditional else _text(record, label) for label in labels[shown]]
    with styled():
        heading = _heading(record, splits[shown])
        if own is None:
            size = (WIDTH_IN, (WIDTH_IN - MARGIN_IN) * height / width + 0.55 + 0.12 * texts[0].count("\n"))
            ax = Figure(figsize=size).subplots()
        else:
            ax, heading = own, fitted(heading, heading.partition(":")[0], own, most_lines=1)
        ax.imshow(mosaic, interpolation="none")
        ax.grid(visible=False)
        ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))

        border = border_px(wide)
        left, top = corners(len(shown), wide, border), corners(len(chosen), high, border)
        if record.position:
            at = labels[shown][:, list(record.position)] - 1
            # A position in a world's margin would mark another image.
            size = np.array([wide, high])
            at[np.abs(at - size / 2) > size / 2 + 1] = np.nan
            _mark_positions(ax=ax, at=at, left=left, top=top, size=(wide, high), border=border)

        seen = [format_count(record.images_at(snapshot)) for snapshot in chosen]
        _name_rows_and_columns(ax, columns=(left + wide / 2, texts), rows=(top + high / 2, seen))
        ax.set_title(heading, fontweight="normal", pad=4)
        _add_legend(ax, record, None if own is None else 7)
    return figure_of(ax)


def _name_rows_and_columns(ax: Axes, columns: tuple[Array, list[str]], rows: tuple[Array, list[str]]) -> None:
    ax.set_xticks(*columns, fontsize=7)
    ax.set_yticks(*rows, fontsize=7)
    ax.set_ylabel("images seen")
    ax.tick_params(length=0, pad=2)
    ax.xaxis.tick_top()
    ax.set_anchor("N")
    ax.spines[:].set_visible(False)


def _add_legend(ax: Axes, record: Record, fontsize: float | None) -> None:
    """Add the colours of outcomes below, if these are read."""
    handles = [Patch(color=outcome.colour, label=outcome.name) for outcome in record.outcomes]
    if handles:
        ax.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            ncols=max(1, min(len(handles), int(width_in(ax) / ENTRY_IN))),
            fontsize=fontsize,
            labelcolor=INK,
            columnspacing=1.2,
            handlelength=1,
        )


def border_px(side: int) -> int:
    """Return the width of the coloured border around an image of `side` pixels, px."""
    return max(1, round(side / 16))


def corners(count: int, side: int, border: int) -> Int[Array, " count"]:
    """Return where each of `count` images in a row of a mosaic begins, px."""
    return border + np.arange(count) * (side + 2 * border + GAP_PX)


def tile(
    images: UInt8[Array, "rows columns H W c"], borders: Float[Array, "rows columns 4"]
) -> Float[Array, "height width 4"]:
    """Return one RGBA mosaic of all `images`, each with its own border colour; gaps are transparent."""
    rows, columns, high, wide, _ = images.shape
    border = border_px(wide)
    framed = np.zeros((rows, columns, high + 2 * border + GAP_PX, wide + 2 * border + GAP_PX, 4), np.float32)
    framed[:, :, :-GAP_PX, :-GAP_PX] = borders[:, :, None, None]
    inside = framed[:, :, border : border + high, border : border + wide]
    inside[..., :3], inside[..., 3] = images / 255, 1
    return joined(framed)


def _columns(splits: Array, count: int) -> Int[Array, " count"]:
    """Return indices of about `count` labels, the same number of each split, evenly over its labels."""
    groups = [np.flatnonzero(splits == name) for name in dict.fromkeys(splits.tolist())]
    return np.concatenate([evenly(group, max(1, count // len(groups))) for group in groups])


def _borders(record: Record, read: list[dict[str, Array]], shown: Array) -> Float[Array, "rows columns 4"]:
    """Return the colour of each image's outcome; nothing if none was read."""
    colours = {outcome.name: to_rgba(outcome.colour) for outcome in record.outcomes}
    no_outcomes = [""] * len(shown)
    rows = [table["outcome"][shown].astype(str) if "outcome" in table else no_outcomes for table in read]
    return np.array([[colours.get(name, (0.0, 0.0, 0.0, 0.0)) for name in row] for row in rows])


def _mark_positions(
    ax: Axes, at: Float[Array, "columns 2"], left: Array, top: Array, size: tuple[int, int], border: int
) -> None:
    corner = np.stack(np.broadcast_arrays(left, top[:, None]), axis=-1)
    arms = (corner + at)[:, :, None, None] + size[0] * CROSSHAIR
    # Cut at the border's edge: an arm that reaches into the next image would mark that one.
    first = corner[:, :, None, None] - border - 0.5
    arms = np.clip(arms, first, first + np.array(size) + 2 * border)
    ax.add_collection(LineCollection(list(arms.reshape(-1, 2, 2)), colors=TARGET, linewidths=0.9))


def _text(record: Record, label: Float[Array, " K"]) -> str:
    parts = label_text(record.factors, label)
    return (", " if len(parts) <= LABEL_LINE else "\n").join(parts)


def _heading(record: Record, splits: Array) -> str:
    if record.is_unconditional:
        return "Without a label"
    units = {factor.unit for factor in record.factors}
    names = "; ".join(map(factor_words, record.factors))
    if len(units) == 1 and "" not in units:
        names = f"{', '.join(record.factors.names)} ({units.pop()})"
    counts = {name: int((splits == name).sum()) for name in dict.fromkeys(splits.tolist())}
    return f"Requested {names}: {', then '.join(count_words(name, n) for name, n in counts.items())}"
