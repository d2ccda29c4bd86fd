"""Records of tori that claims are tried on: numbers untrained and at the end, and what goes along with what."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from phasescope.places import Place
from phasescope.studies.core.made import made_records
from phasescope.studies.core.study import Study
from phasescope.studies.found._composition import excess_of
from phasescope.studies.found._made import as_p1_says
from phasescope.studies.found._tori_cells import LOOPS, SPLITS, WHOLE, index

if TYPE_CHECKING:
    import pandas as pd


def made(
    study: Callable[[], Study],
    of: Mapping[str, Callable[[str, np.random.Generator], tuple[float, float]]],
    cells: Sequence[str],
    generator: np.random.Generator,
) -> pd.DataFrame:
    """Records of runs of these cells with some columns: of each its number untrained and at the end, drawn for each run."""
    frame = made_records(study(), as_p1_says, generator, cells=list(cells), reads=())
    columns = {name: np.full(len(frame), math.nan) for name in of}
    for _, run in frame.groupby("digest"):
        steps, at = run["step"].to_numpy(), frame.index.get_indexer(run.index)
        for name, drawn in of.items():
            first, last = drawn(run["cell"].iloc[0], generator)
            columns[name][at[steps.argmin()]], columns[name][at[steps.argmax()]] = first, last
    return frame.assign(**columns)


def about(
    first: float, last: float, spread: float = 0.05
) -> Callable[[str, np.random.Generator], tuple[float, float]]:
    """The same of all cells, but for what differs from run to run."""

    def drawn(cell: str, generator: np.random.Generator) -> tuple[float, float]:
        one, other = (first, last) + spread * generator.standard_normal(2)
        return float(one), float(other)

    return drawn


def made_along(
    study: Callable[[], Study],
    place: Place,
    order: Sequence[int],
    along: float,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """Records of runs that are factorized more from cell to cell, and compose in some order of the cells; within cells both
    go together as `along` says, from -1 to 1."""
    drawn: dict[str, float] = {}
    names = list(SPLITS)

    def factorized(cell: str, one: np.random.Generator) -> tuple[float, float]:
        drawn["own"] = float(one.standard_normal())
        return 0.5, 0.3 + 0.1 * names.index(cell) + 0.02 * drawn["own"]

    def composed(split: str, cell: str, one: np.random.Generator) -> tuple[float, float]:
        if SPLITS[cell] != split:
            return math.nan, math.nan
        own = along * drawn["own"] + math.sqrt(1 - along**2) * float(one.standard_normal())
        return 0.0, 0.2 + 0.1 * order[names.index(cell)] + 0.02 * own

    columns = {index(place): factorized} | {
        excess_of(split): partial(composed, split) for split in dict.fromkeys(SPLITS.values())
    }
    return made(study, columns, names, generator)


ALIKE, HALF_WAY, UNLIKE = (0, 1, 2, 3, 4, 5), (2, 1, 0, 3, 4, 5), (3, 0, 5, 1, 4, 2)
"""orders of six cells that agree with their own in 15, 12 and 8 of 15 pairs: tau 1, `CLOSE` and 1/15"""


def two_worlds(
    study: Callable[[], Study], place: Place, gap: float, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of both worlds' runs, whose indices at the end are apart."""
    stripes = WHOLE["stripes"].name

    def drawn(cell: str, one: np.random.Generator) -> tuple[float, float]:
        return about(0.5, 0.5 + gap * (cell == stripes))(cell, one)

    return made(study, {index(place): drawn}, [cell.name for cell in WHOLE.values()], generator)


def looped(
    study: Callable[[], Study], cell: str, place: Place, chance: float, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of a cell's runs, of which some have the loops of a torus at the end."""

    def drawn(_: str, one: np.random.Generator) -> tuple[float, float]:
        return 0.0, float(LOOPS * (one.random() < chance))

    return made(study, {f"shape.{place}.loops": drawn}, [cell], generator)
