"""Does learning from a part of the labels set in where images begin to hang together?

Liang et al. 2024 (arXiv 2408.13256) train on a random share of the labels and see accuracy rise about where the images'
overlaps percolate. A copier of the nearest label does not know how wide an object is: at one share it gets as much right
whatever sigma. So percolation says something only where a network's accuracy at one share grows with sigma, and where the
share at which it has half of its rise follows the critical share of the overlap graph (`phasescope designs`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.measures import critical_share, overlap_graph
from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made, NotEnough
from phasescope.studies.core.comparing import mean_of_bounds, size
from phasescope.studies.core.criteria import accuracy_of, at_end, cells_of, mean_told, runs_of, some_runs
from phasescope.studies.core.statistics import over_runs
from phasescope.studies.core.study import Cell, Curve, Figure, Panel, Study, Table
from phasescope.studies.found._cells import ENDS_ALONE, eps, eps_at_end
from phasescope.studies.found._composition import dated, excess_of
from phasescope.studies.found._made import made_ends

if TYPE_CHECKING:
    import pandas as pd

SIGMA_PX = (0.25, 0.5, 1.0, 2.0)
SHARES = (0.03, 0.06, 0.12, 0.25, 0.5)
"""of the labels, trained on"""
THRESHOLD = 0.005
"""of overlap from which images are neighbours: the lower one of two that Liang et al. 2024 have"""
GROWS, FACTOR = 0.0, 1.5
"""Somers' D above which accuracy grows with sigma; factor within which the half height is at the critical share"""
HALF = 0.5
"""of accuracy: the height from nothing to all"""
ELSEWHERE = {0.5: 1 / 3, 1.0: 3.0}
"""by sigma whose critical share lies among those that are tried, how far from it half is right in records of which the
claim is false; images of 0.25 px never hang together, those of 2 px do at any share"""
SPLIT = "left_out"
RIGHT = accuracy_of(SPLIT, "joint")


def _cell(sigma: float, share: float) -> Cell:
    hold_out = {"kind": "subset", "share": share}
    return eps_at_end(
        f"sigma={sigma:g}, {100 * share:g} %",
        {"world": {"sigma_px": sigma, "design": {"hold_out": hold_out}}},
        6,
    )


CELLS = {(sigma, share): _cell(sigma, share) for sigma in SIGMA_PX for share in SHARES}
NAMES = tuple(cell.name for cell in CELLS.values())
BY_NAME = {cell.name: key for key, cell in CELLS.items()}


def grows_with_sigma(frame: pd.DataFrame) -> Estimate:
    """Somers' D of accuracy with sigma, over pairs of runs at the same share that differ in sigma."""
    runs = runs_of(frame, NAMES)
    right = np.array([at_end(run, RIGHT) for run in runs])
    sigma, share = np.array([BY_NAME[cell] for cell in cells_of(runs)]).T
    more = (sigma[:, None] > sigma) & (share[:, None] == share)
    sign = np.sign(right[:, None] - right) * more

    def statistic(weights: np.ndarray) -> np.ndarray:
        whole = np.einsum("si,ij,sj->s", weights, more.astype(float), weights)
        return np.einsum("si,ij,sj->s", weights, sign, weights) / np.where(whole > 0, whole, np.nan)

    return over_runs(statistic, len(runs), cells_of(runs))


@cache
def critical(sigma: float) -> float:
    """The critical share of all labels' images, from the world alone; NaN where they never hang together."""
    import torch

    world = eps("all", {"world": {"sigma_px": sigma}}).config(0, "lean").world
    with torch.no_grad():
        images = world.render(torch.from_numpy(world.training_labels())).numpy()
    return critical_share(overlap_graph(images, THRESHOLD))


def apart(sigma: float, frame: pd.DataFrame) -> Estimate:
    """Mean over seeds of the log of the share at which half is right over the critical one."""
    of_seed: dict[int, dict[float, float]] = {}
    for share in SHARES:
        for run in runs_of(frame, [CELLS[sigma, share].name]):
            of_seed.setdefault(int(run["seed"].iloc[0]), {})[share] = at_end(run, RIGHT)
    foretold = critical(sigma)
    if not math.isfinite(foretold):
        raise NotEnough("images of this sigma never hang together: there is no critical share")
    whole = [found for found in of_seed.values() if len(found) == len(SHARES)]
    bounds = [dated(np.array(SHARES), np.array([of[share] for share in SHARES]), HALF) for of in whole]
    return mean_of_bounds(
        [(low - math.log(foretold), high - math.log(foretold)) for low, high in bounds],
        "half is right at no share that was tried, or at each",
    )


def _study() -> Study:
    return STUDY


def rises(share: np.ndarray, half: float) -> np.ndarray:
    """What is right at a share of made runs of which half is right at another."""
    return 1 / (1 + np.exp(-4 * (np.log(share) - math.log(half))))


