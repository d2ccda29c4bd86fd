"""Plots of a study as data: functions from `Runs` to panels. `views.figures` decides how they look.

A study may bring its own class: a `BasePlot`, or anything with `name`, `title`, `panels(runs)`, `caption(runs)` and
`columns_read()`, the recorded columns that it reads.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from phasescope.measures.over_runs import NotEnough
from phasescope.measures.phases import LETTERS
from phasescope.studies.declaring import ALWAYS, columns_read
from phasescope.studies.observing import column_of
from phasescope.studies.runs_table import Number, Runs, as_table, by_run

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Curve:
    """A line of a panel: x, y and the ends of an interval, each (n,)."""

    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    label: str = ""
    series: int = 0
    """index of colour and mark"""
    style: Literal["line", "points", "bars", "dashed", "dotted", "dashdot"] = "line"
    colour: str | None = None
    """#rrggbb, in place of the series' own"""


@dataclass(frozen=True)
class Panel:
    """One pair of axes: curves, or a grid of numbers."""

    title: str
    xlabel: str
    ylabel: str
    curves: Sequence[Curve] = ()
    grid: np.ndarray | None = None
    """(rows, columns) of numbers, NaN where missing"""
    colours: Literal["values", "phases"] = "values"
    """of the grid: a scale, or 0, 1, 2 for the phases A, B, C"""
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    xscale: Literal["linear", "log"] = "linear"
    yscale: Literal["linear", "log"] = "linear"
    ylim: tuple[float, float] | None = None
    """of the y axis, or of the grid's colours"""
    level: float | None = None
    """a horizontal line: a threshold"""
    ticks: Mapping[float, str] | None = None
    """of the x axis, by place"""


@dataclass(frozen=True)
class BasePlot:
    """Base of all plots. `by` is the axis (or `cell`) whose values have a series each, `where` selects runs."""

    name: str
    title: str
    where: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    note: str = field(default="", kw_only=True)
    """sentence that ends the caption"""
    level: float | None = field(default=None, kw_only=True)
    ylim: tuple[float, float] | None = field(default=None, kw_only=True)
    log: bool = field(default=False, kw_only=True)
    """whether the x axis is logarithmic"""

    SHOWS = ""  # what the marks mean, for the caption

    def columns_read(self) -> frozenset[str]:
        """Return the recorded columns that it reads."""
        raise NotImplementedError

    def panels(self, runs: Runs) -> list[Panel]:
        """Return the panels that the records allow."""
        try:
            return self._panels(runs.where(**self.where))
        except NotEnough:
            return []

    def _panels(self, runs: Runs) -> list[Panel]:
        raise NotImplementedError

    def caption(self, runs: Runs) -> str:
        """Return runs, seeds and steps of what is drawn, what the marks mean, and the note."""
        try:
            table = runs.where(**self.where).table
        except NotEnough:
            return "No run is recorded yet."
        seeds = table.groupby("cell")["seed"].nunique()
        each = "one seed" if seeds.max() == 1 else f"{_range(seeds)} seeds"
        text = f"{len(table)} runs in {len(seeds)} {'cell' if len(seeds) == 1 else 'cells'} ({each} each), "
        return " ".join(f"{text}{_range(table['steps'])} steps. {self.SHOWS} {self.note}".split())

    def _axis(
        self,
        title: str,
        xlabel: str,
        ylabel: str,
        curves: Sequence[Curve],
        ticks: Mapping[float, str] | None = None,
    ) -> Panel:
        return Panel(
            title,
            xlabel,
            ylabel,
            curves,
            level=self.level,
            ylim=self.ylim,
            xscale="log" if self.log else "linear",
            ticks=ticks,
        )


def _range(values: pd.Series) -> str:
    """Return ``64``, or ``630 to 3,500`` if it varies."""
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _groups(runs: Runs, by: str) -> Iterator[tuple[str, Runs]]:
    """Return the runs of each value of an axis with a label, in the order of the design; all of them without `by`."""
    if not by:
        yield "", runs
        return
    for value in runs.values(by):
        yield str(value) if by == "cell" else f"{by}={value}", runs.where(**{by: value})


