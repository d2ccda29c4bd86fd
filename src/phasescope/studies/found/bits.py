"""Trained on x and y of unequal density, which factor's nats are learnt first?

Accuracy along an axis says what is painted. A network whose labels were left out now and then also tells what its label is
worth to it: the nats of x, and of y, that being told saves it at every noise level (docs/theory.md). Each factor's nats are
counted over ln of the number of its values, all that there is to learn of it. Every cell has its mirror image, so that
nothing rests on x and y being drawn differently.
"""

from __future__ import annotations

import math
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made
from phasescope.studies.core.comparing import apart, paired_ratio
from phasescope.studies.core.criteria import Passing, column, runs_of, some_runs
from phasescope.studies.core.curves import STEPS, mean_curves, with_runs
from phasescope.studies.core.made import made_records, rise
from phasescope.studies.core.study import Amendment, Curve, Figure, Panel, Reading, Study
from phasescope.studies.found._axes import HALF, TOGETHER, Axis, axes_of, first_of, sparse_and_dense
from phasescope.studies.found._cells import eps
from phasescope.studies.found._made import as_p1_says, at, calibrated
from phasescope.studies.found.ladder import GROUP, LEFT_OUT, read_standing

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
PAIRS = {
    "fourfold": (((0.25, 1.0), (1.0, 0.25)), "increments of 0.25 and 1 px"),
    "coarse": (((1.0, 4.0), (4.0, 1.0)), "increments of 1 and 4 px"),
}
"""cells with their mirror images, and words"""
LEARNT = 0.5
"""of a factor's nats, from which on it is learnt"""
NOISE = 0.04
"""of a share of nats, from snapshot to snapshot"""


def names_of(pair: str) -> tuple[str, ...]:
    return tuple(CELLS[steps].name for steps in PAIRS[pair][0])


def share_of(axis: Axis) -> str:
    """The column of a factor's nats over all that there are of it."""
    return f"{GROUP}.nats.{axis}"


def learnt(axis: Axis) -> Passing:
    """Half of a factor's nats are learnt."""
    return lambda run: np.nan_to_num(column(run, share_of(axis))) >= LEARNT


def together(cells: tuple[str, ...], frame: pd.DataFrame) -> Estimate:
    """How far the sparser factor's onset is from the denser one's, as a factor: of their median ratio over runs."""
    neither = "half of its nats were learnt of neither factor in any run"
    return apart(paired_ratio(*sparse_and_dense(runs_of(frame, cells), learnt), neither))


def denser_first(cells: tuple[str, ...], frame: pd.DataFrame) -> Estimate:
    """Of the runs whose factors are learnt at different snapshots the share in which the denser one was first."""
    return first_of(*sparse_and_dense(runs_of(frame, cells), learnt))


def _study() -> Study:
    return STUDY


def made(
    cells: tuple[str, ...],
    of: float,
    later: tuple[float, ...],
    generator: np.random.Generator,
) -> pd.DataFrame:
    """Records of runs that learn half of the denser factor's nats at `of` of their length.

    Args:
        later: by which factors the sparser one is learnt later; each as likely in a run.
    """
    frame = made_records(_study(), as_p1_says, generator, cells=cells, reads=("config.world",))
    by_name = {cell.name: cell for cell in CELLS.values()}
    columns: dict[str, np.ndarray] = {share_of(axis): np.full(len(frame), math.nan) for axis in ("x", "y")}
    for _, run in frame.groupby("digest"):
        config = by_name[run["cell"].iloc[0]].config(0, "lean")
        axes, start = axes_of(run), at(of, config, generator)
        apart = float(generator.choice(later)) * math.exp(0.06 * generator.standard_normal())
        steps = run["step"].to_numpy(dtype=float)
        for axis, onset in ((axes.dense, start), (axes.sparse, start * apart)):
            share = rise(onset, config.training.steps / 12)(steps)
            columns[share_of(axis)][frame.index.get_indexer(run.index)] = (
                share + NOISE * generator.standard_normal(len(steps))
            )
    return frame.assign(**columns)


@cache
def as_read(cells: tuple[str, ...], of: float, threshold: float) -> float:
    """By how much later the sparser factor must be learnt for its ratio to be read at the threshold.

    An onset is read at a snapshot, up to the time between two too late.
    """
    return calibrated(
        threshold,
        lambda later, generator: made(cells, of, (later,), generator),
        np.linspace(1.0, 1.6, 7).tolist(),
        partial(together, cells),
        times=40,
    )


