"""`Runs`: a study's records, a row per snapshot, reduced to a row per run; and the numbers that claims read.

A *number* is a function of `Runs`. It returns one value per run, (n_runs,), or a table of its own: the rows of `Runs.table`
(or some of them) with a column `y`. Claims, controls, tables and plots only see numbers, never a snapshot. Each declares
the recorded columns that it reads (see `declaring`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from itertools import compress, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.core.errors import UserError
from phasescope.measures import phases
from phasescope.measures.over_runs import NotEnough
from phasescope.studies.cells import Cell
from phasescope.studies.declaring import columns_read, is_declared, name_of, reads

if TYPE_CHECKING:
    import pandas as pd

Number = Callable[["Runs"], "np.ndarray | pd.DataFrame"]
# A share still rises by more than this from a quarter of the snapshots to the next: the standard error of 256 samples.
STILL_RISES = 0.02


class Runs:
    """Records of a study with one row per run.

    `table` has the columns `cell`, `seed`, `steps` (of training), `every` (steps between the last two snapshots)
    and the cells' axes, ordered by cell and seed; where cells continue others also `parent`, the number of the run that
    is continued (of another run its own). Every array below is in this order.
    """

    def __init__(self, records: pd.DataFrame, cells: Sequence[Cell]):
        self._cells = cells
        self._reader: Number | None = None
        self._declared: frozenset[str] | None = None
        # Records have hundreds of columns, of which a number reads a few: rows are chosen by their position, and a column is
        # read when it is asked for. All parts of these runs share `_arrays`.
        self._records = records
        self._arrays: dict[str, np.ndarray] = {}
        keys = records[["cell", "seed", "step"]].reset_index(drop=True)
        keys = keys.sort_values(["cell", "seed", "step"], kind="stable")
        self._rows = keys.index.to_numpy()

        keys = keys[["cell", "seed"]]
        begins = np.flatnonzero((keys != keys.shift()).any(axis=1).to_numpy())
        self._begins = begins[1:]
        axes = {cell.name: cell.axes for cell in cells}
        forks = {cell.name: cell.fork for cell in cells if cell.fork is not None}
        runs = zip(keys.iloc[begins].to_numpy(), self._split("step"), strict=True)
        self._lines = [
            {
                "cell": cell,
                "seed": seed,
                **({"parent": forks[cell].parent_of(seed) if cell in forks else seed} if forks else {}),
                "steps": last,
                "every": last - former,
                **axes.get(cell, {}),
            }
            for (cell, seed), (*_, former, last) in runs
        ]
        self.table = _table(self._lines)

    def __len__(self) -> int:
        return len(self.table)

    def where(self, **axes: Any) -> Runs:
        """Return the runs whose axes (or `cell`) have these values; a tuple or list of values allows each of them.

        Raises:
            NotEnough: there is none.
        """
        keep = np.ones(len(self.table), dtype=bool)
        for axis, wanted in axes.items():
            if axis not in self.table:
                raise NotEnough(f"the design has no axis `{axis}`")
            allowed = list(wanted) if isinstance(wanted, tuple | list) else [wanted]
            keep &= self.table[axis].isin(allowed).to_numpy()

        if not keep.any():
            listed = ", ".join(f"{axis}={wanted}" for axis, wanted in axes.items())
            raise NotEnough(f"no run in the records has {listed}" if listed else "no run is recorded")
        if keep.all():
            return self

        lengths = np.diff([0, *self._begins, len(self._rows)])
        part = copy(self)
        part._rows = self._rows[np.repeat(keep, lengths)]
        part._begins = np.cumsum(lengths[keep])[:-1]
        part._lines = list(compress(self._lines, keep))
        part.table = _table(part._lines)
        return part

    def shown_to(self, number: Number) -> Runs:
        """Return the same runs with no other columns than the number declares: reading another one raises UserError."""
        part = copy(self)
        part._reader, part._declared = number, columns_read(number)
        return part

    def values(self, axis: str) -> list[Any]:
        """Return the values of an axis (or the names of cells) that these runs have, in the design's order.

        Raises:
            UserError: the study has no such axis.
        """
        if axis not in self.table:
            known = dict.fromkeys(["cell", *(axis for cell in self._cells for axis in cell.axes)])
            raise UserError(f"`by` (={axis}) must be an axis of the study: {', '.join(known)}")
        there = set(self.table[axis])
        designed = [cell.name if axis == "cell" else cell.axes.get(axis) for cell in self._cells]
        return [value for value in dict.fromkeys(designed) if value in there]

    def has(self, column: str) -> bool:
        """Return whether the records have a column.

        Raises:
            UserError: a number asks that does not declare it.
        """
        if not self._is_shown(column):
            assert self._reader is not None
            raise UserError(
                f"{name_of(self._reader)} must declare `{column}`, which it reads: add it to its `@reads`, as runs observe "
                "what is declared"
            )
        return column in self._records

    def _is_shown(self, column: str) -> bool:
        return self._declared is None or is_declared(column, self._declared)

    def columns(self, beginning: str) -> list[str]:
        """Return the names of the recorded columns that begin so; of those that a number declares, if it asks."""
        names = [name for name in self._records.columns if name.startswith(beginning)]
        return [name for name in names if self._is_shown(name)]

    def courses(self, column: str) -> list[np.ndarray]:
        """Return the column of every run through training, (T,) each, NaN where missing.

        Raises:
            NotEnough: the records have no such column.
        """
        return self._by_run(self._values(column).astype(float))

    def texts(self, column: str) -> list[list[Any]]:
        """Return a column of words of every run through training.

        Raises:
            NotEnough: the records have no such column, or a value of it is missing.
        """
        courses = [values.tolist() for values in self._split(column)]
        if any(text is None or text != text for course in courses for text in course):
            raise NotEnough(f"the records lack `{column}` of some snapshots")
        return courses

    def first(self, column: str) -> list[Any]:
        """Return the first value of a column of every run, a number, a word or None, as of a field of the configuration.

        Raises:
            NotEnough: the records have no such column.
        """
        return [values[0] for values in self._split(column)]

    def _split(self, column: str) -> list[np.ndarray]:
        return self._by_run(self._values(column))

    def _values(self, column: str) -> np.ndarray:
        """Return a column of all snapshots, (sum of T,), run by run; NotEnough if the records lack it."""
        if not self.has(column):
            raise NotEnough(f"the records lack `{column}`")
        if column not in self._arrays:
            self._arrays[column] = self._records[column].to_numpy()
        return self._arrays[column][self._rows]

    def _by_run(self, values: np.ndarray) -> list[np.ndarray]:
        """Return the values of all snapshots, (sum of T,), split by run."""
        ends = [0, *self._begins, len(values)] if len(values) else []
        return [values[begin:end] for begin, end in pairwise(ends)]

    @reads("{column}")
    def end(self, column: str, last: int = 1) -> np.ndarray:
        """Return the mean of a column over the last `last` snapshots, (n,)."""
        return np.array([values[-last:].mean() for values in self.courses(column)])

    @reads("{column}")
    def start(self, column: str) -> np.ndarray:
        """Return a column before training, (n,)."""
        return np.array([values[0] for values in self.courses(column)])

    @reads("{column}")
    def mean(self, column: str, after: float = 0) -> np.ndarray:
        """Return the mean of a column over the snapshots after a step, (n,), without missing values."""
        courses = zip(self.courses(column), self.courses("step"), strict=True)
        counted = [values[(steps > after) & np.isfinite(values)] for values, steps in courses]
        return np.array([values.mean() if len(values) else np.nan for values in counted])

    @reads("{column}")
    def ever(self, column: str, value: str) -> np.ndarray:
        """Return whether any snapshot has a value, (n,) bool."""
        return np.array([value in values for values in self.texts(column)])

    def accurate(self, split: str, factor: str = "joint", reading: str = "formed") -> list[np.ndarray]:
        """Return at which snapshots most samples are correct (phase C): the Wilson interval of their share is above 1/2."""
        shares, counts = self.courses(accuracy(split, factor, reading)), self.courses(f"outcomes.{split}.n")
        low, majority = phases.wilson_low, phases.BEHAVIOUR.majority
        return [
            np.array([n >= 1 and low(share, int(n)) > majority for share, n in zip(*of_run, strict=True)])
            for of_run in zip(shares, counts, strict=True)
        ]

    def onsets(self, passed: Sequence[np.ndarray], counting: str = "step") -> pd.DataFrame:
        """Return the table with when each run first passes for good, which is between two of its snapshots.

        Columns: `y`, the later of the two, NaN if it is not reached; `without`, the earlier, the last snapshot that does
            not pass; `last`, the run's end; `came`, whether it is reached.

        Args:
            passed: whether each snapshot passes, (T,) bool of every run.
            counting: column in which onsets are counted: step, images_seen or epochs.
        """
        rows = []
        for times, passes in zip(self.courses(counting), passed, strict=True):
            failing = np.flatnonzero(~passes)
            first = failing[-1] + 1 if len(failing) else 0
            onset = times[first] if first < len(times) else np.nan
            rows.append((onset, times[failing[-1]] if len(failing) else 0.0, times[-1]))
        y, without, last = np.array(rows, dtype=float).reshape(-1, 3).T
        return self.table.assign(y=y, without=without, last=last, came=np.isfinite(y))


def _table(lines: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the table of runs, with no axis that none of them has."""
    import pandas as pd

    return pd.DataFrame(lines, columns=None if lines else ["cell", "seed", "steps", "every"])


