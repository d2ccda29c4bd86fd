"""Curves and grids of runs, for figures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from phasescope.measures.learning.phases import LETTERS
from phasescope.measures.learning.survival import median_onset
from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.criteria import Counting, Onsets, column, some_runs
from phasescope.studies.core.study import Curve, Panel

if TYPE_CHECKING:
    import pandas as pd


STEPS = "gradient steps"
SNAPSHOTS = "snapshot, by its gradient step"


def named(tap: str, t: int | None = None) -> str:
    return tap if t is None else f"{tap}, t={t}"


def ticks(words: Iterable[str]) -> dict[float, str]:
    """Words as the ticks of an axis, at 0, 1, ..."""
    return {float(place): word for place, word in enumerate(words)}


def with_runs(
    frame: pd.DataFrame, systems: Iterable[tuple[str, Sequence[str]]]
) -> Iterator[tuple[str, list[pd.DataFrame]]]:
    """(words, runs) of each system, (words, cells), of which there are runs."""
    for words, cells in systems:
        if runs := some_runs(frame, cells):
            yield words, runs


def by_step(
    runs: Sequence[pd.DataFrame], name: str, counting: Counting = "step"
) -> tuple[np.ndarray, np.ndarray]:
    """(T,) times at which runs were seen, and (n, T) values of a column, NaN where one has none."""
    times = np.unique(np.concatenate([column(run, counting) for run in runs]))
    values = np.full((len(runs), len(times)), np.nan)
    for row, run in zip(values, runs, strict=True):
        row[np.searchsorted(times, column(run, counting))] = column(run, name)
    return times, values


def mean_curve(
    runs: Sequence[pd.DataFrame], name: str, label: str, series: int, counting: Counting = "step"
) -> Curve:
    """The mean over runs, with the range from the least to the most."""
    if not runs:
        return Curve(np.zeros(0), np.zeros(0), label=label, series=series)
    times, values = by_step(runs, name, counting)
    known = np.isfinite(values).any(axis=0)
    times, values = times[known], values[:, known]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return Curve(
            times,
            np.nanmean(values, axis=0),
            np.nanmin(values, axis=0),
            np.nanmax(values, axis=0),
            label,
            series,
        )


def mean_curves(runs: Sequence[pd.DataFrame], names: Mapping[str, str]) -> list[Curve]:
    """By label the mean of each column that is recorded, the i-th as series i."""
    return [
        mean_curve(runs, name, label, series)
        for series, (label, name) in enumerate(names.items())
        if not runs or name in runs[0]
    ]


def marks(estimates: Iterable[Callable[[], Estimate]], label: str, series: int, shift: float) -> Curve:
    """Of each estimate that records give a mark with its interval, the i-th at i + shift."""
    x, found = [], []
    for place, estimate in enumerate(estimates):
        with suppress(NotEnough):
            one = estimate()
            found.append((one.value, one.low, one.high))
            x.append(place + shift)
    value, low, high = np.array(found).reshape(-1, 3).T
    return Curve(np.array(x), value, low, high, label, series, "points")


def phase_grid(
    runs: Sequence[pd.DataFrame], phases_of: Callable[[pd.DataFrame], Sequence[str]], title: str
) -> Panel:
    """A row a run, a column a snapshot: 0, 1, 2 for A, B, C, NaN where undecided."""
    if not runs:
        return Panel(title, SNAPSHOTS, "seed", grid=np.zeros((0, 0)))
    times = np.unique(np.concatenate([column(run, "step") for run in runs]))
    grid = np.full((len(runs), len(times)), np.nan)
    for row, run in zip(grid, runs, strict=True):
        at = np.searchsorted(times, column(run, "step"))
        row[at] = [LETTERS.index(phase) if phase in LETTERS else np.nan for phase in phases_of(run)]
    return Panel(
        title,
        SNAPSHOTS,
        "seed",
        grid=grid,
        rows=[str(run["seed"].iloc[0]) for run in runs],
        columns=[f"{time:g}" for time in times],
        colours="phases",
    )


def median_of(found: Onsets) -> tuple[float, float, float]:
    """(median, low, high) of onsets by Kaplan and Meier; NaN where fewer than half came."""
    if not len(found.onset):
        return np.nan, np.nan, np.nan
    score = median_onset(found.onset, found.last, found.without)
    return score.value, score.low, score.high
