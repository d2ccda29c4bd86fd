"""Is the ladder of exact optima climbed rung by rung, and is phase B the rung of one whole object?

Every snapshot says, at each noise level, which exact optimum's answer the network's own is nearest to (docs/theory.md): the
mean image, covariance, patches, all images, one factor told, all told; or that it stands on none, as far from each as images
are from their mean. If a network learns what pays most first, it leaves a rung for one that knows more. Where images just do
not tell the place, phase A should be the rungs of mean and covariance, B those of whole objects, C those that are told.
Trained with each factor left out now and then, a network also says how many nats of the label it has learnt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.measures.learning.phases import LETTERS
from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made
from phasescope.studies.core.criteria import column, phases_of, runs_of, some_runs
from phasescope.studies.core.curves import mean_curve
from phasescope.studies.core.made import made_records
from phasescope.studies.core.statistics import agreement, kappa, mean_over_runs, over_runs
from phasescope.studies.core.study import Amendment, Figure, Panel, Reading, Study
from phasescope.studies.found._cells import BASE, eps, foretold_of
from phasescope.studies.found._made import as_p1_says
from phasescope.studies.found._standing import GROUP, learnt, level_of, levels_of, read_standing

if TYPE_CHECKING:
    import pandas as pd

LEFT_OUT = [0.2, 0.2]
"""share of images of which x, and of which y, is left out in training"""
HEARD = eps("eps, factors left out", {"training": {"label_dropout": LEFT_OUT}}, seeds=8)
NAMES = (BASE.name, HEARD.name)
FROM_SEED = 8
"""of runs by which the order of rungs is judged: those before were looked at when its statistic was amended"""
FURTHER = {
    cell.name: replace(cell, name=f"{cell.name}, 16 seeds", seeds=2 * FROM_SEED) for cell in (BASE, HEARD)
}
CELLS = (BASE, HEARD, *FURTHER.values())
LETTER = {0: "A", 1: "A", 2: "B", 3: "B", 4: "C", 5: "C"}
"""the phase that a rung should be: what knows mean and covariance, whole objects, the label"""
UPWARDS, ALIKE, LEARNT = 0.8, 0.6, 0.9
"""share of changes of rung that go up; kappa of more than substantial agreement (Landis & Koch 1977); nats over all that
there are"""
MADE_LEVELS = range(41, 1000, 84)
"""noise levels of records made up: as many, and about where, snapshots have them"""
Ranks = Callable[[str, np.random.Generator], float]


def upwards(run: pd.DataFrame) -> float:
    """Of the changes of rung from one trained snapshot to the next, at any noise level, the share that go to one that knows
    more; where it stands on none there is no change."""
    trained = run[run["step"] > 0]
    steps = np.concatenate([np.diff(column(trained, name)) for name in levels_of(run)])
    changes = steps[np.isfinite(steps) & (steps != 0)]
    return float((changes > 0).mean()) if len(changes) else math.nan


def climbed(cell: str, frame: pd.DataFrame) -> Estimate:
    """Mean of `upwards` over runs of seeds from `FROM_SEED` on."""
    return mean_over_runs([FURTHER[cell].name], upwards)(frame[frame["seed"] >= FROM_SEED])


@cache
def condensation() -> float:
    """The noise level at which, told nothing, one image stands out; foretold."""
    return float(foretold_of(BASE)["t_condensation"])


def deciding(run: pd.DataFrame) -> str:
    """The column of the least noise level that was read at which images do not tell the place any more."""
    return min((name for name in levels_of(run) if level_of(name) > condensation()), key=level_of)


def same_phase(cell: str, frame: pd.DataFrame) -> Estimate:
    """Cohen's kappa of behaviour's phase and that of the rung at the deciding noise level, over trained snapshots."""
    tables = []
    for run in runs_of(frame, [cell]):
        trained = run[run["step"] > 0]
        ranks = column(trained, deciding(trained))
        letters = [LETTER.get(int(rank), "") if np.isfinite(rank) else "" for rank in ranks]
        tables.append(agreement(phases_of(trained), letters))
    return over_runs(kappa(tables), len(tables))


def made(
    cell: str, ranks: Ranks, nats: float, generator: np.random.Generator, spread: float = 0.04
) -> pd.DataFrame:
    """Records of runs that paint as P1 says.

    Args:
        ranks: of behaviour's phase how much the rung knows, drawn anew at each snapshot and level.
        nats: over all that there are, at the end, as it differs from run to run.
    """
    frame = made_records(STUDY, as_p1_says, generator, cells=[cell], reads=("phase.behaviour",))
    known = frame["phase.behaviour"].where(frame["phase.behaviour"].isin(LETTERS))
    told = known.groupby(frame["seed"]).ffill().fillna(LETTERS[0])
    columns: dict[str, Any] = {
        f"{GROUP}.{t}": [ranks(phase, generator) for phase in told] for t in MADE_LEVELS
    }
    of_run = {seed: nats + spread * generator.standard_normal() for seed in frame["seed"].unique()}
    columns[f"{GROUP}.nats.label"] = [of_run[seed] for seed in frame["seed"]]
    return frame.assign(**columns)


AS_IT_SHOULD = {"A": 1, "B": 3, "C": 5}


def climbing(slips: float, none: float = 0.0) -> Ranks:
    """As each phase should, but for a share of snapshots, at which any rung is as likely, and one of those on none."""

    def ranks(phase: str, generator: np.random.Generator) -> float:
        if generator.random() < none:
            return math.nan
        return int(generator.integers(6)) if generator.random() < slips else AS_IT_SHOULD[phase]

    return ranks


def _claims_of(cell: str, words: str) -> list[Claim]:
    name = "eps" if cell == BASE.name else "heard"
    claim = partial(Claim, source="phasescope", system="eps", figure="rungs")
    further = FURTHER[cell].name

    def control(made_of: str, none: float, positive: float, negative: float, borderline: float) -> Controls:
        def of(slips: float) -> Made:
            return partial(made, made_of, climbing(slips, none), 0.5)

        return Controls(of(positive), of(negative), of(borderline))

    return [
        claim(
            f"climbed_{name}",
            f"The ladder is climbed in order: a rung is left for one that knows more, {words}.",
            statistic="of the changes of rung from one trained snapshot to the next, over all noise levels, where it stands "
            "on one at both (r^2 > 0), the share that go to one that knows more, mean over runs of seeds from "
            f"{FROM_SEED} on",
            threshold=UPWARDS,
            estimate=partial(climbed, cell),
            cells=(further,),
            family="the ladder is climbed in order",
            does_not_show="How long a network stays on a rung, rungs that answer alike at a noise level, and high noise, "
            "where under noise prediction it stands on none.",
            controls=control(further, ON_NONE, 0.01, 0.4, BORDER_UP),
        ),
        claim(
            f"b_is_one_object_{name}",
            f"In phase B a network stands on the rung of one whole object, in A below it, in C above, {words}.",
            statistic="Cohen's kappa of behaviour's phase with that of the rung, at the least noise level read above that "
            "at which one image stands out, over trained snapshots at which behaviour is decided; bootstrap of runs",
            threshold=ALIKE,
            estimate=partial(same_phase, cell),
            cells=(cell,),
            family="phase B is the rung of one object",
            does_not_show="What the network knows at other noise levels.",
            controls=control(cell, 0.0, 0.05, 0.8, BORDER_KAPPA),
        ),
    ]


BORDER_UP, BORDER_KAPPA = 0.046, 0.403
"""shares of slips at which made runs are read at the thresholds"""
ON_NONE = 0.3
"""share of readings of made runs that stand on none: about as many as did in the first eight runs"""


def _of_nats() -> Claim:
    def control(of: float) -> Made:
        return partial(made, HEARD.name, climbing(0.1), of)

    return Claim(
        "nats_learnt",
        "Trained for as long as P1's phases take, a network has learnt nine tenths of the label's nats.",
        "phasescope",
        "half the integral over the signal-to-noise ratio of the error that being told saves it, over ln of the number of "
        "images, at the end, mean over runs",
        LEARNT,
        mean_over_runs([HEARD.name], learnt),
        "nats",
        "The number is the network's own gap; it is information only as far as the network is near to its best.",
        cells=(HEARD.name,),
        family="nats of the label",
        system="eps",
        controls=Controls(control(1.0), control(0.7), control(LEARNT)),
    )


def rungs(frame: pd.DataFrame) -> list[Panel]:
    """Of each cell how much the rung knows by noise level and step: the mean over runs that stand on one, if half do."""
    panels = []
    for cell, further in FURTHER.items():
        runs = some_runs(frame, [further.name])
        if not runs or not any(str(one).startswith(f"{GROUP}.") for one in runs[0].columns):
            continue
        levels, steps = levels_of(runs[0])[::-1], column(runs[0], "step")
        ranks = np.stack([[column(run, level) for level in levels] for run in runs])
        there = np.isfinite(ranks)
        count = there.sum(0)
        mean = np.where(there, ranks, 0).sum(0) / np.maximum(count, 1)
        grid = np.where(2 * count >= len(runs), mean, math.nan)
        rows, columns = ([f"{level_of(one)}" for one in levels], [f"{step:g}" for step in steps])
        panels.append(
            Panel(cell, "gradient steps", "t", grid=grid, rows=rows, columns=columns, ylim=(0.0, 5.0))
        )
    return panels


def nats(frame: pd.DataFrame) -> list[Panel]:
    """Nats over all that there are, whole and by factor."""
    runs = [run for run in some_runs(frame, [HEARD.name]) if f"{GROUP}.nats.label" in run]
    if not runs:
        return []
    curves = [
        mean_curve(runs, f"{GROUP}.nats.{name}", name, series)
        for series, name in enumerate(("label", "x", "y"))
        if f"{GROUP}.nats.{name}" in runs[0]
    ]
    return [Panel(HEARD.name, "gradient steps", "nats over all there are", curves, ylim=(-0.2, 1.5))]


WORDS: Mapping[str, str] = {
    BASE.name: "on P1's objective",
    HEARD.name: "on P1's objective with each factor left out of a fifth of images",
}


def _all_claims() -> Sequence[Claim]:
    return [*(claim for name in NAMES for claim in _claims_of(name, WORDS[name])), _of_nats()]


STUDY = Study(
    name="ladder",
    number=10,
    question="Is the ladder of exact optima climbed in order, and which rung is phase B?",
    preset="lean",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="b_is_one_object_eps",
    amendments=(
        Amendment(
            "2026-11-28",
            "At high noise a network's answer may be as far from every rung as images are from their mean: it stood on "
            "whichever was least far, and what changed among these counted as changes of rung. There it stands on none. "
            f"Seen in the runs of seeds 0 to {FROM_SEED - 1}, so the order of rungs is judged by those of seeds "
            f"{FROM_SEED} to {2 * FROM_SEED - 1}, which had not been made.",
            looked=True,
        ),
    ),
    claims=tuple(_all_claims()),
    figures=(
        Figure(
            "rungs",
            "On which rung a network stands while it learns",
            rungs,
            saying(
                tuple(cell.name for cell in FURTHER.values()),
                "0 mean image, 1 covariance, 2 patches, 3 all images, 4 one factor told, 5 all told, by noise level t: "
                "means over runs that stand on a rung; –: fewer than half do.",
            ),
            columns=1,
        ),
        Figure(
            "nats", "Nats of the label learnt", nats, saying((HEARD.name,), "Means and ranges over runs.")
        ),
    ),
    readings=(Reading(GROUP, read_standing),),
)
