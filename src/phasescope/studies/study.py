"""A study as data: a question, the cells and seeds that answer it, claims, plots and tables.

    STUDY = Study(
        name="batches", question="Do larger batches bring phase C earlier?", answers="Q3", base="lean",
        cells=product("batch={size}", lambda size: {"training": {"batch": size}}, size=(32, 128)),
        seeds=8, claims=[Claim(...)], plots=[Courses(...)], tables=[Table(...)],
    )

It lies in a folder of its own as study.py, beside its records, its claims as they were judged, its preregistration,
its figures and its page. Claims are judged at two interim analyses at most: the first has `seeds` runs per cell; if
it leaves a claim undecided, the final one adds `more` runs to the cells that this claim reads.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasescope.core.errors import UserError
from phasescope.core.lazy import provided
from phasescope.runs.config import RunConfig
from phasescope.runs.store.sites import Site
from phasescope.studies.cells import DEFAULTS, Cell, Fork
from phasescope.studies.claim import Claim
from phasescope.studies.observing import column_fault, observation
from phasescope.studies.plots import BasePlot
from phasescope.studies.runs_table import Runs
from phasescope.studies.statistics import Difference, ForkDifference
from phasescope.studies.tables import Table

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.runs.trained.run import Run

MOST_SEEDS = 1000
# A folder of results has it.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Marks fields that may change after the first run: they are not part of what is preregistered.
CODE = {"data": False}


@dataclass(frozen=True)
class Reading:
    """A further measure of finished runs, taken from their stored snapshots.

    `read(run)` returns a mapping per snapshot, with `step` and further columns; these are recorded as `<name>.<column>`.
    """

    name: str
    read: Callable[[Run], list[dict[str, Any]]]
    where: Mapping[str, Any] = field(default_factory=dict)
    """axes (or `cell`) of the runs that are read; all runs if empty"""
    needs: Collection[str] | None = field(default=None, metadata=CODE)
    """columns that a run must observe for it, beside weights and samples; None if a run must observe everything"""


@dataclass(frozen=True)
class Study:
    """A question, the runs that answer it, and what is claimed about them."""

    name: str
    question: str
    base: str
    """preset that every cell starts from, or `defaults`"""
    cells: Sequence[Cell]
    seeds: int
    """runs per cell in the first analysis"""
    claims: Sequence[Claim] = ()
    plots: Sequence[BasePlot] = field(default=(), metadata=CODE)
    tables: Sequence[Table] = field(default=(), metadata=CODE)
    readings: Sequence[Reading] = ()
    more: int = 0
    """runs per cell that the final analysis adds; there is none if 0"""
    answers: str = ""
    """statement of P1 (S1 to S7) or open question (Q1 to Q10) that it answers"""
    headline: str = ""
    """the claim that speaks for the study on the page of findings"""
    file: Path | None = field(default=None, metadata=CODE)
    """the study.py that it was loaded from"""

    def __post_init__(self) -> None:
        """Raise UserError if the study could not be run or judged."""

        def check(valid: bool, field: str, value: object, rule: str) -> None:
            if not valid:
                raise UserError(f"`{field}` (={value}) of the study `{self.name}` must {rule}")

        fits = isinstance(self.name, str) and NAME.fullmatch(self.name)
        check(bool(fits), "name", self.name, "be letters, digits, ., _ and -, 64 at most: its folder has it")

        for kind in ("cells", "claims", "readings", "plots"):
            names = [part.name for part in getattr(self, kind)]
            twice = sorted(name for name in names if names.count(name) > 1)
            check(not twice, kind, twice and twice[0], "have different names")

        check(bool(self.cells), "cells", "none", "be one at least")
        for count in (self.seeds, *map(self.first, self.cells)):
            check(1 <= count <= MOST_SEEDS, "seeds", count, f"be from 1 to {MOST_SEEDS}: runs per cell")
        check(0 <= self.more <= MOST_SEEDS, "more", self.more, f"be from 0 to {MOST_SEEDS}: further seeds")

        known = ["", *(claim.name for claim in self.claims)]
        check(self.headline in known, "headline", self.headline, "be one of its claims")

        for part in (*self.claims, *self.readings):
            self.cells_of(part.where, f"`where` of `{part.name}`")
        axes = {"cell", *(axis for cell in self.cells for axis in cell.axes)}
        for cell in self.cells:
            self._check_fork(cell, check)
        for claim in self.claims:
            self._check_pairs(claim, check)
        for claim in self.claims:
            known_axis = claim.over is None or claim.over[0] in axes
            check(
                known_axis,
                "over",
                claim.over,
                f"name one of its axes in `{claim.name}`: {', '.join(sorted(axes))}",
            )
            seeds, least = min(map(self.first, self.cells_of(claim.where))), claim.statistic.least_seeds
            check(seeds >= least, "seeds", seeds, f"be at least {least}: runs that `{claim.name}` needs")
            for side, (axis, value) in claim.statistic.sides_compared().items():
                self.cells_of({**claim.where, axis: value}, f"`{side}` of `{claim.name}`")

        for plot in self.plots:
            method = getattr(type(plot), "columns_read", BasePlot.columns_read)
            rule = "have a method `columns_read`: the recorded columns that it reads"
            check(method is not BasePlot.columns_read, "plots", plot.name, rule)

        for part in (*self.claims, *self.plots, *self.tables):
            part.columns_read()  # refuses a number that does not declare what it reads

    def _check_fork(self, cell: Cell, check: Callable[[bool, str, object, str], None]) -> None:
        """Check that a cell's parents and its control are cells of the study, and that there are enough parents."""
        fork = cell.fork
        if fork is None:
            return
        check(
            fork.cell in self.cells,
            "fork",
            fork.cell.name,
            f"be of a cell of the study, as that of `{cell.name}`",
        )
        rule = f"have a control: a cell with Fork(..., at={fork.at}), no fields and one child"
        check(bool(self._controls(fork)), "fork", cell.name, rule)
        runs, parents = self.first(cell) + self.more, self.first(fork.cell) + self.more
        check(
            fork.parent_of(runs - 1) < parents,
            "seeds",
            runs,
            f"be at most {parents * fork.children} in `{cell.name}`: `{fork.cell.name}` has {parents} runs",
        )

    def _controls(self, fork: Fork) -> list[Cell]:
        """Return the cells of the unchanged children of a fork, which are bitwise their parents."""
        unchanged = Fork(fork.cell, at=fork.at)
        return [other for other in self.cells if other.fork == unchanged and not other.fields]

    def with_origins(self, cells: Iterable[Cell]) -> list[Cell]:
        """Return cells with those that they continue, and the controls of these forks."""
        needed = list(cells)
        for cell in needed:  # grows while it is read: a parent may itself continue another run
            if cell.fork is not None:
                origins = (cell.fork.cell, *self._controls(cell.fork))
                needed += [origin for origin in origins if origin not in needed]
        return needed

    def _check_pairs(self, claim: Claim, check: Callable[[bool, str, object, str], None]) -> None:
        """Check that each run of a claim that pairs runs has a partner: one cell a side, or as many children of a parent."""
        if isinstance(claim.statistic, Difference) and claim.statistic.paired:
            for side, (axis, value) in claim.statistic.sides_compared().items():
                names = [cell.name for cell in self._selected({**claim.where, axis: value})]
                rule = f"be one cell in `{claim.name}`: runs are paired by their seed (`where` selects cells)"
                check(len(names) < 2, side, ", ".join(names), rule)
        if not isinstance(claim.statistic, ForkDifference):
            return
        by, first, unchanged = claim.statistic.by, claim.statistic.first, claim.statistic.unchanged
        sides = [self._selected({**claim.where, by: value}) for value in (first, unchanged)]
        counts = [{cell.fork.children for cell in side if cell.fork is not None} for side in sides]
        rule = f"have an unchanged cell with as many children as the changed one, in `{claim.name}`"
        check(counts[0] == counts[1] != set(), "children", [sorted(count) for count in counts], rule)
        over = claim.statistic.over
        rule = f"be parents in `{claim.name}`: a parent has one child, and pairs are resampled within parents"
        check(over == "parents" or 1 not in counts[0], "over", over, rule)

    def __repr__(self) -> str:
        size = f"{len(self.cells)} cells of {self.seeds} seeds, {len(self.claims)} claims, base {self.base}"
        return f"Study({self.name}: {size})"

    def _repr_html_(self) -> str:
        """Return the question and the claims, with their verdicts where these are recorded, for a notebook."""
        return provided("summary of a study")(self)._repr_html_()

    def cells_of(self, where: Mapping[str, Any], field: str = "`where`") -> list[Cell]:
        """Return the cells whose axes (or `cell`) have these values.

        Raises:
            UserError: there is none.
        """

        cells = self._selected(where)
        if not cells:
            axes = sorted({axis for cell in self.cells for axis in cell.axes} | {"cell"})
            raise UserError(
                f"{field} (={dict(where)}) of the study `{self.name}` must select a cell; its axes are {', '.join(axes)}"
            )
        return cells

    def _selected(self, where: Mapping[str, Any]) -> list[Cell]:
        def has(cell: Cell, axis: str, wanted: Any) -> bool:
            value = cell.name if axis == "cell" else cell.axes.get(axis)
            return value in wanted if isinstance(wanted, tuple | list) else value == wanted

        return [cell for cell in self.cells if all(has(cell, *item) for item in where.items())]

    def first(self, cell: Cell) -> int:
        """Return the runs of a cell in the first analysis."""
        return self.seeds if cell.seeds is None else cell.seeds

    @cached_property
    def design(self) -> Runs:
        """The runs of the first analysis before any is made, each with the steps of its last two snapshots."""
        import pandas as pd

        rows = []
        for cell in self.cells:
            config = self.config(cell, 0)
            steps, every = config.training.steps, config.probing.snapshots.every
            ends = steps - (steps % every or every), steps
            rows += [(cell.name, seed, step) for seed in range(self.first(cell)) for step in ends]
        return Runs(pd.DataFrame(rows, columns=["cell", "seed", "step"]), self.cells)

    def design_of(self, claim: Claim) -> pd.DataFrame:
        """Return the table of the planned runs that a claim reads."""
        return self.design.where(**claim.where).table

    def config(self, cell: Cell, seed: int) -> RunConfig:
        """Return the configuration of the run of a cell and a seed."""
        key = cell.name, seed
        if key not in self._configs:
            fork = cell.fork
            self._configs[key] = (
                cell.config(seed, self.base)
                if fork is None
                else cell.continuing(self.config(fork.cell, fork.parent_of(seed)), seed)
            )
        return self._configs[key]

    def digest(self, cell: Cell, seed: int) -> str:
        """Return the identity of the run of a cell and a seed."""
        key = cell.name, seed
        if key not in self._digests and cell.fork is not None:
            self._digests[key] = self.config(cell, seed).digest()
        if key not in self._digests:
            # Runs of a cell differ in their seed alone, so that what was checked of the first holds of the others.
            config = self.config(cell, seed if cell.reseeded else 0)
            self._digests[key] = config.model_copy(update={"seed": cell.first_seed + seed}).digest()
        return self._digests[key]

    @cached_property
    def _configs(self) -> dict[tuple[str, int], RunConfig]:
        # Each takes hundredths of a second, and many forks may continue one run.
        return {}

    @cached_property
    def _observed(self) -> dict[tuple[str, int], RunConfig]:
        return {}

    @cached_property
    def _digests(self) -> dict[tuple[str, int], str]:
        # Each identity takes tenths of a second, and every claim asks for those of its runs.
        return {}

    def observed(self, cell: Cell, seed: int) -> RunConfig:
        """Return the configuration of a run that observes only what the study reads; its identity is the same.

        A cell that says itself how it is observed is observed so.
        """
        key = cell.name, seed
        if key not in self._observed:
            fork = cell.fork
            self._observed[key] = (
                self._observed_run(cell, seed) if fork is None else self._observed_fork(cell, fork, seed)
            )
        return self._observed[key]

    def _observed_run(self, cell: Cell, seed: int) -> RunConfig:
        config = self._keeping_states(cell, self.config(cell, seed))
        needs = [reading.needs for reading in self.readings_of([cell.name])]
        if "probing" in cell.fields or None in needs or DEFAULTS in (cell.base, self.base):
            return config
        columns = self.columns.union(*(columns for columns in needs if columns is not None))
        observed = cell.config(seed, self.base, observation(columns, config.world.splits()))
        return self._keeping_states(cell, observed)

    def _observed_fork(self, cell: Cell, fork: Fork, number: int) -> RunConfig:
        """Return the configuration of a run that continues another one, observed as that one is."""
        parent = self.observed(fork.cell, fork.parent_of(number))
        return self.config(cell, number).model_copy(update={"probing": parent.probing})

    def _keeping_states(self, cell: Cell, config: RunConfig) -> RunConfig:
        """Return the configuration of a run that keeps the states which other cells continue."""
        at = {other.fork.at for other in self.cells if other.fork is not None and other.fork.cell == cell}
        if not at or config.training.states == "snapshots":
            return config
        states = tuple(sorted({*config.training.states, *at}))
        return config.model_copy(update={"training": config.training.model_copy(update={"states": states})})

    @cached_property
    def core_sites(self) -> set[Site]:
        """The sites whose core columns all records keep: usual layers, at the noise level at which phases are read.

        A network of your own names its usual layers when it is built, so that none are known here.
        """
        configs = [self.config(cell, 0) for cell in self.cells]
        return {
            Site(layer, config.family.phase_t) for config in configs for layer in config.network.usual_layers
        }

    @cached_property
    def columns(self) -> set[str]:
        """The recorded columns that its claims, plots and tables read, without those of its further readings."""
        return {*self._claimed, *self._shown}

    def columns_for(self, cells: Collection[str]) -> set[str]:
        """Return the columns that claims read of cells, which their runs must have; a figure may lack some runs."""
        return {column for column, read in self._claimed.items() if read & {*cells}}

    def check_columns(self) -> None:
        """Raise UserError if a claim, plot or table reads a column that no run records."""
        configs = {cell.name: self.config(cell, 0) for cell in self.cells}
        for column in sorted(self.columns):
            cells = self._claimed.get(column, set()) | self._shown.get(column, set())
            faults = [column_fault(column, configs[name]) for name in sorted(cells)]
            if all(faults):
                raise UserError(
                    f"`numbers` (={column}) of the study `{self.name}` must be columns that runs record: {faults[0]}"
                )

    @cached_property
    def _claimed(self) -> dict[str, set[str]]:
        return self._cells_by_column(self.claims)

    @cached_property
    def _shown(self) -> dict[str, set[str]]:
        return self._cells_by_column((*self.plots, *self.tables))

    def _cells_by_column(self, parts: Iterable[Claim | BasePlot | Table]) -> dict[str, set[str]]:
        """Return the names of the cells whose runs the parts read, by recorded column."""
        own = tuple(f"{reading.name}." for reading in self.readings)
        read: defaultdict[str, set[str]] = defaultdict(set)
        for part in parts:
            # A plot of your own may have no `where`, so that it reads all runs; one that selects none shows nothing.
            names = {cell.name for cell in self._selected(getattr(part, "where", {}))}
            for column in part.columns_read():
                if not column.startswith(own):
                    read[column] |= names
        return read

    def members(self, seeds: int | None = None, final: Collection[str] = ()) -> Iterator[tuple[Cell, int]]:
        """Return the cell and seed of every run, seed by seed, so that every cell has its first seeds early.

        Args:
            seeds: runs per cell, if fewer than the first analysis' are wanted: a rehearsal.
            final: names of cells to which the final analysis adds its seeds.

        Raises:
            UserError: `seeds` is more than any cell has, or none.
        """
        most = max(map(self.first, self.cells))
        if seeds is not None and not 1 <= seeds <= most:
            raise UserError(
                f"`--seeds` (={seeds}) must be from 1 to {most}: a study's seeds are fixed before its first run"
            )
        wanted = [min(self.first(c), seeds or most) + self.more * (c.name in final) for c in self.cells]
        for seed in range(max(wanted)):
            yield from ((c, seed) for c, count in zip(self.cells, wanted, strict=True) if seed < count)

    def readings_of(self, names: Collection[str]) -> list[Reading]:
        """Return the further readings that a run of these cells needs."""
        return [r for r in self.readings if {cell.name for cell in self.cells_of(r.where)} & set(names)]