@cache
def as_read(sigma: float) -> float:
    """The factor on the critical share at which made runs must have half right for it to be read at the threshold:
    between shares that were tried it is interpolated."""
    tried, shares = np.linspace(1.2, 1.8, 61), np.array(SHARES)
    read = [dated(shares, rises(shares, critical(sigma) * times), HALF)[0] for times in tried]
    return float(np.interp(math.log(FACTOR) + math.log(critical(sigma)), read, tried))


def made(halves: dict[float, float], generator: np.random.Generator) -> pd.DataFrame:
    """Records of runs of which half is right at a share, by sigma; accuracy rises with the log of the share."""

    def read(cell: str) -> dict[str, float]:
        sigma, share = BY_NAME[cell]
        height = float(rises(np.array(share), halves[sigma]))
        return {RIGHT: float(np.clip(height + 0.04 * generator.standard_normal(), 0, 1))}

    names = [cell.name for (sigma, _), cell in CELLS.items() if sigma in halves]
    return made_ends(_study(), names, read, generator)


def _halves(falls: float) -> dict[float, float]:
    """Half is right at a share that falls by a power of sigma."""
    return {sigma: 0.15 * sigma**-falls for sigma in SIGMA_PX}


def _claims() -> list[Claim]:
    def growing(falls: float) -> Made:
        return partial(made, _halves(falls))

    def at_critical(sigma: float, times: Callable[[float], float]) -> Made:
        return lambda generator: made({sigma: critical(sigma) * times(sigma)}, generator)

    common = partial(Claim, source="P2", figure="heights", system="eps", family="percolation")
    grows = common(
        "grows_with_sigma",
        "At one share of the labels, more is right of what was left out the wider the bumps are.",
        statistic=f"Somers' D with sigma of the share right of the split `{SPLIT}`, at the end, over pairs of runs at the "
        "same share; bootstrap of runs",
        threshold=GROWS,
        estimate=grows_with_sigma,
        does_not_show="That overlap is why: wider bumps are also more pixels of the loss.",
        cells=NAMES,
        controls=Controls(growing(0.5), growing(-0.5), growing(0.0)),
    )
    return [
        grows,
        *(
            common(
                f"half_at_critical_{sigma:g}",
                f"Half of what was left out is right within a factor {FACTOR:g} of the critical share: sigma {sigma:g} px.",
                statistic=f"size of the log of the share at which half of the split `{SPLIT}` is right over the critical "
                f"share at overlap {THRESHOLD:g}, interpolated in log shares, mean over seeds",
                threshold=math.log(FACTOR),
                estimate=size(partial(apart, sigma)),
                does_not_show="Whether another threshold of overlap would be met: it is declared, and not fitted.",
                direction="below",
                cells=tuple(CELLS[sigma, share].name for share in SHARES),
                controls=Controls(
                    at_critical(sigma, lambda _: 1.0),
                    at_critical(sigma, ELSEWHERE.__getitem__),
                    at_critical(sigma, as_read),
                ),
            )
            for sigma in ELSEWHERE
        ),
    ]


def heights(frame: pd.DataFrame) -> list[Panel]:
    """Accuracy of what was left out against the share trained on, a line a sigma; and beyond the copier."""
    panels = []
    for words, name in (("share right", RIGHT), ("excess over the copier", excess_of(SPLIT))):
        curves = []
        for series, sigma in enumerate(SIGMA_PX):
            found = []
            for share in SHARES:
                runs = some_runs(frame, [CELLS[sigma, share].name])
                if runs and name in runs[0]:
                    values = [at_end(run, name) for run in runs]
                    found.append((share, np.mean(values), min(values), max(values)))
            if found:
                x, y, low, high = np.array(found).T
                curves.append(Curve(x, y, low, high, f"sigma {sigma:g} px", series))
        panels.append(Panel(words.capitalize(), "share of labels trained on", words, curves, xscale="log"))
    return panels


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each sigma the critical share, and what is right at each share."""
    found = []
    for sigma in SIGMA_PX:
        at = {share: some_runs(frame, [CELLS[sigma, share].name]) for share in SHARES}
        if any(at.values()):
            right = {
                f"right at {100 * share:g} %": mean_told(runs, RIGHT) for share, runs in at.items() if runs
            }
            found.append({"sigma, px": sigma, "critical share": critical(sigma), **right})
    return found


STUDY = Study(
    name="percolate",
    number=18,
    question="Does learning from a part of the labels set in where images begin to hang together?",
    preset="lean",
    cells=tuple(CELLS.values()),
    seeds=6,
    more=6,
    headline="grows_with_sigma",
    claims=tuple(_claims()),
    figures=(
        Figure(
            "heights",
            "What was left out, by the share trained on",
            heights,
            saying(NAMES, "Means and ranges over runs, at the end."),
            columns=2,
        ),
    ),
    tables=(Table("shares", "Right at the end, and the critical share", rows),),
    amendments=ENDS_ALONE,
)
