"""What a run painted: the same labels in columns, its snapshots in rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.path import Path

from phasescope.views.record import OUTCOMES, Array, Record, spread
from phasescope.views.style import INK, OUTCOME_COLOURS, RC, TARGET

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from PIL import Image

GAP_PX = 2

CROSSHAIR = Path(
    [(-1, 0), (-0.55, 0), (0.55, 0), (1, 0), (0, -1), (0, -0.55), (0, 0.55), (0, 1)],
    [Path.MOVETO, Path.LINETO] * 4,
)


def painted(record: Record, width_in: float = 10.8, columns: int = 12, rows: int = 10) -> Figure | None:
    """Generated images, each bordered by its outcome's colour, with a crosshair at the label that was asked
    for.

    Args:
        record: a run.
        width_in: width, inches.
        columns: labels shown; half on the grid, then half off it, spread over the canvas.
        rows: snapshots shown, evenly in images seen.

    Returns:
        The figure; None where no snapshot holds samples.
    """
    if not record.snapshots:
        return None
    chosen = [
        record.snapshots[index] for index in spread([record.images_at(s) for s in record.snapshots], rows)
    ]
    samples = [snapshot.samples() for snapshot in chosen]
    labels, on_grid = samples[-1]["labels"], samples[-1]["on_grid"].astype(bool)
    shown = _columns(labels, on_grid, columns)
    images = np.stack([sample["images"][shown] for sample in samples])
    outcomes = np.stack([record.readings(snapshot)["outcome"][shown] for snapshot in chosen]).astype(str)
    side = images.shape[-1]
    border = border_px(side)
    cell = side + 2 * border + GAP_PX
    mosaic = tile(images, outcomes)
    height, width = mosaic.shape[:2]
    margin_in = 0.62
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(width_in, (width_in - margin_in) * height / width + 0.55))
        ax = figure.subplots()
        ax.imshow(mosaic, interpolation="none")
        size = (width_in - margin_in) * 72 * side / width
        corner = border + np.arange(len(chosen))[:, None] * cell, border + np.arange(len(shown)) * cell
        x = corner[1] + labels[shown, 0] - 1
        y = corner[0] + labels[shown, 1] - 1
        ax.scatter(
            np.broadcast_to(x, y.shape), y, marker=CROSSHAIR, s=(0.26 * size) ** 2, linewidths=0.9,
            facecolors="none", edgecolors=TARGET,
        )  # fmt: skip
        names = [", ".join(f"{value:.3g}" for value in label) for label in labels[shown]]
        ax.set_xticks(corner[1] + side / 2, names, fontsize=7 if width_in > 6 else 6)
        seen = [f"{record.images_at(snapshot):,}" for snapshot in chosen]
        ax.set_yticks(corner[0][:, 0] + side / 2, seen, fontsize=7 if width_in > 6 else 6)
        ax.tick_params(length=0, pad=2)
        ax.xaxis.tick_top()
        ax.set_anchor("N")
        ax.spines[:].set_visible(False)
        ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), ylabel="images seen")
        ax.set_title(_heading(on_grid[shown]), fontweight="normal", pad=4)
        ax.legend(
            handles=[Patch(color=OUTCOME_COLOURS[name], label=name) for name in OUTCOMES], loc="upper center",
            bbox_to_anchor=(0.5, 0), ncols=len(OUTCOMES), labelcolor=INK, columnspacing=1.2, handlelength=1,
        )  # fmt: skip
    return figure


def border_px(side: int) -> int:
    """Width of the coloured border around an image of `side` pixels, px."""
    return max(1, round(side / 16))


def tile(images: Float[Array, "rows columns N N"], outcomes: Array) -> Float[Array, "height width 4"]:
    """One RGBA mosaic of all `images`, each in a border of the colour of its outcome; between them
    nothing."""
    rows, columns, side, _ = images.shape
    border = border_px(side)
    framed = side + 2 * border
    cell = framed + GAP_PX
    mosaic = np.zeros((rows * cell - GAP_PX, columns * cell - GAP_PX, 4), np.float32)
    grey = np.clip((np.nan_to_num(images) + 1) / 2, 0, 1)
    for row in range(rows):
        for column in range(columns):
            top, left = row * cell, column * cell
            frame = mosaic[top : top + framed, left : left + framed]
            frame[:] = (*to_rgb(OUTCOME_COLOURS[outcomes[row, column]]), 1)
            frame[border:-border, border:-border, :3] = grey[row, column, :, :, None]
    return mosaic


def sheet(images: Float[Array, "n N N"], enlarge: int = 4) -> Image.Image:
    """A picture of `images` (in [-1, 1]) in a square of rows and columns, each pixel `enlarge` wide and
    high."""
    from PIL import Image

    n, side, _ = images.shape
    columns = math.isqrt(n - 1) + 1
    cell = side + GAP_PX
    grey = np.full((-(-n // columns) * cell - GAP_PX, columns * cell - GAP_PX), 128, np.uint8)
    for index, image in enumerate(np.clip((np.nan_to_num(images) + 1) * 127.5, 0, 255).round()):
        row, column = divmod(index, columns)
        grey[row * cell :, column * cell :][:side, :side] = image
    return Image.fromarray(grey.repeat(enlarge, axis=0).repeat(enlarge, axis=1))


def spread_over(labels: Float[Array, "n K"], count: int) -> Int[Array, " count"]:
    """Indices of `count` labels far from each other (farthest-point sampling, from the first label on)."""
    chosen = [0]
    distance = np.linalg.norm(labels - labels[0], axis=1)
    while len(chosen) < min(count, len(labels)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(labels - labels[chosen[-1]], axis=1))
    return np.array(chosen)


def _columns(labels: Float[Array, "n 2"], on_grid: Bool[Array, " n"], count: int) -> Int[Array, " count"]:
    shown = []
    groups = [np.flatnonzero(group) for group in (on_grid, ~on_grid) if group.any()]
    for group in groups:
        shown.append(group[spread_over(labels[group], count // len(groups))])
    return np.concatenate(shown)


def _heading(on_grid: Bool[Array, " columns"]) -> str:
    inside, outside = int(on_grid.sum()), int((~on_grid).sum())
    parts = [f"{inside} on the grid"] if inside else []
    parts += [f"{outside} off it" if inside else f"{outside} off the grid"] if outside else []
    return f"Asked for x, y (px): {', then '.join(parts)}"
