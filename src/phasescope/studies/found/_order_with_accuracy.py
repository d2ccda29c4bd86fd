"""How the order of latents and the accuracy of images go together: in runs, against other runs, by onset, across seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from phasescope.places import Place
from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.criteria import PLACE, RAW_ORDERED, accurate, cells_of, column, onsets, runs_of
from phasescope.studies.core.curves import named
from phasescope.studies.core.statistics import (
    area,
    mean_of_runs,
    onset_after,
    partial_spearman,
    spearman_over_runs,
)

if TYPE_CHECKING:
    import pandas as pd

ACCURACY = "outcomes.grid.correct"
SEEN = Place("mid", 50)
ORDERS = {
    "all": ("order", f"order at {named(*PLACE)}", f"order.{PLACE}.value"),
    "seen": (
        "order of the image seen",
        f"order of the image that is seen, at {named(*SEEN)}",
        f"order_seen.{SEEN}.value",
    ),
}
BESIDES = ("images_seen", "loss")


def own(runs: Sequence[pd.DataFrame], name: str) -> list[np.ndarray]:
    return [column(run, name) for run in runs]


def of_each_run(
    runs: Sequence[pd.DataFrame], values: Sequence[np.ndarray], given: Sequence[str] = ()
) -> np.ndarray:
    """Of each run the rank correlation of its values with accuracy, over snapshots after the first."""
    found = []
    for run, of_run in zip(runs, values, strict=True):
        later = (run["step"] > 0).to_numpy()
        others = [column(run, name)[later] for name in given]
        found.append(partial_spearman(of_run[later], column(run, ACCURACY)[later], others))
    return np.array(found)


def mean_correlation(values: np.ndarray, runs: Sequence[pd.DataFrame]) -> Estimate:
    known = values[np.isfinite(values)]
    detail = {"least_run": float(known.min()), "most_run": float(known.max())} if len(known) else {}
    return mean_of_runs(values, detail, cells_of(runs))


def within_runs(cells: Sequence[str], name: str, frame: pd.DataFrame) -> Estimate:
    runs = runs_of(frame, cells)
    return mean_correlation(of_each_run(runs, own(runs, name)), runs)


def of_next_run(runs: Sequence[pd.DataFrame], name: str) -> list[np.ndarray]:
    """In each run's place the values of the next run of its cell, at the same steps."""
    found = []
    cells = cells_of(runs)
    for i, cell in enumerate(cells):
        same = [j for j, other in enumerate(cells) if other == cell]
        if len(same) < 2:
            raise NotEnough(f"another run's order needs 2 runs of {cell}")
        other = runs[same[(same.index(i) + 1) % len(same)]].set_index("step")[name]
        found.append(other.reindex(runs[i]["step"]).to_numpy(dtype=float))
    return found


def beyond_other_run(cells: Sequence[str], name: str, frame: pd.DataFrame) -> Estimate:
    """The partial correlation with a run's own order, less that with another run's."""
    runs = runs_of(frame, cells)
    mine = of_each_run(runs, own(runs, name), BESIDES)
    other = of_each_run(runs, of_next_run(runs, name), BESIDES)
    return mean_correlation(mine - other, runs)


def accuracy_after_order(cells: Sequence[str], frame: pd.DataFrame) -> Estimate:
    """The onset of accuracy over that of order, in the same run."""
    runs = runs_of(frame, cells)
    of_order, right = onsets(runs, RAW_ORDERED), onsets(runs, accurate("grid"))
    detail = {
        "runs_without_order": float((~of_order.came).sum()),
        "runs_without_accuracy": float((~right.came).sum()),
    }
    return onset_after(of_order, right, "no run came to order, nor to accuracy", detail)


def means_over_training(runs: Sequence[pd.DataFrame]) -> list[np.ndarray]:
    """Of each run the mean over training of order, and of accuracy."""
    return [
        np.array([area(column(run, "step"), column(run, name)) for run in runs])
        for name in (f"order.{PLACE}.value", ACCURACY)
    ]


def across_seeds(cells: Sequence[str], frame: pd.DataFrame) -> Estimate:
    """Over runs, less their cells' means, the rank correlation of order's mean over training with accuracy's."""
    runs = runs_of(frame, cells)
    x, y = means_over_training(runs)
    for cell in set(cells_of(runs)):
        same = np.array(cells_of(runs)) == cell
        x[same], y[same] = x[same] - x[same].mean(), y[same] - y[same].mean()
    return spearman_over_runs(x, y)
