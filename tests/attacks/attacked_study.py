"""A study of three runs that take a second each, with a reading that needs every snapshot, a claim, a table and a figure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from attacked_run import FIELDS

from phasescope.store import Run
from phasescope.studies.core import Cell, Claim, Estimate, Figure, Panel, Reading, Study, Table
from phasescope.studies.core.criteria import column, runs_of
from phasescope.studies.core.curves import mean_curve
from phasescope.studies.core.statistics import mean_of_runs

if TYPE_CHECKING:
    import pandas as pd

WORDS = tuple(f"{key}={json.dumps(value)}" for key, value in FIELDS.items() if key != "name")
ORDER = "order.mid.40.value"


def weigh(run: Run) -> list[dict[str, Any]]:
    return [
        {
            "step": one.step,
            "weights": float(sum(np.abs(array).sum() for array in one.weights().values())),
            "latents": float(np.abs(one.latents("mid", 40)).mean()),
        }
        for one in run.snapshots
    ]


def order_at_end(frame: pd.DataFrame) -> Estimate:
    return mean_of_runs([column(run, ORDER)[-1] for run in runs_of(frame, ["one"])])


def panels(frame: pd.DataFrame) -> list[Panel]:
    return [Panel("Order", "steps", "R²", [mean_curve(runs_of(frame, ["one"]), ORDER, "mid", 0)])]


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{"run": run["digest"].iloc[0], "order": float(column(run, ORDER)[-1])} for run in runs_of(frame)]


STUDY = Study(
    name="attacked",
    question="Is it whole?",
    preset="small",
    cells=(Cell("one", WORDS),),
    seeds=3,
    claims=(Claim("low", "It scores below 2.", "nobody", "mean", 2.0, order_at_end, "order", "Much.", "below", 2),),
    figures=(Figure("order", "Order", panels, lambda frame: f"{len(runs_of(frame))} runs."),),
    tables=(Table("ends", "Ends", rows),),
    readings=(Reading("weigh", weigh),),
)  # fmt: skip
