"""What no training can give: a network that commutes with shifts cannot place an object beyond one.

With circular padding and no coordinates a U-Net commutes with shifts by f = patch 2^depth px. Given a label its images are
then as likely at all (N / f)^2 shifts of one another, so no more than a share (f / N)^2 of them is in place, whatever the
training, and phase B is the last (docs/theory.md). Whether that share is reached is asked, not claimed. Beside it stand
networks that have a source of absolute place: padding that is not circular, or coordinates; and f = N, which leaves
nothing open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.config import Tree
from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim
from phasescope.studies.core.criteria import PLACE, at_end, column, mean_told, phases_of, some_runs
from phasescope.studies.core.curves import mean_curve, named, phase_grid
from phasescope.studies.core.made import Courses, flat, rise
from phasescope.studies.core.statistics import TAIL, mean_over_runs, share_of_runs
from phasescope.studies.core.study import Amendment, Cell, Curve, Figure, Panel, Study, Table
from phasescope.studies.found._behaviour import MAJORITY, median_from
from phasescope.studies.found._cells import BEFORE, eps
from phasescope.studies.found._made import as_p1_says, at, changed, controls, either, order, whole

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.runs.config import RunConfig

SEEDS = 8
CANVAS = 32
ABOVE, HOLDS = 0.05, 0.75
"""by which accuracy would have to exceed the bound: about twice as much as 128 images err; share of runs above which a bound
is said to hold in every run: all of sixteen tell as much"""
LAST = 3
"""snapshots at the end, over which accuracy is averaged"""
HIGH = 0.9
"""of order: a pilot of one run stayed above it, and never placed a bump"""


def _torus(name: str, **network: object) -> Cell:
    fields: Tree = {"world": {"boundary": "periodic"}, "network": network}
    return eps(name, fields, SEEDS)


SHIFTS = {
    8: _torus("circular, f = 8", padding="circular", widths=[32, 32, 32]),
    16: _torus("circular, f = 16", padding="circular"),
}
"""by the shift, px, with which the network commutes: those that tell no place"""
ONE_CELL = _torus("circular, one cell", padding="circular", patch=4)
"""of which the bottleneck is a mean, so that it commutes with shifts by 16 px; thought at first to tell the place"""
SOURCES = {
    "zeros": ("padding by zeros", _torus("zeros", padding="zeros")),
    "reflect": ("reflecting padding", _torus("reflect", padding="reflect")),
    "replicate": ("replicating padding", _torus("replicate", padding="replicate")),
    "coordinates": ("circular padding and the pixels' coordinates",
        _torus("circular, coordinates", padding="circular", coordinates=True)),
}  # fmt: skip
"""those in which something may tell the place: words and cell"""
CELLS = (*SHIFTS.values(), ONE_CELL, *(cell for _, cell in SOURCES.values()))
NAMES = tuple(cell.name for cell in CELLS)
ORDER = f"order.{PLACE}.value"


def bound(f: int) -> float:
    """The largest accuracy that a network which commutes with shifts by f px can have: places within 1 px of the label, and
    those f px on, do not overlap, and each is as likely."""
    return (f / CANVAS) ** 2


BOUNDS = {cell.name: bound(f) for f, cell in (*SHIFTS.items(), (16, ONE_CELL))}


def reached(run: pd.DataFrame) -> float:
    """The share of images on the grid that are right, over the last snapshots."""
    return float(column(run, "outcomes.grid.correct")[-LAST:].mean())


def within_bound(run: pd.DataFrame) -> bool:
    """Whether the exact interval of accuracy on the grid, at the end, does not lie above the cell's bound."""
    from scipy.stats import beta

    n = at_end(run, "outcomes.grid.n")
    right = round(n * at_end(run, "outcomes.grid.correct"))
    return not right or bool(beta.ppf(TAIL, right, n - right + 1) <= BOUNDS[run["cell"].iloc[0]])


def ends_in_b(run: pd.DataFrame) -> bool:
    """Whether images come to B, and never to C."""
    return "B" in phases_of(run) and not comes_to_c(run)


def comes_to_c(run: pd.DataFrame) -> bool:
    return "C" in phases_of(run)


