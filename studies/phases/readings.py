"""Phases of the samples, as numbers of every run."""

import numpy as np

from phasescope.measures import phase_sequence
from phasescope.studies import Runs, reaches

PHASE, CORRECT = "phase.behaviour", "outcomes.grid.correct"


def passes_abc(runs: Runs) -> np.ndarray:
    """Return whether the decided phases of the samples are A, B, C in this order, (n,); NaN if a run still improved at its
    end, short of C."""
    reached = reaches(PHASE, "C", improving=CORRECT)(runs)
    in_order = [phase_sequence(letters) == ["A", "B", "C"] for letters in runs.texts(PHASE)]
    return np.where(np.isnan(reached), np.nan, in_order)


def shapeless(runs: Runs) -> np.ndarray:
    """Return the share of no bump or several among samples without one good bump, mean over trained snapshots of phase A,
    (n,)."""
    columns = ("outcomes.grid.none", "outcomes.grid.multiple", "outcomes.grid.malformed", "step")
    shares = []
    courses = map(runs.courses, columns)
    for letters, none, several, malformed, step in zip(runs.texts(PHASE), *courses, strict=True):
        of_a = (np.array(letters) == "A") & (step > 0)
        without_shape = (none + several)[of_a]
        shares.append(np.mean(without_shape / (without_shape + malformed[of_a])) if of_a.any() else np.nan)
    return np.array(shares)
