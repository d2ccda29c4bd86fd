"""Behaviour's phases in whole runs: what is painted on the way from A over B to C, and how images fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from phasescope.measures.learning import phases
from phasescope.studies.core.criteria import column, phases_of
from phasescope.studies.core.curves import mean_curves
from phasescope.studies.core.study import Curve
from phasescope.worlds.bump.reader import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

MAJORITY = 0.5
"""most runs, or most images: the threshold of a share"""


def is_abc(run: pd.DataFrame) -> bool:
    return phases.phase_sequence(phases_of(run)) == ["A", "B", "C"]


def shapeless(run: pd.DataFrame) -> float:
    """Mean share of no bump or several among images without one good bump, over trained snapshots of behaviour's phase A."""
    of_a = run[(np.array(phases_of(run)) == "A") & (run["step"] > 0).to_numpy()]
    told = sum(column(of_a, f"outcomes.grid.{name}") for name in ("none", "multiple"))
    failed = told + column(of_a, "outcomes.grid.malformed")
    return float(np.mean(told / failed)) if len(of_a) else np.nan


def median_from(runs: Sequence[pd.DataFrame], letter: phases.Phase) -> float:
    """From how many images on runs are in a phase: the median, of which those that do not come to it are later than all."""
    began = []
    for run in runs:
        at = phases.phase_onsets(column(run, "images_seen").astype(int).tolist(), phases_of(run))[letter]
        began.append(np.inf if at is None else at)
    found = float(np.median(began))
    return found if np.isfinite(found) else np.nan


def outcome_curves(runs: Sequence[pd.DataFrame]) -> list[Curve]:
    """Shares of outcomes on the grid, mean over runs, in the outcomes' colours."""
    curves = mean_curves(runs, {outcome.name: f"outcomes.grid.{outcome.name}" for outcome in OUTCOMES})
    return [replace(curve, colour=outcome.colour) for curve, outcome in zip(curves, OUTCOMES, strict=True)]
