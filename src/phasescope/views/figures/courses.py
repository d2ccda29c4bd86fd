"""One recorded number of several runs over their training: the mean of each group with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from phasescope.core.errors import UserError
from phasescope.measures.scores import TAIL
from phasescope.runs.store.folder import RunFolder
from phasescope.runs.trained.catalogue import as_run
from phasescope.studies.observing import column_of
from phasescope.studies.plots import Curve, Panel
from phasescope.views.facts.panel import Line
from phasescope.views.figures.axes import WIDTH_IN, figure_of
from phasescope.views.figures.drawing import draw_panel
from phasescope.views.figures.own_axes import check_own_axes, draw_on
from phasescope.views.figures.plots import Plot, Size, checked_size
from phasescope.views.style import CURRENT, styled, with_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Clock = Literal["images_seen", "step"]
CLOCKS: dict[str, str] = {"images_seen": "images seen", "step": "gradient steps"}


class Limits(NamedTuple):
    """The least and the greatest value of a number."""

    low: float
    high: float


NO_LIMITS = Limits(-np.inf, np.inf)
LIMITS = {"share": Limits(0, 1), "R²": Limits(-np.inf, 1)}
"""by the unit of a column"""
FEW = 2
"""runs of which the interval would say less than the runs themselves"""


class Course(NamedTuple):
    """A column of a run's snapshots against a clock, (T,) each, by ascending clock; and the value of what groups runs."""

    run: str
    group: str
    x: np.ndarray
    y: np.ndarray


def plot_runs(
    runs: Iterable[RunFolder | str],
    column: str = "outcomes.grid.correct",
    by: str | None = None,
    x: Clock = "images_seen",
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    style: str | None = None,
) -> Plot:
    """Return a figure of one recorded column of several runs: the mean of each group, with its 95 % interval over runs.

        runs = phasescope.list_runs("runs", where="training.steps = 3000")
        phasescope.plot_runs(runs, "probe_r2.mid.600.value", by="training.batch").save("batch.pdf")

    Args:
        runs: runs, or words that name runs in the folder `runs`.
        column: of `Run.to_frame()`.
        by: field of the configuration, as `training.batch`; runs of one value are a group. By default all are one.
        x: what the snapshots are drawn against.
        ax: axes of your own, which keep the settings that they were made with; `size` and `style` are then left out.
        size, style: as for `Run.plot`.

    Between snapshots a course is interpolated linearly, and a mean is drawn where every run of its group has a value: the
    trap is that a group of runs of different lengths ends where the shortest does. The interval is Student's, of the mean
    over runs (n - 1 degrees of freedom), cut at 0 and 1 of a share and at 1 of an R². Two runs have none, as it would be 13
    times as wide as they are apart: they are drawn themselves, as thin lines.

    Raises:
        UserError: there is no run, no such column or field, or no number in it.
    """
    check_own_axes(ax, size, style)
    if x not in CLOCKS:
        raise UserError(f"`x` (={x}) must be one of {', '.join(CLOCKS)}")
    courses = list(courses_of(runs, column, by, x))
    groups = list(dict.fromkeys(course.group for course in courses))
    limits = limits_of(column, courses)
    curves = [
        curve
        for number, group in enumerate(groups)
        for curve in curves_of([course for course in courses if course.group == group], number, group, limits)
    ]

    panel = Panel(title="", xlabel=CLOCKS[x], ylabel=column, curves=curves)
    inches = None if size is None else checked_size(size)
    with with_style(CURRENT if ax is not None else style), styled():
        if ax is None:
            axes = Figure(figsize=inches or (WIDTH_IN / 2, 3.2)).subplots()
            draw_panel(axes, panel)
        else:
            axes = ax
            draw_on(axes, panel)
    counted = f"{len(courses)} runs" + (f", by {by}" if by else "")
    return Plot(column, figure_of(axes), f"{column}: mean and 95 % interval over runs ({counted}).")


