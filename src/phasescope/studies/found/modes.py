"""In which order do the modes of the data emerge, and does a U-Net part from a linear network there?

Under gradient flow a linear denoiser learns each mode of Fourier at a rate that grows with the data's variance in it, so
the log of the time at which a mode emerges grows as s^2 |k|^2 (`_modes` has the theory). A network that shares what it
learns among modes need not. Here networks hear no label and learn by flow matching, on a torus; their stored weights paint
anew, told nothing, and answer true images in noise. What is painted dates a linear network's modes; a U-Net paints blank
images, or several objects, for a while, so that of U-Nets answers are dated.
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
from phasescope.studies.core.study import Amendment, Curve, Figure, Panel, Reading, Study, Table
from phasescope.studies.found._made import as_p1_says
from phasescope.studies.found._modes import (
    GROUP,
    UP_TO,
    answer,
    answers_at,
    course,
    emergence,
    emerges_at,
    left_course,
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
    answer_slope_of,
    data_variance,
    exact_answers,
    exact_steps,
    read_modes,
    slope_of,
)

if TYPE_CHECKING:
    import pandas as pd

NEAR, FLAT = 0.2, 0.3
"""how far the linear network's slope may be from s^2, and what part of s^2 is nearly none"""
OPEN = "modes that do not emerge within the runs leave the slope open on both sides"


Slope = Callable[["pd.DataFrame"], tuple[float, float]]
"""of one run, the least and the most that it can be"""


def mean_slope(cell: str, less: float, frame: pd.DataFrame, of: Slope = slope_of) -> Estimate:
    """Mean over runs of the slope over s^2, less a number."""
    bounds = [of(run) for run in runs_of(frame, [cell])]
    return mean_of_bounds([(low - less, high - less) for low, high in bounds], OPEN)


def flatter(frame: pd.DataFrame) -> Estimate:
    """Mean over seeds of the slope under Muon less that under AdamW, over s^2."""
    muon, adamw = (
        {int(run["seed"].iloc[0]): answer_slope_of(run) for run in runs_of(frame, [cell.name])}
        for cell in (BY_MUON, BY_ADAMW)
    )
    both = sorted(muon.keys() & adamw.keys())
    if not both:
        raise NotEnough("no seed has runs of both")
    return mean_of_bounds([(muon[s][0] - adamw[s][1], muon[s][1] - adamw[s][0]) for s in both], OPEN)


MIDDLE = {LINEAR.name: (800.0, 1200.0), BY_ADAMW.name: (60.0, 40.0), BY_MUON.name: (60.0, 40.0)}
"""steps at which the middle one of the modes emerges, and is answered, in made runs: about where pilots had it"""
BETWEEN_RUNS, BETWEEN_MODES, OF_IMAGES = 0.05, 0.05, 0.06
"""deviations in made runs: of a slope over s^2; of a mode's log date; of a log variance that 64 images tell"""
OF_ANSWERS, BEYOND = 0.05, 0.6
"""of what is left above Wiener's gain: the same at all snapshots; and by how much a made U-Net takes more than the noise of
wide modes for a while, as one did in a pilot"""
OBJECTS, UNTIL = 3.0, 300
"""that a made U-Net paints at first, one by the step: what is painted is not what dates its modes"""


def made(slopes: Mapping[str, float], generator: np.random.Generator) -> pd.DataFrame:
    """Records of cells whose modes emerge, and are answered, at a slope over s^2, by name; each mode takes the course of a
    linear network."""
    frame = made_records(STUDY, as_p1_says, generator, cells=list(slopes), reads=())
    exact = data_variance(X)
    read = {"painted": np.zeros((len(frame), len(X))), "left": np.zeros((len(frame), len(X)))}
    for run in runs_of(frame):
        cell, steps = run["cell"].iloc[0], run["step"].to_numpy()[:, None]
        of_run = slopes[cell] + BETWEEN_RUNS * generator.standard_normal()
        apart = np.exp(of_run * (X - X.mean()) + BETWEEN_MODES * generator.standard_normal(len(X)))
        emerging, answering = (
            times * steps / (middle * apart)
            for times, middle in zip((emerges_at(exact), answers_at(exact)), MIDDLE[cell], strict=True)
        )
        seen = np.exp(OF_IMAGES * generator.standard_normal(len(X)))
        objects = 1.0 if cell == LINEAR.name else np.where(steps < UNTIL, OBJECTS, 1.0)
        read["painted"][run.index] = course(exact, emerging) * seen * objects
        off = OF_ANSWERS * generator.standard_normal(len(X))
        beyond = 0.0 if cell == LINEAR.name else np.where((steps > 40) & (steps < 200), BEYOND * (X < 1), 0.0)
        read["left"][run.index] = left_course(exact, answering) + off - beyond
    columns: dict[str, Any] = {
        f"{GROUP}.{name}.{n}": values[:, i] for name, values in read.items() for i, n in enumerate(NUMBERS)
    }
    return frame.assign(**columns, **{f"{GROUP}.exact.{n}": exact[i] for i, n in enumerate(NUMBERS)})


def _at(**slopes: float) -> Made:
    cells = {"linear": LINEAR, "adamw": BY_ADAMW, "muon": BY_MUON}
    return partial(made, {cells[name].name: value for name, value in slopes.items()})


