"""Tables of estimates that no claim asks: a statistic of each column over runs, with its interval; and their readings."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from phasescope.studies import NotEnough, Rank, Runs, Statistic, Table, as_table, reads
from phasescope.studies.readings.crossings import crossing_steps

HALF_CORRECT = 0.5


@dataclass(frozen=True)
class EstimateTable(Table):
    """The estimate that `statistic` makes of each column, with its interval, by `by`."""

    statistic: Statistic = field(default_factory=lambda: Rank(by="x", kind="spearman"))

    def _shown(self, runs: Runs, number: Any, counted: bool) -> float | str:
        try:
            estimate = self.statistic.estimate(as_table(runs, number))
        except NotEnough:
            return float("nan")
        return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"


@dataclass(frozen=True)
class RangeTable(Table):
    """The least and the greatest value of each column among the runs, by `by`."""

    def _shown(self, runs: Runs, number: Any, counted: bool) -> float | str:
        values = as_table(runs, number)["y"].to_numpy(dtype=float)
        if np.isnan(values).all():
            return float("nan")
        ends = (float(np.nanmin(values)), float(np.nanmax(values)))
        return " to ".join(f"{end:,.0f}" if abs(end) >= 1000 else f"{end:.3g}" for end in ends)


@reads("{column}", "{correct}")
def onsets(runs: Runs, column: str, level: float, correct: str) -> pd.DataFrame:
    """Return the table with the onset of accuracy (`y`: half of the samples correct) and of `column` at `level` (`x`), in
    steps; a run that lacks one of them is left out."""
    table = runs.table.assign(
        y=crossing_steps(runs, correct, HALF_CORRECT), x=crossing_steps(runs, column, level)
    )
    return table[np.isfinite(table[["x", "y"]]).all(axis=1)]


@reads("{column}", "{correct}")
def comes_after(runs: Runs, column: str, level: float, correct: str) -> np.ndarray:
    """Return whether `column` passes `level` for good only after half of the samples are correct, (n,)."""
    later = crossing_steps(runs, column, level) > crossing_steps(runs, correct, HALF_CORRECT)
    return later.astype(float)
