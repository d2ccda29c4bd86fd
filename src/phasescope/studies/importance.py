"""Which of the fields that a sweep varies matters for a number: by permuting it in a forest of regression trees.

Breiman (2001), by scikit-learn: a forest is fitted to four fifths of the runs, and in the other fifth the values of one
field are permuted among runs; the importance is by how much that lowers R². Runs of a cell stay together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from phasescope.measures.over_runs import NotEnough
from phasescope.studies.declaring import columns_read
from phasescope.studies.fields import values_of_field
from phasescope.studies.plots import BasePlot, Curve, Panel
from phasescope.studies.runs_table import Number, Runs, by_run

LEAST_CELLS = 10
"""of which five folds leave two each"""
FOLDS, TREES, PERMUTATIONS = 5, 200, 20


@dataclass(frozen=True)
class Importance(BasePlot):
    """How much R² a forest loses, in runs that it was not fitted to, if the values of one field are permuted among them."""

    number: Number = field(kw_only=True)
    label: str = field(kw_only=True)
    """words of the number"""
    fields: Sequence[str] = field(kw_only=True)
    """of the configuration, as training.batch"""

    SHOWS = (
        "Loss of held-out R² if a field is permuted, in a forest of regression trees: dots: mean over five folds, lines: "
        "their standard deviation. Correlated fields share their importance, and it says nothing of what causes what."
    )

    def columns_read(self) -> frozenset[str]:
        return columns_read(self.number) | {f"config.{name}" for name in self.fields}

    def _panels(self, runs: Runs) -> list[Panel]:
        values = by_run(runs, self.number)
        known = np.isfinite(values)
        cells = runs.table["cell"].to_numpy()[known]
        if len(set(cells)) < LEAST_CELLS:
            raise NotEnough(f"an importance is read from {LEAST_CELLS} cells at least")

        given = np.stack([_filled(values_of_field(runs, name).places[known]) for name in self.fields], axis=1)
        losses, explained = importances(given, values[known], cells)

        places = np.arange(len(self.fields), dtype=float)
        mean, spread = losses.mean(axis=0), losses.std(axis=0, ddof=1)
        ticks = dict(zip(places, self.fields, strict=True))
        title = f"{self.label}: held-out R² of all fields {explained:.2f}"
        points = Curve(places, mean, low=mean - spread, high=mean + spread, style="points")
        return [self._axis(title, "", "loss of held-out R²", [points], ticks=ticks)]


def _filled(values: np.ndarray) -> np.ndarray:
    """Return a field with a value of its own, below all others, for runs that do not have it."""
    return np.nan_to_num(values, nan=np.nanmin(values, initial=0.0) - 1)


def importances(given: np.ndarray, y: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, float]:
    """Return by how much R² falls in each fold if a field is permuted, (folds, fields), and the held-out R² of all fields.

    Args:
        given: (n, fields).
        y: (n,).
        groups: (n,), cells: their runs are in one fold.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import r2_score
    from sklearn.model_selection import GroupKFold

    losses, foretold = [], np.full(len(y), np.nan)
    for fitted, held in GroupKFold(FOLDS).split(given, y, groups):
        forest = RandomForestRegressor(TREES, min_samples_leaf=2, random_state=0, n_jobs=1)
        forest.fit(given[fitted], y[fitted])
        foretold[held] = forest.predict(given[held])
        permuted: Any = permutation_importance(
            forest,
            given[held],
            y[held],
            n_repeats=PERMUTATIONS,
            random_state=0,
            scoring="neg_mean_squared_error",
        )
        # A fold of few runs has an R² of its own that means little: errors are over the variance of all runs.
        losses.append(permuted.importances_mean / y.var())
    return np.stack(losses), float(r2_score(y, foretold))