def known_runs(runs: Runs, number: Number) -> pd.DataFrame:
    """Return the table of the runs that have a number."""
    return as_table(runs, number).dropna(subset=["y"]).astype({"y": float})


@dataclass(frozen=True)
class Courses(BasePlot):
    """Columns through training: a panel per value of `panels_by`, a line per column, or per value of `by` of one column."""

    columns: Mapping[str, str]
    """label -> column"""
    by: str = ""
    panels_by: str = ""
    ylabel: str = ""
    """by default the unit of the columns, if phasescope declares them and they have one"""
    references: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """label -> value of `panels_by` -> level of a dashed line"""
    is_named: bool = True
    """whether the legend names the lines"""

    SHOWS = "Lines: means over runs; bands: range over runs."

    def columns_read(self) -> frozenset[str]:
        return ALWAYS.union(self.columns.values())

    def _panels(self, runs: Runs) -> list[Panel]:
        return [self._panel(name, part) for name, part in _groups(runs, self.panels_by)]

    def _panel(self, name: str, runs: Runs) -> Panel:
        groups = list(itertools.product(self.columns.items(), _groups(runs, self.by)))
        curves = []
        for series, ((head, column), (group, part)) in enumerate(groups):
            label = head if len(self.columns) > 1 else group
            if part.has(column):
                curves.append(_mean_course(part, column, label if self.is_named else "", series))
        for label, levels in self.references.items():
            if (level := levels.get(name.removeprefix(f"{self.panels_by}="))) is not None and curves:
                ends = np.array([curves[0].x[0], curves[0].x[-1]])
                curves.append(Curve(ends, np.full(2, level), label=label, series=7, style="dashed"))
        return self._axis(name or self.title, "gradient steps", self.ylabel or self._unit(), curves)

    def _unit(self) -> str:
        declared = [column_of(column) for column in self.columns.values()]
        units = {"" if column is None else column.unit for column in declared}
        return units.pop() if len(units) == 1 else ""


def _mean_course(runs: Runs, column: str, label: str, series: int) -> Curve:
    """Return the mean over runs through training, with the range from the smallest to the largest run."""
    import pandas as pd

    steps, values = np.concatenate(runs.courses("step")), np.concatenate(runs.courses(column))
    at_step = pd.Series(values).groupby(steps).agg(["mean", "min", "max"]).dropna()
    mean, low, high = at_step.to_numpy().T
    return Curve(at_step.index.to_numpy(), mean, low=low, high=high, label=label, series=series)


@dataclass(frozen=True)
class PhaseGrid(BasePlot):
    """The phase of every run at every snapshot: a panel per value of `by`, a row per run."""

    column: str = "phase.behaviour"
    by: str = "cell"

    SHOWS = "One row per run, one column per snapshot; white: undecided."

    def columns_read(self) -> frozenset[str]:
        return ALWAYS.union([self.column])

    def _panels(self, runs: Runs) -> list[Panel]:
        return [self._panel(name, part) for name, part in _groups(runs, self.by) if part.has(self.column)]

    def _panel(self, name: str, runs: Runs) -> Panel:
        times, letters = runs.courses("step"), runs.texts(self.column)
        at = np.unique(np.concatenate(times))
        grid = np.full((len(letters), len(at)), np.nan)
        for row, own, phases in zip(grid, times, letters, strict=True):
            row[np.searchsorted(at, own)] = [LETTERS.index(p) if p in LETTERS else np.nan for p in phases]
        seeds = [str(seed) for seed in runs.table["seed"]]
        steps = [f"{step:g}" for step in at]
        return Panel(name, "gradient steps", "seed", grid=grid, colours="phases", rows=seeds, columns=steps)


