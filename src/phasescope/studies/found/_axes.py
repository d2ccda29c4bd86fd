"""What is learnt of x and of y: when each sets in, against learners of one axis and of both, and how they go together.

Each axis is read from every image, formed or not, in two ways: by the darkest pixel, as P1 likely did, and by the matched
filter. A claim is decided where both ways agree. Of a network whose onset along an axis of a balanced grid is t(d),

    two one-dimensional learners would have     t_x = t(d_x),   t_y = t(d_y),
    one that couples both axes                  t_x = t_y,

and where t does not depend on d the two are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.comparing import apart, envelope, mean_where, paired_ratio
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
from phasescope.studies.core.statistics import mean_of_runs, share
from phasescope.worlds.bump.reader import UNGATED

if TYPE_CHECKING:
    import pandas as pd

Axis = Literal["x", "y"]

TOGETHER = 1.25
"""factor between the onsets of two axes below which they set in together"""
HALF = 0.5
"""of the runs whose axes are not tied"""
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
    """How far the sparser axis's onset is from the denser one's, as a factor: of their median ratio over runs."""
    runs = runs_of(frame, cells)
    neither = f"neither axis set in {LABELS[labels]} in any run"

    def ratio(way: str) -> Estimate:
        return apart(paired_ratio(*sparse_and_dense(runs, right_along(labels, way)), neither))

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
