"""In which order do the modes of the data emerge, and does a U-Net part from a linear network there?

Under gradient flow a linear denoiser learns each mode of Fourier at a rate that grows with the data's variance in it, so
the log of the time at which a mode emerges grows as s^2 |k|^2 (`_modes` has the theory). A network that shares what it
learns among modes need not. Here networks hear no label and learn by flow matching, on a torus; their stored weights paint
anew, told nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made, NotEnough
from phasescope.studies.core.comparing import mean_of_bounds, size
from phasescope.studies.core.criteria import runs_of, some_runs
from phasescope.studies.core.curves import STEPS
from phasescope.studies.core.made import made_records
from phasescope.studies.core.statistics import mean_of_runs
from phasescope.studies.core.study import Curve, Figure, Panel, Reading, Study, Table
from phasescope.studies.found._made import as_p1_says
from phasescope.studies.found._modes import (
    GROUP,
    UP_TO,
    arrival,
    course,
    emergence,
    emerges_at,
    painted_and_exact,
    slope,
)
from phasescope.studies.found._modes_runs import (
    BY_ADAMW,
    BY_MUON,
    CELLS,
    EVALUATIONS,
    IMAGES,
    LINEAR,
    NAMES,
    NUMBERS,
    SEEDS,
    X,
    data_variance,
    exact_steps,
    read_modes,
    slope_of,
)

if TYPE_CHECKING:
    import pandas as pd

NEAR, FLAT = 0.2, 0.3
"""how far the linear network's slope may be from s^2, and what part of s^2 is nearly none"""
OPEN = "modes that do not emerge within the runs leave the slope open on both sides"


def mean_slope(cell: str, less: float, frame: pd.DataFrame) -> Estimate:
    """Mean over runs of the slope over s^2, less a number."""
    bounds = [slope_of(run) for run in runs_of(frame, [cell])]
    return mean_of_bounds([(low - less, high - less) for low, high in bounds], OPEN)


def flatter(frame: pd.DataFrame) -> Estimate:
    """Mean over seeds of the slope under Muon less that under AdamW, over s^2."""
    muon, adamw = (
        {int(run["seed"].iloc[0]): slope_of(run) for run in runs_of(frame, [cell.name])}
        for cell in (BY_MUON, BY_ADAMW)
    )
    both = sorted(muon.keys() & adamw.keys())
    if not both:
        raise NotEnough("no seed has runs of both")
    return mean_of_bounds([(muon[s][0] - adamw[s][1], muon[s][1] - adamw[s][0]) for s in both], OPEN)


def _study() -> Study:
    return STUDY


MIDDLE = {LINEAR.name: 800.0, BY_ADAMW.name: 60.0, BY_MUON.name: 60.0}
"""steps at which the middle one of the modes emerges in made runs: about where pilots had it"""
BETWEEN_RUNS, BETWEEN_MODES, OF_IMAGES = 0.05, 0.05, 0.06
"""deviations in made runs: of a slope over s^2; of a mode's log date; of a log variance that 64 images tell"""


def made(slopes: Mapping[str, float], generator: np.random.Generator) -> pd.DataFrame:
    """Records of cells whose modes emerge at a slope over s^2, by name; each mode takes the course of a linear network."""
    frame = made_records(_study(), as_p1_says, generator, cells=list(slopes), reads=())
    exact = data_variance(X)
    times = emerges_at(exact)
    painted = np.zeros((len(frame), len(X)))
    for run in runs_of(frame):
        cell = run["cell"].iloc[0]
        of_run = slopes[cell] + BETWEEN_RUNS * generator.standard_normal()
        apart = of_run * (X - X.mean()) + BETWEEN_MODES * generator.standard_normal(len(X))
        of_time = times * run["step"].to_numpy()[:, None] / (MIDDLE[cell] * np.exp(apart))
        seen = OF_IMAGES * generator.standard_normal(len(X))
        painted[run.index] = course(exact, of_time) * np.exp(seen)
    columns: dict[str, Any] = {f"{GROUP}.painted.{n}": painted[:, i] for i, n in enumerate(NUMBERS)}
    return frame.assign(**columns, **{f"{GROUP}.exact.{n}": exact[i] for i, n in enumerate(NUMBERS)})


def _at(**slopes: float) -> Made:
    cells = {"linear": LINEAR, "adamw": BY_ADAMW, "muon": BY_MUON}
    return partial(made, {cells[name].name: value for name, value in slopes.items()})


