"""Label space in cells: in each the share of a snapshot's generated images that are correct, and their error."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from phasescope.views.record import Array, Record

MOST_CELLS, IMAGES_A_CELL = 16, 3
"""cells along a factor at most; images that a cell has on average, at least"""
WORST = 0.125
"""of a factor's range: an error beyond it has the colour of this one"""


class Cells(NamedTuple):
    """Of a snapshot's images: a row for each stretch of the second factor shown, a single one if there is none.

    Attributes:
        n: images.
        share: of them that are correct; NaN if there are none.
        error: median of the larger of the shown factors' absolute errors, over images in which these are read; NaN if
            there are none.
        held: 0, or from 1 on which of the held-out splits has most labels there, more than are trained on.
        right, off: share and error over all images.
    """

    n: Int[Array, "rows columns"]
    share: Float[Array, "rows columns"]
    error: Float[Array, "rows columns"]
    held: Int[Array, "rows columns"]
    right: float
    off: float


def factors_shown(record: Record) -> list[int]:
    """Return two factors: those that are a position on the canvas, else the first two whose values are no names; or the one
    there is, or none."""
    measured = [k for k, factor in enumerate(record.factors) if not factor.categorical]
    position = list(record.position or ())
    return position if position and set(position) <= set(measured) else measured[:2]


def worst(record: Record) -> tuple[float, str]:
    """Return the error with the last colour, and its unit: per cent of a factor's range if units differ."""
    factors = [record.factors[k] for k in factors_shown(record)]
    units = {factor.unit for factor in factors}
    if len(units) > 1:
        return 100 * WORST, "% of range"
    return float(f"{WORST * max(factor.span for factor in factors):.2g}"), units.pop()


def cells(record: Record, labels: Float[Array, "n K"], split: Array, read: dict[str, Array]) -> Cells | None:
    """Return the summary of a snapshot's images; None if nothing read them, or all factors' values are names.

    Args:
        read: the columns of what was read in them.
    """
    axes = factors_shown(record)
    if not axes or "outcome" not in read or not record.outcomes or record.is_unconditional:
        return None
    factors = [record.factors[k] for k in axes]
    low, span = record.factors.low[axes], record.factors.span[axes]
    unread = np.full(len(labels), np.nan)
    errors = np.abs(np.stack([read.get(f"error_{factor.name}", unread) for factor in factors], axis=1))
    if len({factor.unit for factor in factors}) > 1:
        errors = 100 * errors / span
    right = read["outcome"].astype(str) == record.outcomes[-1].name
    sets = [(some[:, axes] - low) / span for some in _sets(record, labels, split)]
    return binned((labels[:, axes] - low) / span, right, errors.max(axis=1), sets)


def binned(
    at: Float[Array, "n d"], right: Bool[Array, " n"], error: Float[Array, " n"], sets: list[Array]
) -> Cells:
    """Return as many cells along a factor as leave `IMAGES_A_CELL` images a cell, `MOST_CELLS` at most.

    Args:
        at: the images' labels, each factor from 0 to 1; d is 1 or 2.
        right: whether an image is correct.
        error: of an image; NaN if none was read.
        sets: labels (m, d) that are trained on, and of each held-out split.
    """
    d = at.shape[1]
    side = max(1, min(MOST_CELLS, int((len(at) / IMAGES_A_CELL) ** (1 / d))))
    count, shape = side**d, (side if d > 1 else 1, side)

    def cell(labels: Array) -> Array:
        return np.clip((labels * side).astype(int), 0, side - 1) @ side ** np.arange(d)

    def counts(index: Array) -> Array:
        return np.bincount(index, minlength=count)

    index, known = cell(at), np.isfinite(error)
    n = counts(index)
    share = np.divide(counts(index[right]), n, out=np.full(count, np.nan), where=n > 0)
    median = np.array([_median(error[known & (index == i)]) for i in range(count)])
    held = np.argmax([counts(cell(some)) for some in sets], axis=0)
    maps = (each.reshape(shape) for each in (n, share, median, held))
    return Cells(*maps, right=float(right.mean()), off=_median(error[known]))


def _median(some: Float[Array, " n"]) -> float:
    return float(np.median(some)) if len(some) else float("nan")


def _sets(record: Record, labels: Float[Array, "n K"], split: Array) -> list[Array]:
    """Return the labels that are trained on, then those of each held-out split; if these are too many to be listed, those
    of the images."""
    held = record.about.get("held_out") or {}
    stated = [record.about.get("training", {}), *held.values()]
    if all(one.get("labels") for one in stated):
        return [np.array(one["labels"]) for one in stated]
    return [labels[split == name] for name in (record.splits[0] if record.splits else "", *held)]
