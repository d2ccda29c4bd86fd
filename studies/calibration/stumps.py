"""A stump: the threshold of one measure that best separates snapshots before and after the beginning of a phase.

It says "begun" on one side of a threshold c:

    begun  if  sign (value - c) > 0,      (sign, c) = argmax of balanced accuracy = (sensitivity + specificity) / 2,

with c in the middle of the widest gap among equally good ones. A measure is worth its balanced accuracy on runs that its
stump was not fitted to: one run at a time is left out, with all its snapshots. The interval resamples runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

RESAMPLES, TAIL = 500, 0.025


@dataclass(frozen=True)
class Stump:
    """Begun if sign (value - threshold) > 0."""

    threshold: float
    sign: int

    def begun(self, values: np.ndarray) -> np.ndarray:
        return self.sign * (values - self.threshold) > 0


def fit_stump(values: np.ndarray, begun: np.ndarray) -> Stump:
    """Return the stump of the greatest balanced accuracy for values (n,) and whether the phase has begun, (n,) bool.

    Raises:
        ValueError: all have begun, or none has.
    """
    if begun.all() or not begun.any():
        raise ValueError(f"`begun` ({int(begun.sum())} of {len(begun)}) must be true of some, not of all")
    ascending = values.argsort(kind="stable")
    v, b = values[ascending], begun[ascending]
    # Sensitivity + specificity - 1 of "begun above the i-th threshold"; "begun below" has the opposite sign.
    above = np.concatenate([[0.0], np.cumsum(~b) / (~b).sum() - np.cumsum(b) / b.sum()])
    separate = np.concatenate([[True], np.diff(v) > 0, [True]])  # no threshold lies between equal values
    edges = np.concatenate([[v[0]], (v[1:] + v[:-1]) / 2, [v[-1]]])
    widths = np.concatenate([[0.0], np.diff(v), [0.0]])
    score = np.where(separate, np.abs(above), -1)
    best = np.flatnonzero(score >= score.max() - 1e-12)
    i = int(best[widths[best].argmax()])
    return Stump(float(edges[i]), 1 if above[i] >= 0 else -1)


def balanced_accuracy(said: np.ndarray, begun: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean of sensitivity and specificity, (draws,), for weights of snapshots, (draws, n)."""
    with np.errstate(invalid="ignore"):
        sensitivity = (weights @ (begun & said)) / (weights @ begun)
        specificity = (weights @ ~(begun | said)) / (weights @ ~begun)
    return (sensitivity + specificity) / 2


def held_out(values: np.ndarray, begun: np.ndarray, run: np.ndarray) -> np.ndarray:
    """Return what stumps say of runs that they were not fitted to, (n,) bool."""
    said = np.zeros(len(begun), dtype=bool)
    for number in np.unique(run):
        out = run == number
        said[out] = fit_stump(values[~out], begun[~out]).begun(values[out])
    return said


def separation(candidates: Mapping[str, np.ndarray], begun: np.ndarray, run: np.ndarray) -> list[dict]:
    """Return a row per candidate, the best first: held-out balanced accuracy with its interval, and the stump of all runs.

    Args:
        candidates: values at each snapshot, (n,), by name.
        begun: whether the phase has begun, (n,) bool.
        run: number of the run of each snapshot, (n,).
    """
    runs, rng = np.unique(run), np.random.default_rng(0)
    drawn = [np.bincount(rng.choice(len(runs), len(runs)), minlength=len(runs)) for _ in range(RESAMPLES)]
    weights = np.array([np.ones(len(runs)), *drawn])[:, np.searchsorted(runs, run)]
    rows = []
    for name, values in candidates.items():
        value, *draws = balanced_accuracy(held_out(values, begun, run), begun, weights).tolist()
        low, high = np.nanquantile(draws, [TAIL, 1 - TAIL]).tolist()
        stump = fit_stump(values, begun)
        rows.append({"candidate": name, "value": value, "low": low, "high": high, "stump": stump})
    return sorted(rows, key=lambda row: (-row["value"], row["candidate"]))
