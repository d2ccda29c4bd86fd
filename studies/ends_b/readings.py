"""What pairing saves: the variance of a difference of onsets, by that of two runs that share nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies import Estimate, NotEnough, Statistic
from studies.designs.lean_forks import CONFIDENCE

if TYPE_CHECKING:
    from numpy.random import Generator
    from pandas import DataFrame


@dataclass(frozen=True)
class PairedVariance(Statistic):
    """The variance of the difference of two continuations of one state, by that of two runs that share nothing.

    For a changed child a and an unchanged one c of each parent,

        ratio = Var(a - c) / (Var(a) + Var(c)) = 1 - r,    r = 2 Cov(a, c) / (Var(a) + Var(c)),

    with variances between parents. Its interval is that of r by Fisher's transformation: atanh(r) is about normal with
    variance 1 / (n - 3) or less if both variances are the same.
    """

    UNIT = "of the unpaired variance"
    NO_EFFECT = 1.0

    by: str
    first: object
    unchanged: object

    def sides_compared(self) -> dict[str, tuple[str, object]]:
        return {"first": (self.by, self.first), "unchanged": (self.by, self.unchanged)}

    def estimate(self, table: DataFrame) -> Estimate:
        from scipy.stats import norm

        rows = table[table[self.by].isin([self.first, self.unchanged]) & np.isfinite(table["y"])]
        pairs = rows.pivot(index="seed", columns=self.by, values="y").dropna()
        if len(pairs) < 4 or not {self.first, self.unchanged} <= {*pairs}:
            raise NotEnough(f"a variance of pairs needs 4 of them, and {len(pairs)} are recorded")
        changed, unchanged = pairs[self.first], pairs[self.unchanged]
        both = float(changed.var() + unchanged.var())
        if both == 0:
            raise NotEnough("the runs do not vary")

        r = 2 * float(changed.cov(unchanged)) / both
        margin = norm.ppf((1 + CONFIDENCE) / 2) / math.sqrt(len(pairs) - 3)
        z = math.atanh(min(max(r, -1 + 1e-9), 1 - 1e-9))
        detail = {"paired_variance": float((changed - unchanged).var()), "unpaired_variance": both}
        return Estimate(
            1 - r, 1 - math.tanh(z + margin), high=1 - math.tanh(z - margin), n=len(pairs), detail=detail
        )

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        r = min(max(1 - truth, -1.0), 1.0)
        runs = int(table["seed"].max()) + 1
        shared, own = rng.standard_normal((2, runs))
        of_child = r * shared + math.sqrt(1 - r * r) * own
        seeds = table["seed"].to_numpy(dtype=int)
        is_first = (table[self.by] == self.first).to_numpy()
        return table.assign(y=np.where(is_first, of_child[seeds], shared[seeds]))