EXACT_ANSWERS = slope(X, (np.log(exact_answers(X)), np.log(exact_answers(X))))[0]
"""the slope, over s^2, of the log of when a linear network's modes are answered"""


def _claims() -> list[Claim]:
    claim = partial(Claim, source="phasescope", figure="emergence", direction="below", system="flow")
    answered = (
        "log steps from which on its answer to true images in noise has come half way from leaving a mode as it is to "
        "Wiener's gain along it, at the t where the mode is as strong as its noise"
    )
    of_answers = (
        "What it paints, or at one noise level: each mode is read at its own, narrow ones at less noise."
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
        claim(
            "linear_answers",
            "In a linear network modes are answered in the order, and at the pace, that gradient flow has: the reading by "
            "which U-Nets are dated.",
            statistic=f"size of the least-squares slope of {answered}, on s^2 |k|^2, less {EXACT_ANSWERS:.3g}, which "
            "gradient flow has, mean over runs",
            threshold=NEAR,
            estimate=size(partial(mean_slope, LINEAR.name, EXACT_ANSWERS, of=answer_slope_of)),
            does_not_show=of_answers,
            cells=(LINEAR.name,),
            family="modes emerge by their variance",
            controls=Controls(_at(linear=EXACT_ANSWERS), _at(linear=0.5), _at(linear=EXACT_ANSWERS - NEAR)),
        ),
        *(
            claim(
                f"nearly_at_once_{key}",
                f"In a U-Net under {words} modes are learnt nearly at once: the slope is below {FLAT:g} s^2.",
                statistic=f"least-squares slope of {answered}, on s^2 |k|^2, mean over runs",
                threshold=FLAT,
                estimate=partial(mean_slope, cell.name, 0.0, of=answer_slope_of),
                does_not_show=f"{of_answers} What another U-Net, or learning rate, does.",
                cells=(cell.name,),
                family="modes emerge nearly at once",
                controls=Controls(_at(**{key: 0.1}), _at(**{key: 0.5}), _at(**{key: FLAT})),
            )
            for key, words, cell in (("adamw", "AdamW", BY_ADAMW), ("muon", "Muon", BY_MUON))
        ),
        claim(
            "flatter",
            "Under Muon they are learnt more nearly at once than under AdamW.",
            statistic=f"least-squares slope of {answered}, on s^2 |k|^2, under Muon less that under AdamW of the same seed, "
            "mean over seeds",
            threshold=0.0,
            estimate=flatter,
            does_not_show=f"{of_answers} That it is Muon's doing and not its learning rate's: each has lean's own.",
            cells=(BY_ADAMW.name, BY_MUON.name),
            family="modes emerge nearly at once",
            controls=Controls(_at(adamw=0.5, muon=0.1), _at(adamw=0.1, muon=0.5), _at(adamw=0.3, muon=0.3)),
        ),
    ]


EXACT = {"painted": exact_steps, "answered": exact_answers}


def dates(frame: pd.DataFrame) -> list[Panel]:
    """Of each cell the steps at which modes emerge in what is painted, and are answered, where dated in all runs."""
    panels = []
    for name in NAMES:
        runs = some_runs(frame, [name])
        if len(runs) < 2:
            continue
        curves = []
        for series, (words, of) in enumerate((("painted", emergence), ("answered", answer))):
            middle = np.array([np.mean(of(run, NUMBERS), axis=0) for run in runs])
            dated = np.isfinite(middle).all(axis=0)
            means = [mean_of_runs(of_mode) for of_mode in middle.T[dated]]
            value, least, most = np.exp([(one.value, one.low, one.high) for one in means]).reshape(-1, 3).T
            curves.append(Curve(X[dated], value, least, most, words, series, "points"))
            if name == LINEAR.name:
                x = np.linspace(X[0], UP_TO, 60)
                curves.append(
                    Curve(x, EXACT[words](x), label=f"{words}, exact", series=series, style="dashed")
                )
        panels.append(Panel(name, "s² |k|²", STEPS, curves, yscale="log"))
    return panels


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each cell its slopes, by when modes emerge and by when they are painted; and how much they vary at the end."""
    return [
        {
            "network": name,
            "runs": len(runs),
            **_told("slope / s², answered", runs, answer_slope_of),
            **_told("painted", runs, slope_of),
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


def _told(words: str, runs: Sequence[pd.DataFrame], of_run: Slope) -> dict[str, float]:
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
    amendments=(
        Amendment(
            "2026-11-28",
            "A U-Net's painted variance tells how many objects it paints: dates by it were the date of objects, the "
            "same for all modes, or that of blank images. Its answers to true images in noise are dated in their place, and "
            "bounded by the snapshots about them. None of its runs had been made.",
        ),
    ),
    claims=tuple(_claims()),
    figures=(
        Figure(
            "emergence",
            "When each mode emerges",
            dates,
            saying(
                NAMES,
                f"{IMAGES} images painted by {EVALUATIONS} steps of DPM-Solver at each snapshot, told nothing. Geometric "
                "means over runs with intervals, of modes dated in each; answers half way between two snapshots. Dashed: "
                "gradient flow of a linear network.",
            ),
        ),
    ),
    tables=(Table("slopes", "Slopes of the log of emergence on s² |k|²", rows),),
    readings=(Reading(GROUP, read_modes),),
)
