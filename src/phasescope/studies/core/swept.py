"""What is shown of a sweep: where its runs end, and how they came there; read again from its folder of results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.measures.learning.phases import phase_onsets
from phasescope.places import Place
from phasescope.runs.config import RunConfig, over_defaults
from phasescope.studies.core.criteria import some_runs
from phasescope.studies.core.curves import mean_curve, ticks
from phasescope.studies.core.declaration import read_declaration
from phasescope.studies.core.study import LIMITS, Cell, Curve, Figure, Panel, Study, Table

if TYPE_CHECKING:
    import pandas as pd

NO_PRESET = "defaults"
"""in the place of a preset's name"""
MOST_LINES, MOST_MARKS = 8, 40
"""cells in a panel of courses, and in one of ends"""


@dataclass(frozen=True)
class Point(Cell):
    """A cell that may be over no preset."""

    def config(self, seed: int, preset: str) -> RunConfig:
        """Of one run, as `Cell.config` says."""
        if preset != NO_PRESET:
            return super().config(seed, preset)
        return over_defaults(LIMITS, self.of_run(seed))


def swept_in(folder: Path) -> Study | None:
    """The sweep whose declaration and records a folder of results holds.

    Raises:
        UserError: the declaration is damaged.
    """
    told = read_declaration(folder)
    if told is None:
        return None
    cells = [
        Point(cell.name, (cell.model_extra or {})["fields"], (cell.model_extra or {})["preset"])
        for cell in told.cells
    ]
    return shown(Study(told.study, told.question, NO_PRESET, tuple(cells), told.looks["first"]))


def shown(study: Study) -> Study:
    """A sweep with its table and its figures."""
    return replace(
        study,
        tables=(Table("ends", "Where the runs end", lambda frame: _ends(study, frame)),),
        figures=(
            Figure(
                "ends", "At the end", lambda frame: _marks(study, frame), lambda frame: _said(study, frame)
            ),
            Figure(
                "courses", "While learning", lambda frame: _courses(study, frame), lambda frame: _drawn(study)
            ),
        ),
    )


def _read_of(study: Study) -> dict[str, tuple[str, str]]:
    """By title the column that is drawn, and its axis: of the first cell, as all are of one kind of world and network."""
    config = study.member(study.cells[0], 0).config
    success, order = _success_column(config), _order_column(config)
    found = {"Success": (success, "share of images right")} if success else {}
    return found | ({"Order": (f"{order}.value", "order")} if order else {}) | {"Loss": ("loss", "loss")}


def _marks(study: Study, frame: pd.DataFrame) -> list[Panel]:
    """A dot a run at its end, by cell."""
    cells = study.cells[:MOST_MARKS]
    short = {f"{number}": number for number in range(1, len(cells) + 1)}
    names = [cell.name for cell in cells] if len(cells) <= MOST_LINES else list(short)
    panels = []
    for title, (column, axis) in _read_of(study).items():
        x, y = [], []
        for place, cell in enumerate(cells):
            for run in some_runs(frame, [cell.name]):
                if column in run and not math.isnan(end := float(run[column].iloc[-1])):
                    x.append(float(place))
                    y.append(end)
        curve = Curve(np.array(x), np.array(y), style="points")
        panels.append(Panel(title, "cell", axis, [curve], ticks=ticks(names)))
    return panels


def _courses(study: Study, frame: pd.DataFrame) -> list[Panel]:
    cells = study.cells[:MOST_LINES]
    return [
        Panel(
            title,
            "images seen",
            axis,
            [
                mean_curve(runs, column, cell.name, series, "images_seen")
                for series, cell in enumerate(cells)
                if (runs := some_runs(frame, [cell.name])) and column in runs[0]
            ],
        )
        for title, (column, axis) in _read_of(study).items()
    ]


def _said(study: Study, frame: pd.DataFrame) -> str:
    cells = study.cells[:MOST_MARKS]
    numbers = (
        "; ".join(f"{i}: {cell.name}" for i, cell in enumerate(cells, 1)) if len(cells) > MOST_LINES else ""
    )
    left = len(study.cells) - len(cells)
    return f"A dot a run, at its end.{f' Cells are {numbers}.' if numbers else ''}" + (
        f" {left} cells more are in the table alone." if left else ""
    )


def _drawn(study: Study) -> str:
    left = len(study.cells) - MOST_LINES
    more = f" {left} cells more are not drawn." if left > 0 else ""
    return f"The mean over runs, with the range from the least to the most.{more}"


def _ends(study: Study, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A row a cell: its runs at their ends, by their mean, and when behaviour was in C for good."""
    rows = []
    for cell in study.cells:
        runs = some_runs(frame, [cell.name])
        config = study.member(cell, 0).config

        def ends(column: str | None, of: Sequence[pd.DataFrame] = tuple(runs)) -> list[float]:
            there = [float(run[column].iloc[-1]) for run in of if column in run]
            return [value for value in there if not math.isnan(value)]

        success, order = ends(_success_column(config)), _order_column(config)
        began = [at for run in runs if (at := _began(run)) is not None]
        rows.append(
            {
                "cell": cell.name,
                "runs": len(runs),
                "success": _mean(success),
                "lowest": min(success, default=None),
                "highest": max(success, default=None),
                "order": _mean(ends(f"{order}.value")),
                "untrained": _mean(ends(f"{order}.nulls.untrained")),
                "in C": f"{len(began)} of {len(runs)}",
                "C from (images, median)": float(np.median(began)) if began else None,
                "loss": _mean(ends("loss")),
            }
        )
    return rows


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _success_column(config: RunConfig) -> str | None:
    reader = config.world.reader()
    return (
        None if reader is None else f"outcomes.{next(iter(config.world.splits()))}.{reader.outcomes[-1].name}"
    )


def _order_column(config: RunConfig) -> str | None:
    """Of order where the representation's phase is read; None where only the built network can say where that is."""
    network = config.network
    plan = config.probing if network.taps is None else config.plan_of(network.taps, network.usual_taps)
    at = plan.representation
    return None if isinstance(at, str) else f"order.{Place(at.tap, at.timestep)}"


def _began(run: pd.DataFrame) -> int | None:
    """Images seen from which on a run's behaviour is in phase C for good."""
    if "phase.behaviour" not in run or run["phase.behaviour"].isna().any():
        return None
    return phase_onsets(run["images_seen"].astype(int).tolist(), run["phase.behaviour"].tolist())["C"]
