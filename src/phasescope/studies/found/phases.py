"""Does learning go through P1's phases A, B, C, and the representation with it?

P1 (Liang, Liu & Fiete 2024): at first latents form no manifold, and images hold no bump or several (A); then a
two-dimensional but unordered manifold, one bump in the wrong place (B); then an ordered manifold, one bump in the right
place (C). Behaviour's phases are read from images, the representation's from latents: P1's way (UMAP to three dimensions,
then a linear regression), and from the raw features, without UMAP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.measures import p1_order
from phasescope.measures.learning import phases
from phasescope.places import Place
from phasescope.runs.loading import config_of
from phasescope.studies.core.captions import BANDS, THRESHOLDS, saying
from phasescope.studies.core.claim import Claim, Estimate
from phasescope.studies.core.criteria import P1_PLACE, PLACE, column, phases_at, phases_of, runs_of, some_runs
from phasescope.studies.core.curves import STEPS, marks, mean_curve, mean_curves, named, phase_grid, ticks
from phasescope.studies.core.statistics import (
    LEVEL,
    agreement,
    kappa,
    mean_over_runs,
    over_runs,
    share_of_runs,
)
from phasescope.studies.core.study import Figure, Panel, Reading, Study
from phasescope.studies.found._cells import PHASES
from phasescope.worlds.bump.reader import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.store import Run

SYSTEMS = {"eps": "eps-prediction", "v": "v-prediction", "x": "x-prediction, preset fast"}
RAW_PLACES = tuple(Place(tap, t) for tap in ("down3", "mid") for t in (50, 300, 600, 900))
P1_ELSEWHERE = (Place("down3", 50), Place("mid", 50), Place("mid", 600))

MAJORITY = 0.5
"""most runs: the threshold of a share of runs"""
MODERATE = 0.4
"""kappa above which agreement is more than fair (Landis & Koch 1977)"""


def read_p1(run: Run) -> list[dict[str, Any]]:
    """P1's order at the places where the run itself did not read it, at every second snapshot.

    Its nulls are permuted labels and the untrained network, which is the run's step 0.
    """
    factors = config_of(run).world.factors
    rows: list[dict[str, Any]] = []
    untrained: dict[Place, float] = {}
    for snapshot in run.snapshots[::2]:
        row: dict[str, Any] = {"step": snapshot.step}
        labels = snapshot.latent_labels()
        for place in P1_ELSEWHERE:
            if place not in snapshot.places:
                continue
            latents = snapshot.latents(*place).astype(float)
            score, _ = p1_order(latents, labels.astype(float), factors=factors, permutations=5, resamples=100)
            score = score.with_nulls(untrained=untrained.setdefault(place, score.value))
            row |= {f"{place}.{name}": value for name, value in score.columns().items()}
        rows.append(row)
    return rows


def is_abc(run: pd.DataFrame) -> bool:
    return phases.phase_sequence(phases_of(run)) == ["A", "B", "C"]


def passes_b(reading: str) -> Callable[[pd.DataFrame], bool]:
    return lambda run: "B" in phases_of(run, reading)


def passes_b_anywhere(run: pd.DataFrame) -> bool:
    places = [place for place in RAW_PLACES if f"order.{place}.low" in run]
    return any("B" in phases_at(run, place) for place in places)


def agreement_with_behaviour(cell: str, reading: str, frame: pd.DataFrame) -> Estimate:
    runs = runs_of(frame, [cell])
    tables = [agreement(phases_of(run), phases_of(run, reading)) for run in runs]
    detail = {
        f"behaviour_{a}_latents_{b}": float(sum(table[i, j] for table in tables))
        for i, a in enumerate("ABC")
        for j, b in enumerate("ABC")
    }
    return over_runs(kappa(tables), len(runs), detail=detail)


def shapeless(run: pd.DataFrame) -> float:
    """Mean share of no bump or several among images without one good bump, over snapshots of behaviour's phase A."""
    of_a = run[np.array(phases_of(run)) == "A"]
    told = sum(column(of_a, f"outcomes.grid.{name}") for name in ("none", "multiple"))
    failed = told + column(of_a, "outcomes.grid.malformed")
    return float(np.mean(told / failed)) if len(of_a) else np.nan


