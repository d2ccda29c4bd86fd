"""Sets of images that hold out combinations of factors, with and without each factor shown alone, and what is asked of them.

Both worlds share a frame of labels, 6 px wider than the canvas on each side; a coordinate in that margin is not shown
(Liang et al. 2024, arXiv 2408.13256, whose frame is 44 px wide). 2D images show both factors, 1D images one. What a network
paints of combinations that it never saw is set against copiers, which know the same images: see `probing.copier`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.config import Tree
from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.comparing import envelope
from phasescope.studies.core.criteria import accuracy_of, at_end, cells_of, runs_of
from phasescope.studies.core.statistics import mean_of_runs
from phasescope.studies.core.study import Cell, Study
from phasescope.studies.found._cells import eps_at_end
from phasescope.studies.found._made import made_ends
from phasescope.worlds.bump.reader import UNGATED

if TYPE_CHECKING:
    import pandas as pd

MARGIN = 6.0
"""px around the canvas, in which a factor is not shown"""
CANVAS = {"x": [0.0, 32.0], "y": [0.0, 32.0]}
WORLDS: Mapping[str, Tree] = {
    "bumps": {
        "kind": "mixed",
        "together": {"kind": "gaussian_bump"},
        "alone": {"margin_px": MARGIN},
    },
    "stripes": {"kind": "stripes", "margin_px": MARGIN},
}
"""what is shown where both factors are; alone each is a stripe in both"""
ALONE = [
    {"within": {"x": CANVAS["x"]}, "at": {"y": -MARGIN}},
    {"within": {"y": CANVAS["y"]}, "at": {"x": -MARGIN}},
]
"""1D images of each factor's full range"""
FORMED = ("formed",)
EVERY_WAY = (*UNGATED, *FORMED)
"""in which images are read: every one, in two ways, or only those that are well formed"""
IN_WAYS = {
    FORMED: "",
    EVERY_WAY: "; every image read by darkest pixel, by matched filter, and only those that are well formed; all must agree",
}
"""what a statistic says of them"""
LEARNT, FEWEST = 0.8, 4
"""accuracy on what was trained on above which a run has learnt it; runs of a cell that have, for the cell to count"""
EXCESSES = (-0.2, 1.05)
"""of the axes of figures, the same for all panels"""
SPREAD = 0.1
"""of an excess, from run to run, of records made up"""


def both(hold_out: Tree | None = None, **fields: Any) -> Tree:
    """2D images of the canvas, but for what is held out."""
    return {"within": CANVAS, "hold_out": hold_out, **fields}


def composed(
    world: str, name: str, parts: Sequence[Tree], tested: Sequence[Tree] = (), seeds: int = 6, **fields: Any
) -> Cell:
    """A cell of one of `WORLDS`, trained on some sets of images."""
    design = {"kind": "union", "parts": list(parts), "tested": list(tested)}
    return eps_at_end(
        f"{world}, {name}", {"world": {**WORLDS[world], **fields, "design": design}}, seeds=seeds
    )


def excess_of(split: str, copier: str = "copier", way: str = "formed") -> str:
    """The column of how much more of a split is right than a copier gets right, over all that it gets wrong.

    Args:
        way: in which images are read, as in `accuracy_of`; `half` for well-formed ones that are right within 0.5 px.
    """
    return f"excess.{copier}.{accuracy_of(split, '', way).removesuffix('.')}"


def excess(cell: str, split: str, frame: pd.DataFrame, ways: Sequence[str] = FORMED) -> Estimate:
    """Mean over runs of a split's excess over the copier, at the end; in several ways as `envelope` has it."""
    return envelope([mean_of_runs(_at_ends(cell, split, way, frame)) for way in ways])


def more_excess(
    cell: str, than: str, split: str, frame: pd.DataFrame, ways: Sequence[str] = FORMED
) -> Estimate:
    """Mean over seeds of the difference of two cells' excesses at the end; in several ways as `envelope` has it."""
    return envelope([_more_excess(cell, than, split, way, frame) for way in ways])


