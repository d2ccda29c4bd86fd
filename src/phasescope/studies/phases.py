"""Does learning go through P1's phases A, B, C, and the representation with it?

P1 (Liang, Liu & Fiete 2024): at first latents form no manifold, and images hold no bump or several (A); then a
two-dimensional but unordered manifold, one bump in the wrong place (B); then an ordered manifold, one bump in the right
place (C). Behaviour's phases are read from images, the representation's from latents: P1's way (UMAP to three dimensions,
then a linear regression), and from the raw features, without UMAP.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.measures import p1_order, phases
from phasescope.studies.captions import THRESHOLDS, about
from phasescope.studies.claim import Claim, Estimate, NotEnough
from phasescope.studies.criteria import P1_PLACE, PLACE, column, phases_at, phases_of, runs_of, some_runs
from phasescope.studies.curves import mean_curve, named, phase_grid
from phasescope.studies.designs import PHASES
from phasescope.studies.statistics import agreement, kappa, mean_of_runs, over_runs, share
from phasescope.studies.study import Curve, Figure, Panel, Reading, Study

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.store import Run

Runs = list["pd.DataFrame"]

SYSTEMS = {"eps": "eps-prediction", "v": "v-prediction", "x": "x-prediction, preset fast"}
RAW_PLACES = tuple((tap, t) for tap in ("down3", "mid") for t in (50, 300, 600, 900))
P1_ELSEWHERE = (("down3", 50), ("mid", 50), ("mid", 600))

MAJORITY = 0.5
"""most runs: the threshold of a share of runs"""
MODERATE = 0.4
"""kappa above which agreement is more than fair (Landis & Koch 1977)"""


def read_p1(run: Run) -> list[dict[str, Any]]:
    """P1's order at the places where the run itself did not read it, at every second snapshot.

    Its nulls are permuted labels and the untrained network, which is the run's step 0.
    """
    world = run.config["world"]
    periodic = [world["boundary"] == "periodic"] * 2
    rows: list[dict[str, Any]] = []
    untrained: dict[tuple[str, int], float] = {}
    for snapshot in run.snapshots[::2]:
        row: dict[str, Any] = {"step": snapshot.step}
        labels = snapshot.latent_labels()
        for place in P1_ELSEWHERE:
            if place not in snapshot.taps_and_timesteps():
                continue
            score, _ = p1_order(
                snapshot.latents(*place).astype(float),
                labels.astype(float),
                periodic=periodic,
                span=[float(world["canvas"])] * 2,
                permutations=5,
                resamples=100,
            )
            score = score.with_nulls(untrained=untrained.setdefault(place, score.value))
            at = f"{place[0]}.{place[1]}"
            row |= {f"{at}.{name}": getattr(score, name) for name in ("value", "low", "high", "n")}
            row |= {f"{at}.nulls.{name}": level for name, level in score.nulls.items()}
        rows.append(row)
    return rows


def is_abc(run: pd.DataFrame) -> bool:
    return phases.phase_sequence(phases_of(run)) == ["A", "B", "C"]


def passes_b(reading: str) -> Callable[[pd.DataFrame], bool]:
    return lambda run: "B" in phases_of(run, reading)


def passes_b_anywhere(run: pd.DataFrame) -> bool:
    places = [place for place in RAW_PLACES if f"order.{place[0]}.{place[1]}.low" in run]
    return any("B" in phases_at(run, *place) for place in places)


def share_of_runs(cell: str, holds: Callable[[pd.DataFrame], bool]) -> Callable[[pd.DataFrame], Estimate]:
    return lambda frame: share([holds(run) for run in runs_of(frame, [cell])])


def agreement_with_behaviour(cell: str, reading: str) -> Callable[[pd.DataFrame], Estimate]:
    def estimate(frame: pd.DataFrame) -> Estimate:
        runs = runs_of(frame, [cell])
        tables = [agreement(phases_of(run), phases_of(run, reading)) for run in runs]
        detail = {
            f"behaviour_{a}_latents_{b}": float(sum(table[i, j] for table in tables))
            for i, a in enumerate("ABC")
            for j, b in enumerate("ABC")
        }
        return over_runs(kappa(tables), len(runs), detail=detail)

    return estimate


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


def mean_over_runs(cell: str, of_run: Callable[[pd.DataFrame], float]) -> Callable[[pd.DataFrame], Estimate]:
    return lambda frame: mean_of_runs([of_run(run) for run in runs_of(frame, [cell])])


def _claims(cell: str, system: str) -> list[Claim]:
    b = "a low-dimensional manifold without order (B)"
    return [
        Claim(
            f"behaviour_abc_{cell}",
            f"What is painted goes from no or several bumps (A) over one misplaced bump (B) to one in place (C): {system}.",
            "P1",
            "share of runs whose decided phases of behaviour are A, B, C in this order, exact interval",
            MAJORITY,
            "above",
            6,
            share_of_runs(cell, is_abc),
            "sequences",
            "Phases that last less than the time between two snapshots are not seen, nor is why they come.",
        ),
        Claim(
            f"phase_b_p1_{cell}",
            f"Read P1's way, the representation passes through {b}: {system}.",
            "P1",
            f"share of runs with a snapshot of phase B, by UMAP and regression at {named(*P1_PLACE)}, exact interval",
            MAJORITY,
            "above",
            6,
            share_of_runs(cell, passes_b("representation_p1")),
            "sequences",
            "UMAP may lose an order that the latents have: the same latents, read raw, have a claim of their own.",
        ),
        Claim(
            f"phase_b_raw_{cell}",
            f"Read from raw features, the representation passes through {b}: {system}.",
            "P1",
            f"share of runs with a snapshot of phase B, by ridge regression at {named(*PLACE)}, exact interval",
            MAJORITY,
            "above",
            6,
            share_of_runs(cell, passes_b("representation")),
            "sequences",
            "A linear reading finds an order that the label's encoding brings along; at this tap it does so untrained.",
        ),
        Claim(
            f"phase_b_raw_anywhere_{cell}",
            f"At one at least of all taps and noise levels recorded, raw features pass through {b}: {system}.",
            "P1",
            "share of runs with a snapshot of phase B at any recorded tap and t, by ridge regression, exact interval",
            MAJORITY,
            "above",
            6,
            share_of_runs(cell, passes_b_anywhere),
            "readings",
            "Looking in several places makes a B by chance more likely: it speaks for P1 only if one "
            "place has it in most runs.",
        ),
        Claim(
            f"agreement_p1_{cell}",
            f"Behaviour and representation, read P1's way, are in the same phase at the same time: {system}.",
            "P1",
            "Cohen's kappa over snapshots at which both are decided, bootstrap of runs",
            MODERATE,
            "above",
            6,
            agreement_with_behaviour(cell, "representation_p1"),
            "agreement",
            "That one causes the other. Snapshots at which either is undecided are left out.",
        ),
        Claim(
            f"agreement_raw_{cell}",
            f"Behaviour and representation, read from raw features, are in the same phase at the same time: {system}.",
            "P1",
            "Cohen's kappa over snapshots at which both are decided, bootstrap of runs",
            MODERATE,
            "above",
            6,
            agreement_with_behaviour(cell, "representation"),
            "agreement",
            "That one causes the other. Snapshots at which either is undecided are left out.",
        ),
        Claim(
            f"failure_a_{cell}",
            f"In phase A images fail by holding no bump or several, not by a misshapen one: {system}.",
            "P1",
            "share of none and multiple among none, multiple and malformed, mean over snapshots of "
            "behaviour's phase A, then runs",
            MAJORITY,
            "above",
            6,
            mean_over_runs(cell, shapeless),
            "outcomes",
            "What an untrained network paints counts as well: the first snapshots are in phase A.",
        ),
        Claim(
            f"failure_b_{cell}",
            f"While the representation, read P1's way, is in phase B, wrong images hold one misplaced bump: {system}.",
            "P1",
            "share of misplaced among wrong images, mean over snapshots of the representation's phase B, then runs",
            MAJORITY,
            "above",
            6,
            mean_over_runs(cell, misplaced),
            "outcomes",
            "Runs whose representation is never in phase B do not count.",
        ),
    ]


def sequences(frame: pd.DataFrame) -> list[Panel]:
    readings = {
        "behaviour": "behaviour",
        "representation": f"raw, {named(*PLACE)}",
        "representation_p1": f"P1, {named(*P1_PLACE)}",
    }
    panels = []
    for cell, system in SYSTEMS.items():
        for reading, title in readings.items():
            panels.append(
                phase_grid(
                    some_runs(frame, [cell]), lambda run, r=reading: phases_of(run, r), f"{system}: {title}"
                )
            )
    return panels


def outcomes(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for cell, system in SYSTEMS.items():
        curves = [
            mean_curve(some_runs(frame, [cell]), f"outcomes.grid.{name}", name, series)
            for series, name in enumerate(phases.OUTCOMES)
        ]
        panels.append(Panel(system, "gradient steps", "share of images on the grid", curves, ylim=(0, 1)))
    return panels


def readings(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for cell, system in SYSTEMS.items():
        runs = some_runs(frame, [cell])
        for order, title, places in (("order", "raw", RAW_PLACES), ("p1", "P1", P1_ELSEWHERE)):
            curves = [
                mean_curve(runs, f"{order}.{tap}.{t}.value", named(tap, t), series)
                for series, (tap, t) in enumerate(places)
                if f"{order}.{tap}.{t}.value" in frame
            ]
            if order == "p1":
                curves.append(
                    mean_curve(runs, f"p1_order.{P1_PLACE[0]}.{P1_PLACE[1]}.value", named(*P1_PLACE), 7)
                )
            panels.append(
                Panel(
                    f"{system}: {title}",
                    "gradient steps",
                    "R², least of x, y",
                    curves,
                    ylim=(-0.1, 1.02),
                    level=phases.REPRESENTATION.order,
                )
            )
    return panels


def kappas(frame: pd.DataFrame) -> list[Panel]:
    curves = []
    for series, (reading, title) in enumerate(
        (("representation_p1", "P1's reading"), ("representation", "raw features"))
    ):
        x, found = [], []
        for place, cell in enumerate(SYSTEMS):
            try:
                found.append(agreement_with_behaviour(cell, reading)(frame))
            except NotEnough:
                continue
            x.append(place + 0.15 * (2 * series - 1))
        if found:
            value, low, high = (
                np.array([getattr(e, part) for e in found]) for part in ("value", "low", "high")
            )
            curves.append(Curve(np.array(x), value, low, high, title, series, "points"))
    ticks = {float(place): words for place, words in enumerate(SYSTEMS.values())}
    return [
        Panel(
            "Behaviour and representation",
            "",
            "Cohen's kappa",
            curves,
            level=MODERATE,
            ticks=ticks,
            ylim=(-0.6, 1.02),
        )
    ]


CELLS = tuple(SYSTEMS)

STUDY = Study(
    name="phases",
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
            lambda frame: f"{about(frame, CELLS)} A row a run, a column a snapshot; white: undecided.",
        ),
        Figure(
            "outcomes",
            "What is painted while learning",
            outcomes,
            lambda frame: (
                f"{about(frame, CELLS)} Lines: means over runs; bands: from the least to the most run."
            ),
        ),
        Figure(
            "readings",
            "Order, read raw and P1's way, at each tap and noise level",
            readings,
            lambda frame: (
                f"{about(frame, CELLS)} Lines: means over runs; bands: from the least to the most run. "
                f"Threshold {phases.REPRESENTATION.order:g}. {THRESHOLDS}"
            ),
            columns=2,
        ),
        Figure(
            "agreement",
            "Agreement of behaviour's phase with the representation's",
            kappas,
            lambda frame: (
                f"{about(frame, CELLS)} Kappa with 95 % intervals over runs; line: the threshold {MODERATE:g}. "
                "Where a system has no mark either side never changes its phase, and kappa is not defined."
            ),
            columns=1,
        ),
    ),
    readings=(Reading("p1", read_p1),),
)
