"""Does learning go through P1's phases A, B, C, and the representation with it?

P1 (Liang, Liu & Fiete 2024): at first latents form no manifold, and images hold no bump or several (A); then a
two-dimensional but unordered manifold, one bump in the wrong place (B); then an ordered manifold, one bump in the right
place (C). Behaviour's phases are read from images, the representation's from latents: P1's way (UMAP to three dimensions,
then a linear regression, by ten random starts), and from the raw features. Both are read against the untrained network, and
at thresholds of order from 0.5 to 0.8: what depends on the choice is undecided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.measures import p1_order
from phasescope.measures.learning import phases
from phasescope.places import Place
from phasescope.runs.loading import config_of
from phasescope.studies.core.captions import BANDS, THRESHOLDS, saying
from phasescope.studies.core.claim import Claim, Estimate, NotEnough
from phasescope.studies.core.comparing import envelope
from phasescope.studies.core.criteria import P1_PLACE, PLACE, column, phases_at, phases_of, runs_of, some_runs
from phasescope.studies.core.curves import STEPS, marks, mean_curves, named, phase_grid, ticks
from phasescope.studies.core.made import rise
from phasescope.studies.core.statistics import (
    agreement,
    kappa,
    mean_over_runs,
    over_runs,
    share,
    share_of_runs,
)
from phasescope.studies.core.study import Figure, Panel, Reading, Study
from phasescope.studies.found._cells import AMENDED, BEFORE, EVERY_BASE, SMALL, SYSTEMS, V, X
from phasescope.studies.found._made import (
    as_p1_says,
    at,
    changed,
    controls,
    either,
    order,
    straight_to_c,
    whole,
)
from phasescope.worlds.bump.reader import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.runs.config import RunConfig
    from phasescope.store import Run
    from phasescope.studies.core.study import Cell

CELLS = (EVERY_BASE, SMALL, V, X)
P1_LOOKS = 8
"""snapshots of a run that are read P1's way, evenly from the first to the last"""
UMAP_SEEDS = range(10)

MAJORITY = 0.5
"""most runs: the threshold of a share of runs"""
MODERATE = 0.4
"""kappa above which agreement is more than fair (Landis & Koch 1977)"""


def read_p1(run: Run) -> list[dict[str, Any]]:
    """P1's order at `P1_PLACE`, by ten random starts of UMAP and held-out regression, at some snapshots.

    Its nulls are permuted labels and the untrained network, which is the run's step 0.
    """
    factors = config_of(run).world.factors
    rows: list[dict[str, Any]] = []
    untrained = None
    snapshots = run.snapshots
    for place in np.unique(np.linspace(0, len(snapshots) - 1, P1_LOOKS).round().astype(int)):
        snapshot = snapshots[place]
        latents = snapshot.latents(*P1_PLACE).astype(float)
        labels = snapshot.latent_labels().astype(float)
        score, _ = p1_order(latents, labels, UMAP_SEEDS, factors=factors, permutations=5, resamples=100)
        untrained = score.value if untrained is None else untrained
        columns = score.with_nulls(untrained=untrained).columns()
        rows.append(
            {"step": snapshot.step, **{f"{P1_PLACE}.{name}": value for name, value in columns.items()}}
        )
    return rows


READINGS: dict[str, tuple[str, Place, str, str]] = {
    "raw": (
        "order",
        PLACE,
        f"raw features at {named(*PLACE)}",
        "At this noise only the label can tell the place: what is ordered is what the network does with it.",
    ),
    "p1": (
        "p1",
        P1_PLACE,
        f"P1's way at {named(*P1_PLACE)}",
        "UMAP may lose an order that the latents have: the same network, read raw, has a claim of its own.",
    ),
}
"""of the representation's phases: the records' name, where, in words, what that leaves open"""


def at_thresholds(run: pd.DataFrame, reading: str) -> list[list[phases.Phase]]:
    """The representation's phases at each threshold of order, at the snapshots that were read so.

    Raises:
        NotEnough: none was.
    """
    name, place, *_ = READINGS[reading]
    known = run[np.isfinite(column(run, f"{name}.{place}.low"))]
    if not len(known):
        raise NotEnough(f"the records lack `{name}.{place}`")
    return [phases_at(known, place, name, threshold=threshold) for threshold in phases.ORDER_RANGE]