@dataclass(frozen=True)
class Ends(BasePlot):
    """A number of every run as a dot, by cell or another axis, a panel per number."""

    numbers: Mapping[str, Number]
    """axis label -> number"""
    by: str = "cell"

    SHOWS = "One dot per run; bars: mean over runs."

    def columns_read(self) -> frozenset[str]:
        return columns_read(*self.numbers.values())

    def _panels(self, runs: Runs) -> list[Panel]:
        return [self._panel(label, known_runs(runs, number), runs) for label, number in self.numbers.items()]

    def _panel(self, label: str, table: pd.DataFrame, runs: Runs) -> Panel:
        names = [value for value in runs.values(self.by) if value in set(table[self.by])]
        x = np.array([names.index(value) for value in table[self.by]], dtype=float)
        means = table.groupby(x)["y"].mean()
        curves = [
            Curve(x, table["y"].to_numpy(), style="points"),
            Curve(means.index.to_numpy(), means.to_numpy(), style="bars"),
        ]
        ticks = {float(place): str(name) for place, name in enumerate(names)}
        title = self.title if len(self.numbers) == 1 else ""
        return self._axis(title, "", label, curves, ticks=ticks)


# The legend has an entry for each reference and none for its line in each group: that of a line without a place.
NOWHERE = np.full(1, np.nan)
REFERENCES: tuple[Literal["dashed", "dotted", "dashdot"], ...] = "dashed", "dotted", "dashdot"


@dataclass(frozen=True)
class Against(BasePlot):
    """The mean of a number over runs against a numeric axis, a line per value of `by`, a panel per number."""

    numbers: Mapping[str, Number]
    """axis label -> number"""
    along: str
    by: str = ""
    references: Mapping[str, Number] = field(default_factory=dict)
    """label -> number drawn as a dashed, dotted or dash-dotted line of each group, such as a baseline's"""

    SHOWS = "Points: means over runs; bands: range over runs."

    def columns_read(self) -> frozenset[str]:
        return columns_read(*self.numbers.values(), *self.references.values())

    def _panels(self, runs: Runs) -> list[Panel]:
        panels = []
        styles = dict(zip(self.references, itertools.cycle(REFERENCES), strict=False))
        for ylabel, number in self.numbers.items():
            curves = []
            for series, (label, part) in enumerate(_groups(runs, self.by)):
                at, means, low, high = self._along(part, number)
                curves.append(Curve(at, means, low=low, high=high, label=label, series=series))
                for text, style in styles.items():
                    at, means, *_ = self._along(part, self.references[text])
                    curves.append(Curve(at, means, series=series, style=style))
            for text, style in styles.items():
                curves.append(Curve(NOWHERE, NOWHERE, label=text, series=7, style=style))
            panels.append(self._axis(self.title, self.along.replace("_", " "), ylabel, curves))
        return panels

    def _along(self, runs: Runs, number: Number) -> list[np.ndarray]:
        """Return values of the axis and the mean, smallest and largest number of each."""
        groups = known_runs(runs, number).groupby(self.along)["y"].agg(["mean", "min", "max"])
        return [groups.index.to_numpy(dtype=float), *groups.to_numpy().T]


@dataclass(frozen=True)
class Scatter(BasePlot):
    """Two numbers of every run against each other, a mark per value of `by`."""

    x: Number
    y: Number
    xlabel: str
    ylabel: str
    by: str = ""

    SHOWS = "One mark per run that has both numbers."

    def columns_read(self) -> frozenset[str]:
        return columns_read(self.x, self.y)

    def _panels(self, runs: Runs) -> list[Panel]:
        curves = [
            Curve(*self._points(part), label=label, series=series, style="points")
            for series, (label, part) in enumerate(_groups(runs, self.by))
        ]
        return [self._axis(self.title, self.xlabel, self.ylabel, curves)]

    def _points(self, runs: Runs) -> list[np.ndarray]:
        x, y = by_run(runs, self.x), by_run(runs, self.y)
        has_both = np.isfinite(x) & np.isfinite(y)
        return [x[has_both], y[has_both]]
