"""Is the ladder of exact optima climbed rung by rung, and is phase B the rung of one whole object?

Every snapshot says, at each noise level, which exact optimum's answer the network's own is nearest to (docs/theory.md): the
mean image, covariance, patches, all images, one factor told, all told. If a network learns what pays most first, it leaves a
rung for one that knows more. Where images just do not tell the place, phase A should be the rungs of mean and covariance, B
those of whole objects, C those that are told. Trained with each factor left out now and then, a network also says how many
nats of the label it has learnt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.measures.learning.phases import LETTERS
from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made, NotEnough
from phasescope.studies.core.criteria import at_end, column, phases_of, runs_of, some_runs
from phasescope.studies.core.curves import mean_curve, mean_curves
from phasescope.studies.core.made import made_records
from phasescope.studies.core.statistics import agreement, kappa, mean_over_runs, over_runs
from phasescope.studies.core.study import Figure, Panel, Reading, Study
from phasescope.studies.found._cells import BASE, eps, foretold_of
from phasescope.studies.found._made import as_p1_says

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.store import Run

LEFT_OUT = [0.2, 0.2]
"""share of images of which x, and of which y, is left out in training"""
HEARD = eps("eps, factors left out", {"training": {"label_dropout": LEFT_OUT}}, seeds=8)
CELLS = (BASE, HEARD)
NAMES = tuple(cell.name for cell in CELLS)
KNOWS: dict[str, int] = {"mean image": 0, "Wiener": 1, "local machine": 2, "posterior mean": 3, "label": 5}
"""how much a rung knows, by what its name begins with; one factor told knows `SOME`"""
SOME = 4
LETTER = {0: "A", 1: "A", 2: "B", 3: "B", 4: "C", 5: "C"}
"""the phase that a rung should be: what knows mean and covariance, whole objects, the label"""
UPWARDS, ALIKE, LEARNT = 0.8, 0.6, 0.9
"""share of changes of rung that go up; kappa of more than substantial agreement (Landis & Koch 1977); nats over all that
there are"""
GROUP = "standing"
MADE_LEVELS = range(41, 1000, 84)
"""noise levels of records made up: as many, and about where, snapshots have them"""
Ranks = Callable[[str, np.random.Generator], int]


def read_standing(run: Run) -> list[dict[str, Any]]:
    """Of each snapshot how much the rung knows, by noise level, and the nats of the label over all that there are."""
    known = ((run.references or {}).get("family") or {}).get("ladder") or {}
    rows = []
    for line in run.metrics:
        told = {str(one["t"]): knows(one["rung"]) for one in line.get("ladder") or ()}
        nats = {name: one["value"] / known["nats"][name] for name, one in (line.get("nats") or {}).items()}
        rows.append({"step": line["step"], **told, **{f"nats.{name}": share for name, share in nats.items()}})
    return rows


def knows(rung: str) -> int:
    """How much a rung knows."""
    found = [rank for begins, rank in KNOWS.items() if rung.startswith(begins)]
    return found[0] if found else SOME


def levels_of(run: pd.DataFrame) -> list[str]:
    """The noise levels at which a run's rung was read.

    Raises:
        NotEnough: at none.
    """
    begins = f"{GROUP}."
    names = [str(name) for name in run.columns]
    found = [one for one in names if one.startswith(begins) and one.removeprefix(begins).isdigit()]
    if not found:
        raise NotEnough(f"the records lack `{GROUP}`: no rung was read")
    return found


def upwards(run: pd.DataFrame) -> float:
    """Of the changes of rung between trained snapshots, at any noise level, the share that go to one that knows more."""
    trained = run[run["step"] > 0]
    steps = np.concatenate([np.diff(column(trained, name)) for name in levels_of(run)])
    changes = steps[np.isfinite(steps) & (steps != 0)]
    return float((changes > 0).mean()) if len(changes) else math.nan


@cache
def condensation() -> float:
    """The noise level at which, told nothing, one image stands out; foretold."""
    return float(foretold_of(BASE)["t_condensation"])


def deciding(run: pd.DataFrame) -> str:
    """The column of the least noise level that was read at which images do not tell the place any more."""
    return min((name for name in levels_of(run) if _level(name) > condensation()), key=_level)


def _level(name: str) -> int:
    return int(name.removeprefix(f"{GROUP}."))


def same_phase(cell: str, frame: pd.DataFrame) -> Estimate:
    """Cohen's kappa of behaviour's phase and that of the rung at the deciding noise level, over trained snapshots."""
    tables = []
    for run in runs_of(frame, [cell]):
        trained = run[run["step"] > 0]
        ranks = column(trained, deciding(trained))
        letters = [LETTER.get(int(rank), "") if np.isfinite(rank) else "" for rank in ranks]
        tables.append(agreement(phases_of(trained), letters))
    return over_runs(kappa(tables), len(tables))


def learnt(run: pd.DataFrame) -> float:
    """Nats of the label over all that there are, at the end."""
    if f"{GROUP}.nats.label" not in run:
        raise NotEnough(f"the records lack `{GROUP}.nats.label`")
    return at_end(run, f"{GROUP}.nats.label")


def _study() -> Study:
    return STUDY


def made(
    cell: str, ranks: Ranks, nats: float, generator: np.random.Generator, spread: float = 0.04
) -> pd.DataFrame:
    """Records of runs that paint as P1 says.

    Args:
        ranks: of behaviour's phase how much the rung knows, drawn anew at each snapshot and level.
        nats: over all that there are, at the end, as it differs from run to run.
    """
    frame = made_records(_study(), as_p1_says, generator, cells=[cell], reads=("phase.behaviour",))
    known = frame["phase.behaviour"].where(frame["phase.behaviour"].isin(LETTERS))
    told = known.groupby(frame["seed"]).ffill().fillna(LETTERS[0])
    columns: dict[str, Any] = {
        f"{GROUP}.{t}": [ranks(phase, generator) for phase in told] for t in MADE_LEVELS
    }
    of_run = {seed: nats + spread * generator.standard_normal() for seed in frame["seed"].unique()}
    columns[f"{GROUP}.nats.label"] = [of_run[seed] for seed in frame["seed"]]
    return frame.assign(**columns)


AS_IT_SHOULD = {"A": 1, "B": 3, "C": 5}


def climbing(slips: float) -> Ranks:
    """As each phase should, but for a share of snapshots, at which any rung is as likely."""

    def ranks(phase: str, generator: np.random.Generator) -> int:
        return int(generator.integers(6)) if generator.random() < slips else AS_IT_SHOULD[phase]

    return ranks


def _claims_of(cell: str, words: str) -> list[Claim]:
    name = "eps" if cell == BASE.name else "heard"
    claim = partial(Claim, source="phasescope", cells=(cell,), system="eps")

    def control(positive: float, negative: float, borderline: float) -> Controls:
        def of(slips: float) -> Made:
            return partial(made, cell, climbing(slips), 0.5)

        return Controls(of(positive), of(negative), of(borderline))

    return [
        claim(
            f"climbed_{name}",
            f"The ladder is climbed in order: a rung is left for one that knows more, {words}.",
            statistic="of the changes of rung between trained snapshots, over all noise levels, the share that go to one "
            "that knows more, mean over runs",
            threshold=UPWARDS,
            estimate=mean_over_runs([cell], upwards),
            figure="rungs",
            family="the ladder is climbed in order",
            does_not_show="How long a network stays on a rung, and rungs that answer alike at a noise level.",
            controls=control(0.01, 0.4, BORDER_UP),
        ),
        claim(
            f"b_is_one_object_{name}",
            f"In phase B a network stands on the rung of one whole object, in A below it, in C above, {words}.",
            statistic="Cohen's kappa of behaviour's phase with that of the rung, at the least noise level read above that "
            "at which one image stands out, over trained snapshots at which behaviour is decided; bootstrap of runs",
            threshold=ALIKE,
            estimate=partial(same_phase, cell),
            figure="rungs",
            family="phase B is the rung of one object",
            does_not_show="What the network knows at other noise levels.",
            controls=control(0.05, 0.8, BORDER_KAPPA),
        ),
    ]


BORDER_UP, BORDER_KAPPA = 0.044, 0.403
"""shares of slips at which made runs are read at the thresholds"""


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
    """Of each cell a line a noise level: how much the rung knows, mean over runs."""
    panels = []
    for name in NAMES:
        runs = some_runs(frame, [name])
        if runs and any(str(one).startswith(f"{GROUP}.") for one in runs[0].columns):
            lines = {f"t = {one.removeprefix(f'{GROUP}.')}": one for one in levels_of(runs[0])[::2]}
            panels.append(
                Panel(
                    name, "gradient steps", "what the rung knows", mean_curves(runs, lines), ylim=(-0.2, 5.2)
                )
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
    claims=tuple(_all_claims()),
    figures=(
        Figure(
            "rungs",
            "On which rung a network stands while it learns",
            rungs,
            saying(
                NAMES,
                "0 mean image, 1 covariance, 2 patches, 3 all images, 4 one factor told, 5 all told; means and ranges over "
                "runs.",
            ),
            columns=2,
        ),
        Figure(
            "nats", "Nats of the label learnt", nats, saying((HEARD.name,), "Means and ranges over runs.")
        ),
    ),
    readings=(Reading(GROUP, read_standing),),
)
