"""The middle snapshot of each phase of the samples, and numbers that are read at it."""

from functools import partial

import numpy as np

from phasescope.studies import Number, Runs, reads
from phasescope.studies.readings.phases import PHASE


def middles(run) -> dict:
    """Return the middle one of the trained snapshots of each phase that the samples of a run pass through."""
    phases = {entry["step"]: entry["phase"]["behaviour"] for entry in run.metrics}
    trained = [snapshot for snapshot in run.snapshots if snapshot.step > 0]
    of_phase = {letter: [s for s in trained if phases[s.step] == letter] for letter in "ABC"}
    return {letter: there[len(there) // 2] for letter, there in of_phase.items() if there}


def in_phase(column: str, letter: str) -> Number:
    """Number: a column that is read once in each phase of the samples; NaN if the run is never in that phase."""
    return partial(_in_phase, column=column, letter=letter)


@reads("{column}", PHASE)
def _in_phase(runs: Runs, column: str, letter: str) -> np.ndarray:
    values = []
    for course, letters in zip(runs.courses(column), runs.texts(PHASE), strict=True):
        read = course[np.isfinite(course) & (np.array(letters) == letter)]
        values.append(read[0] if len(read) else np.nan)
    return np.array(values)