def _more_excess(cell: str, than: str, split: str, way: str, frame: pd.DataFrame) -> Estimate:
    one, other = (_by_seed(name, split, way, frame) for name in (cell, than))
    seeds = sorted(set(one) & set(other))
    if len(seeds) < 2:
        raise NotEnough(f"{len(seeds)} seeds have runs of both")
    detail = {"with": float(np.mean(list(one.values()))), "without": float(np.mean(list(other.values())))}
    return mean_of_runs([one[seed] - other[seed] for seed in seeds], detail)


def _at_ends(cell: str, split: str, way: str, frame: pd.DataFrame) -> list[float]:
    return [at_end(run, excess_of(split, way=way)) for run in runs_of(frame, [cell])]


def _by_seed(cell: str, split: str, way: str, frame: pd.DataFrame) -> dict[int, float]:
    seeds = [int(run["seed"].iloc[0]) for run in runs_of(frame, [cell])]
    return dict(zip(seeds, _at_ends(cell, split, way, frame), strict=True))


def of_full_cells(learnt: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Of runs that have learnt what they were trained on those of cells with `FEWEST` of them.

    Raises:
        NotEnough: there is no such cell.
    """
    names = cells_of(learnt)
    kept = [run for run, name in zip(learnt, names, strict=True) if names.count(name) >= FEWEST]
    if not kept:
        raise NotEnough(
            f"no cell has {FEWEST} runs that have learnt what they were trained on, above {LEARNT:.0%} of it right"
        )
    return kept


def learnt(
    frame: pd.DataFrame, cells: Sequence[str], split: str, way: str = "formed", trained: str = ""
) -> tuple[list[pd.DataFrame], np.ndarray]:
    """Runs that have learnt what they were trained on, of cells with `FEWEST` of them, and what each has right of a split
    over what it has right of that, at most 1, (n,): how soon a network learns is another question.

    Args:
        trained: the column that says so; of the split `grid` where none is named.

    Raises:
        NotEnough: there is no run, or no cell has as many that have learnt it.
    """
    asked, trained = accuracy_of(split, "joint", way), trained or accuracy_of("grid", "joint", way)
    kept = of_full_cells([run for run in runs_of(frame, cells) if at_end(run, trained) > LEARNT])
    return kept, np.array([min(at_end(run, asked) / at_end(run, trained), 1.0) for run in kept])


def dated(at: np.ndarray, values: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The log of where values, (..., m) in ascending order of `at`, pass a level for good: the least and the most, (...).

    Between two points it is interpolated in log `at`; where all are above, or the last is not, it is bounded on one side.
    """
    logs, m = np.log(at), len(at)
    below = ~(values >= level)
    last = np.where(below.any(axis=-1), m - 1 - below[..., ::-1].argmax(axis=-1), -1)
    before, after = last.clip(0)[..., None], (last + 1).clip(max=m - 1)[..., None]
    first, second = (np.take_along_axis(values, one, axis=-1)[..., 0] for one in (before, after))
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (level - first) / (second - first)
        found = logs[before[..., 0]] + part * (logs[after[..., 0]] - logs[before[..., 0]])
    low = np.select([last < 0, last == m - 1], [-math.inf, logs[-1]], found)
    high = np.select([last < 0, last == m - 1], [logs[0], math.inf], found)
    return low, high


def made_excess(
    study: Callable[[], Study],
    split: str,
    of: Mapping[str, float],
    generator: np.random.Generator,
    spread: float = SPREAD,
) -> pd.DataFrame:
    """Records of runs whose excess at the end is, by cell, as told, but for what differs from run to run."""

    def read(cell: str) -> dict[str, float]:
        of_run = of[cell] + spread * generator.standard_normal()
        return {excess_of(split, way=way): of_run + 0.03 * generator.standard_normal() for way in EVERY_WAY}

    return made_ends(study(), list(of), read, generator)
