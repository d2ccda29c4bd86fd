"""The phase of the sheet, onsets and their partial correlation, and failures by phase, as numbers of every run."""

import numpy as np
import pandas as pd

from phasescope.studies import NotEnough, Runs, reads
from phasescope.studies.readings.phases import CORRECT

LOW_LOSS = 0.5
"""share of the way that the logarithm of a run's own loss goes from its first recorded value to its last"""


def crossing_step(steps: np.ndarray, course: np.ndarray, level: float) -> float:
    """Return the step at which a course rises above a level for good, interpolated; NaN if never, or from the start."""
    failing = np.flatnonzero(course <= level)
    if not len(failing) or failing[-1] == len(course) - 1:
        return np.nan
    before = failing[-1]
    part = (level - course[before]) / (course[before + 1] - course[before])
    return float(steps[before] + part * (steps[before + 1] - steps[before]))


@reads("{column}")
def crossing_steps(runs: Runs, column: str, level: float) -> np.ndarray:
    """Return the crossing of a column of every run, (n,)."""
    pairs = zip(runs.courses("step"), runs.courses(column), strict=True)
    return np.array([crossing_step(steps, course, level) for steps, course in pairs])


@reads("loss")
def loss_onsets(runs: Runs) -> np.ndarray:
    """Return the step at which a run's loss has made `LOW_LOSS` of its way down, on a logarithmic scale, (n,)."""
    onsets = []
    for steps, loss in zip(runs.courses("step"), runs.courses("loss"), strict=True):
        known = np.isfinite(loss)
        way = -np.log(loss[known])
        level = way[0] + LOW_LOSS * (way[-1] - way[0]) if known.any() else np.nan
        onsets.append(crossing_step(steps[known], way, level))
    return np.array(onsets)


@reads("{column}", "{correct}", "loss")
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
        middle = (len(cell) + 1) / 2
        loss = rankdata(cell["loss_onset"]) - middle
        ranks = [rankdata(cell[name]) - middle for name in ("x", "y")]
        rest = [own - loss * (loss @ own) / (loss @ loss) for own in ranks]

        # Cells of different sizes are pooled on the scale of their own standard deviations.
        parts.append(cell.assign(x=rest[0] / rest[0].std(), y=rest[1] / rest[1].std()))
    if not parts:
        raise NotEnough("a partial correlation within a cell needs 5 runs with all three onsets")
    return pd.concat(parts)
