"""Trained on x and y of unequal density, of which factor's nats is more learnt?

Accuracy along an axis says what is painted. A network whose labels were left out now and then also tells what its label is
worth to it: the nats of x, and of y, that being told saves it at every noise level (docs/theory.md). Each factor's nats are
counted over ln of the number of its values, all that there is to learn of it. Every cell has its mirror image, so that
nothing rests on x and y being drawn differently.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made
from phasescope.studies.core.comparing import mean_where, size
from phasescope.studies.core.criteria import at_end, column, runs_of, some_runs
from phasescope.studies.core.curves import STEPS, mean_curves, with_runs
from phasescope.studies.core.made import made_records, rise
from phasescope.studies.core.statistics import mean_of_runs
from phasescope.studies.core.study import Amendment, Cell, Curve, Figure, Panel, Reading, Study, Table
from phasescope.studies.found._axes import Axis, axes_of
from phasescope.studies.found._cells import LITTLE, eps
from phasescope.studies.found._made import as_p1_says, at, made_ends
from phasescope.studies.found._standing import GROUP, learnt, read_standing
from phasescope.studies.found.ladder import LEFT_OUT

if TYPE_CHECKING:
    import pandas as pd

CELLS = {
    (dx, dy): eps(
        f"factors left out, d=({dx:g}, {dy:g})",
        {"training": {"label_dropout": LEFT_OUT}, "world": {"design": {"dx": dx, "dy": dy}}},
        seeds=6,
    )
    for dx, dy in ((0.25, 1.0), (1.0, 0.25), (1.0, 4.0), (4.0, 1.0))
}
LONG = eps(
    "factors left out, 10,000 steps",
    {
        "training": {"label_dropout": LEFT_OUT, "steps": 10_000},
        "probing": LITTLE | {"snapshots": {"dense_until": 0, "every": 1000}},
    },
    seeds=12,
)
"""on a balanced grid, four times as long"""
OF_NATS = 0.08
"""of all nats, from run to run, in made runs; 0.1 in runs of a quarter of the length"""
CONVERGED = 0.1
"""of all nats: how far from them a network that has converged may be (declared with the study's issue)"""
PAIRS = {
    "fourfold": (((0.25, 1.0), (1.0, 0.25)), "increments of 0.25 and 1 px"),
    "coarse": (((1.0, 4.0), (4.0, 1.0)), "increments of 1 and 4 px"),
}
"""cells with their mirror images, and words"""
FROM = 450
"""step from which on nats are averaged: in eight runs on a balanced grid they were wild before step 300"""
ALIKE = 0.08
"""of the two mean shares of nats; in runs on a balanced grid the difference had a standard deviation of 0.05"""
SPREAD = 0.05


def names_of(pair: str) -> tuple[str, ...]:
    return tuple(CELLS[steps].name for steps in PAIRS[pair][0])


def share_of(axis: Axis) -> str:
    """The column of a factor's nats over all that there are of it."""
    return f"{GROUP}.nats.{axis}"


NATS = f"{GROUP}.nats.label"


def ahead(run: pd.DataFrame) -> float:
    """The mean share of the denser factor's nats less that of the sparser one's, over snapshots from `FROM` on."""
    axes, late = axes_of(run), column(run, "step") >= FROM
    return mean_where(column(run, share_of(axes.dense)) - column(run, share_of(axes.sparse)), late)


def denser_ahead(cells: tuple[str, ...], frame: pd.DataFrame) -> Estimate:
    """Mean over runs of `ahead`."""
    return mean_of_runs([ahead(run) for run in runs_of(frame, cells)])


def made(cells: tuple[str, ...], apart: float, generator: np.random.Generator) -> pd.DataFrame:
    """Records of runs in which the denser factor's share of nats is ahead by as much on average; shares end near a half.

    Args:
        apart: the difference of the shares.
    """
    frame = made_records(STUDY, as_p1_says, generator, cells=cells, reads=("config.world",))
    by_name = {cell.name: cell for cell in CELLS.values()}
    columns: dict[str, np.ndarray] = {share_of(axis): np.full(len(frame), math.nan) for axis in ("x", "y")}
    for _, run in frame.groupby("digest"):
        config = by_name[run["cell"].iloc[0]].config(0, "lean")
        axes, steps = axes_of(run), run["step"].to_numpy(dtype=float)
        course = rise(at(0.2, config, generator, 0.3), config.training.steps / 12)(steps)
        level = 0.5 + 0.1 * generator.standard_normal()
        of_run = apart + SPREAD * generator.standard_normal()
        for axis, side in ((axes.dense, 0.5), (axes.sparse, -0.5)):
            share = level * course + side * of_run + 0.07 * generator.standard_normal(len(steps))
            columns[share_of(axis)][frame.index.get_indexer(run.index)] = share
    return frame.assign(**columns)


def _claims_of(pair: str) -> list[Claim]:
    cells, words = names_of(pair), PAIRS[pair][1]
    statistic = (
        f"mean share of the denser factor's nats less that of the sparser one's, over snapshots from step {FROM} on, mean "
        "over runs"
    )
    claim = partial(
        Claim,
        cells=cells,
        system="eps",
        source="phasescope",
        figure="ahead",
        does_not_show="Far from the optimum the share is the network's own gap between what it does told and untold, not "
        "information. The denser factor has more nats in all.",
    )

    def of(*apart: float) -> Made:
        """One or the other, each as likely."""
        return lambda generator: made(cells, float(generator.choice(apart)), generator)

    return [
        claim(
            f"nats_together_{pair}",
            f"As large a share of the nats of x is learnt as of those of y, within {ALIKE:.0%} of all, on average over "
            f"training: {words}.",
            statistic=f"size of the {statistic}",
            threshold=ALIKE,
            estimate=size(partial(denser_ahead, cells)),
            direction="below",
            family="as many nats of x as of y",
            controls=Controls(of(0.0), of(2.5 * ALIKE, -2.5 * ALIKE), of(ALIKE, -ALIKE)),
        ),
        claim(
            f"denser_nats_first_{pair}",
            f"More is learnt of the denser factor's nats than of the sparser one's, on average over training: {words}.",
            statistic=statistic,
            threshold=0.0,
            estimate=partial(denser_ahead, cells),
            family="nats of the denser factor are ahead",
            controls=Controls(of(ALIKE), of(-ALIKE), of(0.0)),
        ),
    ]


def far_from_all(frame: pd.DataFrame) -> Estimate:
    """Mean over runs of the label's nats over all that there are, at the end, less 1."""
    return mean_of_runs([learnt(run) - 1 for run in runs_of(frame, [LONG.name])])


def _converged() -> Claim:
    def of(*nats: float) -> Made:
        """One or the other, each as likely."""

        def made_nats(generator: np.random.Generator) -> pd.DataFrame:
            level = float(generator.choice(nats))
            return made_ends(
                STUDY,
                [LONG.name],
                lambda _: {NATS: level + OF_NATS * generator.standard_normal()},
                generator,
            )

        return made_nats

    return Claim(
        "converged",
        f"Trained four times as long, networks have learnt the label's nats on average, within {CONVERGED:.0%} of all.",
        "phasescope",
        "size of half the integral over the signal-to-noise ratio of the error that being told saves it, over ln of the "
        "number of images, less 1, at the end, mean over runs",
        CONVERGED,
        size(far_from_all),
        "longer",
        "That each has, or that it would come no nearer. The number is the network's own gap; it is information only as far "
        "as the network is near to its best.",
        direction="below",
        cells=(LONG.name,),
        family="nats of the label",
        system="eps",
        controls=Controls(of(1.0), of(0.75, 1.25), of(1 - CONVERGED, 1 + CONVERGED)),
    )


def longer(frame: pd.DataFrame) -> list[Panel]:
    """Nats over all that there are, whole and by factor, over a long training."""
    runs = [run for run in some_runs(frame, [LONG.name]) if NATS in run]
    if not runs:
        return []
    curves = mean_curves(runs, {"label": NATS, **{axis: share_of(axis) for axis in ("x", "y")}})
    return [Panel("", STEPS, "nats over all there are", curves, ylim=(-0.2, 1.5), level=1.0)]


def shares(frame: pd.DataFrame) -> list[Panel]:
    """Of each cell both factors' nats over all that there are."""
    return [
        Panel(
            words.removeprefix("factors left out, "),
            STEPS,
            "nats over all there are",
            mean_curves(runs, {axis: share_of(axis) for axis in ("x", "y")}),
            ylim=(-1.0, 5.0) if words in names_of("fourfold") else (-0.2, 1.5),
            level=1.0,
        )
        for words, runs in with_runs(frame, [(cell.name, [cell.name]) for cell in CELLS.values()])
    ]


def leads(frame: pd.DataFrame) -> list[Panel]:
    """A mark a run: by how much the denser factor's share is ahead."""
    x: list[float] = []
    y: list[float] = []
    for place, cell in enumerate(CELLS.values()):
        if runs := some_runs(frame, [cell.name]):
            x.extend((place + 0.06 * (np.arange(len(runs)) - (len(runs) - 1) / 2)).tolist())
            y.extend(map(ahead, runs))
    ticks: dict[float, Any] = {float(i): f"({dx:g}, {dy:g})" for i, (dx, dy) in enumerate(CELLS)}
    marks = Curve(np.array(x), np.array(y), label="runs", style="points")
    title = "The denser factor's share of nats less the sparser one's"
    return [Panel(title, "(d_x, d_y), px", "difference of shares", [marks], level=0.0, ticks=ticks)]


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each cell what is learnt of both factors in nats, where shares are of as many as there are."""

    def row(cell: Cell, runs: list[pd.DataFrame]) -> dict[str, Any]:
        axes, labels = axes_of(runs[0]), cell.config(0, "lean").world.training_labels()
        told: dict[str, Any] = {"cell": cell.name, "runs": len(runs)}
        both: dict[str, Axis] = {"denser": axes.dense, "sparser": axes.sparse}
        for words, axis in both.items():
            most, share = math.log(len(np.unique(labels[:, "xy".index(axis)]))), share_of(axis)
            means = [mean_where(column(run, share), column(run, "step") >= FROM) for run in runs]
            told[f"{words}, all"] = most
            told[f"{words}, mean"] = most * float(np.mean(means))
            told[f"{words}, end"] = most * float(np.mean([at_end(run, share) for run in runs]))
        return told

    return [row(cell, runs) for cell in CELLS.values() if (runs := some_runs(frame, [cell.name]))]


NAMES = tuple(cell.name for cell in CELLS.values())
"""of unequal density"""

STUDY = Study(
    name="bits",
    number=15,
    question="Trained on x and y of unequal density, of which factor's nats is more learnt?",
    preset="lean",
    cells=(*CELLS.values(), LONG),
    seeds=6,
    more=6,
    amendments=(
        Amendment(
            "2026-11-27",
            "That nats of x and y are learnt together was asked of one side alone: a sparser factor that is learnt long "
            "before the denser one was together with it. Both sides are asked now. None of its runs had been made.",
        ),
        Amendment(
            "2026-11-28",
            "Half of a factor's nats, for good, is seldom reached in runs of this length, and its onset differs more from "
            "run to run than the ratio that was asked for: mean shares are compared. None of its runs had been made.",
        ),
        Amendment(
            "2026-11-28",
            "Whether a network that has converged has learnt all nats was asked nowhere: a cell is trained four times as "
            "long. None of its runs had been made.",
        ),
    ),
    headline="nats_together_fourfold",
    claims=(*(claim for pair in PAIRS for claim in _claims_of(pair)), _converged()),
    figures=(
        Figure(
            "courses",
            "Nats of x and of y while they are learnt",
            shares,
            saying(NAMES, "Over ln of the number of each factor's values. Means and ranges over runs."),
            columns=2,
        ),
        Figure(
            "ahead",
            "Of which factor more is learnt",
            leads,
            saying(NAMES, f"A mark a run: means over snapshots from step {FROM} on."),
        ),
        Figure(
            "longer",
            "Nats learnt in a long training",
            longer,
            saying((LONG.name,), "Means and ranges over runs."),
        ),
    ),
    tables=(
        Table(
            "nats",
            "What is learnt of both factors, in nats",
            rows,
            note=lambda frame: (
                "All: ln of the number of the factor's values. Mean: over snapshots from step "
                f"{FROM} on, then over runs."
            ),
        ),
    ),
    readings=(Reading(GROUP, read_standing),),
)
