"""Which measure, at which place, with which threshold tells the phases apart? Found on runs, tried on runs left out.

Behaviour has two boundaries: B has begun (the phase is B or C), C has begun. For each boundary and each candidate, a measure
at a tap and a timestep, a **stump** (`measures.learning.stumps`) says "begun" on one side of a threshold. What a stump is
worth is its balanced accuracy on runs that it was not fitted to: one run at a time is left out, all its snapshots with it.
Snapshots whose behaviour is undecided are left out. The interval resamples runs.

The **rule** is the best candidate of either boundary, C above B. That it is the best of many flatters it, so its confusion
is told from a second, outer, round of leaving runs out, in which candidate and stump are chosen without the run told.

How stable its onsets are: for each run the ratio of the rule's onset to behaviour's, and how often the rule goes back.

    phasescope study calibration      takes the runs of `phases`, and computes all of it from their records
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.measures.learning import phases
from phasescope.measures.learning.stumps import (
    BOUNDARIES,
    Snapshots,
    Stump,
    best,
    confusion,
    nested,
    predicted,
    separation,
)
from phasescope.studies.core.captions import saying
from phasescope.studies.core.criteria import column, phases_of, runs_of
from phasescope.studies.core.curves import ticks
from phasescope.studies.core.study import Curve, Figure, Panel, Study, Table
from phasescope.studies.found._cells import SMALL, V, X, mended

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("order", "p1_order", "trustworthiness", "participation_ratio", "label_share", "label_dimension")
"""of the representation: what runs record at each place"""
BEST = 8
"""candidates of a boundary that are shown"""


def snapshots_of(frame: pd.DataFrame) -> Snapshots:
    """The decided snapshots of a study's runs, with each measure at each place that all of them recorded."""
    runs = runs_of(frame)
    names = sorted(
        name.removesuffix(".value")
        for name in frame.columns
        if name.endswith(".value") and name.split(".")[0] in MEASURES and name.count(".") == 3
    )
    run, phase, values = [], [], {name: [] for name in names}
    for number, rows in enumerate(runs):
        letters = phases_of(rows)
        decided = np.array([letter in phases.LETTERS for letter in letters])
        run.append(np.full(decided.sum(), number))
        phase.append([phases.LETTERS.index(letter) for letter in letters if letter in phases.LETTERS])
        for name in names:
            values[name].append(column(rows, f"{name}.value")[decided])
    joined = {name: np.concatenate(parts) for name, parts in values.items()}
    whole = {name: found for name, found in joined.items() if np.isfinite(found).all()}
    return Snapshots(np.concatenate(run), np.concatenate(phase).astype(int), whole)


def onset_ratios(frame: pd.DataFrame, rule: Mapping[str, tuple[str, Stump]]) -> list[dict[str, Any]]:
    """Of each run and boundary the rule's onset over behaviour's, in images, and how often the rule goes back."""
    rows = []
    for run in runs_of(frame):
        images = column(run, "images_seen").astype(int).tolist()
        behaviour = phases.phase_onsets(images, phases_of(run))
        for boundary, (name, stump) in rule.items():
            begun = stump.begun(column(run, f"{name}.value"))
            onset, of_behaviour = phases.onset(images, begun.tolist()), behaviour[boundary]
            rows.append(
                {
                    "cell": str(run["cell"].iloc[0]),
                    "seed": int(run["seed"].iloc[0]),
                    "boundary": boundary,
                    "rule": onset,
                    "behaviour": of_behaviour,
                    "ratio": onset / of_behaviour if onset and of_behaviour else None,
                    "reversals": int((begun[:-1] & ~begun[1:]).sum()),
                }
            )
    return rows


def calibrate(frame: pd.DataFrame) -> dict[str, Any]:
    """All of it, JSON-ready; of all cells together and of each by itself."""
    return {"all cells": _calibrated(frame)} | {
        str(cell): _calibrated(rows) for cell, rows in frame.groupby("cell", sort=True)
    }


def _calibrated(frame: pd.DataFrame) -> dict[str, Any]:
    of = snapshots_of(frame)
    counts = np.bincount(of.phase, minlength=3).tolist()
    about = {
        "runs": len(np.unique(of.run)),
        "snapshots": len(of.run),
        "undecided": len(frame) - len(of.run),
        "of_phase": dict(zip(phases.LETTERS, counts, strict=True)),
    }
    if min(counts) == 0 or about["runs"] < 3:
        return about | {"why": "a phase is missing, or fewer than 3 runs: no boundary to be found"}
    rule = {boundary: best(of, boundary) for boundary in BOUNDARIES}
    told = {b: {"candidate": name, **asdict(stump)} for b, (name, stump) in rule.items()}
    return about | {
        "separation": {boundary: separation(of, boundary) for boundary in BOUNDARIES},
        "rule": told,
        "confusion": confusion(of.phase, predicted(of, rule)),
        "confusion_held_out": confusion(of.phase, nested(of)),
        "onsets": onset_ratios(frame, rule),
    }


def found_in(frame: pd.DataFrame) -> dict[str, Any]:
    """`calibrate` of some records, computed once: figures and tables are made of it."""
    if "calibration" not in frame.attrs:
        frame.attrs["calibration"] = calibrate(frame)
    return frame.attrs["calibration"]


