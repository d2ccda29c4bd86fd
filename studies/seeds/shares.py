"""Shares of the variance between runs: of one seed of a crossed design, of none of them, and of what runs went through."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy.stats import f

from phasescope.studies import Estimate, NotEnough, Statistic, numbers

TAIL = 0.0125  # beyond each end of an interval of 97.5 %


def known_logs(table: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the runs that have a positive `y`, and its logarithm, (n,). NotEnough: the design has lost its balance."""
    known = table[numbers(table) > 0]
    if len(known) < 0.95 * len(table) or known["y"].nunique() < 2:
        raise NotEnough(f"{len(known)} of {len(table)} runs have an onset; the design needs nearly all")
    return known, np.log(numbers(known))


def mean_squares(
    y: np.ndarray, runs: pd.DataFrame, seeds: Sequence[str]
) -> tuple[np.ndarray, float, int, int]:
    """Return the mean squares of `y` between the levels of each seed, that of what all seeds leave, its degrees of freedom,
    and the number of levels."""
    between = []
    for name in seeds:
        codes, levels = pd.factorize(runs[name])
        counts = np.bincount(codes)
        between.append(counts @ (np.bincount(codes, y) / counts - y.mean()) ** 2 / (len(levels) - 1))
    freedom = len(y) - 1 - len(seeds) * (len(levels) - 1)
    left = (((y - y.mean()) ** 2).sum() - (len(levels) - 1) * np.sum(between)) / freedom
    return np.array(between), float(left), freedom, len(levels)


def crossed(table: pd.DataFrame, seeds: Sequence[str], share: float, rng: Generator) -> pd.DataFrame:
    """Return the table with onsets `y` of which the seeds have a share of the variance of the logarithm, in equal parts."""
    share = min(max(share, 0.0), 1.0)
    y = np.sqrt(1 - share) * rng.standard_normal(len(table))
    for name in seeds:
        codes = pd.factorize(table[name])[0]
        y += np.sqrt(share / len(seeds)) * rng.standard_normal(codes.max() + 1)[codes]
    return table.assign(y=np.exp(7 + 0.1 * y))


@dataclass(frozen=True)
class SeedShare(Statistic):
    """The share of the variance of log `y` that goes with the levels of a seed, in an orthogonal design of `seeds`:

        s / (1 + s + others),    s = (F - 1) / r,    F = mean square of the seed / mean square that all seeds leave,

    with r runs a level and `others` the s of the other seeds; its interval is from the F distribution (as of the intraclass
    correlation, Shrout & Fleiss 1979, ICC(1,1)), with the others as estimated.
    """

    UNIT: ClassVar[str] = "of the variance"

    by: str
    seeds: Sequence[str]

    def estimate(self, table: pd.DataFrame) -> Estimate:
        known, y = known_logs(table)
        squares, left, freedom, levels = mean_squares(y, known, self.seeds)
        ratios, runs = dict(zip(self.seeds, squares / left, strict=True)), len(y) / levels
        ratio = ratios.pop(self.by)
        others = sum(max(other - 1, 0) / runs for other in ratios.values())

        def share(q: float) -> float:
            return (q - 1) / runs / (1 + (q - 1) / runs + others)

        high = share(ratio / f.ppf(TAIL, levels - 1, freedom))
        low = share(ratio / f.ppf(1 - TAIL, levels - 1, freedom))
        return Estimate(share(ratio), max(low, 0.0), max(high, 0.0), len(y))

    def simulate(self, table: pd.DataFrame, truth: float, spread: float, rng: Generator) -> pd.DataFrame:
        return crossed(table, (self.by,), truth, rng)


@dataclass(frozen=True)
class Unexplained(Statistic):
    """The share of the variance of log `y` that goes with no seed alone: interactions, to which chaos in training belongs.

    It is m / (m + sum of the seeds' variances), with m the mean square that all seeds leave and (mean square of the seed
    - m) / r the variance of a seed. Its interval is from F with Satterthwaite's degrees of freedom for the pooled seeds.
    """

    UNIT: ClassVar[str] = "of the variance"

    seeds: Sequence[str]

    def estimate(self, table: pd.DataFrame) -> Estimate:
        known, y = known_logs(table)
        squares, rest, rest_freedom, levels = mean_squares(y, known, self.seeds)
        ratio, runs = squares.mean() / rest, len(y) / levels
        freedom = squares.sum() ** 2 / (squares**2 / (levels - 1)).sum(), rest_freedom

        def left(q: float) -> float:
            return runs / (runs + len(squares) * (max(q, 1.0) - 1))

        low, high = left(ratio / f.ppf(TAIL, *freedom)), left(ratio / f.ppf(1 - TAIL, *freedom))
        return Estimate(left(ratio), low, high, len(y))

    def simulate(self, table: pd.DataFrame, truth: float, spread: float, rng: Generator) -> pd.DataFrame:
        return crossed(table, self.seeds, 1 - truth, rng)