def misplaced(run: pd.DataFrame) -> float:
    """Mean share of one misplaced bump among wrong images, over snapshots of the representation's phase B, P1's way."""
    of_b = run[np.array(phases_of(run, "representation_p1")) == "B"]
    wrong = 1 - column(of_b, "outcomes.grid.correct")
    some = wrong > 0
    return (
        float(np.mean(column(of_b, "outcomes.grid.misplaced")[some] / wrong[some])) if some.any() else np.nan
    )


READINGS = {
    "p1": (
        "representation_p1",
        "read P1's way",
        f"UMAP and regression at {named(*P1_PLACE)}",
        "UMAP may lose an order that the latents have: the same latents, read raw, have a claim of their own.",
    ),
    "raw": (
        "representation",
        "read from raw features",
        f"ridge regression at {named(*PLACE)}",
        "A linear reading finds an order that the label's encoding brings along; at this tap it does so untrained.",
    ),
}
"""phases of the representation: the records' name, how they are read, by what, what that leaves open"""


def _claims(cell: str, system: str) -> list[Claim]:
    b = "through a low-dimensional manifold without order (B)"
    claim = partial(Claim, source="P1", threshold=MAJORITY, figure="sequences")
    return [
        claim(
            f"behaviour_abc_{cell}",
            f"What is painted goes from no or several bumps (A) over one misplaced bump (B) to one in place (C): {system}.",
            statistic="share of runs whose decided phases of behaviour are A, B, C in this order, exact interval",
            estimate=share_of_runs([cell], is_abc),
            does_not_show="Phases that last less than the time between two snapshots are not seen, nor is why they come.",
        ),
        *(
            claim(
                f"phase_b_{reading}_{cell}",
                f"{words[0].upper()}{words[1:]}, the representation passes {b}: {system}.",
                statistic=f"share of runs with a snapshot of phase B, by {way}, exact interval",
                estimate=share_of_runs([cell], passes_b(name)),
                does_not_show=caveat,
            )
            for reading, (name, words, way, caveat) in READINGS.items()
        ),
        claim(
            f"phase_b_raw_anywhere_{cell}",
            f"At one at least of all taps and noise levels recorded, raw features pass {b}: {system}.",
            statistic="share of runs with a snapshot of phase B at any recorded tap and t, by ridge regression, "
            "exact interval",
            estimate=share_of_runs([cell], passes_b_anywhere),
            figure="readings",
            does_not_show="Looking in several places makes a B by chance more likely: it speaks for P1 only if one "
            "place has it in most runs.",
        ),
        *(
            claim(
                f"agreement_{reading}_{cell}",
                f"Behaviour and representation, {words}, are in the same phase at the same time: {system}.",
                statistic="Cohen's kappa over snapshots at which both are decided, bootstrap of runs",
                threshold=MODERATE,
                estimate=partial(agreement_with_behaviour, cell, name),
                figure="agreement",
                does_not_show="That one causes the other. Snapshots at which either is undecided are left out.",
            )
            for reading, (name, words, *_) in READINGS.items()
        ),
        claim(
            f"failure_a_{cell}",
            f"In phase A images fail by holding no bump or several, not by a misshapen one: {system}.",
            statistic="share of none and multiple among none, multiple and malformed, mean over snapshots of "
            "behaviour's phase A, then runs",
            estimate=mean_over_runs([cell], shapeless),
            figure="outcomes",
            does_not_show="What an untrained network paints counts as well: the first snapshots are in phase A.",
        ),
        claim(
            f"failure_b_{cell}",
            f"While the representation, read P1's way, is in phase B, wrong images hold one misplaced bump: {system}.",
            statistic="share of misplaced among wrong images, mean over snapshots of the representation's phase B, "
            "then runs",
            estimate=mean_over_runs([cell], misplaced),
            figure="outcomes",
            does_not_show="Runs whose representation is never in phase B do not count.",
        ),
    ]


