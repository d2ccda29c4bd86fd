"""The power of something with which median onsets grow, some of which may be censored."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from phasescope.studies import Estimate, Statistic
from phasescope.studies.readings.surfaces import bounded_over_runs


@dataclass(frozen=True)
class PowerOff(Statistic):
    """How far the power of the number of images with which median onsets grow is from `expected`: by least squares of
    logs, over resamples of runs within cells. A median that is not reached bounds it on one side."""

    expected: float

    def estimate(self, table: pd.DataFrame) -> Estimate:
        came = table["came"].to_numpy(dtype=bool)
        logs = np.log(np.where(came, table["y"], table["last"]))
        amounts, group = np.unique(table["images"], return_inverse=True)
        x = np.log(amounts) - np.log(amounts).mean()

        def power(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            groups = (group == g for g in range(len(x)))
            bounds = [median(logs[rows], came[rows], weights[:, rows]) for rows in groups]
            low, high = np.moveaxis(np.array(bounds), 0, -1)
            sides = np.where(x > 0, low, high), np.where(x > 0, high, low)  # the least and the most
            slopes = (np.where(x == 0, 0, side) @ x / (x**2).sum() for side in sides)
            return tuple(slope - self.expected for slope in slopes)

        signed = bounded_over_runs(power, len(table), table["images"].tolist())
        late = [n for n, part in table.groupby("images") if not part["came"].mean() > 0.5]
        return replace(
            signed,
            value=abs(signed.value),
            low=max(signed.low, -signed.high, 0.0),
            high=max(signed.high, -signed.low),
            censored=f"most runs of {late} images do not reach the onset by their end" if late else "",
        )

    def simulate(self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator):
        power = self.expected + truth * rng.choice([-1, 1])
        x = np.log(table["images"] / np.exp(np.log(table["images"]).mean()))
        onset = 0.1 * table["steps"] * np.exp(power * x + spread * rng.standard_normal(len(table)))
        return table.assign(y=onset, last=table["steps"], came=onset <= table["steps"])

    def spread_of(self, table: pd.DataFrame) -> float:
        logs = np.log(table["y"][table["came"]])
        return float(np.sqrt(logs.groupby(table["images"]).var().mean()))


def median(logs: np.ndarray, came: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest that the median of logs (n,) can be under weights (S, n), (S,) each; onsets
    that are not reached are the last."""
    ascending = np.lexsort((logs, ~came))
    reached = np.cumsum(weights[:, ascending], axis=1)
    half = reached[:, -1:] / 2
    middle = ascending[np.stack([(reached < half).sum(axis=1), (reached <= half).sum(axis=1)])]
    low = logs[middle].mean(axis=0)
    return low, np.where(came[middle].all(axis=0), low, np.inf)