def courses_of(runs: Iterable[RunFolder | str], column: str, by: str | None, x: Clock) -> Iterator[Course]:
    """Yield the course of each run.

    Raises:
        UserError: there is no run, no such column or field, or no number in it.
    """
    opened = [as_run(run) for run in ([runs] if isinstance(runs, str | RunFolder) else runs)]
    if not opened:
        raise UserError("`runs` must name one run at least: there is none")

    for run in opened:
        frame = run.to_frame()
        check_column("column", column, run.name, frame)
        group = ""
        if by is not None:
            # The configuration's own fields stand under `config.` if a metric has their name.
            name = next((known for known in (f"config.{by}", by) if known in frame), by)
            check_column("by", name, run.name, frame)
            group = f"{by} = {frame[name].iloc[-1]}"

        kept = frame[[x, column]].astype(float).dropna().drop_duplicates(x).sort_values(x)
        if kept.empty:
            raise UserError(f"`column` (={column}) must have a number in `{run.name}`: there is none")
        yield Course(run.name, group, kept[x].to_numpy(), kept[column].to_numpy())


def check_column(argument: str, name: str, run: str, frame: pd.DataFrame) -> None:
    """Raise UserError if a run's frame has no such column, or one that holds no numbers where these are asked for."""
    if name not in frame:
        like = f"; like it: {', '.join(near)}" if (near := near_columns(name, frame.columns)) else ""
        raise UserError(
            f"`{argument}` (={name}) must be a column of `{run}` (`Run.to_frame().columns`){like}"
        )
    from pandas.api.types import is_numeric_dtype

    if argument == "column" and not is_numeric_dtype(frame[name]):
        raise UserError(f"`column` (={name}) must hold numbers: it holds {frame[name].dtype}")


def near_columns(name: str, columns: Iterable[str]) -> list[str]:
    """Return up to three columns that a name may have meant: their last words are like its last one, or they are like it."""
    known = list(columns)
    last_words = {column.rpartition(".")[2] for column in known}
    words = get_close_matches(name.rpartition(".")[2], last_words, n=2, cutoff=0.75)
    of_words = [column for word in words for column in known if column.rpartition(".")[2] == word]
    return list(dict.fromkeys([*of_words, *get_close_matches(name, known, n=3, cutoff=0.6)]))[:3]


def limits_of(column: str, courses: Sequence[Course]) -> Limits:
    """Return the least and the greatest value that a column can have, if these are known and hold in the courses."""
    declared = column_of(column)
    low, high = LIMITS.get("" if declared is None else declared.unit, NO_LIMITS)
    hold = all(low <= course.y.min() and course.y.max() <= high for course in courses)
    return Limits(low, high) if hold else NO_LIMITS


def curves_of(courses: Sequence[Course], series: int, name: str, limits: Limits = NO_LIMITS) -> list[Curve]:
    """Return the curve of a group's mean with its interval within the limits; of two runs also their own."""
    mean = mean_course(courses, series, name, limits)
    if len(courses) != FEW:
        return [mean]
    own = [Line(course.x, course.y, series=series, width=0.7) for course in courses]
    return [*own, replace(mean, label=f"{mean.label}, thin: each run")]


def mean_course(courses: Sequence[Course], series: int, name: str, limits: Limits = NO_LIMITS) -> Curve:
    """Return the mean of courses, at every clock value of any of them that all of them cover; of three or more also its
    interval."""
    from scipy.stats import t as student

    first, last = max(course.x[0] for course in courses), min(course.x[-1] for course in courses)
    at = np.unique(np.concatenate([course.x for course in courses]))
    at = at[(at >= first) & (at <= last)]
    values = np.stack([np.interp(at, course.x, course.y) for course in courses])
    n, mean = len(courses), values.mean(axis=0)
    label = f"{name} (n = {n})" if name else f"n = {n}"
    if n <= FEW:
        return Curve(at, mean, label=label, series=series)

    half = student.ppf(1 - TAIL, n - 1) * values.std(axis=0, ddof=1) / np.sqrt(n)
    low, high = (np.clip(end, *limits) for end in (mean - half, mean + half))
    return Curve(at, mean, low=low, high=high, label=label, series=series)
