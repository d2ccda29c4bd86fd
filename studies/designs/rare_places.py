"""Runs that are trained on one half of the canvas four times as often as on the other, and what studies show of them."""

from functools import partial

import phasescope.studies as ps
from phasescope.studies.readings.halves import HALVES, delay, onsets, read_halves
from studies.designs.p1 import SOLVER
from studies.designs.sheet import PROBING

STEPS = 3000
PLAN = PROBING | {
    "observe": [],
    "snapshots": {"dense_until": 0, "every": 100},
    "images": {"grid": 16, **dict.fromkeys(HALVES, 64), "off_grid": 0},
}


def cell(along: str, half: str) -> ps.Cell:
    world = {"kind": "studies/rare_places/kinds.py:UnevenBumps", "along": along, "half": half}
    fields = {"seed": 300, "world": world, "training": {"steps": STEPS}, "family": SOLVER, "probing": PLAN}
    return ps.Cell(f"half of {half} {along} trained often", fields, {"along": along, "half": half})


CELLS = [cell(along, half) for along in "xy" for half in ("low", "high")]
READINGS = [ps.Reading("halves", read_halves, needs=())]

OTHER_FACTOR_LATE = partial(delay, column="across")
DIVIDING_FACTOR_LATER = partial(delay, column="along", than="across")

COLUMNS = {
    "often trained, both factors": "halves.often.both",
    "often trained, the factor that divides": "halves.often.along",
    "often trained, the other factor": "halves.often.across",
    "rarely trained, both factors": "halves.rarely.both",
    "rarely trained, the factor that divides": "halves.rarely.along",
    "rarely trained, the other factor": "halves.rarely.across",
}
PLOTS = [ps.Courses("places", "Samples in the correct place", COLUMNS, ylabel="share", ylim=(0, 1))]
TABLES = [
    ps.Table(
        "Steps after which half of the samples are in the correct place",
        {name: partial(onsets, column=column, other=column) for name, column in COLUMNS.items()},
    )
]
