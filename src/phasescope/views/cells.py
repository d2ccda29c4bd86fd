"""Label space in cells: in each the share of a snapshot's painted images that are right, and how far off they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from phasescope.views.record import Array, Record

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

MOST_CELLS, IMAGES_A_CELL = 16, 3
"""cells along a factor at most; images that a cell has on average, at least"""
WORST = 0.125
"""of a factor's range: an error beyond it has the colour of this one"""


class Cells(NamedTuple):
    """Of a snapshot's images: a row for each stretch of the second factor shown, a single one where there is none.

    Attributes:
        n: images.
        share: of them that are right; NaN where there are none.
        error: median of the larger of the shown factors' absolute errors, over images in which these are read; NaN where
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
    """Two factors: those that are a place on the canvas, else the first two whose values are no names; or the one there is,
    or none."""
    measured = [k for k, factor in enumerate(record.factors) if not factor.categorical]
    position = list(record.position or ())
    return position if position and set(position) <= set(measured) else measured[:2]


def worst(record: Record) -> tuple[float, str]:
    """The error from which on the colour is the last one, and its unit: per cent of a factor's range where units differ."""
    factors = [record.factors[k] for k in factors_shown(record)]
    units = {factor.unit for factor in factors}
    if len(units) > 1:
        return 100 * WORST, "% of range"
    return float(f"{WORST * max(factor.span for factor in factors):.2g}"), units.pop()


def cells(record: Record, labels: Float[Array, "n K"], split: Array, read: dict[str, Array]) -> Cells | None:
    """What became of a snapshot's images; None where nothing read them, or all factors' values are names.

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
    sets = [(some[:, axes] - low) / span for some in _sets(record, labels, split)]
    right = read["outcome"].astype(str) == record.outcomes[-1].name
    return binned((labels[:, axes] - low) / span, right, errors.max(axis=1), sets)


def binned(
    at: Float[Array, "n d"], right: Bool[Array, " n"], error: Float[Array, " n"], sets: list[Array]
) -> Cells:
    """As many cells along a factor as leave `IMAGES_A_CELL` images a cell, `MOST_CELLS` at most.

    Args:
        at: the images' labels, each factor from 0 to 1; d is 1 or 2.
        right: whether an image is.
        error: of an image; NaN where none was read.
        sets: labels (m, d) that are trained on, and of each held-out split.
    """
    d = at.shape[1]
    side = max(1, min(MOST_CELLS, int((len(at) / IMAGES_A_CELL) ** (1 / d))))
    count, shape = side**d, (side if d > 1 else 1, side)

    def cell(places: Array) -> Array:
        return np.clip((places * side).astype(int), 0, side - 1) @ side ** np.arange(d)

    index, known = cell(at), np.isfinite(error)
    n = np.bincount(index, minlength=count)
    share = np.full(count, np.nan)
    np.divide(np.bincount(index[right], minlength=count), n, out=share, where=n > 0)
    median = np.array([_median(error[known & (index == one)]) for one in range(count)])
    most = np.argmax([np.bincount(cell(some), minlength=count) for some in sets], axis=0)
    return Cells(
        n=n.reshape(shape),
        share=share.reshape(shape),
        error=median.reshape(shape),
        held=most.reshape(shape),
        right=float(right.mean()),
        off=_median(error[known]),
    )


def _median(some: Float[Array, " n"]) -> float:
    return float(np.median(some)) if len(some) else float("nan")


def _sets(record: Record, labels: Float[Array, "n K"], split: Array) -> list[Array]:
    """The labels that are trained on, then those of each held-out split; where they are too many to be told one by one,
    those of the images."""
    told = [record.about.get("training", {}), *(record.about.get("held_out") or {}).values()]
    if all(one.get("labels") for one in told):
        return [np.array(one["labels"]) for one in told]
    names = [record.splits[0] if record.splits else "", *(record.about.get("held_out") or {})]
    return [labels[split == name] for name in names]
