"""Which measure, at which place, with which threshold tells the phases apart? Found on runs, tried on runs left out.

Behaviour has two boundaries: B has begun (the phase is B or C), C has begun. For each boundary and each candidate, a measure
at a tap and a timestep, a **stump** says "begun" on one side of a threshold c:

    begun  where  sign (value - c) > 0,      (sign, c) = argmax of balanced accuracy = (sensitivity + specificity) / 2,

c in the middle of the widest gap among equally good ones. What a stump is worth is its balanced accuracy on runs that it
was not fitted to: one run at a time is left out, all its snapshots with it. Snapshots whose behaviour is undecided are
left out. The interval resamples runs.

The **rule** is the best candidate of either boundary, C above B. That it is the best of many flatters it, so its confusion
is told from a second, outer, round of leaving runs out, in which candidate and stump are chosen without the run told.

How stable its onsets are: for each run the ratio of the rule's onset to behaviour's, and how often the rule goes back.

    phasescope claims --page docs/results.md      writes results/phases/calibration.json, and a page and figure of it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

from phasescope.measures import phases
from phasescope.measures.scores import TAIL
from phasescope.randomness import numpy_generator
from phasescope.store.files import to_json, write_aside
from phasescope.studies.criteria import column, phases_of, runs_of

if TYPE_CHECKING:
    import pandas as pd

BOUNDARIES = ("B", "C")
MEASURES = ("order", "p1_order", "trustworthiness", "participation_ratio", "label_share", "label_dimension")
"""of the representation: what runs record at each place"""
RESAMPLES = 500
FILE = "calibration.json"


@dataclass(frozen=True)
class Stump:
    """Begun where sign (value - threshold) > 0."""

    threshold: float
    sign: int

    def begun(self, values: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        return self.sign * (values - self.threshold) > 0


@dataclass(frozen=True)
class Snapshots:
    """The decided snapshots of several runs."""

    run: Int[np.ndarray, " n"]
    phase: Int[np.ndarray, " n"]
    """of behaviour: 0, 1, 2 for A, B, C"""
    values: Mapping[str, Float[np.ndarray, " n"]]
    """by candidate: `order.mid.600`"""

    def begun(self, boundary: str) -> Bool[np.ndarray, " n"]:
        return self.phase >= phases.LETTERS.index(boundary)


def fit_stump(values: Float[np.ndarray, " n"], begun: Bool[np.ndarray, " n"]) -> Stump:
    """The stump of the greatest balanced accuracy.

    Raises:
        ValueError: all have begun, or none has: there is no boundary.
    """
    if begun.all() or not begun.any():
        raise ValueError(
            f"`begun` ({int(begun.sum())} of {len(begun)}) must hold both: a boundary lies between"
        )
    ascending = values.argsort(kind="stable")
    v = values[ascending]
    hits = np.cumsum(begun[ascending]) / begun.sum()
    falls = np.cumsum(~begun[ascending]) / (~begun).sum()
    above = np.concatenate([[0.0], falls - hits])
    """Of a threshold after the first i values, specificity + sensitivity - 1 where begun is above it."""
    gaps = np.concatenate([[True], np.diff(v) > 0, [True]])
    edges = np.concatenate([[v[0]], (v[1:] + v[:-1]) / 2, [v[-1]]])
    widths = np.concatenate([[0.0], np.diff(v), [0.0]])
    score = np.where(gaps, np.abs(above), -1)
    best = score.max()
    among = np.flatnonzero(score >= best - 1e-12)
    i = int(among[widths[among].argmax()])
    return Stump(float(edges[i]), 1 if above[i] >= 0 else -1)


def balanced_accuracy(
    said: Bool[np.ndarray, " n"], begun: Bool[np.ndarray, " n"], weights: Float[np.ndarray, " n"]
) -> float:
    """Mean of sensitivity and specificity of weighted snapshots; NaN where one of the two has none."""
    yes, no = weights[begun].sum(), weights[~begun].sum()
    if yes == 0 or no == 0:
        return float("nan")
    return float(weights[begun & said].sum() / yes + weights[~begun & ~said].sum() / no) / 2


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


def held_out(of: Snapshots, name: str, boundary: str) -> Bool[np.ndarray, " n"]:
    """What stumps say of the runs that they were not fitted to."""
    begun, values = of.begun(boundary), of.values[name]
    said = np.zeros(len(begun), dtype=bool)
    for run in np.unique(of.run):
        out = of.run == run
        said[out] = fit_stump(values[~out], begun[~out]).begun(values[out])
    return said


def separation(of: Snapshots, boundary: str) -> list[dict[str, Any]]:
    """Of each candidate: the stump of all runs, its held-out balanced accuracy with interval; the best first."""
    begun = of.begun(boundary)
    runs = np.unique(of.run)
    rng = numpy_generator(0, "calibration")
    drawn = [np.bincount(rng.choice(len(runs), len(runs)), minlength=len(runs)) for _ in range(RESAMPLES)]
    place = np.searchsorted(runs, of.run)
    rows = []
    for name, values in of.values.items():
        said = held_out(of, name, boundary)
        replicates = [balanced_accuracy(said, begun, counts[place].astype(float)) for counts in drawn]
        low, high = np.nanquantile(replicates, [TAIL, 1 - TAIL])
        rows.append(
            {
                "candidate": name,
                "balanced_accuracy": balanced_accuracy(said, begun, np.ones(len(begun))),
                "low": float(low),
                "high": float(high),
                **asdict(fit_stump(values, begun)),
            }
        )
    return sorted(rows, key=lambda row: (-row["balanced_accuracy"], row["candidate"]))


def best(of: Snapshots, boundary: str, fitted: Bool[np.ndarray, " n"] | None = None) -> tuple[str, Stump]:
    """The candidate whose stump separates best, fitted to some of the snapshots; on a tie the first by name."""
    fitted = np.ones(len(of.run), dtype=bool) if fitted is None else fitted
    begun = of.begun(boundary)[fitted]
    found = {name: fit_stump(values[fitted], begun) for name, values in of.values.items()}
    ones = np.ones(int(fitted.sum()))
    worth = {
        name: balanced_accuracy(stump.begun(of.values[name][fitted]), begun, ones)
        for name, stump in found.items()
    }
    name = min(worth, key=lambda name: (-round(worth[name], 9), name))
    return name, found[name]


def predicted(of: Snapshots, rule: Mapping[str, tuple[str, Stump]]) -> Int[np.ndarray, " n"]:
    """The phase that a rule says, 0, 1, 2: C where C has begun, else B where B has."""
    begun = {boundary: stump.begun(of.values[name]) for boundary, (name, stump) in rule.items()}
    return np.where(begun["C"], 2, np.where(begun["B"], 1, 0))


def nested(of: Snapshots) -> Int[np.ndarray, " n"]:
    """The phase of each snapshot by the rule that was found without its run."""
    said = np.zeros(len(of.run), dtype=int)
    for run in np.unique(of.run):
        out = of.run == run
        rule = {boundary: best(of, boundary, ~out) for boundary in BOUNDARIES}
        said[out] = predicted(of, rule)[out]
    return said


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


def confusion(truth: Int[np.ndarray, " n"], said: Int[np.ndarray, " n"]) -> list[list[int]]:
    """How often behaviour is in the row's phase and the rule says the column's."""
    table = np.zeros((3, 3), dtype=int)
    np.add.at(table, (truth, said), 1)
    return table.tolist()


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


def write(folder: Path) -> dict[str, Any]:
    """Calibrate on the records of `phases` in `folder`, and write calibration.json beside them; what it says.

    Raises:
        UserError: there are no records.
    """
    from phasescope.studies.phases import STUDY
    from phasescope.studies.records import read_frame

    found = calibrate(read_frame(STUDY, folder))
    write_aside(folder / FILE, to_json(found, indent=1) + "\n")
    return found
