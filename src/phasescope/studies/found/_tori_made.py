"""Records of tori that claims are tried on: numbers untrained and at the end, and what goes along with what."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from phasescope.places import Place
from phasescope.studies.core.study import Study
from phasescope.studies.found._composition import excess_of
from phasescope.studies.found._made import made_ends
from phasescope.studies.found._tori_cells import LOOPS, SPLITS, WHOLE, index

if TYPE_CHECKING:
    import pandas as pd


def about(
    column: str, cells: Sequence[str], first: float, last: float, study: Study, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of runs with a number untrained and one at the end, which differ a little from run to run."""
    return made_ends(study, cells, lambda _: {column: _near(first, last, generator)}, generator)


def _near(first: float, last: float, generator: np.random.Generator) -> tuple[float, float]:
    one, other = (first, last) + 0.05 * generator.standard_normal(2)
    return float(one), float(other)


def made_along(
    study: Callable[[], Study],
    place: Place,
    order: Sequence[int],
    along: float,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """Records of runs that are factorized more from cell to cell, and compose in some order of the cells; within cells both
    go together as `along` says, from -1 to 1."""
    names = list(SPLITS)

    def read(cell: str) -> dict[str, tuple[float, float]]:
        at, (own, other) = names.index(cell), generator.standard_normal(2)
        together = along * own + math.sqrt(1 - along**2) * other
        return {
            index(place): (0.5, float(0.3 + 0.1 * at + 0.02 * own)),
            excess_of(SPLITS[cell]): (0.0, float(0.2 + 0.1 * order[at] + 0.02 * together)),
        }

    return made_ends(study(), names, read, generator)


ALIKE, HALF_WAY, UNLIKE = (0, 1, 2, 3, 4, 5), (2, 1, 0, 3, 4, 5), (3, 0, 5, 1, 4, 2)
"""orders of six cells that agree with their own in 15, 12 and 8 of 15 pairs: tau 1, `CLOSE` and 1/15"""


def two_worlds(
    study: Callable[[], Study], place: Place, gap: float, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of both worlds' runs, whose indices at the end are apart."""
    stripes = WHOLE["stripes"].name

    def read(cell: str) -> dict[str, tuple[float, float]]:
        return {index(place): _near(0.5, 0.5 + gap * (cell == stripes), generator)}

    return made_ends(study(), [cell.name for cell in WHOLE.values()], read, generator)


def looped(
    study: Callable[[], Study], cell: str, place: Place, chance: float, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of a cell's runs, of which some have the loops of a torus at the end."""

    def read(_: str) -> dict[str, tuple[float, float]]:
        return {f"shape.{place}.loops": (0.0, float(LOOPS * (generator.random() < chance)))}

    return made_ends(study(), [cell], read, generator)
