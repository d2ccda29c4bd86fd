"""Bumps of several widths, learnt from a part of their labels; and where the share of these that it takes lies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from phasescope.measures import critical_share, overlap_graph
from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.comparing import bounded_over_runs, envelope, sized, somers
from phasescope.studies.core.criteria import accuracy_of, cells_of
from phasescope.studies.core.statistics import over_runs
from phasescope.studies.core.study import Cell
from phasescope.studies.core.surfaces import moving
from phasescope.studies.found._cells import eps, eps_at_end
from phasescope.studies.found._composition import EVERY_WAY, dated, learnt

if TYPE_CHECKING:
    import pandas as pd

SIGMA_PX = (1.0, 1.3, 1.7)
SHARES = (0.008, 0.015, 0.03, 0.06, 0.12, 0.25)
"""of the labels, trained on"""
THRESHOLD, LOWER = 0.05, 0.005
"""of overlap from which images are neighbours, the two that Liang et al. 2024 have; at the lower one so few images of 2 px
hang together that their largest component says nothing"""
ORDERS = 200
"""random orders of the labels, that the critical share is the mean of"""
GROWS, HALF_WAY, FACTOR = 0.0, 0.5, 1.5
"""Somers' D above which accuracy grows with sigma; the power of the critical share half way from none to its own; the factor
within which the half height is at the critical share"""
HALF = 0.5
"""of accuracy: the height from nothing to all"""
SPLIT = "left_out"


def right(way: str, split: str = SPLIT) -> str:
    return accuracy_of(split, "joint", way)


RIGHT = right("formed")


def _cell(sigma: float, share: float) -> Cell:
    """Each of its runs is trained on labels of its own."""
    hold_out = {"kind": "subset", "share": share}
    cell = eps_at_end(
        f"sigma={sigma:g}, {100 * share:g} %",
        {"world": {"sigma_px": sigma, "design": {"hold_out": hold_out}}},
        6,
    )
    return replace(cell, anew=("world.design.hold_out.shuffle",))


CELLS = {(sigma, share): _cell(sigma, share) for sigma in SIGMA_PX for share in SHARES}
NAMES = tuple(cell.name for cell in CELLS.values())
BY_NAME = {cell.name: key for key, cell in CELLS.items()}


@cache
def critical(sigma: float, threshold: float = THRESHOLD) -> float:
    """The critical share of all labels' images, from the world alone; NaN where they never hang together, or where no more
    than the fewest images that are tried are needed."""
    import torch

    world = eps("all", {"world": {"sigma_px": sigma}}).config(0, "lean").world
    with torch.no_grad():
        images = world.render(torch.from_numpy(world.training_labels())).numpy()
    found = critical_share(overlap_graph(images, threshold), ORDERS)
    return math.nan if found.at_most else found.share


@dataclass(frozen=True)
class Ends:
    """Of runs that have learnt what they were trained on, (n,) each."""

    accuracy: np.ndarray
    """of what was left out, over that of what was trained on"""
    sigma: np.ndarray
    share: np.ndarray

    @property
    def cells(self) -> list[str]:
        return [CELLS[key].name for key in zip(self.sigma.tolist(), self.share.tolist(), strict=True)]


def ends_of(frame: pd.DataFrame, way: str) -> Ends:
    """Of runs in a way of reading."""
    runs, accuracy = learnt(frame, NAMES, SPLIT, way)
    return Ends(accuracy, *np.array([BY_NAME[name] for name in cells_of(runs)]).T)


def every_way(of: Callable[[Ends], Estimate], frame: pd.DataFrame) -> Estimate:
    """By each way of reading; decided where all agree."""
    return envelope([of(ends_of(frame, way)) for way in EVERY_WAY])


def grows_with_sigma(runs: Ends) -> Estimate:
    """Somers' D of accuracy with sigma, over pairs of runs at the same share that differ in sigma."""
    return somers(runs.accuracy, runs.sigma, runs.share.tolist(), runs.cells)


def follows(runs: Ends) -> Estimate:
    """The power of the critical share with which the share that accuracy takes goes: 0 a copier's, 1 percolation's."""
    foretold = np.array([math.log(critical(sigma)) for sigma in runs.sigma.tolist()])
    power = moving(runs.accuracy, np.log(runs.share), foretold)
    return over_runs(power, len(runs.accuracy), runs.cells)


def apart(sigma: float, runs: Ends) -> Estimate:
    """The log of the share at which half is right, of mean accuracies, over the critical one."""
    of = runs.sigma == sigma
    right_, share = runs.accuracy[of], runs.share[of]
    shares = np.unique(share)
    if len(shares) < 2:
        raise NotEnough(
            f"runs of sigma {sigma:g} px have learnt what they were trained on at {len(shares)} shares"
        )
    there = (share[:, None] == shares).astype(float)

    def bounds(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        means = (weights * right_) @ there / (weights @ there)
        low, high = dated(shares, means, HALF)
        return low - math.log(critical(sigma)), high - math.log(critical(sigma))

    return bounded_over_runs(bounds, len(right_), share.tolist())


def farthest(runs: Ends) -> Estimate:
    """The largest over sigmas of how far the log of the share at which half is right is from the critical one's.

    It lies below where all do, and above where one does.
    """
    each = [sized(apart(sigma, runs)) for sigma in SIGMA_PX]
    return Estimate(
        max(one.value for one in each),
        max(one.low for one in each),
        max(one.high for one in each),
        min(one.n for one in each),
        {f"log ratio, {sigma:g} px": one.detail["signed"] for sigma, one in zip(SIGMA_PX, each, strict=True)},
    )
