"""How alike the effects of several interventions are in two worlds."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy.stats import kendalltau

from phasescope.studies import Estimate, NotEnough, Statistic, numbers, over_runs, spread_within

APART = 0.3  # simulated standard deviation, over the interventions, of the mean log onset
LATEST = 2.0  # times the run's end: the latest that is assumed of an onset that did not come


@dataclass(frozen=True)
class Transfer(Statistic):
    """Pearson's correlation, over the interventions `change`, of the mean log onset in two worlds, `first` and `second`.

    Interventions are fixed; runs are resampled within cells. An onset that did not come lies between the run's end and
    `LATEST` times it, and the interval covers both; if half of the runs of a cell have none, nothing is decided. `spread`
    is the standard deviation of the log onset within cells. Kendall's tau of the means is in `detail`.
    """

    UNIT = "correlation"
    NO_EFFECT = 0.0

    first: str
    second: str

    def estimate(self, table: pd.DataFrame) -> Estimate:
        rows = table[table["world"].isin([self.first, self.second])]
        missing, changes = ~rows["came"].to_numpy(bool), sorted(set(rows["change"]))

        worlds = [rows["world"] == world for world in (self.first, self.second)]
        cells = [of_world & (rows["change"] == change) for of_world in worlds for change in changes]
        member = np.stack(cells, axis=1).astype(float)
        if len(changes) < 3 or not member.any(axis=0).all():
            raise NotEnough("a correlation over interventions needs three of them, each in both worlds")

        known = np.log(np.where(missing, numbers(rows, "last"), numbers(rows)))
        tau = kendalltau(*means(np.ones((1, len(rows))), member, known)[:, 0]).statistic
        bounds = [
            over_runs(partial(correlation, member=member, logs=logs), len(rows), rows["cell"].tolist())
            for logs in (known, known + np.log(LATEST) * missing)[: 1 + missing.any()]
        ]

        share = (missing @ member / member.sum(axis=0)).max()
        low, high = min(each.low for each in bounds), max(each.high for each in bounds)
        why = f"{share:.0%} of the runs of a cell reach no onset" if share >= 0.5 else ""
        return Estimate(
            bounds[0].value,
            -1 if why else low,
            high=1 if why else high,
            n=len(rows),
            detail={"tau": tau},
            censored=why,
        )

    def simulate(self, table: pd.DataFrame, truth: float, spread: float, rng: Generator) -> pd.DataFrame:
        """Effects are evenly spaced in one world; in the other they are `truth` times these, plus a parabola."""
        number = np.unique(table["change"], return_inverse=True)[1]
        line = 2 * number / number.max() - 1
        line, across = ((effect - effect.mean()) / effect.std() for effect in (line, line**2))
        truth = np.clip(truth, -1, 1)
        effect = np.where(table["world"] == self.second, truth * line + np.sqrt(1 - truth**2) * across, line)
        logs = APART * effect + spread * rng.standard_normal(len(table))
        return table.assign(y=0.4 * table["steps"] * np.exp(logs), last=table["steps"], came=True)

    def spread_of(self, table: pd.DataFrame) -> float:
        known = table[table["came"]]
        return spread_within(np.log(numbers(known)), known["cell"].tolist())


def means(weights: np.ndarray, member: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Return weighted means (2, S, K) of `logs` (n,) under weights (S, n), by `member` (n, 2 K)."""
    every = weights @ (member * logs[:, None]) / (weights @ member)
    return np.stack(np.split(every, 2, axis=1))


def correlation(weights: np.ndarray, member: np.ndarray, logs: np.ndarray) -> np.ndarray:
    first, second = (of_cells - of_cells.mean(1, keepdims=True) for of_cells in means(weights, member, logs))
    return (first * second).sum(1) / np.sqrt((first**2).sum(1) * (second**2).sum(1))
