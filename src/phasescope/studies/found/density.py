"""Do denser data, and more overlap, bring order and accuracy sooner?

P1 trains on grids of increment d, with bumps of width sigma, and finds that denser data (smaller d) and more overlap
(smaller d / sigma) bring order sooner. An epoch of a grid at d = 0.25 px holds 256 times the images of one at 4 px:
what is sooner in epochs may not be in images. Steps and images are proportional here (the batch is the same for all),
so two ways of counting are left, steps and epochs. Within 1 px, d <= 1 px cannot tell memorising from interpolating;
above, off-grid labels can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from phasescope.studies.core.captions import THRESHOLDS, saying
from phasescope.studies.core.claim import Claim, Estimate, NotEnough
from phasescope.studies.core.criteria import (
    P1_ORDERED,
    P1_PLACE,
    RAW_ORDERED,
    Counting,
    Passing,
    accurate,
    column,
    onsets,
    runs_of,
    some_runs,
)
from phasescope.studies.core.curves import median_of, spreads
from phasescope.studies.core.statistics import area, explained_between, over_runs, sooner
from phasescope.studies.core.study import Curve, Figure, Panel, Study
from phasescope.studies.found._cells import DENSITY, EPOCHS_OF_DENSER_DATA, INCREMENTS_PX, SIGMAS_PX, grid

if TYPE_CHECKING:
    import pandas as pd

CELLS = tuple(cell.name for cell in DENSITY)
D, SIGMA = "config.world.design.dx", "config.world.sigma_px"

THINGS: dict[str, tuple[str, Passing]] = {
    "order_p1": ("order, read P1's way,", P1_ORDERED),
    "order_raw": ("order, read from raw features,", RAW_ORDERED),
    "grid": ("accuracy on the grid", accurate("grid")),
    "off_grid": ("accuracy off the grid", accurate("off_grid")),
}
COUNTINGS: dict[str, tuple[Counting, str]] = {
    "steps": ("step", "Onsets fall between snapshots; a sign, not a size: `factor_per_doubling` has that."),
    "epochs": ("epochs", EPOCHS_OF_DENSER_DATA),
}
"""the records' name; what counting so does not show"""
COLLAPSE = 0.9
"""share of the variance between cells' means that d / sigma must account for, if it is the variable"""
AREAS = {
    "order_p1": ("order, read P1's way", f"p1_order.{P1_PLACE}.value"),
    "off_grid": ("accuracy off the grid", "outcomes.off_grid.correct"),
}


def constant(runs: list[pd.DataFrame], name: str) -> np.ndarray:
    """A column that each run has one value of, (n,)."""
    return np.array([column(run, name)[0] for run in runs])


def sooner_with(
    passing: Passing, counting: Counting, variable: Literal["density", "width"], frame: pd.DataFrame
) -> Estimate:
    """Somers' D of onsets against 1/d within each sigma, or against sigma within each d."""
    runs = runs_of(frame, CELLS)
    d, sigma = constant(runs, D), constant(runs, SIGMA)
    of, within = (1 / d, sigma) if variable == "density" else (sigma, d)
    return sooner(onsets(runs, passing, counting), of, within.tolist())


def collapsed(name: str, frame: pd.DataFrame) -> Estimate:
    """Of the variance between cells' mean curves the share between values of d / sigma."""
    runs = runs_of(frame, CELLS)
    d, sigma = constant(runs, D), constant(runs, SIGMA)
    values = np.array([area(column(run, "step"), column(run, name)) for run in runs])
    cells = [f"{a:g} {b:g}" for a, b in zip(d, sigma, strict=True)]
    if len(set(cells)) < len(CELLS):
        raise NotEnough(f"{len(set(cells))} of {len(CELLS)} cells have runs")
    whole = np.ones((1, len(runs)))
    detail = {
        f"by_{label}": float(explained_between(values, cells, groups.tolist())(whole)[0])
        for label, groups in (("d", d), ("sigma", sigma))
    }
    groups = np.unique(d / sigma)
    detail["by_chance"] = (len(groups) - 1) / (len(CELLS) - 1)
    return over_runs(explained_between(values, cells, (d / sigma).tolist()), len(runs), cells, detail)


def _claims() -> list[Claim]:
    onset = partial(Claim, source="P1", threshold=0.0, figure="onsets", minimum_n=30)
    claims = []
    for thing, (words, passing) in THINGS.items():
        for counting, (unit, caveat) in COUNTINGS.items():
            claims.append(
                onset(
                    f"denser_sooner_{thing}_{counting}",
                    f"Denser data bring {words} sooner, counted in {counting}.",
                    statistic=f"Somers' D of onsets in {counting} with 1/d within each sigma, "
                    "censored runs compared where they can be",
                    estimate=partial(sooner_with, passing, unit, "density"),
                    does_not_show=caveat,
                    counting=counting,
                )
            )
        claims.append(
            onset(
                f"wider_sooner_{thing}",
                f"More overlap by wider bumps brings {words} sooner.",
                statistic="Somers' D of onsets with sigma within each d; steps, images and epochs are proportional there",
                estimate=partial(sooner_with, passing, "step", "width"),
                does_not_show="A wider bump is also more pixels that are not background, "
                "and so a larger part of the loss.",
            )
        )
    for thing, (words, name) in AREAS.items():
        claims.append(
            Claim(
                f"overlap_collapses_{thing}",
                f"Overlap, d / sigma, is the variable that the course of {words} depends on.",
                "phasescope (P1 sets overlap by d and sigma)",
                "share of the variance between cells (area under the curve against steps) between values of d / sigma",
                COLLAPSE,
                partial(collapsed, name),
                "collapse",
                "Seven values of d / sigma among 15 cells explain some by chance (`by_chance`); noise is not taken off.",
                minimum_n=30,
            )
        )
    return claims


def sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _by_sigma(frame: pd.DataFrame) -> Iterator[tuple[int, float, dict[float, list[pd.DataFrame]]]]:
    """(number, sigma, runs by increment) of each width, without increments that have none."""
    for number, sigma in enumerate(SIGMAS_PX):
        runs = {d: some_runs(frame, [grid(d, d, sigma).name]) for d in INCREMENTS_PX}
        if there := {d: found for d, found in runs.items() if found}:
            yield number, sigma, there


def _onset_marks(runs: dict[float, list[pd.DataFrame]], passing: Passing, unit: Counting) -> list[np.ndarray]:
    """Of each increment the median onset, the first and the last."""
    each = [onsets(found, passing, unit) for found in runs.values()]
    came = [found.onset[found.came] if found.came.any() else [np.nan] for found in each]
    return [
        np.array([median_of(found)[0] for found in each]),
        np.array([np.min(ends) for ends in came]),
        np.array([np.max(ends) for ends in came]),
    ]


def onset_panels(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for counting, (unit, _) in COUNTINGS.items():
        for words, passing in THINGS.values():
            curves = [
                Curve(
                    np.array(list(runs)) * 1.06 ** (number - 1),
                    *_onset_marks(runs, passing, unit),
                    label=f"sigma = {sigma:g} px",
                    series=number,
                    style="points",
                )
                for number, sigma, runs in _by_sigma(frame)
            ]
            panels.append(
                Panel(
                    sentence(words.strip(",")),
                    "increment d, px",
                    f"onset, {counting}",
                    curves,
                    xscale="log",
                    yscale="log" if counting == "epochs" else "linear",
                    ticks={d: f"{d:g}" for d in INCREMENTS_PX},
                )
            )
    return panels


def _grid(frame: pd.DataFrame, of_runs: Callable[[list[pd.DataFrame]], float]) -> np.ndarray:
    values = np.full((len(SIGMAS_PX), len(INCREMENTS_PX)), np.nan)
    for number, _, runs in _by_sigma(frame):
        values[number] = [of_runs(runs[d]) if d in runs else np.nan for d in INCREMENTS_PX]
    return values


def phase_diagram(frame: pd.DataFrame) -> list[Panel]:
    def last(name: str) -> Callable[[list[pd.DataFrame]], float]:
        return lambda runs: float(np.mean([column(run, name)[-1] for run in runs]))

    def when(passing: Passing) -> Callable[[list[pd.DataFrame]], float]:
        return lambda runs: median_of(onsets(runs, passing))[0]

    last_step = float(frame["step"].max())
    shares, when_range = (0.0, 1.0), (0.0, last_step)
    wanted = (
        ("Right off the grid, at the end", last("outcomes.off_grid.correct"), shares),
        ("Error off the grid at the end, px", last("error_px.off_grid"), (0.0, 1.0)),
        ("Order, read P1's way, at the end", last(AREAS["order_p1"][1]), shares),
        ("Onset of accuracy on the grid, steps", when(accurate("grid")), when_range),
        ("Onset of accuracy off the grid, steps", when(accurate("off_grid")), when_range),
        ("Onset of order, P1's way, steps", when(P1_ORDERED), when_range),
    )
    return [
        Panel(
            title,
            "increment d, px",
            "sigma, px",
            grid=_grid(frame, of_runs),
            rows=[f"{s:g}" for s in SIGMAS_PX],
            columns=[f"{d:g}" for d in INCREMENTS_PX],
            ylim=limits,
        )
        for title, of_runs, limits in wanted
    ]


def collapse(frame: pd.DataFrame) -> list[Panel]:
    ticks = {d / sigma: f"{d / sigma:g}" for d in INCREMENTS_PX for sigma in SIGMAS_PX}
    panels = []
    for words, name in AREAS.values():
        curves = [
            spreads(
                [d / sigma for d in runs],
                [[area(column(run, "step"), column(run, name)) for run in of_d] for of_d in runs.values()],
                f"sigma = {sigma:g} px",
                number,
            )
            for number, sigma, runs in _by_sigma(frame)
        ]
        panels.append(
            Panel(sentence(words), "d / sigma", "mean over training", curves, xscale="log", ticks=ticks)
        )
    return panels


STUDY = Study(
    name="density",
    number=3,
    question="Do denser data, and more overlap, bring order and accuracy sooner, and in which way of counting?",
    preset="fast",
    cells=DENSITY,
    seeds=5,
    claims=tuple(_claims()),
    figures=(
        Figure(
            "onsets",
            "Onsets against density, in steps and in epochs",
            onset_panels,
            saying(
                CELLS,
                "Marks: Kaplan-Meier medians; bars: from the first to the last run's onset; no "
                f"mark: fewer than half the runs had it. {THRESHOLDS}",
            ),
            columns=4,
        ),
        Figure(
            "phase_diagram",
            "Density and width of bumps",
            phase_diagram,
            saying(CELLS, "Means over runs, or medians of onsets; empty: fewer than half had it."),
        ),
        Figure(
            "collapse",
            "Is overlap the variable?",
            collapse,
            saying(CELLS, "Means over runs of curves' means over training; bars: least and most run."),
            columns=2,
        ),
    ),
)
