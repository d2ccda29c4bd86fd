"""Figures of unequal density: accuracy along each axis, which sets in first, and how the two are right together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies.core.claim import NotEnough
from phasescope.studies.core.criteria import Labels, accuracy_of, accurate, column, onsets, runs_of, some_runs
from phasescope.studies.core.curves import STEPS, mean_curves, with_runs
from phasescope.studies.core.study import Curve, Panel
from phasescope.studies.found._axes import (
    LABELS,
    TOGETHER,
    axes_of,
    right_along,
    sparse_and_dense,
)
from phasescope.studies.found._cells import BALANCED, UNEQUAL

if TYPE_CHECKING:
    import pandas as pd

CELLS = (*BALANCED.values(), *UNEQUAL.values())


def log_onset(frame: pd.DataFrame, d: float, labels: Labels) -> float:
    """Mean log onset along x and y on a balanced grid, log t(d), over runs; those that did not come are at the end."""
    runs = runs_of(frame, [BALANCED[d].name])
    return float(
        np.mean([np.log(onsets(runs, accurate(labels, axis, "matched")).restricted) for axis in "xy"])
    )


def shown(name: str) -> str:
    """``(0.1, 1)``: the increments of a cell, px."""
    return name.partition("d=")[2] or "(1, 1)"


def curves(frame: pd.DataFrame) -> list[Panel]:
    ways = {"formed": "formed", "darkest": "darkest pixel", "matched": "matched filter"}
    panels = []
    for steps, runs in with_runs(frame, [(shown(cell.name), [cell.name]) for cell in CELLS]):
        for labels, where in LABELS.items():
            names = {
                f"{axis}, {words}": accuracy_of(labels, axis, way)
                for way, words in ways.items()
                for axis in "xy"
            }
            panels.append(
                Panel(
                    f"d = {steps} px, {where}",
                    STEPS,
                    "share of images right",
                    mean_curves(runs, names),
                    ylim=(-0.02, 1.02),
                )
            )
    return panels


def ratios(frame: pd.DataFrame) -> list[Panel]:
    """Of each imbalanced cell the onsets' ratio in each run, and the two references where balanced grids tell them."""
    panels = []
    for labels, where in LABELS.items():
        marks: dict[str, tuple[list[float], list[float]]] = {
            "runs": ([], []),
            "two 1D learners": ([], []),
            "fully coupled": ([], []),
        }
        ticks: dict[float, str] = {}
        for place, cell in enumerate(UNEQUAL.values()):
            runs = some_runs(frame, [cell.name])
            if not runs:
                continue
            ticks[place] = shown(cell.name)
            sparse, dense = sparse_and_dense(runs, right_along(labels, "matched"))
            offsets = 0.06 * (np.arange(len(runs)) - (len(runs) - 1) / 2)
            marks["runs"][0].extend((place + offsets).tolist())
            marks["runs"][1].extend((sparse.restricted / dense.restricted).tolist())
            axes = axes_of(runs[0])
            try:
                slow, quick = (log_onset(frame, d, labels) for d in (axes.d_sparse, axes.d_dense))
            except (KeyError, NotEnough):
                continue
            for name, value in (("two 1D learners", math.exp(slow - quick)), ("fully coupled", 1.0)):
                marks[name][0].append(float(place))
                marks[name][1].append(value)
        lines = [
            Curve(
                np.array(x, dtype=float), np.array(y, dtype=float), label=label, series=series, style="points"
            )
            for series, (label, (x, y)) in enumerate(marks.items())
            if x
        ]
        if ticks:
            panels.append(
                Panel(
                    where.capitalize(),
                    "(d_x, d_y), px",
                    "onset of sparser axis / denser axis",
                    lines,
                    yscale="log",
                    ticks=ticks,
                    level=TOGETHER,
                )
            )
    return panels


def joint(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for way, words in (("darkest", "darkest pixel"), ("matched", "matched filter")):
        lines = []
        for number, cell in enumerate(CELLS):
            if runs := some_runs(frame, [cell.name]):
                x, y, xy = (
                    np.concatenate([column(run, accuracy_of("grid", one, way)) for run in runs])
                    for one in ("x", "y", "joint")
                )
                lines.append(Curve(x * y, xy, label=shown(cell.name), series=number, style="points"))
        ends = np.array([0.0, 1.0])
        lines.append(Curve(ends, ends, label="independent", series=7, style="dashed"))
        panels.append(Panel(f"By {words}, on the grid", "acc_x acc_y", "acc_xy", lines, ylim=(-0.02, 1.02)))
    return panels
