"""If some places are trained on more often than others, are they correct earlier, and are x and y still learned together?

P1 varies the increments of x and y. Here increments are equal, and the places in one half of the canvas are trained on four
times as often as those in the other half. If every place were learned by itself, rare places would be correct four times
later. If x and y are learned apart, then at rare places the factor that divides the canvas, whose values are rare there, is
late, and the other factor, whose values are as frequent as elsewhere, is not. If they are coupled, as P1 says, both are late
together. Each half is the rare one in half of the runs, along x and along y. Accuracy is read between grid points, to a part
of a pixel, and of every sample, so that no label and no outcome is favoured. Two pilots (seeds 9001 and 9002, used for
nothing else) chose the length; in them rare places were late by a tenth to a sixth, and so was the other factor there.
"""

from functools import partial

import phasescope.studies as ps
from studies.frequency.readings import HALVES, delay_of_other, onsets, read_halves
from studies.imbalance.study import Apart
from studies.p1.study import SOLVER
from studies.sheet.study import PROBING, SELECTED

STEPS = 3000
PLAN = PROBING | {
    "observe": [], "snapshots": {"dense_until": 0, "every": 100},
    "images": {"grid": 16, **dict.fromkeys(HALVES, 64), "off_grid": 0},
}  # fmt: skip


def cell(along: str, half: str) -> ps.Cell:
    world = {"kind": "studies/frequency/kinds.py:UnevenBumps", "along": along, "half": half}
    fields = {"seed": 300, "world": world, "training": {"steps": STEPS}, "family": SOLVER, "probing": PLAN}
    return ps.Cell(f"{half} {along} often", fields, {"along": along, "half": half})


COLUMNS = {
    f"{'often' if half == HALVES[0] else 'rarely'} trained, {words}": f"halves.{half}.{column}"
    for half in HALVES
    for column, words in (("both", "both factors"), ("along", "the factor that divides"), ("across", "the other factor"))
}  # fmt: skip
LATE = partial(onsets, column="halves.rarely.both", other="halves.often.both")
APART = partial(onsets, column="halves.rarely.along", other="halves.rarely.across")
LIMITS = f"{SELECTED} 64 samples of each half."

STUDY = ps.Study(
    name="frequency",
    question="If some places are trained on more often, are they correct earlier, and are x and y learned together?",
    base="lean", answers="S6", cells=[cell(along, half) for along in "xy" for half in ("low", "high")], seeds=6, more=6,
    headline="rarely_late",
    claims=[
        ps.Claim(
            "rarely_late",
            "Half of the samples are in the correct place later at rarely trained places than at places that are trained on "
            "four times as often, by more than a quarter of the steps.",
            ps.OnsetRatio(), LATE, threshold=1.25, effect=0.2, spread=0.1,
            limits=f"{LIMITS} If all places were trained on alike, rare ones would see more images.",
        ),
        ps.Claim(
            "together",
            "At rarely trained places, x and y are correct together, within a factor 1.25 of the steps, although the values "
            "of one of them are rare.",
            Apart(), APART, threshold=1.25, effect=(0.2, 0.3), spread=0.1, direction="below", source="P1",
            limits=f"{LIMITS} Factors that are learned apart are together as well, if frequency does not matter.",
        ),
        ps.Claim(
            "other_late",
            "At rarely trained places the factor whose values are as frequent there as elsewhere is correct later than at "
            "often trained places, too, by more than a twentieth of the steps.",
            ps.Mean(), delay_of_other, unit="of the steps", threshold=0.05, effect=0.07, spread=0.1, source="P1",
            limits=f"{LIMITS} If x and y are learned apart, it is not. A sample without an object is wrong along both "
            "factors, so objects that form later at rare places would make this true as well.",
        ),
    ],
    readings=[ps.Reading("halves", read_halves, needs=())],
    plots=[ps.Courses("places", "Samples in the correct place", COLUMNS, ylim=(0, 1))],
    tables=[
        ps.Table(
            "Steps after which half of the samples are in the correct place",
            {name: partial(onsets, column=column, other=column) for name, column in COLUMNS.items()},
        )
    ],
)  # fmt: skip
