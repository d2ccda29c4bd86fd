"""A plot as data: panels of curves, cells or points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from phasescope.studies.runs_table import Runs


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
    style: Literal["line", "points", "bars", "dashed"] = "line"
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


class Plot(Protocol):
    """What a study draws."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    def panels(self, runs: Runs) -> Sequence[Panel]: ...

    def caption(self, runs: Runs) -> str: ...
