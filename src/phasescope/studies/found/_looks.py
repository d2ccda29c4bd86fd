"""Costly readings of a run, at some of its snapshots alone: evenly over the run, or in the middle of each of its phases.

In the middle of phases a reading's rows have columns `GROUP.phase`, the phase, and `GROUP.NAME`, what was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from phasescope.measures.learning.phases import LETTERS
from phasescope.store import Run, Snapshot
from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.criteria import column
from phasescope.studies.core.curves import marks
from phasescope.studies.core.statistics import mean_of_runs
from phasescope.studies.core.study import Curve

if TYPE_CHECKING:
    import pandas as pd


EVEN = 8
"""snapshots of a run that are read evenly"""


def evenly(snapshots: int) -> np.ndarray:
    """The places of those that are read of so many, from the first to the last."""
    return np.unique(np.linspace(0, snapshots - 1, EVEN).round().astype(int))


def middles(run: Run) -> dict[str, Snapshot]:
    """By phase the middle one of the trained snapshots whose images are in it; phases that none is in are left out."""
    told = {entry["step"]: entry["phase"]["behaviour"] for entry in run.metrics}
    trained = [one for one in run.snapshots if one.step > 0]
    return {letter: trained[i] for letter, i in middle_places([told[one.step] for one in trained]).items()}


def middle_places(told: Sequence[str]) -> dict[str, int]:
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
    values = column(run, f"{group}.{name}")[run[f"{group}.phase"].to_numpy() == letter]
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
