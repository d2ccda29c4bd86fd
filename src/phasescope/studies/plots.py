"""Plots of a study as data: six kinds, each a function from `Runs` to panels. How panels look is decided by
`views.figures`.

A study may also bring a class of its own with `name`, `title`, `panels(runs)` and `caption(runs)`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from phasescope.measures.learning.phases import LETTERS
from phasescope.measures.over_runs.resampling import NotEnough
from phasescope.studies.panels import Curve, Panel
from phasescope.studies.runs_table import Number, Runs, as_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class _Plot:
    """What all plots share. `by` is the axis (or `cell`) whose values are told apart, `where` selects runs."""

    name: str
    title: str
    where: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    note: str = field(default="", kw_only=True)
    """sentence that ends the caption"""
    level: float | None = field(default=None, kw_only=True)
    ylim: tuple[float, float] | None = field(default=None, kw_only=True)
    log: bool = field(default=False, kw_only=True)
    """whether the x axis is logarithmic"""

    SHOWS = ""

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
        text = f"{len(table)} runs in {len(seeds)} {'cell' if len(seeds) == 1 else 'cells'} ({_range(seeds)} seeds each), "
        return " ".join(f"{text}{_range(table['steps'])} steps. {self.SHOWS} {self.note}".split())

    def _axis(self, xlabel: str, ylabel: str, title: str, curves: Sequence[Curve], **more: Any) -> Panel:
        scale: Literal["linear", "log"] = "log" if self.log else "linear"
        return Panel(title, xlabel, ylabel, curves, level=self.level, ylim=self.ylim, xscale=scale, **more)


def _range(values: pd.Series) -> str:
    """Return ``64``, or ``630 to 3,500`` if it varies."""
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _groups(runs: Runs, by: str) -> Iterator[tuple[str, Runs]]:
    """Return the runs of each value of an axis, in the order of the design."""
    for value in runs.values(by) if by else [None]:
        yield (
            (str(value) if by == "cell" or not by else f"{by}={value}"),
            runs.where(**{by: value}) if by else runs,
        )


def mean_course(runs: Runs, column: str, label: str, series: int, counting: str = "step") -> Curve:
    """Return the mean over runs through training, with the range from the smallest to the largest run."""
    times, courses = runs.courses(counting), runs.courses(column)
    at = np.unique(np.concatenate(times))
    values = np.full((len(courses), len(at)), np.nan)
    for row, own, course in zip(values, times, courses, strict=True):
        row[np.searchsorted(at, own)] = course
    known = np.isfinite(values).any(axis=0)
    at, values = at[known], values[:, known]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return Curve(
            at,
            np.nanmean(values, axis=0),
            np.nanmin(values, axis=0),
            np.nanmax(values, axis=0),
            label,
            series,
        )


@dataclass(frozen=True)
class Courses(_Plot):
    """Columns through training: a panel per value of `panels_by`, a line per column or, if there is one column, per
    value of `by`."""

    columns: Mapping[str, str]
    """label -> column"""
    by: str = ""
    panels_by: str = ""
    ylabel: str = "share"
    references: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """label -> value of `panels_by` -> level of a dashed line"""

    SHOWS = "Lines: means over runs; bands: range over runs."

    def _panels(self, runs: Runs) -> list[Panel]:
        return [self._panel(name, part) for name, part in _groups(runs, self.panels_by)]

    def _panel(self, name: str, runs: Runs) -> Panel:
        several, parts = len(self.columns) > 1, list(_groups(runs, self.by))
        lines = [
            (label if several else part, own, column)
            for label, column in self.columns.items()
            for part, own in parts
        ]
        curves = [
            mean_course(own, column, "" if label == "None" else label, series)
            for series, (label, own, column) in enumerate(lines)
            if own.has(column)
        ]
        for label, levels in self.references.items():
            if (level := levels.get(name.removeprefix(f"{self.panels_by}="))) is not None and curves:
                ends = np.array([curves[0].x[0], curves[0].x[-1]])
                curves.append(Curve(ends, np.full(2, level), label=label, series=7, style="dashed"))
        return self._axis("gradient steps", self.ylabel, name if self.panels_by else self.title, curves)


@dataclass(frozen=True)
class PhaseGrid(_Plot):
    """The phase of every run at every snapshot: a panel per value of `by`, a row per run."""

    column: str = "phase.behaviour"
    by: str = "cell"

    SHOWS = "One row per run, one column per snapshot; white: undecided."

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
class Ends(_Plot):
    """A number of every run as a dot, by cell or another axis, a panel per number."""

    numbers: Mapping[str, Number]
    """axis label -> number"""
    by: str = "cell"

    SHOWS = "One dot per run; bars: mean over runs."

    def _panels(self, runs: Runs) -> list[Panel]:
        panels = []
        for label, number in self.numbers.items():
            table = as_table(runs, number).dropna(subset=["y"])
            names = [str(value) for value in runs.values(self.by) if value in set(table[self.by])]
            x = np.array([names.index(str(value)) for value in table[self.by]], dtype=float)
            y = table["y"].to_numpy(dtype=float)
            means = np.array([y[x == place].mean() for place in range(len(names))])
            curves = [
                Curve(x, y, style="points"),
                Curve(np.arange(len(names)), means, style="points", series=7),
            ]
            panels.append(self._axis("", label, self.title, curves, ticks=dict(enumerate(names))))
        return panels


@dataclass(frozen=True)
class Against(_Plot):
    """The mean of a number over runs against a numeric axis, a line per value of `by`, a panel per number."""

    numbers: Mapping[str, Number]
    """axis label -> number"""
    along: str
    by: str = ""
    references: Mapping[str, Number] = field(default_factory=dict)
    """label -> number drawn as a dashed line, such as a baseline's"""

    SHOWS = "Points: means over runs; bars: range over runs."

    def _panels(self, runs: Runs) -> list[Panel]:
        panels = []
        for label, number in self.numbers.items():
            curves = []
            for series, (name, part) in enumerate(_groups(runs, self.by)):
                at, y = self._by_axis(part, number)
                low, high = ([f(values) for values in y] for f in (np.min, np.max))
                means = np.array([values.mean() for values in y])
                curves.append(
                    Curve(at, means, np.array(low), np.array(high), "" if name == "None" else name, series)
                )
                for text, reference in self.references.items():
                    at, y = self._by_axis(part, reference)
                    text = "" if series else text
                    curves.append(
                        Curve(at, np.array([v.mean() for v in y]), label=text, series=series, style="dashed")
                    )
            panels.append(self._axis(self.along, label, self.title, curves))
        return panels

    def _by_axis(self, runs: Runs, number: Number) -> tuple[np.ndarray, list[np.ndarray]]:
        table = as_table(runs, number).dropna(subset=["y"])
        groups = table.groupby(self.along, sort=True)["y"]
        return np.array([at for at, _ in groups], dtype=float), [
            values.to_numpy(dtype=float) for _, values in groups
        ]