def _barely(cells: tuple[str, ...], generator: np.random.Generator) -> pd.DataFrame:
    return made(cells, 0.4, (as_read(cells, 0.4, TOGETHER),), generator)


def _claims_of(pair: str) -> list[Claim]:
    cells, words = names_of(pair), PAIRS[pair][1]
    claim = partial(Claim, cells=cells, system="eps", source="phasescope")

    def of(at: float, *later: float) -> Made:
        return partial(made, cells, at, later)

    def apart_either_way(generator: np.random.Generator) -> pd.DataFrame:
        return (of(0.35, 1.9) if generator.random() < 0.5 else of(0.6, 0.5))(generator)

    return [
        claim(
            f"nats_together_{pair}",
            f"Half of the nats of x and half of those of y are learnt together: {words}.",
            statistic="median over runs of the sparser factor's onset over the denser one's, or its inverse where that is "
            "more, sign-test interval, onsets as seen at snapshots, one that did not come later than the run's end",
            threshold=TOGETHER,
            estimate=partial(together, cells),
            figure="ratios",
            does_not_show="Two learners that know nothing of each other are together as well, if density does not matter "
            "to either.",
            direction="below",
            family="nats of x and y, unequal density",
            controls=Controls(of(0.45, 1.0), apart_either_way, partial(_barely, cells)),
        ),
        claim(
            f"denser_nats_first_{pair}",
            f"Half of the denser factor's nats are learnt before half of the sparser one's: {words}.",
            statistic="share of runs whose denser factor is first among those that are not tied, exact interval",
            threshold=HALF,
            estimate=partial(denser_first, cells),
            figure="shares",
            does_not_show="By how much; and the denser factor has more nats in all.",
            family="nats of x and y, unequal density",
            controls=Controls(of(0.35, 1.9), of(0.6, 0.5), of(0.5, 0.55, 1.9)),
        ),
    ]


def shares(frame: pd.DataFrame) -> list[Panel]:
    """Of each cell both factors' nats over all that there are."""
    return [
        Panel(
            words.removeprefix("factors left out, "),
            STEPS,
            "nats over all there are",
            mean_curves(runs, {axis: share_of(axis) for axis in ("x", "y")}),
            ylim=(-0.2, 1.5),
            level=LEARNT,
        )
        for words, runs in with_runs(frame, [(cell.name, [cell.name]) for cell in CELLS.values()])
    ]


def onset_ratios(frame: pd.DataFrame) -> list[Panel]:
    """A mark a run: by how much later the sparser factor's nats are learnt."""
    x: list[float] = []
    y: list[float] = []
    for place, cell in enumerate(CELLS.values()):
        if runs := some_runs(frame, [cell.name]):
            sparse, dense = sparse_and_dense(runs, learnt)
            x.extend((place + 0.06 * (np.arange(len(runs)) - (len(runs) - 1) / 2)).tolist())
            y.extend((sparse.restricted / dense.restricted).tolist())
    ticks: dict[float, Any] = {float(i): f"({dx:g}, {dy:g})" for i, (dx, dy) in enumerate(CELLS)}
    marks = Curve(np.array(x), np.array(y), label="runs", style="points")
    return [
        Panel(
            "Half of the nats learnt",
            "(d_x, d_y), px",
            "sparser over denser onset",
            [marks],
            level=1.0,
            ticks=ticks,
        )
    ]


NAMES = tuple(cell.name for cell in CELLS.values())

STUDY = Study(
    name="bits",
    number=15,
    question="Trained on x and y of unequal density, which factor's nats are learnt first?",
    preset="lean",
    cells=tuple(CELLS.values()),
    seeds=6,
    more=6,
    amendments=(
        Amendment(
            "2026-11-27",
            "That nats of x and y are learnt together was asked of one side alone: a sparser factor that is learnt long "
            "before the denser one was together with it. Both sides are asked now. None of its runs had been made.",
        ),
    ),
    headline="nats_together_fourfold",
    claims=tuple(claim for pair in PAIRS for claim in _claims_of(pair)),
    figures=(
        Figure(
            "shares",
            "Nats of x and of y while they are learnt",
            shares,
            saying(NAMES, "Over ln of the number of each factor's values. Means and ranges over runs."),
            columns=2,
        ),
        Figure(
            "ratios",
            "Which factor's nats are learnt first",
            onset_ratios,
            saying(NAMES, "A mark a run; an onset that did not come is put at the run's end."),
        ),
    ),
    readings=(Reading(GROUP, read_standing),),
)
