"""The phase of the sheet, onsets and their partial correlation, and failures by phase, as numbers of every run."""

from functools import partial

import numpy as np
import pandas as pd

from phasescope.measures import phase_sequence
from phasescope.studies import NotEnough, Number, Runs, reaches

PHASE, SHEET = "phase.behaviour", "phase.sheet"
CORRECT = "outcomes.grid.correct"
LABEL_VARIANCE = "label_variance.mid.600.value"
ORDER = "label_trustworthiness.mid.600.value"
WRONG = ("none", "multiple", "malformed", "misplaced")
LOW_LOSS = 0.5
"""share of the way that the logarithm of a run's own loss goes from its first recorded value to its last"""


def passes(runs: Runs, column: str, improving: str) -> np.ndarray:
    """Return whether the decided phases of `column` are A, B, C in this order, (n,); NaN if a run still improved at its
    end, short of C."""
    reached = reaches(column, "C", improving=improving)(runs)
    in_order = [phase_sequence(letters) == ["A", "B", "C"] for letters in runs.texts(column)]
    return np.where(np.isnan(reached), np.nan, in_order)


def phases_abc(column: str, improving: str) -> Number:
    """Number: whether a run passes A, B and C; NaN (censored) if it still improved at its end."""
    return partial(passes, column=column, improving=improving)


def crossing_step(steps: np.ndarray, course: np.ndarray, level: float) -> float:
    """Return the step at which a course rises above a level for good, interpolated; NaN if never, or from the start."""
    failing = np.flatnonzero(course <= level)
    if not len(failing) or failing[-1] == len(course) - 1:
        return np.nan
    before = failing[-1]
    part = (level - course[before]) / (course[before + 1] - course[before])
    return float(steps[before] + part * (steps[before + 1] - steps[before]))


def crossing_steps(runs: Runs, column: str, level: float) -> np.ndarray:
    """Return the crossing of a column of every run, (n,)."""
    pairs = zip(runs.courses("step"), runs.courses(column), strict=True)
    return np.array([crossing_step(steps, course, level) for steps, course in pairs])


def loss_onsets(runs: Runs) -> np.ndarray:
    """Return the step at which a run's loss has made `LOW_LOSS` of its way down, on a logarithmic scale, (n,)."""
    onsets = []
    for steps, loss in zip(runs.courses("step"), runs.courses("loss"), strict=True):
        known = np.isfinite(loss)
        way = -np.log(loss[known])
        level = way[0] + LOW_LOSS * (way[-1] - way[0]) if known.any() else np.nan
        onsets.append(crossing_step(steps[known], way, level))
    return np.array(onsets)


def partial_ranks(runs: Runs, column: str, level: float, correct: str = CORRECT) -> pd.DataFrame:
    """Return the table with the ranks of two onsets within each cell, less what the rank of the loss onset explains.

    `y` is the onset of accuracy (`correct` above 0.5), `x` that of `column` at `level`. A run without one of the
    three onsets is left out.
    """
    from scipy.stats import rankdata

    table = runs.table.assign(
        y=crossing_steps(runs, correct, 0.5),
        x=crossing_steps(runs, column, level),
        loss_onset=loss_onsets(runs),
    )
    table = table[np.isfinite(table[["x", "y", "loss_onset"]]).all(axis=1)]
    parts = []
    for _, cell in table.groupby("cell"):
        if len(cell) < 5:
            continue
        x, y, loss = (rankdata(cell[name]) - (len(cell) + 1) / 2 for name in ("x", "y", "loss_onset"))
        rest = [ranks - loss * (loss @ ranks) / (loss @ loss) for ranks in (x, y)]
        # Cells of different sizes are pooled on the scale of their own standard deviations.
        parts.append(cell.assign(x=rest[0] / rest[0].std(), y=rest[1] / rest[1].std()))
    if not parts:
        raise NotEnough("a partial correlation within a cell needs 5 runs with all three onsets")
    return pd.concat(parts)


def lag(runs: Runs, letter: str, samples: str = PHASE) -> pd.DataFrame:
    """Return when the samples enter a phase for good (`y`), and when the sheet does (`y_second`), with their censoring."""
    tables = [
        runs.onsets([np.array(letters) >= letter for letters in decided(runs, column)])
        for column in (samples, SHEET)
    ]
    second = tables[1][["y", "without", "last", "came"]].add_suffix("_second")
    return pd.concat([tables[0], second], axis=1)


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


def outcome_while(
    runs: Runs,
    phase: str,
    outcomes: tuple[str, ...],
    of: str = "outcomes.grid",
    wrong: tuple[str, ...] = WRONG,
) -> np.ndarray:
    """Return the share of some outcomes among wrong samples while the sheet is in a phase, (n,); NaN if it never is.

    It is the mean over a run's trained snapshots that have wrong samples. `of` begins the names of the outcomes' columns,
    and `wrong` names all that are wrong.
    """
    courses = {name: runs.courses(f"{of}.{name}") for name in wrong}
    shares = []
    for row, (letters, steps) in enumerate(zip(runs.texts(SHEET), runs.courses("step"), strict=True)):
        all_wrong = np.sum([courses[name][row] for name in wrong], axis=0)
        counted = (np.array(letters) == phase) & (steps > 0) & (all_wrong > 0)
        chosen = np.sum([courses[name][row] for name in outcomes], axis=0)
        shares.append(np.mean(chosen[counted] / all_wrong[counted]) if counted.any() else np.nan)
    return np.array(shares)


def failures(phase: str, *outcomes: str, **samples: str | tuple[str, ...]) -> Number:
    """Number: `outcome_while` the sheet is in a phase."""
    return partial(outcome_while, phase=phase, outcomes=outcomes, **samples)


def gained(runs: Runs, outcome: str, **samples: str | tuple[str, ...]) -> np.ndarray:
    """Return `outcome_while` the sheet is in phase C minus the same in phase A, (n,)."""
    in_c, in_a = (outcome_while(runs, phase, (outcome,), **samples) for phase in "CA")
    return in_c - in_a
