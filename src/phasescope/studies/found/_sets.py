"""Sets of images to train on: what sets in sooner with more of them, and what is right beyond a copier of the nearest."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from phasescope.probing.copier import nearest_labels
from phasescope.randomness import numpy_generator
from phasescope.studies.core.claim import Estimate
from phasescope.studies.core.criteria import (
    PLACE,
    RAW_ORDERED,
    Passing,
    accurate,
    at_end,
    column,
    onsets,
    runs_of,
)
from phasescope.studies.core.curves import named
from phasescope.studies.core.statistics import mean_of_runs, sooner
from phasescope.studies.found._cells import BASE, KEPT

if TYPE_CHECKING:
    import pandas as pd

THINGS: dict[str, tuple[str, Passing]] = {
    "order": (f"order at {named(*PLACE)}", RAW_ORDERED),
    "grid": ("accuracy on the grid", accurate("grid")),
    "off_grid": ("accuracy off the grid", accurate("off_grid")),
}
"""what sets in: words, and when a snapshot has it"""
COPIED = 20_000
"""labels of which a copier's accuracy is the mean"""
SETS = (*(cell.name for cell in KEPT.values()), BASE.name)
"""cells of 64 to 1,024 images of one grid"""


def sooner_with_images(thing: str, frame: pd.DataFrame) -> Estimate:
    """Somers' D of onsets with the number of images trained on."""
    runs = runs_of(frame, SETS)
    images = np.array([column(run, "images")[0] for run in runs])
    return sooner(onsets(runs, THINGS[thing][1]), images, [0] * len(runs))


@cache
def copier(cell: str) -> float:
    """The accuracy off the grid, within 1 px, of one that paints the nearest of a cell's training labels."""
    world = next(one for one in (*KEPT.values(), BASE) if one.name == cell).config(0, "lean").world
    asked = world.splits()["off_grid"](COPIED, numpy_generator(0, "a copier's labels"))
    nearest = nearest_labels(world.training_labels(), asked, world.factors)
    return float((np.abs(world.factors.difference(nearest, asked)) <= 1).all(axis=1).mean())


def excess_over_copier(cell: str, frame: pd.DataFrame) -> Estimate:
    """Mean over runs of (acc - acc_copier) / (1 - acc_copier) off the grid, at the end."""
    copied = copier(cell)
    reached = np.array([at_end(run, "outcomes.off_grid.correct") for run in runs_of(frame, [cell])])
    detail = {"copier": copied, "reached": float(reached.mean())}
    return mean_of_runs((reached - copied) / (1 - copied), detail)
