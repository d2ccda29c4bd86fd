"""Trained on x and y of unequal density, does a network learn the two together, or each as its own density lets it?

P1 trains with d_x much smaller than d_y, sees x and y learnt together, and concludes that the model is coupled. What
that shows depends on what a model that factorizes would have done, which balanced grids tell (`_axes`).
Every imbalanced cell has its mirror image, so that nothing rests on x and y being drawn differently; each axis is read from
every image, formed or not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.studies.core.captions import BANDS, THRESHOLDS, saying
from phasescope.studies.core.claim import Claim
from phasescope.studies.core.criteria import Labels
from phasescope.studies.core.made import Courses, rise
from phasescope.studies.core.made import together as joint_at
from phasescope.studies.core.study import Amendment, Cell, Figure, Study
from phasescope.studies.found._axes import (
    COUPLED,
    HALF,
    LABELS,
    MIDDLE,
    TOGETHER,
    denser_first,
    phi,
    together,
)
from phasescope.studies.found._cells import AMENDED, BALANCED, BASE, UNEQUAL, mended
from phasescope.studies.found._imbalance_figures import curves, joint, ratios
from phasescope.studies.found._made import at, controls, either, read_as, whole

if TYPE_CHECKING:
    from phasescope.runs.config import RunConfig

PAIRS: dict[str, tuple[tuple[str, ...], Labels, str]] = {
    name: (tuple(UNEQUAL[steps].name for steps in ((dx, dy), (dy, dx))), labels, words)
    for name, dx, dy, labels, words in (
        ("tenfold", 0.1, 1.0, "grid", "increments of 0.1 and 1 px"),
        ("fourfold", 0.25, 1.0, "grid", "increments of 0.25 and 1 px"),
        ("coarse", 1.0, 4.0, "off_grid", "increments of 1 and 4 px, between whose values it must generalize"),
    )
}
"""cells with their mirror images, the images that are asked, words"""
READS = ("accuracy", "outcomes", "together", "config.world")


def learner(of: float, later: float, joint: str = "product") -> Courses:
    """The denser axis sets in at `of` of the run, the sparser one `later` times as late; on balanced grids both do so by
    their increment: 1 px as the denser one, more as the sparser one.

    Args:
        joint: `product`: independent of each other; `least`: together right or wrong.
    """

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
        T = config.training.steps
        dx, dy = config.world.design.model_extra["dx"], config.world.design.model_extra["dy"]
        of_run = at(of, config, generator)
        times = {}
        for axis, own, other in (("x", dx, dy), ("y", dy, dx)):
            sparser = own > other or (own == other and own > 1)
            times[axis] = of_run * (later if sparser else 1.0) * math.exp(0.04 * generator.standard_normal())
        x, y = (rise(times[axis], T / 12) for axis in "xy")
        both = (lambda steps: np.minimum(x(steps), y(steps))) if joint == "least" else None
        return {"formed": whole, "x": x, "y": y, "joint": both, "seen_joint": both}

    return courses


def _claims_of(name: str) -> list[Claim]:
    cells, labels, words = PAIRS[name]
    claim = partial(Claim, cells=cells, figure="ratios", system="eps")
    made = partial(controls, lambda: STUDY, cells, reads=READS)
    ratio = partial(together, cells, labels)
    barely = read_as(TOGETHER, partial(learner, 0.4), (1.2, 1.4), ratio, lambda: STUDY, cells, READS)
    return [
        claim(
            f"together_{name}",
            f"x and y are learnt together {LABELS[labels]}: {words}.",
            "P1",
            "median over runs of the sparser axis's onset over the denser one's, or its inverse where that is more, "
            "sign-test interval, onsets as seen at snapshots, one that did not come later than the run's end; every image "
            "read by darkest pixel and by matched filter; both must agree",
            TOGETHER,
            ratio,
            does_not_show="Two learners that know nothing of each other are together as well, if density does not matter "
            "to either.",
            direction="below",
            family="x and y set in together",
            controls=made(learner(0.45, 1.0), (learner(0.35, 1.9), learner(0.6, 0.5)), barely),
        ),
        claim(
            f"denser_first_{name}",
            f"The denser axis sets in first {LABELS[labels]}: {words}.",
            "phasescope",
            "share of runs whose denser axis is right first among those that are not tied, exact interval, every image "
            "read by darkest pixel and by matched filter; both must agree",
            HALF,
            partial(denser_first, cells, labels),
            does_not_show="By how much: runs whose axes set in between the same two snapshots are tied and left out.",
            family="the denser axis sets in first",
            controls=made(
                learner(0.35, 1.8),
                learner(0.6, 0.55),
                either(learner(0.35, 1.8), learner(0.6, 0.55)),
            ),
        ),
    ]


def _claims_of_coupling() -> list[Claim]:
    claims = []
    for name, some, of, words in (
        ("equal", (BASE.name,), "grid", "on a balanced grid"),
        (
            "unequal",
            tuple(name for pair, *_ in list(PAIRS.values())[:2] for name in pair),
            "grid",
            "on imbalanced grids",
        ),
    ):
        claims.append(
            Claim(
                f"right_together_{name}",
                f"An image that is right in x is right in y, and one that is wrong is wrong, {words}.",
                "P1",
                "mean over runs of phi of being right in x and in y, over snapshots at which both accuracies are from "
                f"{MIDDLE[0]:g} to {MIDDLE[1]:g}, every image read by darkest pixel and by matched filter; both must agree",
                COUPLED,
                partial(phi, some, of),
                "joint",
                "Some labels may be harder than others in both x and y: that goes together in a factorized learner too.",
                cells=some,
                family="x and y are right together",
                system="eps",
                controls=controls(
                    lambda: STUDY,
                    some,
                    learner(0.5, 1.0, "least"),
                    learner(0.5, 1.0),
                    _at_phi(COUPLED),
                    reads=READS,
                ),
            )
        )
    return claims


def _at_phi(of: float) -> Courses:
    """x and y right independently but for a part `of` of the correlation that could be."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> Mapping[str, Any]:
        found = learner(0.5, 1.0)(cell, config, generator)
        both = joint_at(found["x"], found["y"], of)
        return {**found, "joint": both, "seen_joint": both}

    return courses


