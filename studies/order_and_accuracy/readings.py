"""How probe R² and accuracy go together within runs, against two foils, and what follows an intervention at a layer."""

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import pandas as pd

from phasescope.studies import NotEnough, Number, Runs
from studies.sampler.readings import middles

ACCURACY = "outcomes.grid.correct"
LAYERS, HOW, SAMPLES = ("down3", "mid", "up1"), ("part", "patch"), 64


def rank_correlation(x: np.ndarray, y: np.ndarray, given: Sequence[np.ndarray] = ()) -> float:
    """Return Spearman's partial correlation of x and y, (T,), given other columns; NaN if nothing is left that varies."""
    from scipy.stats import rankdata

    columns = np.column_stack([x, y, *given]).astype(float)
    columns = columns[np.isfinite(columns).all(axis=1)]
    if len(columns) < 4 + len(given):
        return np.nan
    ranks = rankdata(columns, axis=0)
    design = np.column_stack([np.ones(len(ranks)), ranks[:, 2:]])
    rest = ranks[:, :2] - design @ np.linalg.lstsq(design, ranks[:, :2], rcond=None)[0]
    variances = (rest**2).sum(axis=0)
    varies = variances.min() > 1e-9 * len(ranks) ** 2
    return float(rest[:, 0] @ rest[:, 1] / np.sqrt(variances.prod())) if varies else np.nan


def of_next_run(runs: Runs, column: str) -> list[np.ndarray]:
    """Return for every run the column of the next seed's run of the same cell, at the same steps.

    Raises:
        NotEnough: a cell has a single run.
    """
    steps, courses = runs.courses("step"), runs.courses(column)
    found = list(courses)
    for rows in runs.table.groupby("cell").indices.values():
        if len(rows) < 2:
            raise NotEnough("another run's probe R² needs two runs of a cell")
        for row, following in zip(rows, np.roll(rows, -1), strict=True):
            at = dict(zip(steps[following], courses[following], strict=True))
            found[row] = np.array([at.get(step, np.nan) for step in steps[row]])
    return found


def with_accuracy(runs: Runs, courses: Sequence[np.ndarray], given: Sequence[str] = ()) -> np.ndarray:
    """Return the rank correlation of courses with accuracy over a run's trained snapshots, (n,)."""
    others = [runs.courses(name) for name in given]
    rows = zip(runs.courses("step"), courses, runs.courses(ACCURACY), *others, strict=True)
    return np.array(
        [
            rank_correlation(course[step > 0], accuracy[step > 0], [other[step > 0] for other in rest])
            for step, course, accuracy, *rest in rows
        ]
    )


def own(column: str) -> Number:
    """Number: the rank correlation of a column with accuracy."""
    return lambda runs: with_accuracy(runs, runs.courses(column))


def other_run(column: str) -> Number:
    """Number: the rank correlation of another run's column with accuracy."""
    return lambda runs: with_accuracy(runs, of_next_run(runs, column))


def beyond_foils(column: str) -> Number:
    """Number: the correlation with a run's own column, minus the larger of those with the step and another run's column."""
    return partial(_beyond_foils, column=column)


def _beyond_foils(runs: Runs, column: str) -> np.ndarray:
    foils = np.fmax(own("step")(runs), other_run(column)(runs))
    return of_comparable_cells(runs, own(column)(runs) - foils)


def of_comparable_cells(runs: Runs, values: np.ndarray) -> np.ndarray:
    """Return the values, (n,), NaN in cells with fewer than two of them: runs are resampled within cells."""
    known = pd.Series(np.isfinite(values)).groupby(runs.table["cell"].to_numpy()).transform("sum")
    return np.where(known >= 2, values, np.nan)


def beyond_other_run(column: str) -> Number:
    """Number: the correlation given images seen and loss, minus the same with another run's column."""
    return partial(_beyond_other_run, column=column)


def _beyond_other_run(runs: Runs, column: str) -> np.ndarray:
    given = ("images_seen", "loss")
    other = with_accuracy(runs, of_next_run(runs, column), given)
    return of_comparable_cells(runs, with_accuracy(runs, runs.courses(column), given) - other)


def mean_over_training(column: str) -> Number:
    """Number: the mean of a column over training, by the trapezoid rule."""
    return partial(_mean_over_training, column=column)


def _mean_over_training(runs: Runs, column: str) -> np.ndarray:
    means = []
    for step, course in zip(runs.courses("step"), runs.courses(column), strict=True):
        known = np.isfinite(course)
        means.append(np.trapezoid(course[known], step[known]) / (step[known][-1] - step[known][0]))
    return np.array(means)


def within_cells(runs: Runs) -> pd.DataFrame:
    """Return means over training of probe R² (`probe`) and accuracy (`y`), minus those of the cell; without cells in which
    accuracy does not vary."""
    table = runs.table.assign(
        probe=mean_over_training("probe_r2.mid.600.value")(runs), y=mean_over_training(ACCURACY)(runs)
    )
    by_cell = table.groupby("cell")[["probe", "y"]]
    varies = by_cell.transform("std")["y"] > 1e-9
    return table.assign(**(table[["probe", "y"]] - by_cell.transform("mean")))[varies]


def read_use(run) -> list[dict]:
    """Return what follows if another label's activations are put in at a layer, at the middle snapshot of each phase.

    `part` puts in what labels explain there, `patch` everything. By the matched filter: the share of samples whose bump is
    where that label has it (`follows`) or where the condition has it (`stays`), and px moved per px asked (`moved`).
    """
    from phasescope import intervene

    rows = []
    for letter, snapshot in middles(run).items():
        row: dict = {"step": snapshot.step, "phase": letter}
        for layer, how in product(LAYERS, HOW):
            scores = intervene(run, layer, how, count=SAMPLES, step=snapshot.step).scores
            for name in ("follows", "stays", "moved.x", "moved.y"):
                row[f"{layer}.{how}.{name}"] = scores[f"matched.{name}"].value
            row[f"{layer}.{how}.loss"] = scores["loss"].value / scores["loss.conditioned"].value
        rows.append(row)
    return rows
