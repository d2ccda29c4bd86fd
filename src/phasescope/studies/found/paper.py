"""Does P1's own system, as far as it is known, pass the phases A, B, C, and is its latent ordered in the end?

One cell: the preset `paper`, to its end, painted by its own ancestral sampling. It is a system of its own: its verdicts
stand beside those of the small ones and are not pooled with them.

Eight seeds, not five: at 97.5 % five runs of five leave the share of runs anywhere above 0.0125^(1/5) = 0.42, so that
neither five nor none of five could decide whether most runs pass. Eight of eight leave it above 0.58.

    ./lab paper        on an NVIDIA GPU, one run at a time; killed and called again, it goes on

Where it runs is `training.device`, and no part of a run's identity: runs of a GPU and of a CPU fill the same records. In
what precision it computes, `training.precision`, is part of it, and is float32, which both have.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from phasescope.studies.core.captions import BANDS, saying
from phasescope.studies.core.claim import Claim, Controls, Made
from phasescope.studies.core.criteria import P1_PLACE, PLACE, at_end, phases_of, some_runs
from phasescope.studies.core.curves import STEPS, mean_curves, named, phase_grid
from phasescope.studies.core.made import flat, jitter, made_records, rise
from phasescope.studies.core.statistics import mean_over_runs, share_of_runs
from phasescope.studies.core.study import Cell, Figure, Panel, Study
from phasescope.studies.found._behaviour import MAJORITY, is_abc, outcome_curves, shapeless
from phasescope.studies.found._phases_made import unformed_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PAPER = Cell("paper", {"training": {"device": "auto", "precision": "float32"}})
CELLS = (PAPER.name,)
FIVEFOLD = math.log(5)
"""learnt order, in nats, where the untrained network's error is a fifth left: an R² of 0.8 from one of 0"""


def learnt_in_the_end(run: pd.DataFrame) -> float:
    """Learnt order at the last snapshot, where P1 reads it."""
    return at_end(run, f"learnt_order.{P1_PLACE}.value")


def sequences(frame: pd.DataFrame) -> list[Panel]:
    return [phase_grid(some_runs(frame, CELLS), phases_of, "behaviour")]


def outcomes(frame: pd.DataFrame) -> list[Panel]:
    curves = outcome_curves(some_runs(frame, CELLS))
    return [Panel("Painted", STEPS, "share of images on the grid", curves, ylim=(0, 1))]


def order(frame: pd.DataFrame) -> list[Panel]:
    names = {named(*place): f"learnt_order.{place}.value" for place in (P1_PLACE, PLACE)}
    curves = mean_curves(some_runs(frame, CELLS), names)
    return [Panel("Learnt order", STEPS, "log((1 − R₀²)/(1 − R²))", curves, level=FIVEFOLD)]


def made(generator: np.random.Generator, in_three: float, shapeless: float, learnt: float) -> pd.DataFrame:
    """Records of as many runs as the study has.

    Args:
        in_three: chance that a run passes A, B, C; else it goes from A to C.
        shapeless: share of no bump or several among failures of phase A, from run to run by up to 0.1 more or less.
        learnt: learnt order in the end, nats.
    """

    def courses(*_: object) -> dict[str, Any]:
        places = rise(jitter(2400, generator), 60) if generator.random() < in_three else flat(1.0)
        order = rise(jitter(1500, generator), 100)
        return {
            "formed": rise(jitter(900, generator), 60),
            "x": places,
            "y": places,
            "unformed": unformed_of(1 - shapeless + 0.1 * generator.uniform(-1, 1)),
            "raw": lambda steps: -math.expm1(-learnt) * order(steps),
        }

    reads = ["phase.behaviour", "outcomes.grid.", f"order.{P1_PLACE}", f"learnt_order.{P1_PLACE}"]
    return made_records(STUDY, courses, generator, reads=reads)


def controls(name: str, positive: float, negative: float, borderline: float) -> Controls:
    """Records in which all claims hold but for one, of which this is so and not so."""

    def of(value: float) -> Made:
        return partial(made, **{"in_three": 1.0, "shapeless": 0.9, "learnt": 3.0, name: value})

    return Controls(of(positive), of(negative), of(borderline))


STUDY = Study(
    name="paper",
    number=12,
    question="Does P1's own system pass the phases A, B and C, and does it end with an ordered latent?",
    preset="paper",
    cells=(PAPER,),
    seeds=8,
    claims=(
        Claim(
            "behaviour_abc",
            "What P1's own system paints goes from no or several bumps (A) over one misplaced bump (B) to one in place (C).",
            source="P1",
            statistic="share of runs whose decided phases of behaviour are A, B, C in this order, exact interval",
            threshold=MAJORITY,
            estimate=share_of_runs(CELLS, is_abc),
            figure="sequences",
            does_not_show="Phases that last less than the time between two snapshots are not seen, nor is why they come.",
            minimum_n=8,
            family="phases A, B, C in images",
            system="P1's own",
            controls=controls("in_three", 1.0, 0.0, MAJORITY),
        ),
        Claim(
            "failure_a",
            "In phase A the images of P1's own system fail by holding no bump or several, not by a misshapen one.",
            source="P1",
            statistic="share of none and multiple among none, multiple and malformed, mean over trained "
            "snapshots of behaviour's phase A, then runs",
            threshold=MAJORITY,
            estimate=mean_over_runs(CELLS, shapeless),
            figure="outcomes",
            does_not_show="How images fail later, when some hold one bump already: those of phase A alone are counted.",
            family="failures of phase A",
            system="P1's own",
            controls=controls("shapeless", 0.7, 0.3, MAJORITY),
        ),
        Claim(
            "ends_ordered",
            f"P1's own system ends with latents whose order at {named(*P1_PLACE)} was learnt: of what the untrained "
            "network leaves unexplained less than a fifth is left.",
            source="P1",
            statistic=f"learnt order log((1 - R0^2)/(1 - R^2)) at {named(*P1_PLACE)} by ridge regression at the last "
            "snapshot, mean over runs",
            threshold=FIVEFOLD,
            estimate=mean_over_runs(CELLS, learnt_in_the_end),
            figure="order",
            does_not_show="That images are the way by which it comes: every block is told the label.",
            family="order is learnt",
            system="P1's own",
            controls=controls("learnt", 2.2, 1.0, FIVEFOLD),
        ),
    ),
    figures=(
        Figure(
            "sequences",
            "Phases of every run",
            sequences,
            saying(CELLS, "A row a run, a column a snapshot; white: undecided."),
            columns=1,
        ),
        Figure("outcomes", "What is painted while learning", outcomes, saying(CELLS, BANDS), columns=1),
        Figure(
            "order",
            "Order that was learnt",
            order,
            saying(CELLS, f"{BANDS} Line: an error of a fifth of the untrained network's."),
            columns=1,
        ),
    ),
)