CLAIMS = (*(claim for name in PAIRS for claim in _claims_of(name)), *_claims_of_coupling())
CELLS = (*BALANCED.values(), *UNEQUAL.values())
NAMES = tuple(cell.name for cell in CELLS)


STUDY = Study(
    name="imbalance",
    number=6,
    question="Trained on x and y of unequal density, does a network learn the two together, or each by its own density?",
    preset="lean",
    cells=CELLS,
    seeds=8,
    more=8,
    amendments=(
        *AMENDED,
        mended(
            "An onset that did not come was put at the run's end, so that two axes of which the sparser never came were "
            "together; the ratio is bounded on one side there, and is a median. None of its claims of imbalanced grids had "
            "been judged."
        ),
        Amendment(
            "2026-11-27",
            "That x and y are learnt together was asked of one side alone: a sparser axis that sets in long before the "
            "denser one was together with it. Both sides are asked now. Whether onsets are as of a coupled learner is not "
            "asked any more: few networks on a grid of 4 px paint between its values within their steps, so that the onset "
            "of a learner of one axis is not known there, and on finer grids both learners have the same. Families of "
            "claims are named by what they ask. Its runs had been looked at.",
            looked=True,
        ),
    ),
    headline="together_tenfold",
    claims=CLAIMS,
    figures=(
        Figure(
            "curves",
            "Accuracy along x and y, in all three readings",
            curves,
            saying(
                NAMES, f"sigma = 1 px. {BANDS} Formed: only an image of one well-formed bump can be right."
            ),
            columns=4,
        ),
        Figure(
            "ratios",
            "Which axis sets in first, against both references",
            ratios,
            saying(
                NAMES,
                "A mark a run, read by matched filter; an onset that did not come is put at the run's end. Line: "
                f"{TOGETHER:g}; together are those from its inverse up to it. {THRESHOLDS}",
            ),
            columns=2,
        ),
        Figure(
            "joint",
            "Right in x and in y",
            joint,
            saying(NAMES, "Of every image, formed or not; a mark a run and snapshot."),
            columns=2,
        ),
    ),
)
