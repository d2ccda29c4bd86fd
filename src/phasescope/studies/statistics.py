"""Statistics of a table of runs, each with the simulation that shows how often a claim about it is judged
correctly.

`estimate(table)` reads the column `y` of a number's table, with whatever other columns the class names, and gives a
value with its interval over runs. `simulate(table, truth, spread, rng)` fills the same columns so that the
statistic's true value is `truth` and runs vary by `spread`. `spread_of(table)` measures that variation in real
runs. A study may bring a class of its own with the same three methods.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from phasescope.errors import UserError
from phasescope.measures.over_runs.resampling import (
    CONFIDENCE,
    Estimate,
    NotEnough,
    magnitude,
    mean_over_runs,
    over_runs,
    share_interval,
)

if TYPE_CHECKING:
    import pandas as pd

CENSORED_FROM = 0.5
"""share of a cell's runs that have not reached an onset, from which a ratio of onsets is not decided"""
ONSET_AT = 0.4
"""share of a run's length at which simulated onsets lie"""
LEAST_RATIO = 1e-3
"""of simulated onsets: the search for the smallest detectable effect would pass 0"""


class Statistic:
    """Base of all statistics."""

    MINIMUM_N: ClassVar[int] = 6
    """runs below which a claim stays undecided"""

    def estimate(self, table: pd.DataFrame) -> Estimate:
        """Raises NotEnough if the runs do not define it."""
        raise NotImplementedError

    def simulate(
        self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator
    ) -> pd.DataFrame:
        raise NotImplementedError

    def spread_of(self, table: pd.DataFrame) -> float:
        """Return the standard deviation between runs, in the units of `spread`; NaN where it has no meaning."""
        return math.nan


def numbers(table: pd.DataFrame, column: str = "y") -> np.ndarray:
    return table[column].to_numpy(dtype=float)