def is_abc(run: pd.DataFrame) -> bool:
    return phases.phase_sequence(phases_of(run)) == ["A", "B", "C"]


def passes_b(reading: str, cell: str, frame: pd.DataFrame) -> Estimate:
    """Share of runs whose representation is in B before it is in C for good, over the range of thresholds."""
    runs = runs_of(frame, [cell])
    told = [at_thresholds(run, reading) for run in runs]
    return envelope([share(["B" in of_run[i] for of_run in told]) for i in range(len(phases.ORDER_RANGE))])


def agree(reading: str, cell: str, frame: pd.DataFrame) -> Estimate:
    """Cohen's kappa of behaviour's phase and the representation's, over the range of thresholds."""
    runs = runs_of(frame, [cell])
    name, place, *_ = READINGS[reading]
    behaviour, told = [], []
    for run in runs:
        known = np.isfinite(column(run, f"{name}.{place}.low"))
        behaviour.append([phase for phase, kept in zip(phases_of(run), known, strict=True) if kept])
        told.append(at_thresholds(run, reading))
    found = []
    for i in range(len(phases.ORDER_RANGE)):
        tables = [agreement(one, other[i]) for one, other in zip(behaviour, told, strict=True)]
        found.append(over_runs(kappa(tables), len(runs)))
    return envelope(found)


def shapeless(run: pd.DataFrame) -> float:
    """Mean share of no bump or several among images without one good bump, over snapshots of behaviour's phase A."""
    of_a = run[(np.array(phases_of(run)) == "A") & (run["step"] > 0).to_numpy()]
    told = sum(column(of_a, f"outcomes.grid.{name}") for name in ("none", "multiple"))
    failed = told + column(of_a, "outcomes.grid.malformed")
    return float(np.mean(told / failed)) if len(of_a) else np.nan


def misplaced(reading: str, cell: str, frame: pd.DataFrame) -> Estimate:
    """While the representation is in B: of the wrong images those of one misplaced bump, over the range of thresholds."""
    name, place, *_ = READINGS[reading]

    def of_run(run: pd.DataFrame, i: int) -> float:
        known = run[np.isfinite(column(run, f"{name}.{place}.low"))]
        of_b = known[np.array(at_thresholds(run, reading)[i]) == "B"]
        wrong = 1 - column(of_b, "outcomes.grid.correct")
        some = wrong > 0
        return (
            float(np.mean(column(of_b, "outcomes.grid.misplaced")[some] / wrong[some]))
            if some.any()
            else np.nan
        )

    return envelope(
        [mean_over_runs([cell], partial(of_run, i=i))(frame) for i in range(len(phases.ORDER_RANGE))]
    )


def _study() -> Study:
    return STUDY


