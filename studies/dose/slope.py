"""The slope of one onset on another that a randomised dose moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from phasescope.studies import Estimate, NotEnough, Statistic, numbers, over_runs, spread_within


@dataclass(frozen=True)
class DoseSlope(Statistic):
    """How far log `y` moves where the dose moves log `x` by 1: the instrumental-variable estimate

        cov(dose, log y) / cov(dose, log x),

    with the dose's rank, each less what the columns `controls` explain, by least squares (Wald 1940; Angrist & Imbens
    1995). A seed that is fast at everything does not enter it, as it would a regression of log y on log x. Runs are drawn
    again within cells; one without both onsets is left out. `spread` is the standard deviation of log y within cells.
    """

    UNIT: ClassVar[str] = "of the sheet's shift"
    NO_EFFECT: ClassVar[float | None] = 0.0

    controls: Sequence[str] = ()

    def _columns(self, table: pd.DataFrame) -> np.ndarray:
        """Return dose, log x, log y and the logarithms of the controls, (n, columns); NaN for what a run lacks."""
        names = ("x", "y", *self.controls)
        positive = np.stack([numbers(table, name) for name in names], axis=1)
        logs = np.log(np.where(positive > 0, positive, np.nan))
        return np.column_stack([numbers(table, "rank"), logs])

    def estimate(self, table: pd.DataFrame) -> Estimate:
        columns = self._columns(table)
        known = np.isfinite(columns).all(axis=1)
        sizes = table["cell"][known].map(table["cell"][known].value_counts())
        data, cells = columns[known][sizes > 1], table["cell"][known][sizes > 1]
        if len(data) < self.MINIMUM_N or len(np.unique(data[:, 0])) < 3:
            raise NotEnough("a slope over doses needs three doses with both onsets")

        def slope(weights: np.ndarray) -> np.ndarray:
            return np.array([_ratio(data, w) for w in weights])

        return over_runs(slope, len(data), cells.tolist(), {"left_out": float(len(table) - len(data))})

    def simulate(
        self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator
    ) -> pd.DataFrame:
        """The doses move log x by 0.5 from end to end, and log y by `truth` of that; a seed is fast or slow at both."""
        rank = numbers(table, "rank")
        shift = -0.5 * rank / np.ptp(rank)
        speed, own = rng.standard_normal((2, len(table)))
        x = shift + 0.7 * spread * speed + 0.7 * spread * own
        y = truth * shift + 0.7 * spread * speed + 0.7 * spread * rng.standard_normal(len(table))
        other = {
            c: np.exp(0.7 * spread * speed + 0.1 * rng.standard_normal(len(table))) for c in self.controls
        }
        return table.assign(x=800 * np.exp(x), y=1200 * np.exp(y), **other)

    def spread_of(self, table: pd.DataFrame) -> float:
        known = table[np.isfinite(self._columns(table)).all(axis=1)]
        return spread_within(np.log(numbers(known)), known["cell"].tolist())


def _ratio(data: np.ndarray, weights: np.ndarray) -> float:
    """Return the slope with runs weighted, by least squares on the controls and a constant."""
    dose, x, y, *controls = data.T
    known = np.column_stack([np.ones(len(dose)), *controls])
    root = np.sqrt(weights)[:, None]
    dose_left = dose - known @ np.linalg.lstsq(root * known, root[:, 0] * dose, rcond=None)[0]
    return float((weights * dose_left) @ y / ((weights * dose_left) @ x))
