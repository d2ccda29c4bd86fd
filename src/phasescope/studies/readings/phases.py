"""Phases of the samples and of the sheet through training, as numbers of every run."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from phasescope.measures import phase_onsets, phase_sequence
from phasescope.studies import Number, Runs, reaches, reads, share

PHASE, SHEET = "phase.behaviour", "phase.sheet"
CORRECT = share("grid", "correct")


@reads("{column}", "{improving}")
def passes(runs: Runs, column: str, improving: str) -> np.ndarray:
    """Return whether the decided phases of `column` are A, B, C in this order, (n,); NaN if a run still improved at its
    end, short of C."""
    reached = reaches(column, "C", improving=improving)(runs)
    in_order = [phase_sequence(letters) == ["A", "B", "C"] for letters in runs.texts(column)]
    return np.where(np.isnan(reached), np.nan, in_order)


def phases_abc(column: str, improving: str) -> Number:
    """Number: whether a run passes A, B and C; NaN (censored) if it still improved at its end."""
    return partial(passes, column=column, improving=improving)


@reads(PHASE, CORRECT)
def passes_abc(runs: Runs) -> np.ndarray:
    """Return whether the decided phases of the samples are A, B, C in this order, (n,); NaN if a run still improved at its
    end, short of C."""
    return passes(runs, PHASE, CORRECT)


@reads(PHASE)
def passes_b(runs: Runs) -> np.ndarray:
    """Return whether samples are in phase B before they are in C, (n,); NaN if they reach neither."""

    def passes(letters: list[Any]) -> float:
        sequence = phase_sequence(letters)
        before = sequence[: sequence.index("C")] if "C" in sequence else sequence
        return float("B" in before) if {"B", "C"} & set(sequence) else np.nan

    return np.array([passes(letters) for letters in runs.texts(PHASE)])


@reads(PHASE, "images_seen")
def length_of_b(runs: Runs, relative: bool = False) -> pd.DataFrame:
    """Return the images seen in phase B, from its onset to that of C; a run that has not reached C is censored. Of runs
    that reached neither nothing is known, and they are left out.

    Args:
        relative: divide by the images seen until C.
    """
    lengths, came = [], []
    passed = passes_b(runs)
    for images_seen, letters, passes in zip(
        runs.courses("images_seen"), runs.texts(PHASE), passed, strict=True
    ):
        onsets = phase_onsets(images_seen.astype(int).tolist(), letters)
        begins, ends = onsets["B"], onsets["C"]
        until = images_seen[-1] if ends is None else ends

        length = until - begins if passes == 1 and begins is not None else 0.0
        lengths.append(length / until if relative else length)
        came.append(ends is not None)

    y = np.array(lengths, dtype=float)
    return runs.table.assign(y=y, last=y, came=np.array(came, dtype=bool))[np.isfinite(passed)]


@reads(PHASE)
def ends_in_b(runs: Runs) -> np.ndarray:
    """Return whether samples reach phase B and never C, (n,)."""
    return runs.ever("phase.behaviour", "B") & ~runs.ever("phase.behaviour", "C")


def decided(runs: Runs, column: str) -> list[list[str]]:
    """Return the phases of every run, with an undecided snapshot given the last decided phase before it, or A."""
    courses = []
    for letters in runs.texts(column):
        course, last = [], "A"
        for letter in letters:
            last = letter if letter in "ABC" else last
            course.append(last)
        courses.append(course)
    return courses


@reads("{samples}", SHEET)
def lag(runs: Runs, letter: str, samples: str = PHASE) -> pd.DataFrame:
    """Return when the samples enter a phase for good (`y`), and when the sheet does (`y_second`), with their censoring."""
    tables = [
        runs.onsets([np.array(letters) >= letter for letters in decided(runs, column)])
        for column in (samples, SHEET)
    ]
    second = tables[1][["y", "without", "last", "came"]].add_suffix("_second")
    return pd.concat([tables[0], second], axis=1)
