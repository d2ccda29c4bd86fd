"""Which measure of latents, at which site, with which threshold, tells the phases of the samples apart?

Samples have two boundaries: B has begun (the phase is B or C), C has begun. For each boundary and each candidate, a
measure at a layer and a noise level, a threshold is fitted and judged on runs that were left out (see `stumps`).
Snapshots at which the phase of the samples is undecided are left out. The step number is shown beside the candidates:
what it separates as well needs no latents.

    phasescope study calibration      takes the runs of `phases`, and computes all of it from their records
"""

from itertools import product

import numpy as np

from phasescope.studies import Curve, Panel, Runs, Study
from studies.calibration.stumps import separation
from studies.phases.study import CELLS

PHASE, STEP = "phase.behaviour", "step"
MEASURES = {
    "probe_r2": "probe R²",
    "trustworthiness": "trustworthiness",
    "participation_ratio": "participation ratio",
    "label_variance": "label variance",
    "label_participation_ratio": "dimension of label means",
}
CANDIDATES = {
    f"{measure}.{layer}.{t}.value": f"{words}, {layer}, {t}"
    for (measure, words), layer, t in product(MEASURES.items(), ("mid", "down3"), (50, 300, 600, 900))
} | {"p1_r2.down3.600.value": "P1's R², down3, 600", STEP: "step number"}  # fmt: skip
GROUPS = {"all cells": ("small", "v", "fast"), "small": ("small",)}
"""groups of cells that have enough snapshots of each phase"""
SHOWN = 8  # candidates of a boundary; the step number is always shown


def separations(runs: Runs, cells: tuple[str, ...], boundary: str) -> list[dict]:
    """Return a row per candidate that all runs of the cells recorded at every snapshot, the best first."""
    chosen = runs.where(cell=cells)
    phases = [np.array(letters) for letters in chosen.texts(PHASE)]
    decided = [np.isin(letters, list("ABC")) for letters in phases]

    def joined(courses: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([course[known] for course, known in zip(courses, decided, strict=True)])

    candidates = {column: joined(chosen.courses(column)) for column in CANDIDATES if chosen.has(column)}
    whole = {CANDIDATES[name]: values for name, values in candidates.items() if np.isfinite(values).all()}
    run = joined([np.full(len(letters), number) for number, letters in enumerate(phases)])
    return separation(whole, joined(phases) >= boundary, run)


def shown(rows: list[dict]) -> list[dict]:
    """Return the best rows, and that of the step number."""
    return rows[:SHOWN] + [row for row in rows[SHOWN:] if row["candidate"] == CANDIDATES[STEP]]


class Separation:
    """A panel per group and boundary, a mark per candidate: balanced accuracy on runs left out."""

    name, title = "separation", "What tells whether a phase of the samples has begun"

    def panels(self, runs: Runs) -> list[Panel]:
        panels = []
        for (group, cells), boundary in product(GROUPS.items(), "BC"):
            rows = shown(separations(runs, cells, boundary))
            value, low, high = (np.array([row[part] for row in rows]) for part in ("value", "low", "high"))
            curve = Curve(np.arange(len(rows), dtype=float), value, low, high, style="points")
            ticks = {float(place): row["candidate"] for place, row in enumerate(rows)}
            panels.append(
                Panel(
                    f"{group}: {boundary} has begun", "", "balanced accuracy", [curve], level=0.5, ylim=(0.4, 1.02),
                    ticks=ticks,
                )
            )  # fmt: skip
        return panels

    def caption(self, runs: Runs) -> str:
        return (
            f"{len(runs)} runs in 3 cells. The {SHOWN} best candidates of each boundary and the step number, judged on "
            "runs left out, with 95 % intervals over runs; line: chance. The best of many is flattered by having been "
            "chosen."
        )


class Candidates:
    """The same as a table, with thresholds."""

    title = "Candidates, by balanced accuracy on runs left out"
    note = "The threshold is fitted to all runs; `below`: the phase has begun if the measure lies below it."

    def rows(self, runs: Runs) -> list[dict]:
        return [
            {
                "cells": group,
                "has begun": boundary,
                "candidate": row["candidate"],
                "balanced accuracy": f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]",
                "threshold": row["stump"].threshold,
                "side": "above" if row["stump"].sign > 0 else "below",
            }
            for (group, cells), boundary in product(GROUPS.items(), "BC")
            for row in shown(separations(runs, cells, boundary))
        ]


STUDY = Study(
    name="calibration",
    question="Which measure of latents, at which site, with which threshold, tells the phases of the samples apart?",
    base="small",
    answers="S2",
    cells=CELLS[1:],
    seeds=8,
    summary="Exploratory: it claims nothing. Of the measures of latents, the variance that the label explains at mid, "
    "t = 600, separates the phases of the samples best over three systems together; probe R² is not among the best. The "
    "step number, which needs no latents, separates them about as well. So a threshold that is found here must be "
    "preregistered, and judged against the step number, before it is used.",
    plots=[Separation()],
    tables=[Candidates()],
)  # fmt: skip
