"""What a run's records say at each snapshot, and when it began: accurate, ordered, in which phase.

All thresholds are those that `measures.phases` declares. A record's column names its place: `order.mid.600.low`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from phasescope.measures import Score
from phasescope.measures.learning import phases
from phasescope.measures.learning.gain import NEEDED
from phasescope.places import Place
from phasescope.studies.core.claim import NotEnough

if TYPE_CHECKING:
    import pandas as pd

Counting = Literal["step", "images_seen", "epochs"]
Labels = Literal["grid", "off_grid"]
"""the splits of the worlds that are studied"""
Passing = Callable[["pd.DataFrame"], np.ndarray]
"""Of one run's rows, (T,) bool: whether each snapshot passes."""

PLACE = Place("mid", 600)
"""where the representation is read: only the label can tell the place at t = 600"""
P1_PLACE = Place("down3", 600)
"""where it is read P1's way: late in the encoder"""


def runs_of(frame: pd.DataFrame, cells: Sequence[str] | None = None) -> list[pd.DataFrame]:
    """The rows of each run, by ascending step; runs by cell and seed.

    Raises:
        NotEnough: there is none in those cells.
    """
    found = some_runs(frame, cells)
    if not found:
        raise NotEnough(f"no run in the records is of {', '.join(cells or ('any cell',))}")
    return found


def some_runs(frame: pd.DataFrame, cells: Sequence[str] | None = None) -> list[pd.DataFrame]:
    """As `runs_of`; none where there is none."""
    chosen = frame if cells is None else frame[frame["cell"].isin(list(cells))]
    if not len(chosen):
        return []
    ordered = chosen.sort_values(["cell", "seed", "digest", "step"])
    keys = [ordered[name].to_numpy() for name in ("cell", "seed", "digest")]
    new = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    begins = [0, *(np.flatnonzero(new) + 1).tolist(), len(ordered)]
    return [ordered.iloc[begin:end] for begin, end in pairwise(begins)]


def column(run: pd.DataFrame, name: str) -> np.ndarray:
    """A column of numbers, NaN where missing.

    Raises:
        NotEnough: there is no such column.
    """
    if name not in run:
        raise NotEnough(f"the records lack `{name}`")
    return run[name].to_numpy(dtype=float)


def at_end(run: pd.DataFrame, name: str) -> float:
    """A column at the last snapshot."""
    return float(column(run, name)[-1])


def all_at_end(runs: Sequence[pd.DataFrame], name: str) -> np.ndarray:
    """The same of each run, (n,).

    Raises:
        NotEnough: there is no such column, or a run has no number there.
    """
    ends = np.array([at_end(run, name) for run in runs])
    if missing := int((~np.isfinite(ends)).sum()):
        raise NotEnough(f"of {missing} of {len(runs)} runs `{name}` is not known at the end")
    return ends


def mean_told(runs: Sequence[pd.DataFrame], name: str) -> float:
    """For a table: the mean of a column at the end; NaN where the records of a run lack it."""
    return (
        float(np.mean([at_end(run, name) for run in runs])) if all(name in run for run in runs) else math.nan
    )


def cells_of(runs: Sequence[pd.DataFrame]) -> list[str]:
    """The name of each run's cell."""
    return [run["cell"].iloc[0] for run in runs]


def accuracy_of(labels: str, factor: str, way: str = "formed") -> str:
    """The column of an accuracy: of a factor, or of all as `joint`.

    Args:
        way: in which images are read: `formed`, of which only a well-formed one can be right, or one that reads every image.
    """
    return f"accuracy{'' if way == 'formed' else f'_{way}'}.{labels}.{factor}"


def accurate(labels: Labels, factor: str = "joint", way: str = "formed") -> Passing:
    """Most images are right, in all factors or in one: the Wilson interval of their share lies above 1/2, as in behaviour's
    phase C. Arguments as in `accuracy_of`."""
    name = accuracy_of(labels, factor, way)

    def passing(run: pd.DataFrame) -> np.ndarray:
        share, n = column(run, name), column(run, f"outcomes.{labels}.n")
        limits = phases.BEHAVIOUR
        low = [phases.wilson_low(p, int(m), limits.confidence) for p, m in zip(share, n, strict=True)]
        return np.array(low) > limits.majority

    return passing


