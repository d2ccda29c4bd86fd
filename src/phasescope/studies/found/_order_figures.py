"""Figures of order and accuracy: what goes along with accuracy, which comes first, and runs against one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from phasescope.studies.core.claim import NotEnough
from phasescope.studies.core.criteria import PLACE, some_runs
from phasescope.studies.core.curves import STEPS, marks, mean_curves, named, ticks, with_runs
from phasescope.studies.core.study import Curve, Panel
from phasescope.studies.found._cells import BASE, FAST, SIGMA_PX, SMALL, SYSTEMS, V
from phasescope.studies.found._order_with_accuracy import (
    ACCURACY,
    BESIDES,
    ORDERS,
    SEEN,
    mean_correlation,
    means_over_training,
    of_each_run,
    of_next_run,
    own,
)

if TYPE_CHECKING:
    import pandas as pd


STAND_INS: dict[str, str] = {
    "order": ORDERS["all"][2],
    "order seen": ORDERS["seen"][2],
    "label share": f"label_share.{PLACE}.value",
    "images seen": "images_seen",
}


def stand_ins(cells_of: Mapping[str, Sequence[str]], frame: pd.DataFrame) -> list[Panel]:
    """A panel a system, each of these cells."""
    panel = partial(Panel, xlabel="", ylabel="rank correlation with accuracy", ylim=(-1.1, 1.1), level=0.0)
    panels = []
    for words, runs in with_runs(frame, ((SYSTEMS[system], cells) for system, cells in cells_of.items())):
        rows = {
            name: own(runs, one)
            for name, one in STAND_INS.items()
            if one in frame and all(run[one].notna().any() for run in runs)
        }
        for name in ("order", "order seen"):
            with suppress(NotEnough, KeyError):
                if name in rows:
                    rows[f"{name}, of another run"] = of_next_run(runs, STAND_INS[name])
        curves = [
            marks(
                (
                    lambda values=values, given=given, runs=runs: mean_correlation(
                        of_each_run(runs, values, given), runs
                    )
                    for values in rows.values()
                ),
                label,
                number,
                0.12 * (2 * number - 1),
            )
            for number, (label, given) in enumerate((("alone", ()), ("given images seen, loss", BESIDES)))
        ]
        panels.append(panel(words, curves=curves, ticks=ticks(rows)))
    return panels


def onset_panels(frame: pd.DataFrame) -> list[Panel]:
    names = {
        f"order, {named(*PLACE)}": ORDERS["all"][2],
        f"order seen, {named(*SEEN)}": ORDERS["seen"][2],
        "share of right images, on the grid": ACCURACY,
        "share of right images, off the grid": "outcomes.off_grid.correct",
    }
    panels = []
    for words, runs in with_runs(frame, ((SYSTEMS[cell.name], (cell.name,)) for cell in (BASE, SMALL, V))):
        known = {
            label: name for label, name in names.items() if name in runs[0] and runs[0][name].notna().any()
        }
        panels.append(Panel(words, STEPS, "R², or share", mean_curves(runs, known), ylim=(-0.05, 1.02)))
    return panels


def across(frame: pd.DataFrame) -> list[Panel]:
    curves = []
    for number, sigma in enumerate(SIGMA_PX):
        names = [cell.name for (_, width), cell in FAST.items() if width == sigma]
        if runs := some_runs(frame, names):
            curves.append(
                Curve(
                    *means_over_training(runs), label=f"sigma = {sigma:g} px", series=number, style="points"
                )
            )
    return (
        [Panel(SYSTEMS["fast"], "order, mean over training", "accuracy, mean over training", curves)]
        if curves
        else []
    )
