"""Figures of phases: every run's, in images and in latents; what is painted; routes of order; agreement."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from phasescope.measures.learning import phases
from phasescope.places import Place
from phasescope.studies.core.claim import NotEnough
from phasescope.studies.core.criteria import P1_PLACE, PLACE, phases_of
from phasescope.studies.core.curves import STEPS, marks, mean_curves, named, phase_grid, ticks, with_runs
from phasescope.studies.core.study import Panel
from phasescope.studies.found._behaviour import outcome_curves
from phasescope.studies.found._cells import SYSTEMS
from phasescope.studies.found._latent_phases import MODERATE, READINGS, agree, at_thresholds, read_rows

if TYPE_CHECKING:
    import pandas as pd

EACH = [(words, (cell,)) for cell, words in SYSTEMS.items()]
"""words and cell of each system"""


def sequences(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for system, runs in with_runs(frame, ((cell, (cell,)) for cell in SYSTEMS)):
        panels.append(phase_grid(runs, phases_of, f"{system}: images"))
        for reading, (_, place, *_) in READINGS.items():
            with suppress(NotEnough):
                panels.append(
                    phase_grid(
                        [read_rows(run, reading) for run in runs],
                        lambda run, r=reading: at_thresholds(run, r)[-1],
                        f"{system}: {'P1, ' if reading == 'p1' else 'raw, '}{named(*place)}",
                    )
                )
    return panels


def outcomes(frame: pd.DataFrame) -> list[Panel]:
    return [
        Panel(words, STEPS, "share of images on the grid", outcome_curves(runs), ylim=(0, 1))
        for words, runs in with_runs(frame, EACH)
    ]


ROUTES = {
    f"told, {named(*PLACE)}": f"order_told.{PLACE}.value",
    f"seen, {named(*PLACE)}": f"order_seen.{PLACE}.value",
    f"told, {named('mid', 50)}": f"order_told.{Place('mid', 50)}.value",
    f"seen, {named('mid', 50)}": f"order_seen.{Place('mid', 50)}.value",
    f"P1's, {named(*P1_PLACE)}": f"p1.{P1_PLACE}.value",
}


def routes(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for words, runs in with_runs(frame, EACH):
        names = {
            label: name for label, name in ROUTES.items() if name in runs[0] and runs[0][name].notna().any()
        }
        names |= {f"all, {named(*PLACE)}": f"order.{PLACE}.value"}
        panels.append(
            Panel(
                words,
                STEPS,
                "R², least of x, y",
                mean_curves(runs, names),
                ylim=(-0.1, 1.02),
                level=phases.REPRESENTATION.order,
            )
        )
    return panels


def kappas(frame: pd.DataFrame) -> list[Panel]:
    curves = [
        marks(
            (partial(agree, reading, cell, frame) for cell in SYSTEMS),
            "read raw" if reading == "raw" else "read P1's way",
            series,
            0.15 * (2 * series - 1),
        )
        for series, reading in enumerate(READINGS)
    ]
    return [
        Panel(
            "Images and latents",
            "",
            "Cohen's kappa",
            curves,
            level=MODERATE,
            ticks=ticks(SYSTEMS),
            ylim=(-0.6, 1.02),
        )
    ]