def with_rule(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The groups of cells in which all phases are, by name."""
    return {name: group for name, group in found_in(frame).items() if "rule" in group}


def short(candidate: str) -> str:
    """``label_dimension.mid.600`` -> ``label dimension, mid, 600``."""
    return ", ".join(candidate.replace("_", " ").split("."))


def separations(frame: pd.DataFrame) -> list[Panel]:
    """Of each group and boundary the best candidates' held-out balanced accuracy."""
    panel = partial(Panel, xlabel="", ylabel="balanced accuracy, runs left out", level=0.5, ylim=(0.4, 1.02))
    panels = []
    for name, group in with_rule(frame).items():
        for boundary in BOUNDARIES:
            shown = group["separation"][boundary][:BEST]
            value, low, high = (
                np.array([row[part] for row in shown]) for part in ("balanced_accuracy", "low", "high")
            )
            curve = Curve(np.arange(len(shown), dtype=float), value, low, high, style="points")
            words = ticks(short(row["candidate"]) for row in shown)
            panels.append(panel(f"{name}: {boundary} has begun", curves=[curve], ticks=words))
    return panels


def confusions(frame: pd.DataFrame) -> list[Panel]:
    """Of each group the share of behaviour's phase (a row) in which the rule found without the run says a column's."""
    letters = list(phases.LETTERS)
    panel = partial(
        Panel,
        xlabel="the rule says",
        ylabel="behaviour is in",
        rows=letters,
        columns=letters,
        ylim=(0.0, 1.0),
    )
    panels = []
    for name, group in with_rule(frame).items():
        counts = np.array(group["confusion_held_out"], dtype=float)
        panels.append(panel(name, grid=counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)))
    return panels


def onset_panels(frame: pd.DataFrame) -> list[Panel]:
    """Of each run that had both, the rule's onset over behaviour's."""
    panel = partial(
        Panel, xlabel="", ylabel="onset, rule / behaviour", yscale="log", ylim=(0.2, 6.0), level=1.0
    )
    panels = []
    for name, group in with_rule(frame).items():
        curves = []
        for place, boundary in enumerate(BOUNDARIES):
            told = [row["ratio"] for row in group["onsets"] if row["boundary"] == boundary and row["ratio"]]
            at = place + (np.linspace(-0.25, 0.25, len(told)) if len(told) > 1 else np.zeros(len(told)))
            curves.append(Curve(at, np.sort(told), label=f"of {boundary}", series=place, style="points"))
        panels.append(panel(name, curves=curves, ticks=ticks(f"of {boundary}" for boundary in BOUNDARIES)))
    return panels


def groups(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Runs and decided snapshots of each group, and why it has no rule where it has none."""
    return [
        {
            "cells": name,
            "runs": group["runs"],
            "snapshots": group["snapshots"],
            **{f"in {letter}": count for letter, count in group["of_phase"].items()},
            "undecided": group["undecided"],
            "why no rule": group.get("why", ""),
        }
        for name, group in found_in(frame).items()
    ]


def separation_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"cells": name, "has begun": boundary, **row}
        for name, group in with_rule(frame).items()
        for boundary in BOUNDARIES
        for row in group["separation"][boundary][:BEST]
    ]


def confusion_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "cells": name,
            "behaviour": letter,
            **{f"rule: {said}": n for said, n in zip(phases.LETTERS, row, strict=True)},
        }
        for name, group in with_rule(frame).items()
        for letter, row in zip(phases.LETTERS, group["confusion_held_out"], strict=True)
    ]


def onset_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{"cells": name, **row} for name, group in with_rule(frame).items() for row in group["onsets"]]


SYSTEMS = (SMALL, V, X)
CELLS = tuple(cell.name for cell in SYSTEMS)

STUDY = Study(
    name="calibration",
    number=13,
    question="Which measure of latents, at which place, with which threshold, tells behaviour's phases apart?",
    preset="small",
    cells=SYSTEMS,
    seeds=8,
    amendments=(
        mended(
            "How its intervals are made has changed, and nothing else. Its runs had been looked at.",
            looked=True,
        ),
    ),
    figures=(
        Figure(
            "separation",
            "What tells whether a phase has begun",
            separations,
            saying(
                CELLS,
                f"The {BEST} best candidates of each boundary, fitted without the run told; "
                "95 % intervals over runs; line: chance.",
            ),
            columns=2,
        ),
        Figure(
            "confusion",
            "The rule's phase against behaviour's",
            confusions,
            saying(CELLS, "The rule, candidate and threshold, was found without the run told."),
        ),
        Figure(
            "onsets",
            "Onsets by the rule, over behaviour's",
            onset_panels,
            saying(CELLS, "A mark a run that had both."),
        ),
    ),
    tables=(
        Table("groups", "Runs and snapshots", groups),
        Table("separation", "Candidates, by held-out balanced accuracy", separation_rows),
        Table("confusion", "The rule found without the run", confusion_rows),
        Table("onsets", "Onsets of each run", onset_rows),
    ),
)
