"""How accuracy depends on two lengths at once: slopes along a contour of a surface, and where a course crosses a level."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from pandas import DataFrame

from phasescope.studies import Estimate, NotEnough, Statistic, magnitude, numbers, over_runs, spread_within

FAR = 1e9
"""stands for an infinite bound while quantiles are taken"""
LEAST_RISE = 0.01
"""of the logit per unit of `rises_with`: shares that rise by less do not rise"""
STEEP = 4.0
"""slope of simulated logits"""


def bounded_over_runs(
    bounds: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], n: int, strata: list | None
) -> Estimate:
    """Return a statistic that censored runs only bound; its interval covers both bounds, its value is NaN where they differ.

    Args:
        bounds: maps weights (S, n) to the smallest and the largest possible value, (S,) each, infinite where unbounded.

    Raises:
        NotEnough: the runs bound it on neither side.
    """
    low = over_runs(lambda weights: np.clip(bounds(weights)[0], -FAR, FAR), n, strata)
    high = over_runs(lambda weights: np.clip(bounds(weights)[1], -FAR, FAR), n, strata)
    if low.low <= -FAR and high.high >= FAR:
        raise NotEnough("the runs bound it on neither side")
    return Estimate(
        low.value if low.value == high.value else math.nan,
        low.low if low.low > -FAR else -math.inf,
        high.high if high.high < FAR else math.inf,
        n,
    )


@dataclass(frozen=True)
class Surface(Statistic):
    """How `rises_with` changes with `moved_by` along a contour of constant y, on the logistic surface fitted to all
    runs' shares:

        logit E[y] = a + b u + c v + ...,    du/dv = -c / b      (quasi-likelihood: Papke & Wooldridge 1996)

    with u, v and the further columns `also` as the table has them (logs, usually). It is defined even if the level
    lies outside what was tried for some v.
    """

    NO_EFFECT = 0.0

    rises_with: str
    moved_by: str
    also: tuple[str, ...] = ()

    def _design(self, table: DataFrame) -> np.ndarray:
        columns = [numbers(table, name) for name in (self.rises_with, self.moved_by, *self.also)]
        return np.column_stack([np.ones(len(table)), *(column - column.mean() for column in columns)])

    def estimate(self, table: DataFrame) -> Estimate:
        return over_runs(self.contour(table), len(table), table["cell"].tolist())

    def contour(self, table: DataFrame) -> Callable[[np.ndarray], np.ndarray]:
        """Return du/dv as a function of weights (S, n); NaN where shares do not rise with u.

        Raises:
            NotEnough: all runs have the same v.
        """
        if np.ptp(numbers(table, self.moved_by)) == 0:
            raise NotEnough(f"all runs have the same `{self.moved_by}`")
        design, share = self._design(table), numbers(table)

        def slope(weights: np.ndarray) -> np.ndarray:
            beta = fractional_logit(design, share, weights)
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(beta[:, 1] > LEAST_RISE, -beta[:, 2] / beta[:, 1], np.nan)

        return slope

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        _, u, v, *_ = self._design(table).T
        y = 1 / (1 + np.exp(-STEEP * (u - truth * v))) + spread * rng.standard_normal(len(table))
        return table.assign(y=np.clip(y, 0, 1))

    def spread_of(self, table: DataFrame) -> float:
        return spread_within(numbers(table), table["cell"].tolist())


@dataclass(frozen=True)
class Crossing(Statistic):
    """How far, in logs, the value of `along` at which the mean of `y` crosses `level` is from the column `reference`: the
    largest such distance over the groups `by`. Between two values of `along` it is interpolated in the log."""

    along: str
    by: str
    reference: str
    level: float = 0.5

    def estimate(self, table: DataFrame) -> Estimate:
        each = {value: magnitude(self._of_group(group)) for value, group in table.groupby(self.by, sort=True)}
        return Estimate(
            max(estimate.value for estimate in each.values()),
            max(estimate.low for estimate in each.values()),
            high=max(estimate.high for estimate in each.values()),
            n=min(estimate.n for estimate in each.values()),
            detail={f"log ratio, {self.by}={value:g}": own.detail["signed"] for value, own in each.items()},
        )

    def _of_group(self, group: DataFrame) -> Estimate:
        y, at = numbers(group), numbers(group, self.along)
        places = np.unique(at)
        if len(places) < 2:
            raise NotEnough(f"a crossing needs runs at two values of `{self.along}`, not {len(places)}")
        reference = math.log(float(group[self.reference].iloc[0]))
        there = (at[:, None] == places).astype(float)

        def bounds(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            low, high = crossing(places, (weights * y) @ there / (weights @ there), self.level)
            return low - reference, high - reference

        return bounded_over_runs(bounds, len(y), at.tolist())

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        """The middle group is off by `truth`, the others not at all. `y` is a ramp: interpolation has no error."""
        values = np.unique(numbers(table, self.by))
        off = truth * (numbers(table, self.by) == values[len(values) // 2])
        apart = np.log(numbers(table, self.along) / numbers(table, self.reference)) - off
        return table.assign(y=np.clip(0.5 + 0.6 * apart, 0, 1) + spread * rng.standard_normal(len(table)))

    def spread_of(self, table: DataFrame) -> float:
        return spread_within(numbers(table), table["cell"].tolist())


def crossing(at: np.ndarray, values: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the log of where values (..., m), at the ascending points `at`, pass a level for good: its lower and upper
    bound. If all are above, or the last is below, it is bounded on one side only."""
    logs, m = np.log(at), len(at)
    below = ~(values >= level)
    last = np.where(below.any(axis=-1), m - 1 - below[..., ::-1].argmax(axis=-1), -1)
    before, after = last.clip(0)[..., None], (last + 1).clip(max=m - 1)[..., None]
    first = np.take_along_axis(values, before, axis=-1)[..., 0]
    second = np.take_along_axis(values, after, axis=-1)[..., 0]

    with np.errstate(divide="ignore", invalid="ignore"):
        part = (level - first) / (second - first)
        between = logs[before[..., 0]] + part * (logs[after[..., 0]] - logs[before[..., 0]])
    low = np.select([last < 0, last == m - 1], [-math.inf, logs[-1]], between)
    high = np.select([last < 0, last == m - 1], [logs[0], math.inf], between)
    return low, high


