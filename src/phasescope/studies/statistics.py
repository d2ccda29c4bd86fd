"""Eight statistics of a table of runs, each with the simulation that shows how often a claim about it is judged
correctly.

`estimate(table)` reads the column `y` of a number's table, with whatever other columns the class names, and gives a
value with its interval over runs. `simulate(table, truth, spread, rng)` fills the same columns so that the
statistic's true value is `truth` and runs vary by `spread`. `spread_of(table)` measures that variation in real
runs. A study may bring a class of its own with the same three methods.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from phasescope.errors import UserError
from phasescope.measures.over_runs.comparisons import crossing, kappa, rank_correlation
from phasescope.measures.over_runs.logistic_surface import fractional_logit
from phasescope.measures.over_runs.resampling import (
    CONFIDENCE,
    Estimate,
    NotEnough,
    bounded_over_runs,
    magnitude,
    mean_over_pairs,
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


def _numbers(table: pd.DataFrame, column: str = "y") -> np.ndarray:
    return table[column].to_numpy(dtype=float)


def _known(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have a number; those without (a constant, say) are left out and so not counted in n."""
    return table[np.isfinite(_numbers(table))]


def _sd(values: np.ndarray, groups: Sequence[object]) -> float:
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
        y = _numbers(table)
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
        known = _known(table)
        strata = known[self.strata].tolist() if self.strata else None
        found = mean_over_runs(_numbers(known), strata, {"left_out": float(len(table) - len(known))})
        return magnitude(found) if self.absolute else found

    def simulate(
        self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator
    ) -> pd.DataFrame:
        return table.assign(y=truth + spread * rng.standard_normal(len(table)))

    def spread_of(self, table: pd.DataFrame) -> float:
        return _sd(_numbers(_known(table)), [0] * len(_known(table)))


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
        known = _known(table)
        return known[known[self.by] == self.first], known[known[self.by] == self.second]

    def _pairs(self, table: pd.DataFrame) -> np.ndarray:
        """Return the differences of the seeds that both groups have."""
        one, other = (group.set_index("seed")["y"].astype(float) for group in self._groups(table))
        seeds = [seed for seed in one.index if seed in other.index]
        return one[seeds].to_numpy() - other[seeds].to_numpy()

    def estimate(self, table: pd.DataFrame) -> Estimate:
        first, second = (_numbers(group) for group in self._groups(table))
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
            return _sd(self._pairs(table), [0] * len(self._pairs(table)))
        first, second = (_numbers(group) for group in self._groups(table))
        return _sd(np.concatenate([first, second]), [0] * len(first) + [1] * len(second))


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
        logs = np.concatenate([np.log(np.maximum(_restricted(group), 1.0)) for group in groups])

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
        logs = np.log(_restricted(table) / _restricted(table, "_second"))
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
            last, every = (_numbers(table, name) for name in ("steps", "every"))
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
            return _sd(np.log(np.maximum(_numbers(known), 1.0)), known[self.by].tolist())
        known = known[known["came_second"]]
        return _sd(np.log(_numbers(known) / _numbers(known, "y_second")), [0] * len(known))


def _restricted(table: pd.DataFrame, suffix: str = "") -> np.ndarray:
    """Return onsets, (n,), and the run's end where there is none."""
    return np.where(table[f"came{suffix}"], table[f"y{suffix}"], table[f"last{suffix}"]).astype(float)


def _censored(missing: Sequence[float], names: Sequence[object]) -> str:
    return "; ".join(
        f"{share:.0%} of the runs ({name}) reach no onset by their end"
        for share, name in zip(missing, names, strict=True)
        if share >= CENSORED_FROM
    )


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
        known = _known(table)
        known = known[np.isfinite(_numbers(known, self.by))]
        if len(known) < 4:
            raise NotEnough(f"a rank correlation over runs needs at least 4 of them, not {len(known)}")
        return over_runs(rank_correlation(_numbers(known, self.by), _numbers(known), self.kind), len(known))

    def _somers(self, table: pd.DataFrame) -> Estimate:
        censored = "came" in table
        known = table if censored else _known(table)
        more = self._pairs(known)
        if not censored:
            y = _numbers(known)
            sign, counted = np.sign(y[:, None] - y) * more, more
        else:
            t, came = _restricted(known), known["came"].to_numpy(dtype=bool)
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
        x = _numbers(table, self.by)
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
        for _ in range(
            40
        ):  # D grows with the slope: bisect until 2 Phi(slope apart / sqrt(2)) - 1 has the mean |truth|
            slope = (low + high) / 2
            small = (2 * norm.cdf(slope * apart / math.sqrt(2)) - 1).mean() < abs(truth)
            low, high = (slope, high) if small else (low, slope)
        y = math.copysign(low, truth) * rank + rng.standard_normal(n)
        if "came" not in table:
            return table.assign(y=y)
        last = _numbers(table, "steps")
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
        return over_runs(
            beyond, len(table), detail={name: float(kappa(everyone)[0]) for name, kappa in kappas.items()}
        )

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
        return _sd(np.log(at), [0] * len(at)) if len(at) > 1 else math.nan


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
        columns = [_numbers(table, name) for name in (self.rises_with, self.moved_by, *self.also)]
        return np.column_stack([np.ones(len(table)), *(column - column.mean() for column in columns)])

    def estimate(self, table: pd.DataFrame) -> Estimate:
        return over_runs(self.contour(table), len(table), table["cell"].tolist())

    def contour(self, table: pd.DataFrame) -> Callable[[np.ndarray], np.ndarray]:
        """Return du/dv as a function of weights (S, n); NaN where shares do not rise with u.

        Raises:
            NotEnough: all runs have the same v.
        """
        if np.ptp(_numbers(table, self.moved_by)) == 0:
            raise NotEnough(f"all runs have the same `{self.moved_by}`")
        design, share = self._design(table), _numbers(table)

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
        return _sd(_numbers(table), table["cell"].tolist())


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
        y, at = _numbers(group), _numbers(group, self.along)
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
        values = np.unique(_numbers(table, self.by))
        off = truth * (_numbers(table, self.by) == values[len(values) // 2])
        apart = np.log(_numbers(table, self.along) / _numbers(table, self.reference)) - off
        return table.assign(y=np.clip(0.5 + 0.6 * apart, 0, 1) + spread * rng.standard_normal(len(table)))

    def spread_of(self, table: pd.DataFrame) -> float:
        return _sd(_numbers(table), table["cell"].tolist())


def check_statistic(statistic: object, claim: str) -> None:
    """Raises UserError if a claim's statistic lacks one of the three methods."""
    for method in ("estimate", "simulate", "spread_of"):
        if not callable(getattr(statistic, method, None)):
            raise UserError(
                f"`statistic` (={type(statistic).__name__}) of the claim `{claim}` must have the method `{method}`"
            )