def accuracy(split: str, factor: str = "joint", reading: str = "formed") -> str:
    """Return the column of an accuracy.

    Args:
        factor: or `joint`, for all factors at once.
        reading: `formed` (only a well-formed sample can be correct), `darkest` or `matched` (every sample is read).
    """
    return f"accuracy{'' if reading == 'formed' else f'_{reading}'}.{split}.{factor}"


def end(column: str, last: int = 1) -> Number:
    """Number: the mean of a column over the last snapshots."""
    return partial(Runs.end, column=column, last=last)


def start(column: str) -> Number:
    """Number: a column before training."""
    return partial(Runs.start, column=column)


def mean(column: str, after: float = 0) -> Number:
    """Number: the mean of a column over training."""
    return partial(Runs.mean, column=column, after=after)


def ever(column: str, value: str) -> Number:
    """Number: whether any snapshot has a value."""
    return partial(Runs.ever, column=column, value=value)


def reaches(column: str, value: str, improving: str) -> Number:
    """Number: whether any snapshot has a value; NaN (censored) if none has and the column `improving` rises at the end.

    It still rises if its mean over the last quarter of the snapshots is above that over the quarter before by more
    than `STILL_RISES`.
    """
    return partial(_reaches, column=column, value=value, improving=improving)


@reads("{column}", "{improving}")
def _reaches(runs: Runs, column: str, value: str, improving: str) -> np.ndarray:
    quarters = [np.array_split(course, 4) for course in runs.courses(improving)]
    rises = [len(q[3]) and np.nanmean(q[3]) - np.nanmean(q[2]) > STILL_RISES for q in quarters]
    reached = runs.ever(column, value)
    return np.where(~reached & np.array(rises, dtype=bool), np.nan, reached.astype(float))


