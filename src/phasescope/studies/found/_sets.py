"""Sets of images to train on: what sets in sooner with more of them, and what is right beyond a copier of the nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
SETS = (*(cell.name for cell in KEPT.values()), BASE.name)
"""cells of 64 to 1,024 images of one grid"""


def sooner_with_images(thing: str, frame: pd.DataFrame) -> Estimate:
    """Somers' D of onsets with the number of images trained on."""
    runs = runs_of(frame, SETS)
    images = np.array([column(run, "images")[0] for run in runs])
    return sooner(onsets(runs, THINGS[thing][1]), images, [0] * len(runs))


def copier(images: float, grid: float) -> float:
    """The accuracy within 1 px of one that paints the nearest of `images` labels, drawn from a grid of 1 px of `grid`."""
    return 1 - (1 - images / grid) ** 9


def excess_over_copier(cells: tuple[str, ...], frame: pd.DataFrame) -> Estimate:
    """Mean over runs of (acc - acc_copier) / (1 - acc_copier) off the grid, at the end."""
    runs = runs_of(frame, cells)
    copied = [copier(column(run, "images")[0], 32.0**2) for run in runs]
    reached = [at_end(run, "outcomes.off_grid.correct") for run in runs]
    values = [(a - c) / (1 - c) for a, c in zip(reached, copied, strict=True)]
    return mean_of_runs(values, {"copier": float(np.mean(copied)), "reached": float(np.mean(reached))})
