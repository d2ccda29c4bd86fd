"""Shares of the variance between runs that what they went through explains."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy.stats import rankdata

from phasescope.studies import Estimate, NotEnough, Statistic, over_runs


@dataclass(frozen=True)
class Explained(Statistic):
    """The share of the variance of the ranks of `y` that the ranks of columns explain together: adjusted R² over runs."""

    UNIT: ClassVar[str] = "of the variance"

    columns: Sequence[str]

    @property
    def _known(self) -> Sequence[str]:
        """The columns whose share is taken off."""
        return ()

    def estimate(self, table: pd.DataFrame) -> Estimate:
        names = [*self._known, *self.columns]
        known = table[np.isfinite(table[["y", *names]]).all(axis=1)]
        n = len(known)
        if n <= len(names) + 1:
            raise NotEnough(f"{n} runs have an onset of all, and {len(names) + 2} are needed")
        ranks = np.column_stack([rankdata(known[name]) for name in ("y", *names)])
        ranks -= ranks.mean(axis=0)
        products = (ranks[:, :, None] * ranks[:, None]).reshape(n, -1)

        def adjusted(moments: np.ndarray, k: int) -> np.ndarray:
            cross = moments[:, 1 : k + 1, :1]
            explained = cross.mT @ np.linalg.pinv(moments[:, 1 : k + 1, 1 : k + 1], hermitian=True) @ cross
            return 1 - (1 - explained[:, 0, 0] / moments[:, 0, 0]) * (n - 1) / (n - 1 - k)

        def share(weights: np.ndarray) -> np.ndarray:
            means = weights @ ranks / n
            moments = (weights @ products).reshape(-1, *2 * ranks.shape[1:]) / n
            moments -= means[:, :, None] * means[:, None]
            without = adjusted(moments, len(self._known)) if self._known else 0.0
            return adjusted(moments, len(names)) - without

        return over_runs(share, n, detail={"left_out": float(len(table) - n)})

    def simulate(self, table: pd.DataFrame, truth: float, spread: float, rng: Generator) -> pd.DataFrame:
        known = [0.3 / len(self._known) for _ in self._known]
        own = min(max(truth, 0.0), 0.99 - sum(known)) / len(self.columns)
        shares = np.array([*known, *(own for _ in self.columns)])
        given = rng.standard_normal((len(shares), len(table)))
        y = np.sqrt(shares) @ given + np.sqrt(1 - shares.sum()) * rng.standard_normal(len(table))
        names = (*self._known, *self.columns)
        return table.assign(y=np.exp(y), **dict(zip(names, np.exp(given), strict=True)))


@dataclass(frozen=True)
class ExplainedBeyond(Explained):
    """The share that columns explain in addition to what those of `beyond` explain by themselves."""

    beyond: Sequence[str] = ()

    @property
    def _known(self) -> Sequence[str]:
        return self.beyond
