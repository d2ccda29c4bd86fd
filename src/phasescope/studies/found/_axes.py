"""What is learnt of x and of y: when each sets in, against learners of one axis and of both, and how they go together.

Each axis is read from every image, formed or not, in two ways: by the darkest pixel, as P1 likely did, and by the matched
filter. A claim is decided where both ways agree. Two references, both computed from balanced grids of the same network,
whose onset along an axis is t(d):

    factorized (two one-dimensional learners)     t_x = t(d_x),   t_y = t(d_y)
    fully coupled                                 t_x = t_y = sqrt(t(d_x) t(d_y))

Between them lies the index log(t_s / t_d) / log(t(d_s) / t(d_d)) of the sparser and the denser axis: 1 as the first,
0 as the second. Where t does not depend on d the references coincide, and nothing can be told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.comparing import envelope, mean_where, opened, paired_ratio
from phasescope.studies.core.criteria import (
    Labels,
    Onsets,
    Passing,
    accuracy_of,
    accurate,
    cells_of,
    column,
    onsets,
    runs_of,
)
from phasescope.studies.core.statistics import mean_of_runs, over_runs, share
from phasescope.worlds.bump.reader import UNGATED

if TYPE_CHECKING:
    import pandas as pd

Axis = Literal["x", "y"]

TOGETHER = 1.25
"""ratio of onsets of two axes below which they set in together; also the least by which the references must differ"""
HALF = 0.5
"""of the index: midway between fully coupled and factorized"""
COUPLED = 0.3
"""phi from which images are right in x and in y together: a medium correlation by Cohen's (1988) convention"""
MIDDLE = (0.2, 0.8)
"""accuracies between which joint accuracy tells something: nearly all wrong or right leaves nothing to go together"""

LABELS: dict[Labels, str] = {"grid": "on the grid", "off_grid": "off the grid"}


@dataclass(frozen=True)
class Axes:
    """The two axes of an imbalanced cell."""

    dense: Axis
    sparse: Axis
    d_dense: float
    d_sparse: float


def axes_of(run: pd.DataFrame) -> Axes:
    """Raises NotEnough where both are as dense."""
    d_x, d_y = (float(column(run, f"config.world.design.d{axis}")[0]) for axis in "xy")
    if d_x == d_y:
        raise NotEnough("both axes are as dense")
    return Axes("x", "y", d_x, d_y) if d_x < d_y else Axes("y", "x", d_y, d_x)


def sparse_and_dense(
    runs: Sequence[pd.DataFrame], passing: Callable[[Axis], Passing]
) -> tuple[Onsets, Onsets]:
    """Onsets of the sparser and of the denser axis of each run, in steps.

    Args:
        passing: of an axis, what sets in.
    """
    sparse, dense = (
        Onsets.joined(onsets([run], passing(getattr(axes_of(run), kind))) for run in runs)
        for kind in ("sparse", "dense")
    )
    return sparse, dense


def right_along(labels: Labels, way: str) -> Callable[[Axis], Passing]:
    """Of an axis: most images are right along it."""
    return lambda axis: accurate(labels, axis, way)


def over_ways(of: Callable[[str], Estimate]) -> Estimate:
    """Of each way in which every image is read; the last one's value is told, the matched filter's."""
    found = {way: of(way) for way in UNGATED}
    return replace(envelope(list(found.values())), detail={way: one.value for way, one in found.items()})


def together(cells: Sequence[str], labels: Labels, frame: pd.DataFrame) -> Estimate:
    """Median over runs of the sparser axis's onset over the denser one's."""
    runs = runs_of(frame, cells)
    neither = f"neither axis set in {LABELS[labels]} in any run"

    def ratio(way: str) -> Estimate:
        return paired_ratio(*sparse_and_dense(runs, right_along(labels, way)), neither)

    return over_ways(ratio)


def denser_first(cells: Sequence[str], labels: Labels, frame: pd.DataFrame) -> Estimate:
    """Of the runs in which the axes set in at different snapshots, the share in which the denser one was first."""
    runs = runs_of(frame, cells)
    return over_ways(lambda way: first_of(*sparse_and_dense(runs, right_along(labels, way))))


