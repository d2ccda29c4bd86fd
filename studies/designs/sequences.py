"""Whether a run passes P1's three states in their order, and what else is read while it is in one of them."""

from __future__ import annotations

from functools import partial

import numpy as np

from phasescope.studies import Number, Runs, reads
from studies.designs.stages import CORRECT, steps_to_accuracy


def has_sequence(phase: str, *, until_accuracy: bool) -> Number:
    """Number: whether a column of phases passes A, B and C (`passes`), over the whole run or before accuracy alone."""
    return partial(_before_accuracy if until_accuracy else _over_the_run, phase=phase)


@reads("{phase}", CORRECT)
def _before_accuracy(runs: Runs, phase: str) -> np.ndarray:
    ends = steps_to_accuracy(runs)
    rows = zip(runs.texts(phase), runs.courses("step"), ends, strict=True)
    return np.array([passes(np.array(letters)[steps <= end]) for letters, steps, end in rows], dtype=float)


@reads("{phase}")
def _over_the_run(runs: Runs, phase: str) -> np.ndarray:
    return np.array([passes(np.array(letters)) for letters in runs.texts(phase)], dtype=float)


def passes(letters: np.ndarray) -> bool:
    """Return whether letters (T,) begin with A, have B at two successive snapshots, and later C at two successive ones.

    An undecided snapshot is neither, so that it separates those before and after it.
    """
    if len(letters) == 0 or letters[0] != "A":
        return False
    in_b, in_c = (_pairs(letters == letter) for letter in "BC")
    return bool(len(in_b) and len(in_c) and in_c[-1] > in_b[0])


def _pairs(is_letter: np.ndarray) -> np.ndarray:
    """Return the places at which a letter stands together with the next place, of (T,) booleans."""
    return np.flatnonzero(is_letter[1:] & is_letter[:-1])


def mean_while(phase: str, letter: str, column: str) -> Number:
    """Number: the mean of a column over the snapshots at which a column of phases has a letter; NaN if it never has."""
    return partial(_mean_while, phase=phase, letter=letter, column=column)


@reads("{phase}", "{column}")
def _mean_while(runs: Runs, phase: str, letter: str, column: str) -> np.ndarray:
    means = []
    for letters, values in zip(runs.texts(phase), runs.courses(column), strict=True):
        chosen = values[np.array(letters) == letter]
        means.append(float(chosen.mean()) if len(chosen) else float("nan"))
    return np.array(means)