ITERATIONS, NEAR, FARTHEST = 40, 1e-6, 2.0
"""of Newton's method: the most iterations, the step at which it ends, and the longest step"""
RIDGE = 1e-4
"""penalty on coefficients: shares that are all 0 below a point and all 1 above it have no finite optimum"""


def fractional_logit(design: np.ndarray, share: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the coefficients of logit E[share] = design @ beta for every row of weights (Papke & Wooldridge 1996)."""
    beta = np.zeros((1, design.shape[1]))
    if len(weights) > 1:  # resamples lie near the runs' own optimum: from there few steps are left
        beta = fractional_logit(design, share, np.ones((1, len(share))))
    beta = np.repeat(beta, len(weights), axis=0)

    squares = np.einsum("np,nq->npq", design, design).reshape(len(design), -1)
    penalty = RIDGE * np.eye(design.shape[1])

    for _ in range(ITERATIONS):
        mean = 1 / (1 + np.exp(-np.clip(beta @ design.T, -30, 30)))
        slope = (weights * (share - mean)) @ design - RIDGE * beta
        bend = ((weights * mean * (1 - mean)) @ squares).reshape(-1, *penalty.shape) + penalty

        step = np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
        longest = np.abs(step).max(axis=1, keepdims=True)
        # A full Newton step overshoots where shares are near 0 or 1, so it is shortened.
        beta += step * np.minimum(1, FARTHEST / np.maximum(longest, 1e-300))
        if longest.max() < NEAR:
            break
    return beta