def first_of(sparse: Onsets, dense: Onsets) -> Estimate:
    """Of the runs whose axes set in at different snapshots the share in which the denser one was first.

    Raises:
        NotEnough: all are tied.
    """
    late, early = (np.where(one.came, one.onset, np.inf) for one in (sparse, dense))
    told = late != early
    if not told.any():
        raise NotEnough(f"the axes set in at the same snapshot in each of {len(told)} runs")
    return share((early < late)[told].tolist(), {"tied": float((~told).sum())})


def log_onsets(runs: Sequence[pd.DataFrame], labels: Labels, way: str) -> np.ndarray:
    """Mean log of the onsets along x and along y of each run on a balanced grid: log t(d)."""
    return np.mean(
        [np.log(onsets(runs, accurate(labels, axis, way)).restricted) for axis in ("x", "y")], axis=0
    )


def index(
    cells: Sequence[str],
    balanced: dict[float, str],
    labels: Labels,
    frame: pd.DataFrame,
) -> Estimate:
    """Where x and y lie between fully coupled (0) and factorized (1): mean log ratio over the mean of its reference.

    Images are read by matched filter. An onset that did not come is put at the run's end; it may be any time later, so the
    index has no end on the side to which that would move it.

    Args:
        balanced: by increment, the cell of the balanced grid.
    """
    runs = runs_of(frame, cells)
    sparse, dense = sparse_and_dense(runs, right_along(labels, "matched"))
    log_ratio = np.log(sparse.restricted / dense.restricted)
    wanted = [(axes_of(run).d_sparse, axes_of(run).d_dense) for run in runs]
    values = sorted({d for pair in wanted for d in pair})
    references = {d: runs_of(frame, [balanced[d]]) for d in values}
    log_t = np.concatenate([log_onsets(of_d, labels, "matched") for of_d in references.values()])
    of_d = np.repeat(values, [len(found) for found in references.values()])
    n = len(runs)
    member = np.array([[d == value for value in values] for d in of_d], dtype=float)
    want_sparse, want_dense = (
        np.array([[pair[i] == value for value in values] for pair in wanted], dtype=float) for i in (0, 1)
    )

    def parts(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        own, other = weights[:, :n], weights[:, n:]
        t = (other * log_t) @ member / np.maximum(other @ member, 1)
        reference = t @ (want_sparse - want_dense).T
        count = own.sum(axis=1)
        return (own @ log_ratio) / count, (own * reference).sum(axis=1) / count

    observed, reference = (float(part[0]) for part in parts(np.ones((1, n + len(log_t)))))
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
    everyone = [*runs, *(run for of_d in references.values() for run in of_d)]
    found = over_runs(statistic, len(everyone), cells_of(everyone), detail)
    least, most = values[0], values[-1]
    lacks = {d: not all_came(of_d, labels, "matched") for d, of_d in references.items()}
    later, sooner = not sparse.came.all() or lacks[least], not dense.came.all() or lacks[most]
    return opened(found, below=-math.inf if sooner else None, above=math.inf if later else None)


def all_came(runs: Sequence[pd.DataFrame], labels: Labels, way: str) -> bool:
    """Whether both axes set in in each run."""
    return all(onsets(runs, accurate(labels, axis, way)).came.all() for axis in ("x", "y"))


def phi_of(run: pd.DataFrame, labels: Labels, way: str) -> float:
    """Mean phi of being right in x and being right in y, over snapshots at which both accuracies are in the middle."""
    x, y = (column(run, accuracy_of(labels, axis, way)) for axis in ("x", "y"))
    middle = (np.minimum(x, y) >= MIDDLE[0]) & (np.maximum(x, y) <= MIDDLE[1])
    return mean_where(column(run, f"together.{way}.{labels}.x,y.phi.value"), middle)


def phi(cells: Sequence[str], labels: Labels, frame: pd.DataFrame) -> Estimate:
    """Mean over runs of `phi_of`."""
    runs = runs_of(frame, cells)
    return over_ways(
        lambda way: mean_of_runs([phi_of(run, labels, way) for run in runs], strata=cells_of(runs))
    )