def _claims() -> list[Claim]:
    claim = partial(Claim, source="phasescope", figure="emergence", direction="below", system="flow")
    noise = (
        "A mode emerges here when its noise is gone, for good: a U-Net may then paint less than the data have, which the "
        "table tells. "
    )
    return [
        claim(
            "linear",
            f"In a linear network the log of a mode's emergence grows as s^2 |k|^2, within {NEAR:.0%}.",
            statistic="size of the least-squares slope of log steps on s^2 |k|^2 less 1, mean over runs",
            threshold=NEAR,
            estimate=size(partial(mean_slope, LINEAR.name, 1.0)),
            does_not_show="That it is so without a torus, where modes are not Fourier's, or with steps of another size.",
            cells=(LINEAR.name,),
            family="modes emerge by their variance",
            controls=Controls(_at(linear=0.96), _at(linear=0.5), _at(linear=1 - NEAR)),
        ),
        *(
            claim(
                f"nearly_at_once_{key}",
                f"In a U-Net under {words} modes emerge nearly at once: the slope is below {FLAT:g} s^2.",
                statistic="least-squares slope of log steps on s^2 |k|^2, mean over runs",
                threshold=FLAT,
                estimate=partial(mean_slope, cell.name, 0.0),
                does_not_show=noise + "What another U-Net, or learning rate, does.",
                cells=(cell.name,),
                family="modes emerge nearly at once",
                controls=Controls(_at(**{key: 0.1}), _at(**{key: 0.5}), _at(**{key: FLAT})),
            )
            for key, words, cell in (("adamw", "AdamW", BY_ADAMW), ("muon", "Muon", BY_MUON))
        ),
        claim(
            "flatter",
            "Under Muon they emerge more nearly at once than under AdamW.",
            statistic="slope under Muon less that under AdamW of the same seed, over s^2, mean over seeds",
            threshold=0.0,
            estimate=flatter,
            does_not_show=noise + "That it is Muon's doing and not its learning rate's: each has lean's own.",
            cells=(BY_ADAMW.name, BY_MUON.name),
            family="modes emerge nearly at once",
            controls=Controls(_at(adamw=0.4, muon=0.2), _at(adamw=0.2, muon=0.4), _at(adamw=0.3, muon=0.3)),
        ),
    ]


def dates(frame: pd.DataFrame) -> list[Panel]:
    """Of each cell the steps at which modes emerge; modes that are dated in all runs."""
    panels = []
    for series, name in enumerate(NAMES):
        runs = some_runs(frame, [name])
        if len(runs) < 2:
            continue
        low, high = np.array([emergence(run, NUMBERS) for run in runs]).transpose(1, 0, 2)
        dated = (low == high).all(axis=0)
        means = [mean_of_runs(of_mode) for of_mode in low.T[dated]]
        value, least, most = np.exp([(one.value, one.low, one.high) for one in means]).reshape(-1, 3).T
        curves = [Curve(X[dated], value, least, most, "painted", series, "points")]
        if name == LINEAR.name:
            x = np.linspace(0.0, UP_TO, 60)
            curves.append(Curve(x, exact_steps(x), label="exact", series=7, style="dashed"))
        panels.append(Panel(name, "s² |k|²", STEPS, curves, yscale="log"))
    return panels


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each cell its slopes, by when modes emerge and by when they are painted; and how much they vary at the end."""
    return [
        {
            "network": name,
            "runs": len(runs),
            **_told("slope / s²", runs, slope_of),
            **_told("slope of staying within a factor 2", runs, lambda run: slope(X, arrival(run, NUMBERS))),
            "variance over the data's, at the end": float(np.mean([_shares(run)[-1] for run in runs])),
            "the least on the way": float(np.mean([_shares(run).min() for run in runs])),
        }
        for name in NAMES
        if (runs := some_runs(frame, [name]))
    ]


def _shares(run: pd.DataFrame) -> np.ndarray:
    """Of each snapshot the geometric mean over modes of painted over data's variance, (T,)."""
    painted, exact = painted_and_exact(run, NUMBERS)
    return np.exp(np.log(painted / exact).mean(axis=1))


def _told(
    words: str, runs: Sequence[pd.DataFrame], of_run: Callable[[pd.DataFrame], tuple[float, float]]
) -> dict[str, float]:
    """The mean over runs with its interval, NaN where they do not bound it."""
    try:
        found = mean_of_bounds([of_run(run) for run in runs], OPEN)
    except NotEnough:
        return dict.fromkeys((words, f"{words}, low", f"{words}, high"), math.nan)
    return {words: found.value, f"{words}, low": found.low, f"{words}, high": found.high}


STUDY = Study(
    name="modes",
    number=12,
    question="In which order do the modes of the data emerge, and does a U-Net part from a linear network there?",
    preset="lean",
    cells=CELLS,
    seeds=SEEDS,
    more=SEEDS,
    headline="linear",
    claims=tuple(_claims()),
    figures=(
        Figure(
            "emergence",
            "When each mode emerges",
            dates,
            saying(
                NAMES,
                f"{IMAGES} images painted by {EVALUATIONS} steps of DPM-Solver at each snapshot, told nothing. Geometric "
                "means over runs with intervals, of modes dated in each. Dashed: gradient flow of a linear network.",
            ),
        ),
    ),
    tables=(Table("slopes", "Slopes of the log of emergence on s² |k|²", rows),),
    readings=(Reading(GROUP, read_modes),),
)