def sequences(frame: pd.DataFrame) -> list[Panel]:
    readings = {
        "behaviour": "behaviour",
        "representation": f"raw, {named(*PLACE)}",
        "representation_p1": f"P1, {named(*P1_PLACE)}",
    }
    return [
        phase_grid(some_runs(frame, [cell]), lambda run, r=reading: phases_of(run, r), f"{system}: {title}")
        for cell, system in SYSTEMS.items()
        for reading, title in readings.items()
    ]


def outcomes(frame: pd.DataFrame) -> list[Panel]:
    names = {outcome.name: f"outcomes.grid.{outcome.name}" for outcome in OUTCOMES}
    return [
        Panel(
            system,
            STEPS,
            "share of images on the grid",
            [
                replace(curve, colour=outcome.colour)
                for curve, outcome in zip(mean_curves(some_runs(frame, [cell]), names), OUTCOMES, strict=True)
            ],
            ylim=(0, 1),
        )
        for cell, system in SYSTEMS.items()
    ]


def readings(frame: pd.DataFrame) -> list[Panel]:
    panel = partial(
        Panel, xlabel=STEPS, ylabel="R², least of x, y", ylim=(-0.1, 1.02), level=phases.REPRESENTATION.order
    )
    raw, p1 = (
        {named(*place): f"{order}.{place}.value" for place in places}
        for order, places in (("order", RAW_PLACES), ("p1", P1_ELSEWHERE))
    )
    panels = []
    for cell, system in SYSTEMS.items():
        runs = some_runs(frame, [cell])
        recorded = mean_curve(runs, f"p1_order.{P1_PLACE}.value", named(*P1_PLACE), 7)
        panels += [
            panel(f"{system}: raw", curves=mean_curves(runs, raw)),
            panel(f"{system}: P1", curves=[*mean_curves(runs, p1), recorded]),
        ]
    return panels


def kappas(frame: pd.DataFrame) -> list[Panel]:
    readings = (("representation_p1", "P1's reading"), ("representation", "raw features"))
    curves = [
        marks(
            (partial(agreement_with_behaviour, cell, reading, frame) for cell in SYSTEMS),
            title,
            series,
            0.15 * (2 * series - 1),
        )
        for series, (reading, title) in enumerate(readings)
    ]
    return [
        Panel(
            "Behaviour and representation",
            "",
            "Cohen's kappa",
            curves,
            level=MODERATE,
            ticks=ticks(SYSTEMS.values()),
            ylim=(-0.6, 1.02),
        )
    ]


CELLS = tuple(SYSTEMS)

STUDY = Study(
    name="phases",
    number=1,
    question="Does learning go through P1's phases A, B and C, in images and in latents, and in both at once?",
    preset="small",
    cells=PHASES,
    seeds=8,
    claims=tuple(claim for cell, system in SYSTEMS.items() for claim in _claims(cell, system)),
    figures=(
        Figure(
            "sequences",
            "Phases of every run",
            sequences,
            saying(CELLS, "A row a run, a column a snapshot; white: undecided."),
        ),
        Figure("outcomes", "What is painted while learning", outcomes, saying(CELLS, BANDS)),
        Figure(
            "readings",
            "Order, read raw and P1's way, at each tap and noise level",
            readings,
            saying(CELLS, f"{BANDS} Threshold {phases.REPRESENTATION.order:g}. {THRESHOLDS}"),
            columns=2,
        ),
        Figure(
            "agreement",
            "Agreement of behaviour's phase with the representation's",
            kappas,
            saying(
                CELLS,
                f"Kappa with {LEVEL} intervals over runs; line: the threshold {MODERATE:g}. "
                "Where a system has no mark either side never changes its phase, and kappa is not defined.",
            ),
            columns=1,
        ),
    ),
    readings=(Reading("p1", read_p1),),
)
