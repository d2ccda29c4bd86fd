"""What is learnt of x and of y: when each sets in, against learners of one axis and of both, and how they go together.

Two references, both computed from balanced grids of the same network, whose onset along an axis is t(d):

    factorized (two one-dimensional learners)     t_x = t(d_x),   t_y = t(d_y)
    fully coupled                                 t_x = t_y = sqrt(t(d_x) t(d_y))

Between them lies the index log(t_s / t_d) / log(t(d_s) / t(d_d)) of the sparser and the denser axis: 1 as the first,
0 as the second. Where t does not depend on d the references coincide, and nothing can be told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from phasescope.studies.core.claim import Claim, Estimate, NotEnough
from phasescope.studies.core.criteria import Counting, Labels, Onsets, accurate, column, onsets, runs_of
from phasescope.studies.core.statistics import mean_over_runs, onset_after, over_runs, sooner
from phasescope.studies.core.study import Cell
from phasescope.studies.found._cells import FINE, grid

if TYPE_CHECKING:
    import pandas as pd

Axis = Literal["x", "y"]

TOGETHER = 1.25
"""ratio of onsets of two axes below which they set in together; also the least by which the references must differ"""
MIDDLE = (0.2, 0.8)
"""accuracies between which joint accuracy tells something: nearly all wrong or right leaves nothing to go together"""

LABELS: dict[Labels, str] = {"grid": "on the grid", "off_grid": "off the grid"}
TWO_LEARNERS = (
    "Two learners that know nothing of each other are together as well, if density does not matter to either."
)


@dataclass(frozen=True)
class Axes:
    """The two axes of an imbalanced cell."""

    dense: Axis
    sparse: Axis
    d_dense: float
    d_sparse: float


def axes_of(run: pd.DataFrame) -> Axes:
    d_x, d_y = (float(column(run, f"config.world.design.d{axis}")[0]) for axis in "xy")
    return Axes("x", "y", d_x, d_y) if d_x <= d_y else Axes("y", "x", d_y, d_x)


def sparse_and_dense(runs: Sequence[pd.DataFrame], labels: Labels) -> list[Onsets]:
    """Onsets of the sparser and of the denser axis of each run, in steps."""
    return [
        Onsets.joined(onsets([run], accurate(labels, getattr(axes_of(run), kind))) for run in runs)
        for kind in ("sparse", "dense")
    ]


def together(cells: Sequence[Cell], labels: Labels, frame: pd.DataFrame) -> Estimate:
    """Median over runs of the sparser axis's onset over the denser one's."""
    sparse, dense = sparse_and_dense(runs_of(frame, [cell.name for cell in cells]), labels)
    detail = {
        "sparse_without_onset": float((~sparse.came).sum()),
        "dense_without_onset": float((~dense.came).sum()),
    }
    return onset_after(dense, sparse, f"neither axis set in {LABELS[labels]} in any run", detail)


def log_onsets(frame: pd.DataFrame, d: float, labels: Labels) -> np.ndarray:
    """Mean log of the onsets along x and along y of each run on the balanced grid of increment d: log t(d)."""
    runs = runs_of(frame, [grid(d, d).name])
    return np.mean([np.log(onsets(runs, accurate(labels, axis)).restricted) for axis in ("x", "y")], axis=0)


def index(cells: Sequence[Cell], labels: Labels, frame: pd.DataFrame) -> Estimate:
    """Where x and y lie between fully coupled (0) and factorized (1): mean log ratio over the mean of its reference.

    An onset that did not come is put at the run's end, in runs and in references alike.
    """
    runs = runs_of(frame, [cell.name for cell in cells])
    sparse, dense = sparse_and_dense(runs, labels)
    log_ratio = np.log(sparse.restricted / dense.restricted)
    wanted = [(axes_of(run).d_sparse, axes_of(run).d_dense) for run in runs]
    values = sorted({d for pair in wanted for d in pair})
    balanced, log_t, of_d = [], [], []
    for d in values:
        of_cell = runs_of(frame, [grid(d, d).name])
        balanced += of_cell
        log_t += log_onsets(frame, d, labels).tolist()
        of_d += [d] * len(of_cell)
    n, m = len(runs), len(balanced)
    x = np.concatenate([log_ratio, log_t])
    member = np.array([[d == value for value in values] for d in of_d], dtype=float)
    want_sparse, want_dense = (
        np.array([[pair[i] == value for value in values] for pair in wanted], dtype=float) for i in (0, 1)
    )

    def parts(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        own, other = weights[:, :n], weights[:, n:]
        t = (other * x[n:]) @ member / np.maximum(other @ member, 1)
        reference = t @ (want_sparse - want_dense).T
        count = own.sum(axis=1)
        return (own @ x[:n]) / count, (own * reference).sum(axis=1) / count

    observed, reference = (float(part[0]) for part in parts(np.ones((1, n + m))))
    if abs(reference) < math.log(TOGETHER):
        raise NotEnough(
            f"the references coincide: on balanced grids t(d) differs by a factor of {math.exp(abs(reference)):.2f} "
            f"between the two densities, and {TOGETHER:g} is needed to tell factorized from coupled"
        )

    def statistic(weights: np.ndarray) -> np.ndarray:
        own, other = parts(weights)
        return own / other

    detail = {
        "ratio": math.exp(observed),
        "ratio_if_factorized": math.exp(reference),
        "ratio_if_coupled": 1.0,
    }
    strata = [run["cell"].iloc[0] for run in (*runs, *balanced)]
    found = over_runs(statistic, n + m, strata, detail)
    return Estimate(found.value, found.low, found.high, n, detail)


def denser_sooner(which: Literal["dense", "other"], counting: Counting, frame: pd.DataFrame) -> Estimate:
    """With one axis at 1 px, does the other's density bring that axis, or the one at 1 px, sooner?"""
    own, of, within = [], [], []
    for axis, other in (("x", "y"), ("y", "x")):
        for run in runs_of(frame, [cell.name for cell in (grid(1.0, 1.0), *FINE)]):
            if float(column(run, f"config.world.design.d{other}")[0]) != 1.0:
                continue
            own.append(onsets([run], accurate("grid", axis if which == "dense" else other), counting))
            of.append(1 / float(column(run, f"config.world.design.d{axis}")[0]))
            within.append(f"denser {axis}")
    return sooner(Onsets.joined(own), np.array(of), within)


