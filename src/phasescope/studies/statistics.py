"""Statistics of a table of runs, each with the simulation that shows how often a claim about it is judged correctly.

`estimate(table)` reads the column `y` of a number's table, with whatever other columns the class names, and gives a
value with its interval over runs. `simulate(table, truth, spread, rng)` fills the same columns so that the
statistic's true value is `truth` and runs vary by `spread`. `spread_of(table)` measures that variation in real
runs. A study may bring a class of its own with the same three methods.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from phasescope.measures.over_runs import (
    CONFIDENCE,
    Estimate,
    NotEnough,
    magnitude,
    mean_over_runs,
    over_runs,
    share_interval,
)

if TYPE_CHECKING:
    from numpy.random import Generator
    from pandas import DataFrame

# If this share of a cell's runs has not reached an onset, the ratio rests on where runs end, and is not decided.
CENSORED_FROM = 0.5
ONSET_AT = 0.4
"""share of the shortest run's length at which simulated onsets lie"""
# The search for the smallest detectable effect would pass 0, which no ratio of onsets has.
LEAST_RATIO = 1e-3


class Statistic(ABC):
    """Base of all statistics."""

    MINIMUM_N: ClassVar[int] = 6
    """runs below which a claim stays undecided"""
    UNIT: ClassVar[str] = ""
    """of the number, for pages; a claim may give another"""
    NO_EFFECT: ClassVar[float | None] = None
    """value of the number that means no effect; None if there is none in general, as of a mean or a share; a claim may give
    another"""
    SPREAD_OF_LOGS: ClassVar[bool] = False
    """whether `spread` is that of the number's natural logarithm"""

    @property
    def least_seeds(self) -> int:
        """Runs that each cell must have."""
        return 1

    def sides_compared(self) -> dict[str, tuple[str, object]]:
        """Return the axis and the value of each side of a comparison, by field; cells must have them."""
        return {}

    @abstractmethod
    def estimate(self, table: DataFrame) -> Estimate:
        """Raise NotEnough if the runs do not define the statistic."""

    @abstractmethod
    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame: ...

    def spread_of(self, table: DataFrame) -> float:
        """Return the standard deviation between runs, in the units of `spread`; NaN where it has no meaning."""
        return math.nan


def numbers(table: DataFrame, column: str = "y") -> np.ndarray:
    return table[column].to_numpy(dtype=float)


def known_rows(table: DataFrame) -> DataFrame:
    """Return the rows that have a number; those without (a constant, say) are left out and so not counted in n."""
    known = np.isfinite(numbers(table))
    return table if known.all() else table[known]


def spread_within(values: np.ndarray, groups: Sequence[object] | None = None) -> float:
    """Return the pooled standard deviation within groups, or of all values; NaN for fewer than two in each."""
    labels = np.unique([str(g) for g in groups or [0] * len(values)], return_inverse=True)[1]
    centred = values - (np.bincount(labels, values) / np.bincount(labels))[labels]
    freedom = len(values) - len(np.unique(labels))
    return float(np.sqrt((centred**2).sum() / freedom)) if freedom > 0 else math.nan


def sides(table: DataFrame, by: str, first: object, second: object) -> tuple[DataFrame, np.ndarray]:
    """Return the runs whose `by` is `first` or `second`, and which are of the first, (n,) bool; NotEnough if a side has
    none."""
    compared = table[by].isin([first, second]).to_numpy()
    rows = table if compared.all() else table[compared]
    is_first = (rows[by] == first).to_numpy()
    if is_first.all() or not is_first.any():
        raise NotEnough(f"{is_first.sum()} runs with {by}={first} and {(~is_first).sum()} with {second}")
    return rows, is_first


