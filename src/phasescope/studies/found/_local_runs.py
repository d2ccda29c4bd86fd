"""Networks that hear no label, by what a pixel of their answer can depend on; and how what they paint is counted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.config import Tree, merge
from phasescope.runs.loading import config_of
from phasescope.runs.sampling import paint_beside
from phasescope.studies.found._cells import ATTENTION, LITTLE, UNTOLD, untold

if TYPE_CHECKING:
    from jaxtyping import Float

    from phasescope.store import Run
    from phasescope.worlds import Reader, World

SELDOM: Tree = {"probing": LITTLE | {"snapshots": {"dense_until": 0, "every": 500}}}
"""a tap of convolutions at full resolution holds 32,768 numbers an image"""
CONV = {
    side: untold(
        f"convnet, {side} px",
        SELDOM | {"network": {"kind": "convnet", "receptive_px": side, "padding": "circular"}},
    )
    for side in (9, 15)
}
"""by the side of the square that a pixel of the answer depends on"""
DEEP, ATTENTIVE = UNTOLD[1.0], untold("untold, attention", SELDOM | ATTENTION)
ONE_SCALE: Tree = {"network": {"widths": [32]}}
SHALLOW = untold("untold, one scale", SELDOM | ONE_SCALE)
SHALLOW_ATTENTIVE = untold(
    "untold, one scale, attention", merge(SELDOM | ONE_SCALE, {"network": {"attention": ["stem", "mid"]}})
)
"""the same network with attention: what it has beyond the former it has by that"""
CELLS = (*CONV.values(), DEEP, ATTENTIVE, SHALLOW, SHALLOW_ATTENTIVE)
NAMES = tuple(cell.name for cell in CELLS)
IMAGES = 256
"""a run, of which a Poisson law's factor has a standard error of 0.09"""
OPTIMA = {"machine": "local machine", "posterior": "posterior mean"}
PAINTERS = ("network", *OPTIMA.values())
"""each of a colour of its own in every panel"""


def fano(objects: Float[np.ndarray, " n"]) -> float:
    """The variance of counts over their mean, of those that are known; 0 where all are 0, NaN of fewer than two."""
    known = objects[np.isfinite(objects)]
    if len(known) < 2:
        return math.nan
    return float(known.var(ddof=1) / known.mean()) if known.any() else 0.0


def told_of(objects: Float[np.ndarray, " n"]) -> dict[str, float]:
    """Of counts their mean, Fano's factor, and the share of images with just one."""
    return {"objects": float(np.nanmean(objects)), "fano": fano(objects), "one": float((objects == 1).mean())}


def reader_of(world: World) -> Reader:
    reader = world.reader()
    assert reader is not None, "the world of every cell has one"
    return reader


def read_beside(run: Run) -> list[dict[str, Any]]:
    """At the last snapshot of network and optima the counts, and the network's median r^2 to each optimum."""
    config = config_of(run)
    found = paint_beside(run, IMAGES, config.seed)
    reader, row = config.world.reader(), {"step": run.snapshots[-1].step}
    painted = {"network": found.network} | {short: found.optima[name] for short, name in OPTIMA.items()}
    for short, images in painted.items():
        told = told_of(reader.objects(reader.read(images)))
        row |= {f"{short}.{name}": value for name, value in told.items()}
    return [row | {f"{short}.r2": float(np.median(found.r2(name))) for short, name in OPTIMA.items()}]


def read_counts(run: Run) -> list[dict[str, Any]]:
    """Of each snapshot's painted images the counts."""
    reader = reader_of(config_of(run).world)
    return [{"step": one.step, **told_of(reader.objects(one.readings()))} for one in run.snapshots]
