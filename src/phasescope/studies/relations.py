"""Statistics of relations: rank correlation, agreement of two courses, slopes of a surface, where a course crosses a
level. Their three methods are those of `statistics.Statistic`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from phasescope.measures.over_runs.comparisons import crossing, kappa, rank_correlation
from phasescope.measures.over_runs.logistic_surface import fractional_logit
from phasescope.measures.over_runs.resampling import (
    Estimate,
    NotEnough,
    bounded_over_runs,
    magnitude,
    mean_over_pairs,
    over_runs,
)
from phasescope.studies.statistics import (
    ONSET_AT,
    Statistic,
    known_rows,
    numbers,
    restricted_onsets,
    spread_within,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Rank(Statistic):
    """Rank correlation of `y` with the column `by`.

    `somers`: Somers' D over pairs of runs that share the column `within` and differ in `by`. If `y` is an onset
    (`came` is a column), D is the share of comparable pairs in which more of `by` comes *earlier*, minus that in
    which it comes later; a run without an onset is later than one whose onset came while it was watched (Harrell
    1982). `spearman`, `kendall`: over all runs that have both numbers.
    """

    by: str
    within: str = ""
    kind: Literal["somers", "spearman", "kendall"] = "somers"

    def estimate(self, table: pd.DataFrame) -> Estimate:
        if self.kind == "somers":
            return self._somers(table)
        known = known_rows(table)
        known = known[np.isfinite(numbers(known, self.by))]
        if len(known) < 4:
            raise NotEnough(f"a rank correlation over runs needs at least 4 of them, not {len(known)}")
        return over_runs(rank_correlation(numbers(known, self.by), numbers(known), self.kind), len(known))

    def _somers(self, table: pd.DataFrame) -> Estimate:
        censored = "came" in table
        known = table if censored else known_rows(table)
        more = self._pairs(known)
        if not censored:
            y = numbers(known)
            sign, counted = np.sign(y[:, None] - y) * more, more
        else:
            t, came = restricted_onsets(known), known["came"].to_numpy(dtype=bool)
            earlier = came[:, None] & ((t[:, None] < t) | (~came & (t[:, None] <= t)))
            counted = more & (earlier | earlier.T | (came[:, None] & came))
            sign = (earlier.astype(float) - earlier.T) * counted
        if not counted.any():
            raise NotEnough(f"no two runs differ in `{self.by}` and can be compared")
        return over_runs(
            mean_over_pairs(sign, counted),
            len(known),
            known["cell"].tolist(),
            {"pairs": float(counted.sum())},
        )

    def _pairs(self, table: pd.DataFrame) -> np.ndarray:
        """Return the mask of pairs (i, j), (n, n), that share `within`, where run i has more of `by`."""
        x = numbers(table, self.by)
        group = table[self.within].to_numpy() if self.within else np.zeros(len(table))
        return (x[:, None] > x) & (group[:, None] == group)

    def simulate(
        self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator
    ) -> pd.DataFrame:
        """A rank correlation has no scale, so `spread` changes nothing: the slope of `y` on `by` is that of the
        truth."""
        n = len(table)
        if self.kind != "somers":
            tau_or_rho = {
                "kendall": math.sin(math.pi / 2 * truth),
                "spearman": 2 * math.sin(math.pi / 6 * truth),
            }
            r, x = tau_or_rho[self.kind], rng.standard_normal(n)
            return table.assign(**{self.by: x, "y": r * x + math.sqrt(1 - r**2) * rng.standard_normal(n)})
        from scipy.stats import norm

        rank = table[self.by].rank(method="dense").to_numpy(dtype=float)
        apart = (rank[:, None] - rank)[self._pairs(table)]
        low, high = 0.0, 64.0
        # D grows with the slope: bisect until 2 Phi(slope apart / sqrt(2)) - 1 has the mean |truth|
        for _ in range(40):
            slope = (low + high) / 2
            small = (2 * norm.cdf(slope * apart / math.sqrt(2)) - 1).mean() < abs(truth)
            low, high = (slope, high) if small else (low, slope)
        y = math.copysign(low, truth) * rank + rng.standard_normal(n)
        if "came" not in table:
            return table.assign(y=y)
        last = numbers(table, "steps")
        at = ONSET_AT * last * np.exp(-0.1 * (y - y.mean()))  # more of it comes earlier
        return table.assign(y=at, last=last, without=at, came=at <= last)


@dataclass(frozen=True)
class Agreement(Statistic):
    """Cohen's kappa of two sequences of phases, beyond the better of two foils.

    `y` and `z` hold each run's phases, lists of T letters. The foils replace `z` by *the clock* (at each snapshot
    the most frequent `y` of the cell's other runs) and by *another run* (`z` of the cell's next seed). Snapshots at
    which either side is no letter are not counted. Without `foils` it is kappa alone.
    """

    letters: tuple[str, ...] = ("A", "B", "C")
    foils: bool = True

    def estimate(self, table: pd.DataFrame) -> Estimate:
        y, z = table["y"].tolist(), table["z"].tolist()
        kappas = {"kappa": kappa(self._counts(y, z))}
        if self.foils:
            if table.groupby("cell").size().min() < 2:
                raise NotEnough("a foil needs a second run of the same cell")
            clock, other = self._foils(table, y, z)
            kappas |= {"clock": kappa(self._counts(y, clock)), "other_run": kappa(self._counts(y, other))}

        def beyond(weights: np.ndarray) -> np.ndarray:
            own, *foils = (kappa(weights) for kappa in kappas.values())
            return own - np.fmax(*foils) if foils else own

        everyone = np.ones((1, len(table)))
        detail = {name: float(kappa(everyone)[0]) for name, kappa in kappas.items()}
        return over_runs(beyond, len(table), detail=detail)

    def _foils(
        self, table: pd.DataFrame, y: list[list[str]], z: list[list[str]]
    ) -> tuple[list[list[str]], list[list[str]]]:
        clock, other = [list(letters) for letters in y], [list(letters) for letters in z]
        for rows in table.reset_index(drop=True).groupby("cell").groups.values():
            members = list(rows)
            for place, row in enumerate(members):
                nearby = members[(place + 1) % len(members)]
                other[row] = [z[nearby][t] if t < len(z[nearby]) else "" for t in range(len(y[row]))]
                for t in range(len(y[row])):
                    seen = [
                        y[m][t] for m in members if m != row and t < len(y[m]) and y[m][t] in self.letters
                    ]
                    clock[row][t] = max(self.letters, key=seen.count) if seen else ""
        return clock, other

    def _counts(self, one: list[list[str]], other: list[list[str]]) -> np.ndarray:
        """Return how often the two say which letters, (n, L, L)."""
        place = {letter: index for index, letter in enumerate(self.letters)}
        tables = np.zeros((len(one), len(place), len(place)))
        for table, first, second in zip(tables, one, other, strict=True):
            for a, b in zip(first, second, strict=True):
                if a in place and b in place:
                    table[place[a], place[b]] += 1
        return tables

    def simulate(
        self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator
    ) -> pd.DataFrame:
        """Courses of 24 snapshots whose phases begin at times that vary by `spread` (of log time). In a share of
        the runs `z` is their own `y`, in the rest another draw; if even none is too much, a share of the letters is
        drawn at random."""
        snapshots, runs = np.arange(24), len(table)
        begins = np.linspace(0, 20, len(self.letters) + 1)[1:-1]
        onsets = begins * np.exp(spread * rng.standard_normal((2, runs, 1)))
        y, other = (snapshots[None, :, None] >= onsets[:, :, None, :]).sum(axis=3)

        def letters(numbers: np.ndarray) -> list[list[str]]:
            return [[self.letters[number] for number in row] for row in numbers]

        def kappa_of(one: list[list[str]], another: list[list[str]]) -> float:
            return float(kappa(self._counts(one, another))(np.ones((1, runs)))[0])

        chance, foil = kappa_of(letters(y), letters(other)), 0.0
        if self.foils:
            clock, next_run = self._foils(table, letters(y), letters(other))
            foil = max(kappa_of(letters(y), clock), kappa_of(letters(y), next_run))
        follows = rng.random((runs, 1)) < (truth + foil - chance) / max(1 - chance, 1e-9)
        scrambled = rng.random(y.shape) < 1 - (truth + foil) / max(chance, 1e-9)
        z = np.where(
            scrambled & ~follows, rng.integers(len(self.letters), size=y.shape), np.where(follows, y, other)
        )
        found = table.copy()
        found["y"], found["z"] = letters(y), letters(z)
        return found

    def spread_of(self, table: pd.DataFrame) -> float:
        """The spread of the log of when the last letter first appears, as the simulation has it."""
        last = self.letters[-1]
        at = np.array(
            [row.index(last) for row in table["y"].tolist() if last in row and row.index(last) > 0],
            dtype=float,
        )
        return spread_within(np.log(at), [0] * len(at)) if len(at) > 1 else math.nan


LEAST_RISE = 0.01
"""of the logit per unit of `rises_with`: shares that rise by less do not rise"""
STEEP = 4.0
"""slope of simulated logits"""


@dataclass(frozen=True)
class Surface(Statistic):
    """How `rises_with` changes with `moved_by` along a contour of constant y, on the logistic surface fitted to all
    runs' shares:

        logit E[y] = a + b u + c v + ...,    du/dv = -c / b      (quasi-likelihood: Papke & Wooldridge 1996)

    with u, v and the further columns `also` as the table has them (logs, usually). It is defined even if the level
    lies outside what was tried for some v.
    """

    rises_with: str
    moved_by: str
    also: tuple[str, ...] = ()

    def _design(self, table: pd.DataFrame) -> np.ndarray:
        columns = [numbers(table, name) for name in (self.rises_with, self.moved_by, *self.also)]
        return np.column_stack([np.ones(len(table)), *(column - column.mean() for column in columns)])

    def estimate(self, table: pd.DataFrame) -> Estimate:
        return over_runs(self.contour(table), len(table), table["cell"].tolist())

    def contour(self, table: pd.DataFrame) -> Callable[[np.ndarray], np.ndarray]:
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

    def simulate(
        self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator
    ) -> pd.DataFrame:
        _, u, v, *_ = self._design(table).T
        y = 1 / (1 + np.exp(-STEEP * (u - truth * v))) + spread * rng.standard_normal(len(table))
        return table.assign(y=np.clip(y, 0, 1))

    def spread_of(self, table: pd.DataFrame) -> float:
        return spread_within(numbers(table), table["cell"].tolist())


@dataclass(frozen=True)
class Crossing(Statistic):
    """How far, in logs, the value of `along` at which the mean of `y` crosses `level` is from the column
    `reference`: the largest such distance over the groups `by`. Between two values of `along` it is interpolated in
    the log.
    """

    along: str
    by: str
    reference: str
    level: float = 0.5

    def estimate(self, table: pd.DataFrame) -> Estimate:
        each = {value: magnitude(self._of_group(group)) for value, group in table.groupby(self.by, sort=True)}
        return Estimate(
            max(estimate.value for estimate in each.values()),
            max(estimate.low for estimate in each.values()),
            max(estimate.high for estimate in each.values()),
            min(estimate.n for estimate in each.values()),
            {
                f"log ratio, {self.by}={value:g}": estimate.detail["signed"]
                for value, estimate in each.items()
            },
        )

    def _of_group(self, group: pd.DataFrame) -> Estimate:
        y, at = numbers(group), numbers(group, self.along)
        places = np.unique(at)
        if len(places) < 2:
            raise NotEnough(
                f"a crossing needs runs at two values of `{self.along}` at least, not {len(places)}"
            )
        reference = math.log(float(group[self.reference].iloc[0]))
        there = (at[:, None] == places).astype(float)

        def bounds(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            low, high = crossing(places, (weights * y) @ there / (weights @ there), self.level)
            return low - reference, high - reference

        return bounded_over_runs(bounds, len(y), at.tolist())

    def simulate(
        self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator
    ) -> pd.DataFrame:
        """The middle group is off by `truth`, the others not at all. `y` is a ramp, so that interpolation has no
        error."""
        values = np.unique(numbers(table, self.by))
        off = truth * (numbers(table, self.by) == values[len(values) // 2])
        apart = np.log(numbers(table, self.along) / numbers(table, self.reference)) - off
        return table.assign(y=np.clip(0.5 + 0.6 * apart, 0, 1) + spread * rng.standard_normal(len(table)))

    def spread_of(self, table: pd.DataFrame) -> float:
        return spread_within(numbers(table), table["cell"].tolist())