def right_of_formed(run: pd.DataFrame, labels: Labels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """acc_x, acc_y and acc_xy, the joint accuracy, among well-formed images, (T,) each; NaN where there is none."""
    formed = column(run, f"outcomes.{labels}.misplaced") + column(run, f"outcomes.{labels}.correct")
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y, xy = (column(run, f"accuracy.{labels}.{one}") / formed for one in ("x", "y", "joint"))
    return x, y, xy


def excess(run: pd.DataFrame, labels: Labels) -> float:
    """Mean of acc_xy - acc_x acc_y among images of one well-formed bump, over snapshots at which both are in the middle."""
    x, y, xy = right_of_formed(run, labels)
    with np.errstate(invalid="ignore"):
        middle = (np.minimum(x, y) >= MIDDLE[0]) & (np.maximum(x, y) <= MIDDLE[1])
    return float(np.mean((xy - x * y)[middle])) if middle.any() else math.nan


def right_together(
    name: str, sentence: str, cells: Sequence[str], labels: Labels, figure: str, which: str = ""
) -> Claim:
    """That images of some cells are right in x and in y more often than by chance; `which` images, where not all."""
    return Claim(
        f"right_together_{name}",
        sentence,
        "P1",
        f"mean over runs of acc_xy - acc_x acc_y among well-formed images{which}, at accuracies from "
        f"{MIDDLE[0]:g} to {MIDDLE[1]:g}",
        0.0,
        mean_over_runs(cells, partial(excess, labels=labels)),
        figure,
        "Some labels may be harder than others in both x and y: that goes together in a factorized learner too.",
    )
