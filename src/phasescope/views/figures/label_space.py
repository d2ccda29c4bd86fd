"""Label space through training: in each cell of it the share of painted images that are right, and how far off they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from phasescope.views.cells import Cells, cells, factors_shown, worst
from phasescope.views.figures.axes import WIDTH_IN, spread
from phasescope.views.names import factor_words
from phasescope.views.record import Array, Record
from phasescope.views.style import ERROR_MAP, INK, MUTED, PAPER, RC, SHARE_MAP

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from phasescope.factors import Factor

SNAPSHOTS = 5


def label_space(record: Record) -> Figure | None:
    """A column a snapshot: above the share of images that are right, below their error; None where nothing reads the images,
    or fewer than two factors have values that are no names."""
    found = _through_training(record, SNAPSHOTS)
    if not found:
        return None
    across, down = (record.factors[k] for k in factors_shown(record))
    most, unit = worst(record)
    rows = (
        ("share", SHARE_MAP, 1.0, "share of images right", "neither"),
        ("error", ERROR_MAP, most, f"median error{f', {unit}' if unit else ''}", "max"),
    )
    trained = _trained(record)
    size = (WIDTH_IN - 1.4) / len(found)
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(WIDTH_IN, 2 * size + 0.6))
        grid = figure.subplots(2, len(found), sharex=True, sharey=True, squeeze=False)
        for panels, (name, colours, top, title, extend) in zip(grid, rows, strict=True):
            for ax, (_, cell) in zip(panels, found, strict=True):
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
                drawn, ax=list(panels), label=title, extend=extend, location="right",
                aspect=20, fraction=0.06, pad=0.02, shrink=0.92,
            )  # fmt: skip
            bar.outline.set_visible(False)
            if bar.solids is not None:
                bar.solids.set_rasterized(True)
            panels[0].set_ylabel(factor_words(down))
        for ax, (images, _) in zip(grid[0], found, strict=True):
            ax.set_title(f"{images:,} images", fontweight="normal", fontsize=8)
        for ax in grid[1]:
            ax.set_xlabel(factor_words(across))
    return figure


def described(record: Record) -> str:
    """What the figure shows."""
    ((_, cell),) = _through_training(record, 1)
    most, unit = worst(record)
    filled = cell.n[cell.n > 0]
    dots = " Grey dots: labels that are trained on." if len(_trained(record)) else ""
    outlined = " Outlined: more labels are held out there than trained on." if cell.held.any() else ""
    return (
        f"All n = {cell.n.sum()} painted images of a snapshot by their labels, in {' x '.join(map(str, cell.n.shape))} "
        f"cells, {np.median(filled):g} images in the median one; {cell.n.size - len(filled)} cells have none and are "
        f"left empty. Above, the share whose outcome is {record.outcomes[-1].name}. Below, the median of the larger of the "
        f"two factors' absolute errors, over images in which both are read; an error above {most:g} {unit} is drawn as one "
        f"of {most:g}.{dots}{outlined}"
    )


def _trained(record: Record) -> Float[Array, "m K"]:
    """The labels that are trained on; none where they are too many to be told one by one."""
    return np.array(record.about.get("training", {}).get("labels") or [])


def _through_training(record: Record, count: int) -> list[tuple[int, Cells]]:
    """(images seen, cells) of about `count` snapshots, evenly in images seen; none where there are not two factors to
    show."""
    held = [snapshot for snapshot in record.snapshots if (snapshot.path / "samples.npz").is_file()]
    if not held or len(factors_shown(record)) < 2:
        return []
    found = []
    for index in spread([record.images_at(one) for one in held], count):
        stored = held[index].samples()
        read = record.readings(held[index])
        cell = cells(record, stored["labels"], stored["split"].astype(str), read)
        if cell is not None:
            found.append((record.images_at(held[index]), cell))
    return found


def _borders(held: Int[Array, "rows columns"], across: Factor, down: Factor) -> PathPatch:
    """Lines between cells of different sets: dark on a light seam, and so seen on every colour."""
    rows, columns = held.shape
    padded = np.pad(held, 1)
    ends = [((c, r), (c, r + 1)) for r, c in np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])]
    ends += [((c, r), (c + 1, r)) for r, c in np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])]
    steps, first = np.array([across.span / columns, down.span / rows]), np.array([across.low, down.low])
    path = Path(first + steps * np.reshape(ends, (-1, 2)), [Path.MOVETO, Path.LINETO] * len(ends))
    seam = withStroke(linewidth=2.4, foreground=PAPER)
    return PathPatch(path, fill=False, edgecolor=INK, linewidth=0.9, path_effects=[seam], clip_on=False)
