"""Records of tori that claims are tried on: numbers untrained and at the end, and what goes along with what."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from phasescope.places import Place
from phasescope.studies.core.study import Study
from phasescope.studies.found._composition import EVERY_WAY, excess_of
from phasescope.studies.found._made import made_ends
from phasescope.studies.found._tori_cells import HELD, LOOPS, SPLIT, WHOLE, index

if TYPE_CHECKING:
    import pandas as pd


APART = {Place("mid", 50): 0.27, Place("mid", 600): 0.3}
"""of an index at the end, from run to run: as in runs on a torus that an earlier study made"""
UNTRAINED = {Place("mid", 50): (0.55, 0.13), Place("mid", 600): (0.85, 0.18)}
"""an index of untrained networks, its mean and deviation, of the same runs"""
OF_SUMS = 0.1
"""of additive R^2, from run to run"""


def ending(
    place: Place, cells: Sequence[str], mean: float, study: Study, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of runs with an index at the end."""
    return made_ends(study, cells, lambda _: {index(place): _index(place, mean, generator)}, generator)


def _index(place: Place, mean: float, generator: np.random.Generator) -> tuple[float, float]:
    first, spread = UNTRAINED[place]
    return first + spread * generator.standard_normal(), mean + APART[place] * generator.standard_normal()


def gaining(
    place: Place, cells: Sequence[str], by: float, study: Study, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of runs whose index is, in the mean, more at the end than it was untrained."""
    return ending(place, cells, UNTRAINED[place][0] + by, study, generator)


def sums(
    column: str, cells: Sequence[str], by: float, study: Study, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of runs whose additive R^2 is, in the mean, more at the end than it was untrained."""

    def read(_: str) -> dict[str, tuple[float, float]]:
        first, last = (0.5, 0.5 + by) + OF_SUMS * generator.standard_normal(2)
        return {column: (float(first), float(last))}

    return made_ends(study, cells, read, generator)


def made_along(
    study: Callable[[], Study], place: Place, along: float, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of runs that are factorized, and compose, differently from cell to cell; within cells both go together as
    `along` says, a correlation."""

    def read(cell: str) -> dict[str, tuple[float, float]]:
        at, (own, other) = HELD.index(cell), generator.standard_normal(2)
        together = along * own + math.sqrt(1 - along**2) * other
        of_ways = {
            excess_of(SPLIT, way=way): (0.0, float(0.8 - 0.1 * at + 0.15 * together + 0.03 * noise))
            for way, noise in zip(EVERY_WAY, generator.standard_normal(len(EVERY_WAY)), strict=True)
        }
        return {index(place): (0.5, float(0.5 + 0.05 * at + APART[place] * own))} | of_ways

    return made_ends(study(), HELD, read, generator)


def two_worlds(
    study: Callable[[], Study], place: Place, gap: float, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of both worlds' runs, whose indices at the end are apart."""
    stripes = WHOLE["stripes"].name

    def read(cell: str) -> dict[str, tuple[float, float]]:
        return {index(place): _index(place, 0.4 + gap * (cell == stripes), generator)}

    return made_ends(study(), [cell.name for cell in WHOLE.values()], read, generator)


def looped(
    study: Callable[[], Study], cell: str, place: Place, chance: float, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of a cell's runs, of which some have the loops of a torus at the end."""

    def read(_: str) -> dict[str, tuple[float, float]]:
        return {f"shape.{place}.loops": (0.0, float(LOOPS * (generator.random() < chance)))}

    return made_ends(study(), [cell], read, generator)