def difference_of_means(values: np.ndarray, first: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the mean of `values` where `first`, minus that elsewhere, as a function of weights (S, n)."""
    inside, outside = np.where(first, values, 0.0), np.where(first, 0.0, values)
    return lambda weights: weights @ inside / (weights @ first) - weights @ outside / (weights @ ~first)


@dataclass(frozen=True)
class Share(Statistic):
    """The share of runs in which `y` is true, exact interval. A run whose `y` is NaN is censored (it ended too early).

    With censored runs the interval covers both extremes: all of them true, none of them true.
    """

    UNIT: ClassVar[str] = "of runs"
    MINIMUM_N: ClassVar[int] = 7
    """six of six runs have a lower end of .48: fewer than seven can never support a majority"""

    def estimate(self, table: DataFrame) -> Estimate:
        y = numbers(table)
        open_ = np.isnan(y)
        least = share_interval(np.where(open_, 0, y).astype(bool))
        most = share_interval(np.where(open_, 1, y).astype(bool))

        why = f"this cannot be said of {open_.sum()} of {len(y)} runs by their end" if open_.any() else ""
        value = math.nan if why else least.value
        return Estimate(
            value, least.low, high=most.high, n=len(y), detail={"runs": float(np.nansum(y))}, censored=why
        )

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        return table.assign(y=rng.random(len(table)) < min(max(truth, 0.0), 1.0))


@dataclass(frozen=True)
class Mean(Statistic):
    """The mean of `y` over runs, or its absolute value (`absolute`); runs are resampled within `strata` if given."""

    absolute: bool = False
    strata: str = ""

    def estimate(self, table: DataFrame) -> Estimate:
        known = known_rows(table)
        strata = known[self.strata].tolist() if self.strata else None
        mean = mean_over_runs(numbers(known), strata, {"left_out": float(len(table) - len(known))})
        return magnitude(mean) if self.absolute else mean

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        return table.assign(y=truth + spread * rng.standard_normal(len(table)))

    def spread_of(self, table: DataFrame) -> float:
        known = known_rows(table)
        return spread_within(numbers(known), known[self.strata].tolist() if self.strata else None)


@dataclass(frozen=True)
class MeanOverUnits(Statistic):
    """The mean of `y` over the values of an axis, of which each has the mean of its runs; n is the number of values.

    For a sentence that is about systems: runs of one system are no replications of it. `MeanOverUnits("system")`.
    """

    units: str

    def estimate(self, table: DataFrame) -> Estimate:
        means = self._means(table)
        return mean_over_runs(means, detail={"runs_read": float(len(known_rows(table)))})

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        values = table[self.units].astype(str)
        of_unit = {value: truth + spread * rng.standard_normal() for value in dict.fromkeys(values)}
        return table.assign(y=values.map(of_unit).to_numpy())

    def spread_of(self, table: DataFrame) -> float:
        return spread_within(self._means(table))

    def _means(self, table: DataFrame) -> np.ndarray:
        known = known_rows(table)
        return known.groupby(known[self.units].astype(str), sort=False)["y"].mean().to_numpy(dtype=float)


@dataclass(frozen=True)
class Difference(Statistic):
    """The mean of `y` over the runs whose `by` is `first`, minus that over the runs whose `by` is `second`.

    `paired` subtracts runs of the same seed. Otherwise runs are resampled within both groups.
    """

    NO_EFFECT: ClassVar[float | None] = 0.0

    by: str
    first: object
    second: object
    paired: bool = False
    absolute: bool = False

    def sides_compared(self) -> dict[str, tuple[str, object]]:
        return {"first": (self.by, self.first), "second": (self.by, self.second)}

    def _sides(self, table: DataFrame) -> tuple[DataFrame, np.ndarray]:
        return sides(known_rows(table), self.by, self.first, self.second)

    def _pairs(self, table: DataFrame) -> np.ndarray:
        """Return the differences of the seeds that both groups have."""
        by_seed = self._sides(table)[0].pivot(index="seed", columns=self.by, values="y").dropna()
        return (by_seed[self.first] - by_seed[self.second]).to_numpy(dtype=float)

    def estimate(self, table: DataFrame) -> Estimate:
        rows, first = self._sides(table)
        y = numbers(rows)
        detail = {"first": float(y[first].mean()), "second": float(y[~first].mean())}
        if self.paired:
            difference = mean_over_runs(self._pairs(table), detail=detail)
        else:
            difference = over_runs(difference_of_means(y, first), len(y), first.tolist(), detail)
        return magnitude(difference) if self.absolute else difference

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        # `spread` is that of a seed's difference if paired; each of its two runs then has 1/sqrt(2) of it.
        own = spread / math.sqrt(2) if self.paired else spread
        shift = truth * (table[self.by] == self.first).to_numpy()
        return table.assign(y=shift + own * rng.standard_normal(len(table)))

    def spread_of(self, table: DataFrame) -> float:
        if self.paired:
            return spread_within(self._pairs(table))
        rows, first = self._sides(table)
        return spread_within(numbers(rows), first.tolist())


@dataclass(frozen=True)
class ForkDifference(Statistic):
    """The mean of `y` over children of forks whose `by` is `first`, each minus that of its partner, whose `by` is
    `unchanged`: the run of the same number that continues the same parent.

    With several children of a parent both cells have as many, so that a pair has one order of images and one noise.
    `over` is what the sentence is about. `over="children"` resamples pairs within their parents: it speaks of these
    parents, and needs several children of each. `over="parents"` takes the mean of each parent's pairs first, and resamples
    parents. A child without a partner is left out.

    A table whose column `came` is false for a child has an onset that had not come by its end, `y` being that end: the
    difference may then be larger (of a changed child) or smaller (of an unchanged one), and the interval has no end there.

    `spread` is the standard deviation between the differences of one parent's pairs; over parents, between their means.
    """

    NO_EFFECT: ClassVar[float | None] = 0.0

    by: str
    first: object
    unchanged: object
    over: Literal["children", "parents"]

    def sides_compared(self) -> dict[str, tuple[str, object]]:
        return {"first": (self.by, self.first), "unchanged": (self.by, self.unchanged)}

    def _differences(self, table: DataFrame) -> tuple[np.ndarray, list[int]]:
        """Return the difference of each pair, (n,), and its parent."""
        rows, first = sides(known_rows(table), self.by, self.first, self.unchanged)
        keys = list(zip(rows["parent"].tolist(), rows["seed"].tolist(), strict=True))
        children = list(zip(keys, numbers(rows), first, strict=True))

        # A power simulation asks this thousands of times, of a few runs: a merge of tables takes fifty times as long.
        partners: dict[tuple[int, int], list[float]] = defaultdict(list)
        for key, y, is_first in children:
            if not is_first:
                partners[key].append(y)
        pairs = [
            (y - partner, key[0])
            for key, y, is_first in children
            if is_first
            for partner in partners.get(key, [])
        ]
        if not pairs:
            raise NotEnough("no child has an unchanged partner that is recorded")
        differences, parents = zip(*pairs, strict=True)
        return np.array(differences, dtype=float), list(parents)

    def estimate(self, table: DataFrame) -> Estimate:
        differences, parents = self._differences(table)
        detail = {"parents": float(len(set(parents)))}
        if self.over == "parents":
            mean = mean_over_runs(_means_by(parents, differences), detail=detail)
        else:
            mean = mean_over_runs(differences, parents, detail)
        return self._without_ends(mean, table)

    def _without_ends(self, mean: Estimate, table: DataFrame) -> Estimate:
        """Return an estimate whose interval has no end where onsets of children had not come by their end."""
        if "came" not in table:
            return mean
        rows, first = sides(known_rows(table), self.by, self.first, self.unchanged)
        missing = ~rows["came"].to_numpy(dtype=bool)
        counts = {"not_come": float(missing[first].sum()), "not_come_unchanged": float(missing[~first].sum())}
        return replace(
            mean,
            low=-math.inf if counts["not_come_unchanged"] else mean.low,
            high=math.inf if counts["not_come"] else mean.high,
            detail=dict(mean.detail) | counts,
        )

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        # What differs between parents is in a control and in its children alike, so that it leaves the difference.
        parents = table["parent"].to_numpy(dtype=int)
        is_first = (table[self.by] == self.first).to_numpy()
        if self.over == "parents":
            own = spread * rng.standard_normal(int(parents.max()) + 1)[parents]
        else:
            own = spread * rng.standard_normal(len(table))
        return table.assign(y=np.where(is_first, truth + own, 0.0))

    def spread_of(self, table: DataFrame) -> float:
        differences, parents = self._differences(table)
        if self.over == "parents":
            return spread_within(_means_by(parents, differences))
        return spread_within(differences, parents)


def _means_by(groups: list[int], values: np.ndarray) -> np.ndarray:
    """Return the mean of the values of each group, in the groups' order."""
    import pandas as pd

    return pd.Series(values).groupby(groups).mean().to_numpy(dtype=float)


@dataclass(frozen=True)
class OnsetRatio(Statistic):
    """The ratio of two onsets, some of which may be censored.

    With `by`: geometric mean onset of the runs whose `by` is `first`, over that of those whose `by` is `second`. A
    missing onset is put at the run's end, and the ratio has no end on that side. Without `by`: the median over runs
    of `y` over `y_second`, onsets of the same run, with its sign-test interval. A cell in which `CENSORED_FROM` of
    the runs or more have no onset is not decided.
    """

    UNIT: ClassVar[str] = "times the steps"
    NO_EFFECT: ClassVar[float | None] = 1.0
    SPREAD_OF_LOGS: ClassVar[bool] = True

    by: str = ""
    first: object = None
    second: object = None

    def sides_compared(self) -> dict[str, tuple[str, object]]:
        return {"first": (self.by, self.first), "second": (self.by, self.second)} if self.by else {}

    def estimate(self, table: DataFrame) -> Estimate:
        return self._between_cells(table) if self.by else self._within_runs(table)

    def _between_cells(self, table: DataFrame) -> Estimate:
        rows, first = sides(table, self.by, self.first, self.second)
        came = rows["came"].to_numpy(dtype=bool)
        missing = [float((~came[side]).mean()) for side in (first, ~first)]
        logs = np.log(np.maximum(restricted_onsets(rows), 1.0))
        difference = difference_of_means(logs, first)
        ratio = over_runs(lambda weights: np.exp(difference(weights)), len(logs), first.tolist())
        low, high = 0.0 if missing[1] else ratio.low, math.inf if missing[0] else ratio.high
        value = math.nan if 1.0 in missing else ratio.value  # a mean of runs' ends is of no onset
        names = [f"{self.by} = {side}" for side in (self.first, self.second)]
        return _unless_censored(value, low, high=high, n=len(logs), missing=missing, names=names)

    def _within_runs(self, table: DataFrame) -> Estimate:
        from scipy.stats import binom

        n = len(table)
        came = table["came"].to_numpy(dtype=bool)
        came_second = table["came_second"].to_numpy(dtype=bool)
        logs = np.log(restricted_onsets(table) / restricted_onsets(table, "_second"))

        # A missing onset comes after the run's end, so the ratio is bounded on one side; if both are missing, on neither.
        least, most = np.where(came_second, logs, -np.inf), np.where(came, logs, np.inf)

        # The sign test's interval of the median: from the k-th smallest to the k-th largest; of too few runs, unbounded.
        low, high = -math.inf, math.inf
        if k := int(binom.ppf((1 - CONFIDENCE) / 2, n, 0.5)):
            low, high = np.sort(least)[k - 1], np.sort(most)[n - k]

        median = float(np.median(least))
        is_known = median == float(np.median(most))
        return _unless_censored(
            float(np.exp(median)) if is_known else math.nan,
            low=float(np.exp(low)),
            high=float(np.exp(high)),
            n=n,
            missing=[float((~came).mean()), float((~came_second).mean())],
            names=["the first onset", "the second onset"],
        )

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        last, every = numbers(table, "steps"), numbers(table, "every")

        def read(logs: np.ndarray, suffix: str = "") -> dict[str, np.ndarray]:
            """Onsets as snapshots show them: at the first snapshot after, censored at the end."""
            # Of the shortest run's length: cells of unequal length would differ by it otherwise.
            at = np.ceil(np.exp(logs) * last.min() / every) * every
            came = at <= last
            columns = {"y": np.where(came, at, np.nan), "without": np.where(came, at - every, last)}
            return {f"{name}{suffix}": v for name, v in {**columns, "last": last, "came": came}.items()}

        middle, noise = math.log(ONSET_AT), spread * rng.standard_normal(len(table))
        truth = max(truth, LEAST_RATIO)
        if self.by:
            shift = np.where(table[self.by] == self.first, 0.5, -0.5) * math.log(truth)
            return table.assign(**read(middle + shift + noise))

        shared = 0.2 * rng.standard_normal(len(table))
        half = (math.log(truth) + noise) / 2
        return table.assign(**read(middle + shared + half), **read(middle + shared - half, "_second"))

    def spread_of(self, table: DataFrame) -> float:
        known = table[table["came"]]
        if self.by:
            known = known[known[self.by].isin([self.first, self.second])]
            return spread_within(np.log(np.maximum(numbers(known), 1.0)), known[self.by].tolist())
        known = known[known["came_second"]]
        return spread_within(np.log(numbers(known) / numbers(known, "y_second")))


def restricted_onsets(table: DataFrame, suffix: str = "") -> np.ndarray:
    """Return onsets, (n,), with the run's end for a missing one."""
    return np.where(table[f"came{suffix}"], table[f"y{suffix}"], table[f"last{suffix}"]).astype(float)


def _unless_censored(
    value: float, low: float, high: float, n: int, missing: Sequence[float], names: Sequence[str]
) -> Estimate:
    """Return the estimate of a ratio, without ends if `CENSORED_FROM` of the runs of a side are `missing` an onset."""
    censored = "; ".join(
        f"{share:.0%} of the runs ({name}) reach no onset by their end"
        for share, name in zip(missing, names, strict=True)
        if share >= CENSORED_FROM
    )
    low, high = (0.0, math.inf) if censored else (low, high)
    detail = {"censored_first": missing[0], "censored_second": missing[1]}
    return Estimate(value, low, high=high, n=n, detail=detail, censored=censored)
