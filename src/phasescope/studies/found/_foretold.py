"""What is foretold of a learning objective, what of phase B came, and how the two go together over cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.config import Tree
from phasescope.measures.learning import phases
from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.criteria import cells_of, column, phases_of, runs_of
from phasescope.studies.core.statistics import over_runs
from phasescope.studies.found._cells import eps, foretold_of

if TYPE_CHECKING:
    import pandas as pd

SEEDS = 6
CLOSE = -0.7
"""the rank correlation below which R' tells"""
MIN_SNR_1: Tree = {"kind": "min_snr", "gamma": 1.0}
FLOW: Tree = {"schedule": "flow", "sampler": {"kind": "heun", "steps": 12}}
OBJECTIVES: dict[str, Tree] = {
    "eps, cosine": {"schedule": "cosine"},
    "velocity, flow": {**FLOW, "predict": "velocity"},
    "v, cosine": {"predict": "v", "schedule": "cosine"},
    "eps, min-SNR": {"weighting": "min_snr"},
    "v, min-SNR": {"predict": "v", "weighting": "min_snr"},
    "x, min-SNR": {"predict": "x", "weighting": "min_snr"},
    "velocity, flow, logit-normal": {**FLOW, "predict": "velocity", "density": "logit_normal"},
    "eps, min-SNR of 1": {"weighting": MIN_SNR_1},
    "x, cosine": {"predict": "x", "schedule": "cosine"},
    "x, flow": {**FLOW, "predict": "x"},
}
"""cells that did not suggest the rule: a family's fields, by name"""
CELLS = {name: eps(name, {"family": fields}, SEEDS) for name, fields in OBJECTIVES.items()}
NAMES = tuple(CELLS)

OfRun = Callable[["pd.DataFrame"], float]


@cache
def foretold(cell: str) -> Mapping[str, Any]:
    """What is foretold of a cell, from its configuration alone."""
    return foretold_of(CELLS[cell])


def r_prime(cell: str) -> float:
    return float(foretold(cell)["r_prime"])


def passes_b(run: pd.DataFrame) -> float:
    """1 where images are decided to be in phase B before any of them is in C."""
    found = phases.phase_sequence(phases_of(run))
    before = found[: found.index("C")] if "C" in found else found
    return float("B" in before)


def _images(run: pd.DataFrame) -> tuple[float, float]:
    """Images seen at the onset of B and of C; the run's last where there is none."""
    seen = column(run, "images_seen").astype(int).tolist()
    b, c = (seen[-1] if at is None else at for at in phases.phase_onsets(seen, phases_of(run)).values())
    return float(b), float(c)


def length_of_b(run: pd.DataFrame) -> float:
    """Images seen in phase B: from its onset to that of C, or to the end where C did not come."""
    b, c = _images(run)
    return c - b if passes_b(run) else 0.0


def share_of_way(run: pd.DataFrame) -> float:
    """The same over the images seen until C."""
    return length_of_b(run) / _images(run)[1]


def follows(of_run: OfRun, frame: pd.DataFrame) -> Estimate:
    """Spearman's correlation over cells of a number's mean over runs with R'; 0 where the means are all alike.

    The interval resamples runs within cells: it speaks for these cells.
    """
    runs = runs_of(frame, NAMES)
    values, of = np.array([of_run(run) for run in runs]), np.array(cells_of(runs))
    if set(of) != set(NAMES):
        raise NotEnough("a correlation over cells needs runs of each")
    belongs = np.stack([of == name for name in NAMES], axis=1).astype(float)
    told = np.array([r_prime(name) for name in NAMES])

    def correlation(weights: np.ndarray) -> np.ndarray:
        return rank_correlation(told, (weights * values) @ belongs / (weights @ belongs))

    detail = {name: float(values[of == name].mean()) for name in NAMES}
    return over_runs(correlation, len(runs), of.tolist(), {"cells": len(NAMES), **detail})


def rank_correlation(x: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Spearman's of x, (n,), with each row of `many`, (S, n); 0 of a row that does not vary.

    What is alike in x to nine digits has one rank: equations equal on paper differ in their last digits, by the processor.
    """
    from scipy.stats import rankdata

    alike = [float(f"{value:.9g}") for value in x]
    ranks, others = rankdata(alike) - (len(x) + 1) / 2, rankdata(many, axis=1) - (len(x) + 1) / 2
    power = (ranks**2).sum() * (others**2).sum(axis=1)
    return np.divide(others @ ranks, np.sqrt(power), out=np.zeros(len(many)), where=power > 0)
