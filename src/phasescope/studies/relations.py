"""Statistics of relations: rank correlation, and agreement of two courses through training."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from phasescope.measures.over_runs import (
    Estimate,
    NotEnough,
    kappa,
    mean_over_pairs,
    over_runs,
    spearman,
)
from phasescope.studies.statistics import Statistic, known_rows, numbers, restricted_onsets, spread_within

if TYPE_CHECKING:
    from numpy.random import Generator
    from pandas import DataFrame


@dataclass(frozen=True)
class Rank(Statistic):
    """Rank correlation of `y` with the column `by`.

    `somers`: Somers' D over pairs of runs that share the column `within` and differ in `by`. If `y` is an onset
    (`came` is a column), D is the share of comparable pairs in which more of `by` comes *earlier*, minus that in
    which it comes later; a run without an onset is later than one whose onset came while it was watched (Harrell
    1982). `spearman`: over all runs that have both numbers.
    """

    UNIT: ClassVar[str] = "rank correlation"
    NO_EFFECT: ClassVar[float | None] = 0.0

    by: str
    within: str = ""
    kind: Literal["somers", "spearman"] = "somers"

    def estimate(self, table: DataFrame) -> Estimate:
        if self.kind == "somers":
            return self._somers(table)
        known = known_rows(table)
        known = known[np.isfinite(numbers(known, self.by))]
        if len(known) < 4:
            raise NotEnough(f"a rank correlation over runs needs at least 4 of them, not {len(known)}")
        return over_runs(spearman(numbers(known, self.by), numbers(known)), len(known))

    def _somers(self, table: DataFrame) -> Estimate:
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

        pairs = {"pairs": float(counted.sum())}
        return over_runs(mean_over_pairs(sign, counted), len(known), known["cell"].tolist(), pairs)

    def _pairs(self, table: DataFrame) -> np.ndarray:
        """Return the mask of pairs (i, j), (n, n), that share `within`, where run i has more of `by`."""
        x = numbers(table, self.by)
        group = table[self.within].to_numpy() if self.within else np.zeros(len(table))
        return (x[:, None] > x) & (group[:, None] == group)

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        """A rank correlation has no scale, so `spread` changes nothing: the slope of `y` on `by` is that of the truth."""
        n = len(table)
        if self.kind == "spearman":
            # Pearson's r of two normal variables whose rank correlation is the truth (Kruskal 1958)
            r = 2 * math.sin(math.pi / 6 * truth)
            x = rng.standard_normal(n)
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
        return table.assign(y=y)


@dataclass(frozen=True)
class Agreement(Statistic):
    """Cohen's kappa of two sequences of phases, beyond the better of two foils.

    `y` and `z` hold each run's phases, lists of T letters. The foils replace `z` by *the clock* (at each snapshot
    the most frequent `y` of the cell's other runs) and by *another run* (`z` of the cell's next seed). Snapshots at
    which either side is no letter are not counted. Without `foils` it is kappa alone.
    """

    UNIT: ClassVar[str] = "kappa beyond the foils"
    NO_EFFECT: ClassVar[float | None] = 0.0

    letters: tuple[str, ...] = ("A", "B", "C")
    foils: bool = True

    @property
    def least_seeds(self) -> int:
        return 2 if self.foils else 1  # the foils of a run are other runs of its cell

    def estimate(self, table: DataFrame) -> Estimate:
        y, z = self._codes(table["y"].tolist(), table["z"].tolist())
        kappas = {"kappa": kappa(self._counts(y, z))}
        if self.foils:
            if table.groupby("cell").size().min() < self.least_seeds:
                raise NotEnough("a foil needs a second run of the same cell")
            clock, other = self._foils(table, y, z)
            kappas |= {"clock": kappa(self._counts(y, clock)), "other_run": kappa(self._counts(y, other))}

        def beyond(weights: np.ndarray) -> np.ndarray:
            own, *foils = (kappa(weights) for kappa in kappas.values())
            return own - np.fmax(*foils) if foils else own

        everyone = np.ones((1, len(table)))
        detail = {name: float(kappa(everyone)[0]) for name, kappa in kappas.items()}
        return over_runs(beyond, len(table), detail=detail)

    def _codes(self, *sequences: list[list[str]]) -> np.ndarray:
        """Return the indices of letters, (sequences, n, T) int; -1 for what is no letter and beyond a run's end."""
        n, longest = len(sequences[0]), max(map(len, itertools.chain(*sequences)))
        codes = np.full((len(sequences), n, longest), -1)
        for of_all, runs in zip(codes, sequences, strict=True):
            for row, phases in zip(of_all, runs, strict=True):
                row[: len(phases)] = [self.letters.index(p) if p in self.letters else -1 for p in phases]
        return codes

    def _foils(self, table: DataFrame, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the clock and another run's `z`, (n, T) each, from `y` and `z`, (n, T)."""
        clock, other = y.copy(), z.copy()
        for rows in table.groupby("cell").indices.values():
            said = y[rows, :, None] == np.arange(len(self.letters))
            of_others = said.sum(axis=0) - said
            clock[rows] = np.where(of_others.any(axis=2), of_others.argmax(axis=2), -1)
            other[rows] = z[np.roll(rows, -1)]
        return clock, other

    def _counts(self, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return how often the two say which letters, (n, L, L)."""
        counts = np.zeros((len(y), len(self.letters), len(self.letters)))
        run, snapshot = np.nonzero((y >= 0) & (z >= 0))
        np.add.at(counts, (run, y[run, snapshot], z[run, snapshot]), 1)
        return counts

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        """Courses of 24 snapshots whose phases begin at times that vary by `spread` (of log time). In a share of
        the runs `z` is their own `y`, in the rest another draw; if even none is too much, a share of the letters is
        drawn at random."""
        snapshots, runs = np.arange(24), len(table)
        begins = np.linspace(0, 20, len(self.letters) + 1)[1:-1]
        onsets = begins * np.exp(spread * rng.standard_normal((2, runs, 1)))
        y, other = (snapshots[None, :, None] >= onsets[:, :, None, :]).sum(axis=3)

        def kappa_with(z: np.ndarray) -> float:
            return float(kappa(self._counts(y, z))(np.ones((1, runs)))[0])

        chance = kappa_with(other)
        foil = max(map(kappa_with, self._foils(table, y, other))) if self.foils else 0.0
        follows = rng.random((runs, 1)) < (truth + foil - chance) / max(1 - chance, 1e-9)
        scrambled = rng.random(y.shape) < 1 - (truth + foil) / max(chance, 1e-9)
        drawn = np.where(scrambled & ~follows, rng.integers(len(self.letters), size=y.shape), other)
        letters = np.array(self.letters)
        columns = {"y": letters[y].tolist(), "z": letters[np.where(follows, y, drawn)].tolist()}
        return table.assign(**columns)

    def spread_of(self, table: DataFrame) -> float:
        """The spread of the log of when the last letter first appears, as the simulation has it."""
        last = self.letters[-1]
        at = [row.index(last) for row in table["y"].tolist() if last in row and row.index(last) > 0]
        return spread_within(np.log(at)) if len(at) > 1 else math.nan
