"""Label space through training: in each cell of it the share of generated images that are correct, and their error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from phasescope.views.cells import Cells, cells, factors_shown, worst
from phasescope.views.figures.axes import WIDTH_IN
from phasescope.views.record import Array, Record
from phasescope.views.style import ERROR_MAP, INK, MUTED, PAPER, RC, SHARE_MAP
from phasescope.views.terms import factor_words

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from phasescope.core.factors import Factor

SNAPSHOTS = 5


def label_space(record: Record) -> Figure | None:
    """A column a snapshot: above the share of images that are correct, below their error.

    None if nothing reads the images, or fewer than two factors have values that are no names.
    """
    shown = _through_training(record, SNAPSHOTS)
    if not shown:
        return None
    across, down = (record.factors[k] for k in factors_shown(record))
    most, unit = worst(record)
    rows = (
        ("share", SHARE_MAP, 1.0, "share of images correct", "neither"),
        ("error", ERROR_MAP, most, f"median error{f', {unit}' if unit else ''}", "max"),
    )
    trained, size = _trained(record), (WIDTH_IN - 1.4) / len(shown)
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(WIDTH_IN, 2 * size + 0.6))
        grid = figure.subplots(2, len(shown), sharex=True, sharey=True, squeeze=False)
        for axes, (name, colours, top, title, extend) in zip(grid, rows, strict=True):
            for ax, (_, cell) in zip(axes, shown, strict=True):
                drawn = ax.imshow(
                    getattr(cell, name), cmap=colours, vmin=0, vmax=top, aspect="auto", interpolation="none",
                    extent=(across.low, across.high, down.high, down.low),
                )  # fmt: skip
                if len(trained):
                    x, y = trained[:, factors_shown(record)].T
                    ax.scatter(x, y, s=1, color=MUTED, alpha=0.5, linewidths=0, rasterized=True)
                ax.add_patch(_borders(cell.held, across, down))
                ax.set_box_aspect(1)
            bar = figure.colorbar(
                drawn, ax=list(axes), label=title, extend=extend, location="right",
                aspect=20, fraction=0.06, pad=0.02, shrink=0.92,
            )  # fmt: skip
            bar.outline.set_visible(False)
            if bar.solids is not None:
                bar.solids.set_rasterized(True)
            axes[0].set_ylabel(factor_words(down))
        for column, (images, _) in zip(grid.T, shown, strict=True):
            column[0].set_title(f"{images:,} images", fontweight="normal", fontsize=8)
            column[1].set_xlabel(factor_words(across))
    return figure


def described(record: Record) -> str:
    """Return what the figure shows."""
    ((_, cell),) = _through_training(record, 1)
    most, unit = worst(record)
    filled = cell.n[cell.n > 0]
    dots = " Grey dots: labels that are trained on." if len(_trained(record)) else ""
    outlined = " Outlined: more labels are held out there than trained on." if cell.held.any() else ""
    return (
        f"All n = {cell.n.sum()} generated images of a snapshot by their labels, in {' x '.join(map(str, cell.n.shape))} "
        f"cells, {np.median(filled):g} images in the median one; {cell.n.size - len(filled)} cells have none and are "
        f"left empty. Above, the share whose outcome is {record.outcomes[-1].name}. Below, the median of the larger of the "
        f"two factors' absolute errors, over images in which both are read; an error above {most:g} {unit} is drawn as one "
        f"of {most:g}.{dots}{outlined}"
    )


def _trained(record: Record) -> Float[Array, "m K"]:
    """Return the labels that are trained on; none if they are too many to be listed."""
    return np.array(record.about.get("training", {}).get("labels") or [])


def _through_training(record: Record, count: int) -> list[tuple[int, Cells]]:
    """Return (images seen, cells) of about `count` snapshots, evenly in images seen; none without two factors to show."""
    shown = []
    for snapshot in record.sampled(count) if len(factors_shown(record)) > 1 else ():
        stored, read = snapshot.samples(), record.readings(snapshot)
        cell = cells(record, stored["labels"], stored["split"].astype(str), read)
        shown += [(record.images_at(snapshot), cell)] if cell is not None else []
    return shown


def _borders(held: Int[Array, "rows columns"], across: Factor, down: Factor) -> PathPatch:
    """Return lines between cells of different sets: dark on a light seam, and so visible on every colour."""
    rows, columns = held.shape
    padded = np.pad(held, 1)
    ends = [((c, r), (c, r + 1)) for r, c in np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])]
    ends += [((c, r), (c + 1, r)) for r, c in np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])]
    steps, first = np.array([across.span / columns, down.span / rows]), np.array([across.low, down.low])
    path = Path(first + steps * np.reshape(ends, (-1, 2)), [Path.MOVETO, Path.LINETO] * len(ends))
    seam = withStroke(linewidth=2.4, foreground=PAPER)
    return PathPatch(path, fill=False, edgecolor=INK, linewidth=0.9, path_effects=[seam], clip_on=False)
