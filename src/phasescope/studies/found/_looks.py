"""Costly readings of a run: at the middle snapshot of each phase of behaviour, and there alone.

A reading's rows have columns `GROUP.phase`, the phase in whose middle they are, and `GROUP.NAME`, what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.measures.learning.phases import LETTERS
from phasescope.store import Run, Snapshot
from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.criteria import column
from phasescope.studies.core.curves import marks
from phasescope.studies.core.made import made_records
from phasescope.studies.core.statistics import mean_of_runs
from phasescope.studies.core.study import Curve, Study
from phasescope.studies.found._made import as_p1_says

if TYPE_CHECKING:
    import pandas as pd


def middles(run: Run) -> dict[str, Snapshot]:
    """By phase the middle one of the trained snapshots whose images are in it; phases that none is in are left out."""
    told = {entry["step"]: entry["phase"]["behaviour"] for entry in run.metrics}
    trained = [one for one in run.snapshots if one.step > 0]
    return {letter: trained[i] for letter, i in _middles([told[one.step] for one in trained]).items()}


def _middles(told: Sequence[str]) -> dict[str, int]:
    """By phase the middle one of the places at which it is told."""
    places = {letter: [i for i, one in enumerate(told) if one == letter] for letter in LETTERS}
    return {letter: there[len(there) // 2] for letter, there in places.items() if there}


def value_in(run: pd.DataFrame, group: str, letter: str, name: str) -> float:
    """What was read of a run in a phase; NaN where the run was not in it.

    Raises:
        NotEnough: the records lack the reading.
    """
    if f"{group}.phase" not in run:
        raise NotEnough(f"the records lack `{group}`: nothing was read")
    values = column(run, f"{group}.{name}")[(run[f"{group}.phase"] == letter).to_numpy()]
    return float(values[0]) if len(values) else np.nan


def mean_in(runs: Sequence[pd.DataFrame], group: str, letter: str, name: str) -> Estimate:
    """The mean over the runs that were in a phase."""
    return mean_of_runs([value_in(run, group, letter, name) for run in runs])


def marks_in(
    runs: Sequence[pd.DataFrame],
    group: str,
    letter: str,
    names: Iterable[str],
    label: str,
    series: int,
    shift: float,
) -> Curve:
    """A mark a name: its mean over the runs that were in a phase, with its interval."""
    return marks((partial(mean_in, runs, group, letter, name) for name in names), label, series, shift)


def made_looks(
    study: Study,
    cell: str,
    group: str,
    read: Callable[[str, np.random.Generator], Mapping[str, float]],
    generator: np.random.Generator,
) -> pd.DataFrame:
    """Records of a cell's runs that learn as P1 says, with a reading.

    Args:
        read: what is read of one run in a phase, by name; drawn with the generator.
    """
    frame = made_records(study, as_p1_says, generator, cells=[cell], reads=("phase.behaviour",))
    rows: dict[int, Mapping[str, float | str]] = {}
    seeds, told = frame["seed"].to_numpy(), frame["phase.behaviour"].to_numpy()
    for seed in np.unique(seeds):
        trained = np.flatnonzero((seeds == seed) & (frame["step"] > 0).to_numpy())
        for letter, i in _middles(told[trained].tolist()).items():
            rows[int(trained[i])] = {"phase": letter, **read(letter, generator)}
    names = dict.fromkeys(name for row in rows.values() for name in row)
    columns: dict[str, Any] = {
        f"{group}.{name}": [rows.get(i, {}).get(name) for i in range(len(frame))] for name in names
    }
    return frame.assign(**columns)