@dataclass(frozen=True)
class Heatmap(_Plot):
    """The mean of a number over runs for each pair of values of two axes."""

    number: Number
    rows: str
    columns: str
    label: str = ""

    SHOWS = "Means over runs."

    def _panels(self, runs: Runs) -> list[Panel]:
        table = as_table(runs, self.number)
        grid = table.assign(y=table["y"].astype(float)).pivot_table("y", self.rows, self.columns)
        names = [
            [f"{value:g}" if isinstance(value, float) else str(value) for value in axis]
            for axis in (grid.index, grid.columns)
        ]
        return [
            Panel(
                self.title,
                self.columns,
                self.rows,
                grid=grid.to_numpy(),
                rows=names[0],
                columns=names[1],
                ylim=self.ylim,
            )
        ]


@dataclass(frozen=True)
class Scatter(_Plot):
    """Two numbers of every run against each other, a mark per value of `by`."""

    x: Number
    y: Number
    xlabel: str
    ylabel: str
    by: str = ""

    SHOWS = "One mark per run."

    def _panels(self, runs: Runs) -> list[Panel]:
        curves = [
            Curve(*self._points(part), label=name, series=series, style="points")
            for series, (name, part) in enumerate(_groups(runs, self.by))
        ]
        return [self._axis(self.xlabel, self.ylabel, self.title, curves)]

    def _points(self, runs: Runs) -> list[np.ndarray]:
        return [as_table(runs, number)["y"].to_numpy(dtype=float) for number in (self.x, self.y)]