def onset(column: str, level: float, counting: str = "step") -> Number:
    """Number: the first snapshot from which on a column is above a level for good, censored at the run's end."""
    return partial(_onset, column=column, level=level, counting=counting)


def onset_of_accuracy(split: str, factor: str = "joint", reading: str = "formed") -> Number:
    """Number: when most samples become correct for good (`Runs.accurate`), censored at the run's end."""
    number = partial(_onset_of_accuracy, split=split, factor=factor, reading=reading)
    return reads(accuracy(split, factor, reading), f"outcomes.{split}.n")(number)


def came(onset: Number) -> Number:
    """Number: whether an onset is reached by the run's end."""
    return reads(onset)(partial(_came, onset=onset))


def axis(name: str) -> Number:
    """Number: the value that the design gives a run on an axis; it reads no recorded column."""
    return partial(_axis, name=name)


@reads("{column}", "{counting}")
def _onset(runs: Runs, column: str, level: float, counting: str) -> pd.DataFrame:
    return runs.onsets([values > level for values in runs.courses(column)], counting)


def _onset_of_accuracy(runs: Runs, split: str, factor: str, reading: str) -> pd.DataFrame:
    return runs.onsets(runs.accurate(split, factor, reading))


def _came(runs: Runs, onset: Number) -> pd.DataFrame:
    table = as_table(runs, onset)
    return table.assign(y=table["came"].astype(bool))


@reads()
def _axis(runs: Runs, name: str) -> np.ndarray:
    return runs.table[name].to_numpy()


def as_table(runs: Runs, number: Number) -> pd.DataFrame:
    """Return the table of runs with the number as its column `y`.

    Raises:
        NotEnough: no run has it.
        UserError: it reads a column that it does not declare.
    """
    import pandas as pd

    values = number(runs.shown_to(number))
    table = values if isinstance(values, pd.DataFrame) else runs.table.assign(y=values)
    if not len(table):
        raise NotEnough("no run can be counted")
    return table.reset_index(drop=True)


def by_run(runs: Runs, number: Number) -> np.ndarray:
    """Return the number of every run, (n_runs,) float in the order of `runs.table`; NaN of a run that does not have it.

    The trap: a number's own table may lack runs and have any order, so that its rows are no positions of runs.

    Raises:
        NotEnough: no run has it.
        UserError: it gives a run several values, or reads a column that it does not declare.
    """
    import pandas as pd

    keys = ["cell", "seed"]
    values = as_table(runs, number).set_index(keys)["y"]
    if values.index.has_duplicates:
        cell, seed = values.index[values.index.duplicated()][0]
        raise UserError(
            f"{name_of(number)} must have one value of a run at most: `{cell}`, seed {seed} has several"
        )
    return values.reindex(pd.MultiIndex.from_frame(runs.table[keys])).to_numpy(dtype=float)
