"""A stump: the threshold of one measure that best tells whether something has begun.

It says "begun" on one side of a threshold c:

    begun  where  sign (value - c) > 0,      (sign, c) = argmax of balanced accuracy = (sensitivity + specificity) / 2,

c in the middle of the widest gap among equally good ones. Several measures are candidates for each of two boundaries between
phases: B has begun, C has. What a candidate is worth, and a rule of one for each boundary, is told on runs that it was not
fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from phasescope.measures.learning.phases import LETTERS
from phasescope.measures.scores import TAIL
from phasescope.randomness import numpy_generator

BOUNDARIES = ("B", "C")
RESAMPLES = 500


@dataclass(frozen=True)
class Stump:
    """Begun where sign (value - threshold) > 0."""

    threshold: float
    sign: int

    def begun(self, values: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        return self.sign * (values - self.threshold) > 0


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
    said: Bool[np.ndarray, " n"], begun: Bool[np.ndarray, " n"], weights: Float[np.ndarray, "draws n"]
) -> Float[np.ndarray, " draws"]:
    """Of each draw of weights of snapshots the mean of sensitivity and specificity; NaN where one of the two has none."""
    with np.errstate(invalid="ignore"):
        sensitivity = (weights @ (begun & said)) / (weights @ begun)
        specificity = (weights @ ~(begun | said)) / (weights @ ~begun)
    return (sensitivity + specificity) / 2


@dataclass(frozen=True)
class Snapshots:
    """The decided snapshots of several runs."""

    run: Int[np.ndarray, " n"]
    phase: Int[np.ndarray, " n"]
    """of behaviour: 0, 1, 2 for A, B, C"""
    values: Mapping[str, Float[np.ndarray, " n"]]
    """by candidate: `order.mid.600`"""

    def begun(self, boundary: str) -> Bool[np.ndarray, " n"]:
        return self.phase >= LETTERS.index(boundary)


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
    weights = np.array([np.ones(len(runs)), *drawn])[:, np.searchsorted(runs, of.run)]
    rows = []
    for name, values in of.values.items():
        said = held_out(of, name, boundary)
        value, *replicates = balanced_accuracy(said, begun, weights).tolist()
        low, high = np.nanquantile(replicates, [TAIL, 1 - TAIL])
        rows.append(
            {
                "candidate": name,
                "balanced_accuracy": value,
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
    ones = np.ones((1, len(begun)))
    worth = {
        name: balanced_accuracy(stump.begun(of.values[name][fitted]), begun, ones).item()
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


def confusion(truth: Int[np.ndarray, " n"], said: Int[np.ndarray, " n"]) -> list[list[int]]:
    """How often behaviour is in the row's phase and the rule says the column's."""
    table = np.zeros((3, 3), dtype=int)
    np.add.at(table, (truth, said), 1)
    return table.tolist()