def ordered(
    measure: str,
    place: Place,
    threshold: float = phases.REPRESENTATION.order,
    hysteresis: float = phases.REPRESENTATION.hysteresis,
) -> Passing:
    """What floors leave of order is reached up to the threshold and kept, by the interval, as in phase C."""
    limits = replace(phases.REPRESENTATION, order=threshold, hysteresis=hysteresis)

    def passing(run: pd.DataFrame) -> np.ndarray:
        return np.array(phases.ordered(_scores(run, f"{measure}.{place}"), limits))

    return passing


RAW_ORDERED = ordered("order", PLACE)


@dataclass(frozen=True)
class Onsets:
    """Of n runs, in one way of counting: when each first passed for good."""

    onset: np.ndarray
    """(n,); NaN where it did not come"""
    without: np.ndarray
    """(n,): the last snapshot that did not pass"""
    last: np.ndarray
    """(n,): the run's end"""

    @property
    def came(self) -> np.ndarray:
        return np.isfinite(self.onset)

    @property
    def restricted(self) -> np.ndarray:
        """Onsets, and the run's end where there was none."""
        return np.where(self.came, self.onset, self.last)

    @property
    def midway(self) -> np.ndarray:
        """Half way between the last snapshot without it and the first one with it; the run's end where there was none."""
        return np.where(self.came, (self.onset + self.without) / 2, self.last)

    @classmethod
    def joined(cls, parts: Iterable[Onsets]) -> Onsets:
        """Of all runs together."""
        return cls(*map(np.concatenate, zip(*((o.onset, o.without, o.last) for o in parts), strict=True)))


def onsets(runs: Sequence[pd.DataFrame], passing: Passing, counting: Counting = "step") -> Onsets:
    """When each run first passed for good."""
    found = []
    for run in runs:
        at = column(run, counting)
        passed = passing(run).tolist()
        first = phases.onset(range(len(at)), passed)
        without = 0.0 if all(passed) else at[max(i for i, p in enumerate(passed) if not p)]
        found.append((np.nan if first is None else at[first], without, at[-1]))
    onset, without, last = np.array(found, dtype=float).T
    return Onsets(onset, without, last)


def phases_of(run: pd.DataFrame, reading: str = "behaviour") -> list[phases.Phase]:
    """As the run recorded them: behaviour, representation (raw latents) or representation_p1.

    Raises:
        NotEnough: the run recorded no such phase.
    """
    name = f"phase.{reading}"
    if name not in run or run[name].isna().any():
        raise NotEnough(f"the records lack `{name}`")
    return run[name].tolist()


def phases_over_range(run: pd.DataFrame, place: Place, order: str = "order") -> phases.OverRange:
    """The representation's phases at any place, at each threshold of `ORDER_RANGE`: what depends on the choice is undecided.

    They are computed from one run's scores, whatever the run itself recorded.

    Args:
        run: its rows, by ascending step. Snapshots at which the place was not read are left `undecided`.
        order: the column's group, as `order` or `p1_order`.

    Raises:
        NotEnough: the records lack a score there, or a null of it.
    """
    return phases.over_range(_course(run, place, order))


def _course(run: pd.DataFrame, place: Place, order: str) -> list[tuple[Score, Score, Score]]:
    """(label share, dimension, order) at each snapshot."""
    shares, orders = (_scores(run, f"{name}.{place}") for name in ("label_share", order))
    return list(zip(shares, _scores(run, f"label_dimension.{place}", ()), orders, strict=True))


def _scores(run: pd.DataFrame, at: str, needed: Collection[str] = NEEDED) -> list[Score]:
    """Each snapshot's score, out of its columns.

    Raises:
        NotEnough: a part of the score, or a null that is needed, has no column.
    """
    start = f"{at}.nulls."
    nulls = dict.fromkeys(
        [*needed, *(name.removeprefix(start) for name in run.columns.tolist() if name.startswith(start))]
    )
    value, low, high, n = (column(run, f"{at}.{part}").tolist() for part in ("value", "low", "high", "n"))
    levels = (
        zip(*(column(run, start + null).tolist() for null in nulls), strict=True)
        if nulls
        else [()] * len(run)
    )
    return [
        Score(
            *of,
            n=0 if np.isnan(labels) else int(labels),
            estimator=at,
            nulls=dict(zip(nulls, row, strict=True)),
        )
        for *of, labels, row in zip(value, low, high, n, levels, strict=True)
    ]