def is_ordered(run: pd.DataFrame) -> bool:
    return at_end(run, ORDER) > HIGH


def ending_at(share: float) -> Courses:
    """Bumps are formed, and in the end a share of them, another in each run, is in place along both axes."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> Mapping[str, Any]:
        T = config.training.steps
        placed, formed = rise(at(0.6, config, generator), T / 60), rise(at(0.2, config, generator), T / 60)
        of_run = float(np.clip(share + 0.02 * generator.standard_normal(), 0, 1))
        return {
            "formed": formed,
            "x": lambda steps: of_run * placed(steps),
            "y": whole,
            **order(rise(12.0, 1.0)),
        }

    return courses


def ordered_to(level: float) -> Courses:
    """Latents of which order stays at a level."""
    return changed(as_p1_says, **order(flat(level)))


def ending_about(times: float) -> Courses:
    """The same, at a multiple of each cell's bound."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> Mapping[str, Any]:
        return ending_at(times * BOUNDS[cell.name])(cell, config, generator)

    return courses


def _in_every_run() -> Claim:
    return Claim(
        "bound_in_every_run",
        "In every run of a network that commutes with shifts, no more is in place than the bound has it.",
        "phasescope",
        "share of runs in which the lower end of the exact interval of accuracy on the grid, at the end, is not above the "
        "bound; exact interval",
        HOLDS,
        share_of_runs(tuple(BOUNDS), within_bound),
        "accuracy",
        "That runs learnt to place: one that has nothing right passes. An excess that one snapshot's images cannot tell.",
        cells=tuple(BOUNDS),
        family="symmetry bounds accuracy",
        system="eps",
        controls=controls(
            lambda: STUDY,
            tuple(BOUNDS),
            ending_about(0.5),
            ending_about(3.0),
            either(ending_about(0.5), ending_about(3.0), HOLDS),
            reads=("phase.", "outcomes."),
        ),
    )


def _claims_of(f: int) -> list[Claim]:
    cell = SHIFTS[f].name
    claim = partial(Claim, source="phasescope", figure="accuracy", cells=(cell,), system="eps")
    images = partial(controls, lambda: STUDY, (cell,), reads=("phase.", "outcomes."))
    latents = partial(controls, lambda: STUDY, (cell,), reads=("order.",))
    return [
        claim(
            f"bound_{f}",
            f"A network that commutes with shifts by {f} px places no more than ({f}/{CANVAS})^2 of its bumps.",
            statistic=f"accuracy on the grid over the last {LAST} snapshots less the bound, mean over runs",
            threshold=ABOVE,
            estimate=mean_over_runs([cell], lambda run: reached(run) - bound(f)),
            direction="below",
            family="symmetry bounds accuracy",
            does_not_show="Whether the bound is reached: the figure shows how far.",
            controls=images(ending_at(bound(f)), ending_at(bound(f) + 0.25), ending_at(bound(f) + ABOVE)),
        ),
        claim(
            f"b_is_last_{f}",
            f"Without a source of place beyond {f} px images come to B, and to C never.",
            statistic="share of runs whose images are decided to be in B at a snapshot and in C at none, exact interval",
            threshold=MAJORITY,
            estimate=share_of_runs([cell], ends_in_b),
            family="B is the last phase without a source of place",
            does_not_show="What longer training would bring: the bound says that it cannot be C.",
            controls=images(ending_at(bound(f) / 2), as_p1_says, either(ending_at(bound(f) / 2), as_p1_says)),
        ),
        claim(
            f"ordered_{f}",
            f"All the same its latents are ordered: R^2 above {HIGH:g} at {named(*PLACE)} at the end.",
            statistic="share of runs in which it is, exact interval",
            threshold=MAJORITY,
            estimate=share_of_runs([cell], is_ordered),
            family="order without accuracy",
            does_not_show="That training brought this order: at this noise only the label can tell the place, and an "
            "untrained network passes it on.",
            controls=latents(ordered_to(0.99), ordered_to(0.5), either(ordered_to(0.99), ordered_to(0.5))),
        ),
    ]


