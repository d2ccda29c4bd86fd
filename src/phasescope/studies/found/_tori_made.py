"""Records of tori that claims are tried on: numbers untrained and at the end, and what goes along with what."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from phasescope.places import Place
from phasescope.studies.core.study import Study
from phasescope.studies.found._core import made_core
from phasescope.studies.found._made import made_ends
from phasescope.studies.found._tori_cells import HELD, WHOLE, additive, index

if TYPE_CHECKING:
    import pandas as pd


APART = {Place("mid", 50): 0.27, Place("mid", 600): 0.3}
"""of an index at the end, from run to run: as in runs of bumps on a torus that an earlier study made"""
UNTRAINED = {
    "bumps": {Place("mid", 50): (0.55, 0.13), Place("mid", 600): (0.85, 0.18)},
    "stripes": {Place("mid", 50): (0.69, 0.12), Place("mid", 600): (0.86, 0.18)},
}
"""an index of untrained networks, its mean and deviation: of the same runs, and of four networks that saw no image"""
LEFT, OF_SUMS = {Place("mid", 50): 0.07, Place("mid", 600): 0.02}, 0.4
"""what untrained networks' latents have beside a sum, 1 - R^2, and the deviation of its log from run to run"""


def ending(
    place: Place, cells: Sequence[str], mean: float, study: Study, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of runs of stripes with an index at the end."""
    return made_ends(
        study, cells, lambda _: {index(place): _index("stripes", place, mean, generator)}, generator
    )


def _index(shown: str, place: Place, mean: float, generator: np.random.Generator) -> tuple[float, float]:
    first, spread = UNTRAINED[shown][place]
    return first + spread * generator.standard_normal(), mean + APART[place] * generator.standard_normal()


def gaining(
    place: Place, cells: Sequence[str], by: float, study: Study, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of runs whose index is, in the mean, more at the end than it was untrained."""
    return ending(place, cells, UNTRAINED["stripes"][place][0] + by, study, generator)


def sums(
    place: Place, cells: Sequence[str], by: float, study: Study, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of runs of which the log of what additive R^2 leaves is less at the end than it was untrained."""

    def read(_: str) -> dict[str, tuple[float, float]]:
        logs = math.log(LEFT[place]) - np.array([0.0, by]) + OF_SUMS * generator.standard_normal(2)
        first, last = (1 - np.exp(logs)).tolist()
        return {additive(place): (first, last)}

    return made_ends(study, cells, read, generator)


def made_along(
    study: Callable[[], Study], place: Place, along: float, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of runs that are factorized, and compose, differently from cell to cell; within cells both go together as
    `along` says, a correlation."""

    def read(cell: str) -> dict[str, float | tuple[float, float]]:
        at, (own, other) = HELD.index(cell), generator.standard_normal(2)
        together = along * own + math.sqrt(1 - along**2) * other
        of_ways = made_core(float(0.8 - 0.1 * at + 0.15 * together), generator)
        return {index(place): (0.5, float(0.5 + 0.05 * at + APART[place] * own)), **of_ways}

    return made_ends(study(), HELD, read, generator)


def two_worlds(
    study: Callable[[], Study], place: Place, gains: Mapping[str, float], generator: np.random.Generator
) -> pd.DataFrame:
    """Records of both worlds' runs, whose indices at the end are apart from untrained ones by as much."""
    of_cell = {cell.name: shown for shown, cell in WHOLE.items()}

    def read(cell: str) -> dict[str, tuple[float, float]]:
        shown = of_cell[cell]
        return {index(place): _index(shown, place, UNTRAINED[shown][place][0] + gains[shown], generator)}

    return made_ends(study(), list(of_cell), read, generator)
