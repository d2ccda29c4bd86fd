"""A study: many runs that differ in what is asked, some seeds of each, claims that they decide, figures and tables.

A cell is a point of the design: a tree of a run's fields, or words as on the command line. Its runs differ in the seed
alone, are named after their preset and observed after that preset's plan for studies, so that studies share them.

Claims are judged at two looks at most. The first has the declared seeds of each cell. Where it leaves a claim undecided, a
second adds `more` seeds to the cells that this claim reads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from phasescope.config import Tree, parse_overrides, set_overrides
from phasescope.errors import UserError
from phasescope.randomness import derive
from phasescope.runs.config import RunConfig, over_defaults
from phasescope.runs.presets import preset as preset_of
from phasescope.showing import html_table
from phasescope.store.files import to_json
from phasescope.store.records import read_records
from phasescope.studies.core.claim import Claim

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from phasescope.store import Run

RECORDS = "records.parquet"
"""of a study, in its folder of results"""
MOST_SEEDS = 1000
"""runs of a cell"""
LIMITS: Tree = {"training": {"threads": 1}}
"""One thread a run: as many runs side by side as there are cores, and the same bits whatever the machine's load."""


@dataclass(frozen=True)
class Cell:
    """A point of a design."""

    name: str
    fields: Tree | tuple[str, ...]
    """of the run's configuration: a tree, or words as on the command line"""
    preset: str | None = None
    """the study's own where None"""
    seeds: int | None = None
    """the study's own number where None"""
    anew: tuple[str, ...] = ()
    """dotted fields that take a seed of the run's own, as `world.design.hold_out.shuffle`: no two runs draw alike"""

    @cached_property
    def tree(self) -> Tree:
        """Its fields as a tree.

        Raises:
            UserError: a word is none.
        """
        if isinstance(self.fields, tuple):
            return set_overrides({}, parse_overrides(self.fields))
        return self.fields

    def config(self, seed: int, preset: str) -> RunConfig:
        """Of one run.

        Raises:
            UserError: a field, or the preset, is not as it must be.
        """
        chosen = preset_of(preset)
        return over_defaults(chosen.fields, chosen.studied, LIMITS, self.of_run(seed))

    def of_run(self, seed: int) -> Tree:
        drawn = [(path.split("."), derive(seed, to_json(self.tree)) % 2**31) for path in self.anew]
        return set_overrides(self.tree, drawn) | {"seed": seed}


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
    colour: str | None = None
    """#rrggbb, in the place of the series' own"""


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
    """What is drawn of a study's records, in panels side by side; how it looks is `views.figures.studies`' affair."""

    name: str
    title: str
    panels: Callable[[pd.DataFrame], Sequence[Panel]]
    caption: Callable[[pd.DataFrame], str]
    """computed from the records"""
    columns: int = 3
    """panels in a row"""


@dataclass(frozen=True)
class Table:
    """Rows of numbers and words, computed from a study's records."""

    name: str
    title: str
    rows: Callable[[pd.DataFrame], Sequence[Mapping[str, Any]]]
    """the same keys in each row"""
    note: Callable[[pd.DataFrame], str] = lambda frame: ""
    """what is to be read beside it, computed from the records"""


@dataclass(frozen=True)
class Reading:
    """A further measure of done runs, from their stored snapshots.

    `read` gives one row a snapshot: a mapping with `step` and columns, merged in the records as `<name>.<column>`.
    """

    name: str
    read: Callable[[Run], list[dict[str, Any]]]
    cells: tuple[str, ...] = ()
    """names of those whose runs are read so; all where there is none"""


@dataclass(frozen=True)
class Member:
    """A run of a study."""

    cell: Cell
    seed: int
    config: RunConfig


@dataclass(frozen=True)
class Amendment:
    """A change of what was declared."""

    date: str
    """YYYY-MM-DD"""
    reason: str
    looked: bool = False
    """whether runs of what it changes had been looked at"""