def _of_source(name: str) -> Claim:
    words, cell = SOURCES[name]
    before = f" {BEFORE}" if name == "zeros" else ""
    steps, ends = cell.config(0, "lean").training.steps, (as_p1_says, ending_at(0.2))
    return Claim(
        f"source_{name.replace(' ', '_')}",
        f"On a torus with {words} images come to phase C within {steps:,} steps.",
        "phasescope",
        "share of runs whose images are decided to be in C at a snapshot, exact interval",
        MAJORITY,
        share_of_runs([cell.name], comes_to_c),
        "accuracy",
        f"A run that has not come to C by its end does not count, however it would have gone on.{before}",
        cells=(cell.name,),
        family="sources of absolute place",
        system="eps",
        controls=controls(lambda: STUDY, (cell.name,), *ends, either(*ends), reads=("phase.", "outcomes.")),
    )


def accuracy(frame: pd.DataFrame) -> list[Panel]:
    """Of each cell accuracy and order while learning; dashed, the bound where there is one."""
    panels = []
    for name in NAMES:
        if not (runs := some_runs(frame, [name])):
            continue
        curves = [
            mean_curve(runs, "outcomes.grid.correct", "right, on the grid", 0),
            mean_curve(runs, ORDER, f"order at {named(*PLACE)}", 2),
        ]
        if name in BOUNDS:
            ends = np.array([curves[0].x[0], curves[0].x[-1]])
            curves.append(Curve(ends, np.full(2, BOUNDS[name]), label="bound", series=7, style="dashed"))
        panels.append(Panel(name, "gradient steps", "share, or R²", curves, ylim=(-0.05, 1.02)))
    return panels


def courses(frame: pd.DataFrame) -> list[Panel]:
    return [phase_grid(runs, phases_of, name) for name in NAMES if (runs := some_runs(frame, [name]))]


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each cell the bound, what is reached, and how many runs come to C."""

    def row(name: str, runs: Sequence[pd.DataFrame]) -> dict[str, Any]:
        return {
            "network": name,
            "runs": len(runs),
            "accuracy at most": BOUNDS.get(name, 1.0),
            "right at the end": float(np.mean([reached(run) for run in runs])),
            "of one run at most": max(reached(run) for run in runs),
            "come to B": sum("B" in phases_of(run) for run in runs),
            "come to C": sum(map(comes_to_c, runs)),
            "C from, images": median_from(runs, "C"),
            "order at the end": mean_told(runs, ORDER),
        }

    return [row(name, runs) for name in NAMES if (runs := some_runs(frame, [name]))]


STUDY = Study(
    name="cap",
    number=9,
    question="What bounds accuracy where a network knows no absolute place, and what tells it the place?",
    preset="lean",
    cells=CELLS,
    seeds=SEEDS,
    more=SEEDS,
    amendments=(
        Amendment(
            "2026-11-28",
            "The runs with padding by zeros are factorization's, which had been recorded and looked at: their claim says "
            "so. The bound is (f/N)^2 alone: places that are right, and those f px on, do not overlap. When each source "
            "brings C is told.",
            looked=True,
        ),
        Amendment(
            "2026-11-28",
            "That the bound holds in every run, and not only in the mean over runs, is asked too. None of the runs that it "
            "reads had been made.",
        ),
        Amendment(
            "2026-11-28", "What is said of sources of place names how long they were given.", looked=True
        ),
        Amendment(
            "2026-11-28",
            "A bottleneck of one cell is a mean over the canvas: its network commutes with shifts by 16 px too. It is bound "
            "as the others are, and no source of place.",
            looked=True,
        ),
    ),
    headline="b_is_last_16",
    claims=(
        *(claim for f in SHIFTS for claim in _claims_of(f)),
        _in_every_run(),
        *(_of_source(name) for name in SOURCES),
    ),
    figures=(
        Figure(
            "accuracy",
            "Accuracy and order on a torus",
            accuracy,
            saying(NAMES, "Means and ranges over runs. Dashed: the most that the network's symmetry allows."),
        ),
        Figure(
            "courses",
            "Phases of images in every run",
            courses,
            saying(NAMES, "A row a run, a column a snapshot; white: undecided."),
        ),
    ),
    tables=(Table("cells", "What each network reached", rows),),
)
