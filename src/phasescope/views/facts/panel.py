"""Panels of a run as data: curves, areas, bands and meshes, which matplotlib and the explorer draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from phasescope.runs.store.sites import Site
from phasescope.studies.plots import Curve, Panel


@dataclass(frozen=True)
class Line(Curve):
    """A curve without the marks of its series; an interval between its ends."""

    width: float = 1.6
    dashes: tuple[float, ...] = ()
    marker: str | None = None
    shade: float | None = None
    """from 0 to 1, the curve's place in an order, instead of its colour"""


@dataclass(frozen=True)
class Mesh:
    """Coloured cells over the snapshots of a run.

    Attributes:
        values: (levels, snapshots), indices into `colours`; NaN is blank.
        colours: by name, in the order of the indices.
        borders: of the levels along y.
    """

    values: np.ndarray
    colours: Mapping[str, str]
    borders: Sequence[float]


@dataclass(frozen=True)
class Compared:
    """The line of a panel that stands for its run where several runs are compared.

    Attributes:
        title: of the panel in which the runs' lines are drawn.
        line: label of the curve or area that is drawn.
        note: remark beside the title, such as whether higher is better.
        beside: label of the curve whose last value stands in brackets beside the run's own; empty if there is none.
        is_read_here: whether the run's phases are read at the panel's site.
    """

    title: str
    line: str
    note: str = ""
    beside: str = ""
    is_read_here: bool = False


@dataclass(frozen=True)
class Expected:
    """When something is expected to happen, or has happened: ends of an interval and the estimate, in images seen."""

    label: str
    low: float
    at: float
    high: float


@dataclass(frozen=True)
class RunPanel(Panel):
    """One pair of axes of one run, in a figure and in the explorer.

    Attributes:
        key: what it shows, as `probe_r2`; panels of one key differ in `split` or `site`.
        note: remark beside the title.
        over: what it has numbers for: each snapshot, each line of the training's log, or each reading of the condition
            meter.
        terms: those that the explorer explains beside it.
    """

    xlabel: str = ""
    ylabel: str = ""
    key: str = ""
    note: str = ""
    split: str = ""
    site: Site | None = None
    over: Literal["lines", "scalars", "meter"] = "lines"
    terms: Sequence[str] = ()
    compared: Compared | None = None
    """None if no single line stands for the run"""

    x: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """images seen at each snapshot; empty if the x axis is another"""
    height_in: float = 1.2
    areas: Mapping[str, tuple[str, np.ndarray]] = field(default_factory=dict)
    """stacked from below, by name: colour and shares (snapshots,)"""
    bands: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    """rows of phases, by name: one a snapshot"""
    mesh: Mesh | None = None
    verticals: Sequence[tuple[float, str]] = ()
    """(x, colour) of dotted lines"""
    spans: Sequence[tuple[float, float, str]] = ()
    """(from, to, colour) of shaded stretches along x"""
    yticks: Sequence[float] | None = None
    expected: Expected | None = None
    """drawn on pages alone, whose axis it makes longer: the panels of a figure share theirs"""


def known_curves(curves: Sequence[Line]) -> list[Line]:
    """Return the curves that have a value."""
    return [curve for curve in curves if np.isfinite(curve.y).any()]