@dataclass(frozen=True)
class Study:
    """A question, the runs that answer it, and what is claimed of them."""

    name: str
    question: str
    preset: str
    cells: tuple[Cell, ...]
    seeds: int
    """runs a cell, at the first look"""
    claims: tuple[Claim, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    readings: tuple[Reading, ...] = ()
    number: int = 100
    """its place among the studies of a page"""
    headline: str = ""
    """the claim that is told of it where all studies are told in a sentence each; none where empty"""
    more: int = 0
    """seeds that a second look adds to each cell that an undecided claim reads; no second look where 0"""
    amendments: tuple[Amendment, ...] = ()
    """of its declaration, by date"""
    sources: Mapping[str, Path] = field(default_factory=dict)
    """files that it is written in, by the name that its declaration has for them; found by `phasescope.studies`"""

    def __post_init__(self) -> None:
        """Raises UserError where it could not be run or judged."""
        names = [cell.name for cell in self.cells]
        twice = sorted({name for name in names if names.count(name) > 1})
        if not names or twice:
            raise UserError(
                f"`cells` (={twice or names}) of `{self.name}` must be one at least, each of another name"
            )
        counts = (self.seeds, *(cell.seeds or 1 for cell in self.cells))
        if not all(1 <= seeds <= MOST_SEEDS for seeds in counts):
            raise UserError(
                f"`seeds` (={self.seeds}) of `{self.name}` must be from 1 to {MOST_SEEDS}, in each cell too"
            )
        if not 0 <= self.more <= MOST_SEEDS:
            raise UserError(
                f"`more` (={self.more}) of `{self.name}` must be from 0 to {MOST_SEEDS}: seeds of a second look"
            )
        claims = [claim.name for claim in self.claims]
        if twice := sorted({name for name in claims if claims.count(name) > 1}):
            raise UserError(f"`claims` (={twice}) of `{self.name}` must be each of another name")
        if self.headline and self.headline not in claims:
            raise UserError(f"`headline` (={self.headline}) of `{self.name}` must be one of its claims")
        figures = [figure.name for figure in self.figures]
        for claim in self.claims:
            if claim.figure not in figures:
                raise UserError(
                    f"`figure` (={claim.figure}) of the claim `{claim.name}` must be one of the study's: "
                    + ", ".join(figures)
                )
            for cell in claim.cells:
                if cell not in names:
                    raise UserError(
                        f"`cells` (={cell}) of the claim `{claim.name}` must be the study's: {', '.join(names)}"
                    )

    def __repr__(self) -> str:
        return f"Study({self.name}: {self._size()})"

    def _repr_html_(self) -> str:
        rows = [
            ("asks", self.question),
            ("has", self._size()),
            *((one.name, one.sentence) for one in self.claims),
        ]
        return html_table(self.name, rows)

    def _size(self) -> str:
        cells, claims = len(self.cells), len(self.claims)
        return f"{cells} cells of {self.seeds} seeds, {claims} claims, preset {self.preset}"

    def to_frame(self, results: Path | str = "results") -> pd.DataFrame:
        """Its records: a row a snapshot of each run that is recorded.

        Raises:
            UserError: there are none, or they are damaged.
        """
        path = Path(results) / self.name / RECORDS
        if not path.exists():
            raise UserError(
                f"`results` (={results}) must hold the records of `{self.name}`: there is no `{path}`"
            )
        return read_records(path)

    def under(self, preset: str | None) -> Study:
        """The same study with all of its cells under another preset: another study, with results of its own."""
        if preset is None:
            return self
        cells = tuple(replace(cell, preset=preset) for cell in self.cells)
        return replace(self, name=f"{self.name}-{preset}", preset=preset, cells=cells)

    def first(self, cell: Cell) -> int:
        """Seeds of a cell at the first look."""
        return cell.seeds or self.seeds

    def readings_of(self, cells: Collection[str]) -> list[Reading]:
        """The readings that a run of these cells must have."""
        return [one for one in self.readings if not one.cells or set(one.cells) & set(cells)]

    def read_by(self, claim: Claim) -> list[Cell]:
        """The cells that a claim reads."""
        return [cell for cell in self.cells if not claim.cells or cell.name in claim.cells]

    def members(self, seeds: int | None = None, second: Collection[str] = ()) -> Iterator[Member]:
        """All runs, seed by seed, so that each cell has its first seeds early.

        Args:
            seeds: runs a cell, where fewer than the first look's are wanted: a rehearsal.
            second: names of cells to which a second look adds its seeds.

        Raises:
            UserError: `seeds` is more than any cell has.
        """
        declared = max(self.first(cell) for cell in self.cells)
        if (seeds or 0) > declared:
            raise UserError(
                f"`--seeds` (={seeds}) must be at most {declared}: a study's seeds are declared before its data, and only "
                "fewer can be asked for, as a rehearsal"
            )
        wanted = {
            cell.name: min(self.first(cell), seeds or declared) + self.more * (cell.name in second)
            for cell in self.cells
        }
        for seed in range(max(wanted.values())):
            for cell in self.cells:
                if seed < wanted[cell.name]:
                    yield self.member(cell, seed)

    def member(self, cell: Cell, seed: int) -> Member:
        """The run of a cell and a seed."""
        return Member(cell, seed, cell.config(seed, cell.preset or self.preset))

    def configs(self, seeds: int | None = None) -> list[RunConfig]:
        """The configurations of all runs, each once."""
        return list({member.config.digest(): member.config for member in self.members(seeds)}.values())

    def figure(self, name: str) -> Figure:
        return next(figure for figure in self.figures if figure.name == name)
