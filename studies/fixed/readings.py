"""When samples follow their label, and when the condition is used; and which share of that is fixed by a step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies import Estimate, NotEnough, Runs, Statistic, over_runs, reads
from studies.designs.lean_forks import CONFIDENCE, CORRECT, HALF, USE, log_onset

if TYPE_CHECKING:
    from numpy.random import Generator
    from pandas import DataFrame

PHASE = "phase.behaviour"
STEEP = 3.0
"""of simulated shares: the exponent of the step by which the odds of what is fixed grow"""


@reads(PHASE)
def log_begin_of_b(runs: Runs) -> np.ndarray:
    """Return the logarithm of the first snapshot in phase B, (n,); NaN if there is none."""
    firsts = [
        next((step for step, letter in zip(steps, letters, strict=True) if letter == "B"), math.nan)
        for steps, letters in zip(runs.courses("step"), runs.texts(PHASE), strict=True)
    ]
    return np.log(firsts)


@reads(PHASE)
def begin_of_b(runs: Runs) -> np.ndarray:
    """Return the first snapshot in phase B, (n,), in steps; NaN if there is none."""
    return np.exp(log_begin_of_b(runs))


@reads("{column}")
def off_parent(runs: Runs, column: str, at: int | None = None) -> np.ndarray:
    """Return by how many per cent of steps the onset of each child and that of its parent differ, (n,).

    NaN of parents, and of children that do not continue from step `at`, if one is asked for.
    """
    onsets = log_onset(runs, column)
    is_parent = (runs.table["kind"] == "parent").to_numpy()
    of_parent = dict(zip(runs.table["parent"][is_parent], onsets[is_parent], strict=True))
    parents = np.array([of_parent[parent] for parent in runs.table["parent"]])
    left_out = is_parent if at is None else (runs.table["at"] != at).to_numpy()
    return np.where(left_out, math.nan, _per_cent(onsets - parents))


@reads("{column}")
def between_parents(runs: Runs, column: str, kind: str = "parent") -> np.ndarray:
    """Return by how many per cent of steps the onset of a parent differs from that of each other parent, its mean, (n,).

    NaN of children. With `kind="child"` the mean of all parents, the same for each child, and NaN of parents: a figure's
    reference.
    """
    is_parent = (runs.table["kind"] == "parent").to_numpy()
    onsets = log_onset(runs, column)[is_parent]
    apart = _per_cent(onsets[:, None] - onsets).sum(axis=1) / (len(onsets) - 1)

    values = np.full(len(is_parent), math.nan)
    if kind == "parent":
        values[is_parent] = apart
    else:
        values[~is_parent] = apart.mean()
    return values


def _per_cent(difference: np.ndarray) -> np.ndarray:
    """Return what a difference of logarithms is in per cent of the smaller number."""
    return 100 * np.expm1(np.abs(difference))


@reads(CORRECT, PHASE)
def onset_against_b(runs: Runs) -> DataFrame:
    """Return the table with the log onset of the samples (`y`), and the mean log step at which parents come to phase B."""
    return _against(runs, log_begin_of_b(runs))


@reads(CORRECT, USE)
def onset_against_use(runs: Runs) -> DataFrame:
    """Return the table with the log onset of the samples (`y`), and that of use of the condition of parents."""
    return _against(runs, log_onset(runs, USE))


def _against(runs: Runs, event: np.ndarray) -> DataFrame:
    is_parent = (runs.table["kind"] == "parent").to_numpy()
    reference = float(np.nanmean(event[is_parent])) if np.isfinite(event[is_parent]).any() else math.nan
    return runs.table.assign(y=log_onset(runs, CORRECT), reference=reference)


@dataclass(frozen=True)
class FixedShare(Statistic):
    """The share of the variance of `y` that is fixed by a step: of runs that continue one state, what they have in common.

    With W the variance between continuations of one state and B that between states,

        share = B / (B + W) = 1 - W / (B + W),

    the intraclass correlation of a one-way design of random effects. A parent is one more continuation of its own state.
    The interval is the exact one of normal numbers (Searle 1971): of eight parents a bootstrap is too narrow, since a
    variance of eight numbers is hardly known.
    """

    UNIT = "of the variance"

    def estimate(self, table: DataFrame) -> Estimate:
        from scipy.stats import f

        if "parent" not in table:
            raise NotEnough("no run continues another one")
        known = table[np.isfinite(table["y"])]
        groups = [rows["y"].to_numpy(dtype=float) for _, rows in known.groupby("parent")]
        groups = [group for group in groups if len(group) > 1]
        if len(groups) < 3:
            raise NotEnough(
                f"a variance between states needs 3 of them with two continuations, not {len(groups)}"
            )
        between, within, size = mean_squares(groups)
        if within == 0:
            raise NotEnough("the continuations of one state do not vary")

        freedom = len(groups) - 1, sum(map(len, groups)) - len(groups)
        ratio, tail = between / within, (1 - CONFIDENCE) / 2
        ends = (ratio / f.ppf(1 - tail, *freedom), ratio / f.ppf(tail, *freedom))
        value, low, high = (max(0.0, (r - 1) / (r + size - 1)) for r in (ratio, *ends))
        detail = {"within": math.sqrt(within), "parents": float(len(groups))}
        return Estimate(value, low, high=high, n=len(known), detail=detail)

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        share = min(max(truth, 0.0), 1.0)
        parents = table["parent"].to_numpy(dtype=int)
        common = rng.standard_normal(int(parents.max()) + 1)[parents]
        own = rng.standard_normal(len(table))
        return table.assign(y=spread * (math.sqrt(share) * common + math.sqrt(1 - share) * own))

    def spread_of(self, table: DataFrame) -> float:
        return float(table["y"].std())


def mean_squares(groups: Sequence[np.ndarray]) -> tuple[float, float, float]:
    """Return the mean squares between and within groups, and their size (the one that unequal sizes act as)."""
    sizes = np.array([len(group) for group in groups], dtype=float)
    means = np.array([group.mean() for group in groups])
    middle = (sizes @ means) / sizes.sum()
    between = float(sizes @ (means - middle) ** 2) / (len(groups) - 1)
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / (sizes.sum() - len(groups))
    return between, within, float((sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(groups) - 1))


@dataclass(frozen=True)
class HalfFixed(Statistic):
    """The logarithm of the step at which the share that is fixed passes one half, minus that of an event (`reference`).

    Shares are those of `FixedShare` at each step `at`, of which none is below an earlier one; between steps they are
    interpolated in the logarithm of the step. If the first one is above a half, or the last below, it is that step. Parents
    are resampled, each with all its continuations.
    """

    NO_EFFECT = 0.0

    event: float
    """step of the event in simulated runs"""

    def estimate(self, table: DataFrame) -> Estimate:
        if "parent" not in table:
            raise NotEnough("no run continues another one")
        steps = sorted(at for at in table["at"].unique() if at)
        reference = float(table["reference"].iloc[0])
        if len(steps) < 2 or not math.isfinite(reference):
            raise NotEnough("a crossing needs two steps, and parents that come to the event")
        y = table.pivot_table(index="parent", columns=["at", "seed"], values="y")
        parents = y.index
        at_step = [
            [
                np.concatenate([y.loc[p, step].dropna(), y.loc[p, 0].dropna()]) if step in y.loc[p] else []
                for p in parents
            ]
            for step in steps
        ]
        if any(len(group) < 2 for groups in at_step for group in groups):
            raise NotEnough("a parent lacks continuations")

        sizes, means, squares = (
            np.array([[measure(group) for group in groups] for groups in at_step])
            for measure in (len, np.mean, lambda group: ((group - np.mean(group)) ** 2).sum())
        )

        def crossing(weights: np.ndarray) -> np.ndarray:
            shares = np.stack(
                [_share(weights, *parts) for parts in zip(sizes, means, squares, strict=True)], axis=1
            )
            rising = np.maximum.accumulate(shares, axis=1)
            return _crossings(np.log(steps), rising) - reference

        return over_runs(crossing, len(parents))

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        at = table["at"].to_numpy(dtype=float)
        parents = table["parent"].to_numpy(dtype=int)
        steps = sorted(step for step in set(at) if step)

        # What a parent's states have in common grows as a random walk, whose time is the share that is fixed.
        fixed = {step: 1 / (1 + (self.event * math.exp(truth) / step) ** STEEP) for step in steps}
        walks = {0.0: np.zeros(int(parents.max()) + 1)}
        time, last = 0.0, walks[0.0]
        for step in steps:
            last = last + math.sqrt(fixed[step] - time) * rng.standard_normal(len(last))
            walks[step], time = last, fixed[step]
        end = last + math.sqrt(1 - time) * rng.standard_normal(len(last))

        own = rng.standard_normal(len(table))
        common = np.array([walks[a][p] for a, p in zip(at, parents, strict=True)])
        rest = np.array([math.sqrt(1 - fixed[a]) if a else 0.0 for a in at])
        y = np.where(at == 0, end[parents], common + rest * own)
        return table.assign(y=spread * y, reference=math.log(self.event))

    def spread_of(self, table: DataFrame) -> float:
        return float(table["y"].std())


def _share(weights: np.ndarray, sizes: np.ndarray, means: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return the share that is fixed under weights (S, parents), (S,)."""
    count, total = weights.sum(axis=1), weights @ sizes
    middle = (weights @ (sizes * means)) / total
    between = (weights * sizes * (means - middle[:, None]) ** 2).sum(axis=1) / (count - 1)
    within = (weights @ squares) / (total - count)
    size = total / count
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (between - within) / (between + (size - 1) * within)
    return np.clip(np.nan_to_num(share), 0.0, 1.0)


def _crossings(log_steps: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return where rising shares (S, steps) pass one half, (S,); the first or the last step if that is beyond."""
    above = shares > HALF
    later = np.where(above.any(axis=1), above.argmax(axis=1), len(log_steps) - 1)
    earlier = np.maximum(later - 1, 0)
    rows = np.arange(len(shares))
    low, high = shares[rows, earlier], shares[rows, later]

    part = np.clip((HALF - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    part = np.where(high > HALF, part, 1.0)
    return log_steps[earlier] + part * (log_steps[later] - log_steps[earlier])