def _early(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
    """As P1 says in images, but latents are ordered before a bump is."""
    return as_p1_says(cell, config, generator) | order(rise(12.0, 1.0))


def _lagging(part: float) -> Any:
    """Behaviour as P1 says; of the time from A's end to C's begin the representation is a part late."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
        T = config.training.steps
        placed = at(0.6, config, generator)
        late = rise(placed - part * 0.4 * T, T / 60)
        return {
            "formed": rise(at(0.2, config, generator), T / 60),
            "x": rise(placed, T / 60),
            "y": rise(placed, T / 60),
            **order(late),
        }

    return courses


def _claims(cell: str, readings: Sequence[str]) -> list[Claim]:
    words = SYSTEMS[cell]
    claim = partial(
        Claim,
        source="P1" if cell in ("eps", "small") else "P1, on another system",
        threshold=MAJORITY,
        cells=(cell,),
        system=cell,
    )
    before = "" if cell == EVERY_BASE.name else f" {BEFORE}"
    made = partial(controls, _study, (cell,))
    claims = [
        claim(
            f"behaviour_abc_{cell}",
            f"What is painted goes from no or several bumps (A) over one misplaced bump (B) to one in place (C): {words}.",
            statistic="share of runs whose decided phases of behaviour are A, B, C in this order, exact interval",
            estimate=share_of_runs([cell], is_abc),
            figure="sequences",
            family="phases A, B, C in images",
            does_not_show="Phases that last less than the time between two snapshots are not seen, nor is why they come."
            + before,
            controls=made(as_p1_says, straight_to_c, either(as_p1_says, straight_to_c)),
        ),
        claim(
            f"failure_a_{cell}",
            f"In phase A images fail by holding no bump or several, not by a misshapen one: {words}.",
            statistic="share of none and multiple among none, multiple and malformed, mean over trained snapshots of "
            "behaviour's phase A, then runs",
            estimate=mean_over_runs([cell], shapeless),
            figure="outcomes",
            family="failures of phase A",
            does_not_show="What a sampler of few steps makes of them: the study `sampler` asks that."
            + before,
            controls=made(
                changed(as_p1_says, unformed=_unformed(0.2)),
                changed(as_p1_says, unformed=_unformed(0.8)),
                _malformed_about(0.5),
            ),
        ),
    ]
    for reading in readings:
        _, _, way, caveat = READINGS[reading]
        claims += [
            claim(
                f"phase_b_{reading}_{cell}",
                f"Before it is ordered, the representation is a low-dimensional manifold without order (B), read {way}: "
                f"{words}.",
                statistic="share of runs with a snapshot of phase B, exact interval; at thresholds of order's gain over the "
                f"untrained network of {', '.join(f'{one:g}' for one in phases.ORDER_RANGE)}; all must agree",
                estimate=partial(passes_b, reading, cell),
                figure="sequences",
                family="phase B in latents",
                does_not_show=caveat + before,
                controls=made(as_p1_says, straight_to_c, either(as_p1_says, straight_to_c)),
            ),
            claim(
                f"agreement_{reading}_{cell}",
                f"Images and latents, read {way}, are in the same phase at the same time: {words}.",
                statistic="Cohen's kappa over snapshots at which both are decided, bootstrap of runs; at all thresholds",
                threshold=MODERATE,
                estimate=partial(agree, reading, cell),
                figure="agreement",
                family="images and latents in the same phase",
                does_not_show="That one causes the other. Snapshots at which either is undecided are left out."
                + before,
                controls=made(as_p1_says, _early, _lagging(0.6)),
            ),
            claim(
                f"failure_b_{reading}_{cell}",
                f"While latents, read {way}, are in phase B, wrong images hold one misplaced bump: {words}.",
                statistic="share of misplaced among wrong images, mean over snapshots of the representation's phase B, "
                "then runs; at all thresholds",
                estimate=partial(misplaced, reading, cell),
                figure="outcomes",
                family="failures of phase B",
                does_not_show="Runs whose representation is never in phase B do not count." + before,
                controls=made(as_p1_says, _shapeless_b, _half_misplaced),
            ),
        ]
    return claims


def _malformed_about(share: float) -> Any:
    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
        of_run = float(np.clip(share + 0.1 * generator.standard_normal(), 0, 1))
        return as_p1_says(cell, config, generator) | {"unformed": _unformed(of_run)}

    return courses


def _unformed(malformed: float) -> dict[str, float]:
    """Shares of the images without one good bump."""
    rest = (1 - malformed) / 2
    return {"none": rest, "multiple": rest, "malformed": malformed}


def _shapeless_b(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
    """Bumps form only when latents are ordered: until then images hold several."""
    T = config.training.steps
    ordered = at(0.6, config, generator)
    return {
        "formed": rise(ordered, T / 60),
        "x": whole,
        "y": whole,
        **order(rise(ordered, T / 60)),
    }


def _half_misplaced(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
    """While latents are unordered half of the images hold one bump, and it is misplaced."""
    T = config.training.steps
    ordered = at(0.6, config, generator)
    of_run = float(np.clip(0.5 + 0.05 * generator.standard_normal(), 0, 1))
    placed = rise(ordered, T / 60)
    return {
        "formed": lambda steps: of_run + (1 - of_run) * placed(steps),
        "x": placed,
        "y": placed,
        **order(rise(ordered, T / 60)),
    }


def sequences(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for cell in (one.name for one in CELLS):
        runs = some_runs(frame, [cell])
        if not runs:
            continue
        system = SYSTEMS[cell].rpartition(", ")[2]
        panels.append(phase_grid(runs, phases_of, f"{system}: images"))
        for reading, (_, place, *_) in READINGS.items():
            told = [run for run in runs if _is_read(run, reading)]
            if told:
                panels.append(
                    phase_grid(
                        [_read_rows(run, reading) for run in told],
                        lambda run, r=reading: at_thresholds(run, r)[-1],
                        f"{system}: {'P1, ' if reading == 'p1' else 'raw, '}{named(*place)}",
                    )
                )
    return panels


def _is_read(run: pd.DataFrame, reading: str) -> bool:
    name, place, *_ = READINGS[reading]
    return f"{name}.{place}.low" in run and bool(np.isfinite(column(run, f"{name}.{place}.low")).any())


def _read_rows(run: pd.DataFrame, reading: str) -> pd.DataFrame:
    name, place, *_ = READINGS[reading]
    return run[np.isfinite(column(run, f"{name}.{place}.low"))]


def outcomes(frame: pd.DataFrame) -> list[Panel]:
    names = {outcome.name: f"outcomes.grid.{outcome.name}" for outcome in OUTCOMES}
    return [
        Panel(
            SYSTEMS[cell.name],
            STEPS,
            "share of images on the grid",
            [
                replace(curve, colour=outcome.colour)
                for curve, outcome in zip(mean_curves(runs, names), OUTCOMES, strict=True)
            ],
            ylim=(0, 1),
        )
        for cell in CELLS
        if (runs := some_runs(frame, [cell.name]))
    ]


ROUTES = {
    f"told, {named(*PLACE)}": f"order_told.{PLACE}.value",
    f"seen, {named(*PLACE)}": f"order_seen.{PLACE}.value",
    f"told, {named('mid', 50)}": f"order_told.{Place('mid', 50)}.value",
    f"seen, {named('mid', 50)}": f"order_seen.{Place('mid', 50)}.value",
    f"P1's, {named(*P1_PLACE)}": f"p1.{P1_PLACE}.value",
}


def routes(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for cell in CELLS:
        runs = some_runs(frame, [cell.name])
        if not runs:
            continue
        names = {
            words: name for words, name in ROUTES.items() if name in runs[0] and runs[0][name].notna().any()
        }
        names |= {f"all, {named(*PLACE)}": f"order.{PLACE}.value"}
        panels.append(
            Panel(
                SYSTEMS[cell.name],
                STEPS,
                "R², least of x, y",
                mean_curves(runs, names),
                ylim=(-0.1, 1.02),
                level=phases.REPRESENTATION.order,
            )
        )
    return panels


def kappas(frame: pd.DataFrame) -> list[Panel]:
    names = [cell.name for cell in CELLS]
    curves = [
        marks(
            (partial(agree, reading, cell, frame) for cell in names),
            "read raw" if reading == "raw" else "read P1's way",
            series,
            0.15 * (2 * series - 1),
        )
        for series, reading in enumerate(READINGS)
    ]
    return [
        Panel(
            "Images and latents",
            "",
            "Cohen's kappa",
            curves,
            level=MODERATE,
            ticks=ticks(SYSTEMS[name].rpartition(", ")[2] for name in names),
            ylim=(-0.6, 1.02),
        )
    ]


NAMES = tuple(cell.name for cell in CELLS)

STUDY = Study(
    name="phases",
    number=1,
    question="Does learning go through P1's phases A, B and C, in images and in latents, and in both at once?",
    preset="lean",
    cells=CELLS,
    seeds=8,
    more=8,
    amendments=AMENDED,
    claims=tuple(
        claim
        for cell in NAMES
        for claim in _claims(cell, ("raw", "p1") if cell == EVERY_BASE.name else ("raw",))
    ),
    figures=(
        Figure(
            "sequences",
            "Phases of every run",
            sequences,
            saying(
                NAMES,
                "A row a run, a column a snapshot; white: undecided. Latents at a threshold of "
                f"{phases.ORDER_RANGE[-1]:g}.",
            ),
        ),
        Figure("outcomes", "What is painted while learning", outcomes, saying(NAMES, BANDS), columns=2),
        Figure(
            "routes",
            "Order of the label that is told, of the image that is seen, and read P1's way",
            routes,
            saying(NAMES, f"{BANDS} Line: {phases.REPRESENTATION.order:g}. {THRESHOLDS}"),
            columns=2,
        ),
        Figure(
            "agreement",
            "Agreement of images and latents",
            kappas,
            saying(
                NAMES,
                f"Kappa with its interval over runs and thresholds; line: {MODERATE:g}. Where a system has no mark either "
                "side never changes its phase, and kappa is not defined.",
            ),
            columns=1,
        ),
    ),
    readings=(Reading("p1", read_p1, cells=(EVERY_BASE.name,)),),
)
