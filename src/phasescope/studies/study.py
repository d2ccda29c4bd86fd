"""A study: many runs that differ in what is asked, some seeds of each, claims that they decide, and figures.

A cell is a point of the design: words of a run's configuration, as on the command line. Its runs differ in the seed alone,
are named after their preset and observed after that preset's plan, so that studies share them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from phasescope.run import RunConfig, load_words
from phasescope.studies.claim import Claim

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from phasescope.store import Run

PLANS: Mapping[str, tuple[str, ...]] = {
    "fast": (
        "probing.snapshots={dense_every: 10, dense_until: 20, every: 30}",
        "probing.grid_labels=64",
        "probing.off_grid_labels=64",
        "probing.latent_labels=256",
        "probing.share_labels=64",
        "probing.bands=5",
        "probing.p1={tap: down3, timestep: 600}",
    ),
    "small": (
        "probing.snapshots={dense_every: 10, dense_until: 40, every: 100}",
        "probing.bands=5",
    ),
    "demo": (
        "probing.snapshots={dense_every: 10, dense_until: 40, every: 100}",
        "probing.bands=5",
    ),
}
"""How the runs of a preset are observed in studies: often enough for onsets, and at little cost. Grid and off-grid images of
`fast` are 64 each, as many as the coarsest grid (d = 4 px) holds, so that all cells are read with the same n."""

LIMITS = ("training.threads=1",)
"""One thread a run: as many runs side by side as there are cores, and the same bits whatever the machine's load."""


@dataclass(frozen=True)
class Cell:
    """A point of a design."""

    name: str
    words: tuple[str, ...]
    """of the run's configuration, as on the command line"""
    preset: str | None = None
    """the study's own where None"""
    seeds: int | None = None
    """the study's own number where None"""

    def config(self, seed: int, preset: str) -> RunConfig:
        """Of one run.

        Raises:
            UserError: a word, or the preset, is not as it must be.
        """
        words = (f"preset={preset}", *PLANS.get(preset, ()), *LIMITS, *self.words, f"seed={seed}")
        return load_words(words)


@dataclass(frozen=True)
class Curve:
    """A line of a panel: x, y and the ends of an interval, each (n,)."""

    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    label: str = ""
    series: int = 0
    """which colour and mark it has: the same number, the same series"""
    style: Literal["line", "points", "steps", "dashed"] = "line"


@dataclass(frozen=True)
class Panel:
    """One pair of axes: curves, or a grid of numbers."""

    title: str
    xlabel: str
    ylabel: str
    curves: Sequence[Curve] = ()
    grid: np.ndarray | None = None
    """(rows, columns) of numbers, NaN where there is none"""
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
class Figure:
    """What is drawn of a study's records, in panels side by side; how it looks is `views.study_figures`' affair."""

    name: str
    title: str
    panels: Callable[[pd.DataFrame], Sequence[Panel]]
    caption: Callable[[pd.DataFrame], str]
    """computed from the records"""
    columns: int = 3
    """panels in a row"""


@dataclass(frozen=True)
class Reading:
    """A further measure of done runs, from their stored snapshots.

    `read` gives one row a snapshot: a mapping with `step` and columns, merged in the records as `<name>.<column>`.
    """

    name: str
    read: Callable[[Run], list[dict[str, Any]]]


@dataclass(frozen=True)
class Member:
    """A run of a study."""

    cell: Cell
    seed: int
    preset: str
    config: RunConfig


@dataclass(frozen=True)
class Study:
    """A question, the runs that answer it, and what is claimed of them."""

    name: str
    question: str
    preset: str
    cells: tuple[Cell, ...]
    seeds: int
    """runs a cell"""
    claims: tuple[Claim, ...]
    figures: tuple[Figure, ...]
    readings: tuple[Reading, ...] = ()

    def members(self, seeds: int | None = None, preset: str | None = None) -> Iterator[Member]:
        """All runs, seed by seed, so that each cell has its first seeds early.

        Args:
            seeds: runs a cell, in the place of the study's own.
            preset: of all cells, in the place of their own.
        """
        most = max(cell.seeds or self.seeds for cell in self.cells) if seeds is None else seeds
        for seed in range(most):
            for cell in self.cells:
                if seeds is None and seed >= (cell.seeds or self.seeds):
                    continue
                chosen = preset or cell.preset or self.preset
                yield Member(cell, seed, chosen, cell.config(seed, chosen))

    def configs(self, seeds: int | None = None, preset: str | None = None) -> list[RunConfig]:
        """The configurations of all runs, each once."""
        return list(
            {member.config.digest(): member.config for member in self.members(seeds, preset)}.values()
        )

    def folder(self, preset: str | None = None) -> str:
        """Of its results: runs of another preset are another study's."""
        return self.name if preset is None else f"{self.name}-{preset}"

    def figure(self, name: str) -> Figure:
        return next(figure for figure in self.figures if figure.name == name)