def known_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have a number; those without (a constant, say) are left out and so not counted in n."""
    return table[np.isfinite(numbers(table))]


def spread_within(values: np.ndarray, groups: Sequence[object]) -> float:
    """Return the pooled standard deviation within groups; NaN for fewer than two values in each."""
    labels = np.unique([str(group) for group in groups], return_inverse=True)[1]
    centred = values - (np.bincount(labels, values) / np.bincount(labels))[labels]
    freedom = len(values) - len(np.unique(labels))
    return float(np.sqrt((centred**2).sum() / freedom)) if freedom > 0 else math.nan


@dataclass(frozen=True)
class Share(Statistic):
    """The share of runs in which `y` is true, with its exact interval. A run whose `y` is NaN is censored: it
    stopped too early.

    With censored runs the interval covers both extremes: all of them true, none of them true.
    """

    MINIMUM_N: ClassVar[int] = 7
    """six of six runs have a lower end of .48: fewer than seven can never support a majority"""

    def estimate(self, table: pd.DataFrame) -> Estimate:
        y = numbers(table)
        open_ = np.isnan(y)
        bounds = [share_interval(np.where(open_, filled, y).astype(bool)) for filled in (0, 1)]
        censored = (
            f"{open_.sum()} of {len(y)} runs were still improving when they ended" if open_.any() else ""
        )
        value = bounds[0].value if not open_.any() else math.nan
        return Estimate(value, bounds[0].low, bounds[1].high, len(y), {"runs": float(np.nansum(y))}, censored)

    def simulate(
        self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator
    ) -> pd.DataFrame:
        return table.assign(y=rng.random(len(table)) < min(max(truth, 0.0), 1.0))


@dataclass(frozen=True)
class Mean(Statistic):
    """The mean of `y` over runs, or its absolute value (`absolute`); runs are resampled within the column `strata`
    if given."""

    absolute: bool = False
    strata: str = ""

    def estimate(self, table: pd.DataFrame) -> Estimate:
        known = known_rows(table)
        strata = known[self.strata].tolist() if self.strata else None
        found = mean_over_runs(numbers(known), strata, {"left_out": float(len(table) - len(known))})
        return magnitude(found) if self.absolute else found

    def simulate(
        self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator
    ) -> pd.DataFrame:
        return table.assign(y=truth + spread * rng.standard_normal(len(table)))

    def spread_of(self, table: pd.DataFrame) -> float:
        return spread_within(numbers(known_rows(table)), [0] * len(known_rows(table)))


@dataclass(frozen=True)
class Difference(Statistic):
    """The mean of `y` over the runs whose `by` is `first`, minus that over the runs whose `by` is `second`.

    `paired` subtracts runs of the same seed. Otherwise runs are resampled within both groups.
    """

    by: str
    first: object
    second: object
    paired: bool = False
    absolute: bool = False

    def _groups(self, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        known = known_rows(table)
        return known[known[self.by] == self.first], known[known[self.by] == self.second]

    def _pairs(self, table: pd.DataFrame) -> np.ndarray:
        """Return the differences of the seeds that both groups have."""
        one, other = (group.set_index("seed")["y"].astype(float) for group in self._groups(table))
        seeds = [seed for seed in one.index if seed in other.index]
        return one[seeds].to_numpy() - other[seeds].to_numpy()

    def estimate(self, table: pd.DataFrame) -> Estimate:
        first, second = (numbers(group) for group in self._groups(table))
        if not (len(first) and len(second)):
            raise NotEnough(
                f"{len(first)} runs with {self.by}={self.first} and {len(second)} with {self.second}"
            )
        detail = {"first": float(first.mean()), "second": float(second.mean())}
        if self.paired:
            found = mean_over_runs(self._pairs(table), detail=detail)
        else:
            values, of_first = (
                np.concatenate([first, second]),
                np.arange(len(first) + len(second)) < len(first),
            )

            def difference(weights: np.ndarray) -> np.ndarray:
                ones, others = weights * of_first, weights * ~of_first
                return ones @ values / ones.sum(axis=1) - others @ values / others.sum(axis=1)

            found = over_runs(difference, len(values), of_first.tolist(), detail)
        return magnitude(found) if self.absolute else found

    def simulate(
        self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator
    ) -> pd.DataFrame:
        # `spread` is that of a seed's difference if paired; each of its two runs then has 1/sqrt(2) of it.
        own = spread / math.sqrt(2) if self.paired else spread
        shift = truth * (table[self.by] == self.first).to_numpy()
        return table.assign(y=shift + own * rng.standard_normal(len(table)))

    def spread_of(self, table: pd.DataFrame) -> float:
        if self.paired:
            return spread_within(self._pairs(table), [0] * len(self._pairs(table)))
        first, second = (numbers(group) for group in self._groups(table))
        return spread_within(np.concatenate([first, second]), [0] * len(first) + [1] * len(second))


@dataclass(frozen=True)
class OnsetRatio(Statistic):
    """The ratio of two onsets, of which some may be censored.

    With `by`: geometric mean onset of the runs whose `by` is `first`, over that of those whose `by` is `second`. A
    missing onset is put at the run's end, and the ratio has no end on that side. Without `by`: the median over runs
    of `y` over `y_second`, onsets of the same run, with its sign-test interval. A cell in which `CENSORED_FROM` of
    the runs or more have no onset is not decided.
    """

    by: str = ""
    first: object = None
    second: object = None

    def estimate(self, table: pd.DataFrame) -> Estimate:
        return self._between_cells(table) if self.by else self._within_runs(table)

    def _between_cells(self, table: pd.DataFrame) -> Estimate:
        groups = [table[table[self.by] == value] for value in (self.first, self.second)]
        if not all(map(len, groups)):
            raise NotEnough(f"runs of both {self.by}={self.first} and {self.second} are needed")
        missing = [float((~group["came"]).mean()) for group in groups]
        if min(missing) == 1:
            raise NotEnough("no run of either cell has an onset")
        side = np.repeat([1.0, -1.0], [len(group) for group in groups])
        logs = np.concatenate([np.log(np.maximum(restricted_onsets(group), 1.0)) for group in groups])

        def ratio(weights: np.ndarray) -> np.ndarray:
            means = [(weights * (side == s)) @ logs / (weights @ (side == s)) for s in (1.0, -1.0)]
            return np.exp(means[0] - means[1])

        found = over_runs(
            ratio, len(logs), side.tolist(), {"censored_first": missing[0], "censored_second": missing[1]}
        )
        censored = _censored(missing, (self.first, self.second))
        low = 0.0 if missing[1] or censored else found.low
        high = math.inf if missing[0] or censored else found.high
        return Estimate(found.value, low, high, found.n, found.detail, censored)

    def _within_runs(self, table: pd.DataFrame) -> Estimate:
        from scipy.stats import binom

        n, came = len(table), [table[name].to_numpy(dtype=bool) for name in ("came", "came_second")]
        missing = [float((~one).mean()) for one in came]
        if n < 2 or not (came[0] | came[1]).any():
            raise NotEnough("neither onset is reached in any run")
        logs = np.log(restricted_onsets(table) / restricted_onsets(table, "_second"))
        # A missing onset comes after the run's end, so the ratio is bounded on one side; if both are missing, on neither.
        least, most = np.where(came[1], logs, -np.inf), np.where(came[0], logs, np.inf)
        k = int(binom.ppf((1 - CONFIDENCE) / 2, n, 0.5))
        with np.errstate(over="ignore"):
            ends = (np.exp(np.sort(least)[k - 1]), np.exp(np.sort(most)[n - k])) if k else (0.0, math.inf)
            bounds = float(np.exp(np.median(least))), float(np.exp(np.median(most)))
        value = bounds[0] if bounds[0] == bounds[1] else math.nan
        detail = {"censored_first": missing[0], "censored_second": missing[1]}
        censored = _censored(missing, ("the first onset", "the second onset"))
        low, high = (0.0, math.inf) if censored else map(float, ends)
        return Estimate(value, low, high, n, detail, censored)

    def simulate(
        self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator
    ) -> pd.DataFrame:
        def read(logs: np.ndarray, suffix: str) -> dict[str, np.ndarray]:
            """Onsets as snapshots show them: at the first snapshot after, censored at the end."""
            last, every = (numbers(table, name) for name in ("steps", "every"))
            at = np.ceil(np.exp(logs) * last / every) * every
            came = at <= last
            return {
                f"y{suffix}": np.where(came, at, np.nan),
                f"without{suffix}": np.where(came, at - every, last),
                f"last{suffix}": last,
                f"came{suffix}": came,
            }

        middle, noise = math.log(ONSET_AT), spread * rng.standard_normal(len(table))
        truth = max(truth, LEAST_RATIO)
        if self.by:
            shift = np.where(table[self.by] == self.first, 0.5, -0.5) * math.log(truth)
            return table.assign(**read(middle + shift + noise, ""))
        shared = 0.2 * rng.standard_normal(len(table))
        half = (math.log(truth) + noise) / 2
        return table.assign(**read(middle + shared + half, ""), **read(middle + shared - half, "_second"))

    def spread_of(self, table: pd.DataFrame) -> float:
        known = table[table["came"]]
        if self.by:
            known = known[known[self.by].isin([self.first, self.second])]
            return spread_within(np.log(np.maximum(numbers(known), 1.0)), known[self.by].tolist())
        known = known[known["came_second"]]
        return spread_within(np.log(numbers(known) / numbers(known, "y_second")), [0] * len(known))


def restricted_onsets(table: pd.DataFrame, suffix: str = "") -> np.ndarray:
    """Return onsets, (n,), and the run's end where there is none."""
    return np.where(table[f"came{suffix}"], table[f"y{suffix}"], table[f"last{suffix}"]).astype(float)


def _censored(missing: Sequence[float], names: Sequence[object]) -> str:
    return "; ".join(
        f"{share:.0%} of the runs ({name}) reach no onset by their end"
        for share, name in zip(missing, names, strict=True)
        if share >= CENSORED_FROM
    )


def check_statistic(statistic: object, claim: str) -> None:
    """Raises UserError if a claim's statistic lacks one of the three methods."""
    for method in ("estimate", "simulate", "spread_of"):
        if not callable(getattr(statistic, method, None)):
            raise UserError(
                f"`statistic` (={type(statistic).__name__}) of the claim `{claim}` must have the method `{method}`"
            )
