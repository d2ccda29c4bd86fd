"""Cells: the points of a study's design. The runs of a cell differ only in their seed, or in the run that they continue."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from phasescope.core.config import Tree, merge, set_overrides
from phasescope.core.errors import UserError
from phasescope.core.randomness import derive
from phasescope.runs.config import RunConfig, forked_tree, over_defaults, preset
from phasescope.runs.store.files import plain_number, to_json

# One thread per run: as many runs as cores run at a time, and results are bitwise the same whatever the machine's load.
ONE_THREAD: Tree = {"training": {"threads": 1}}
# Cells of a sweep start from no preset: their base has this name.
DEFAULTS = "defaults"


@dataclass(frozen=True)
class Fork:
    """What the runs of a cell continue: run n of it the state that run `n // children` of another cell has at a step."""

    cell: Cell
    """the cell of the parents, which is in the same study"""
    at: int
    """steps after which the state is taken up"""
    children: int = 1
    """runs that continue one parent; with more than one, each has an order of images and noise of its own"""

    def __post_init__(self) -> None:
        if self.at < 0 or self.children < 1:
            raise UserError(
                f"`fork` (at={self.at}, children={self.children}) must have a step, and a child at least"
            )

    def parent_of(self, number: int) -> int:
        """Return the number of the parent of a run, in its cell."""
        return number // self.children


@dataclass(frozen=True)
class Cell:
    """A point of a design. `axes` become columns of the table of runs; `fields` override the base configuration."""

    name: str
    fields: Tree
    """overrides of the base; `seed` is that of the cell's first run, 0 if left out"""
    axes: Mapping[str, Any] = field(default_factory=dict)
    base: str = ""
    """preset that the cell starts from, or `defaults`; the study's base if empty"""
    seeds: int | None = None
    """runs of this cell in the first analysis; the study's number if None"""
    reseeded: tuple[str, ...] = ()
    """fields that get a seed of each run's own, such as `world.design.hold_out.shuffle`, so that no two runs share a draw"""
    fork: Fork | None = None
    """what its runs continue; `fields` are then what is changed, none for the control"""
    drawn_from: str = ""
    """text from which, with the run's seed, these seeds derive; the JSON of `fields` if empty"""

    @property
    def first_seed(self) -> int:
        return int(self.fields.get("seed", 0))

    def config(self, seed: int, base: str, probing: Tree | None = None) -> RunConfig:
        """Return the configuration of one run.

        Args:
            seed: the run's number in its cell, from 0 on.
            base: preset of the study, or `defaults`.
            probing: what a study's runs observe; fields of the cell itself override it.

        Raises:
            UserError: a field or the base is invalid.
        """
        if self.fork is not None:
            return self.continuing(self.fork.cell.config(self.fork.parent_of(seed), base, probing), seed)

        text = self.drawn_from or to_json(self.fields)
        drawn = [(path.split("."), derive(seed, text) % 2**31) for path in self.reseeded]
        own = set_overrides(self.fields, drawn) | {"seed": self.first_seed + seed}
        chosen = self.base or base
        if chosen == DEFAULTS:
            return over_defaults(ONE_THREAD, own)
        named = preset(chosen)
        if base == DEFAULTS:  # a cell of a sweep, which observes as `train` with this preset does
            return over_defaults(named.fields, ONE_THREAD, own)
        return over_defaults(named.fields, named.studied, ONE_THREAD, {"probing": probing or {}}, own)

    def continuing(self, parent: RunConfig, number: int) -> RunConfig:
        """Return the configuration of a run of the cell, whose `fork` is set, that continues `parent`."""
        fork = self.fork
        assert fork is not None
        begins = forked_tree(parent, fork.at, number % fork.children if fork.children > 1 else None)
        return RunConfig.from_tree(merge(begins, self.fields))


def product(name: str, fields: Callable[..., Tree], **axes: Sequence[Any]) -> tuple[Cell, ...]:
    """Return one cell per combination of the axes' values; `name` is a format string of them.

    Raises:
        UserError: an axis has no value, or has one twice.
    """
    # Numbers of numpy are no JSON, of which preregistrations and configurations consist.
    axes = {axis: [plain_number(v) for v in values] for axis, values in axes.items()}
    for axis, values in axes.items():
        if not len(values) or any(value in values[:i] for i, value in enumerate(values)):
            raise UserError(f"`{axis}` (={list(values)}) must have values, each once: it is an axis")
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    return tuple(Cell(name.format(**point), fields(**point), point) for point in points)
