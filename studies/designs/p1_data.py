"""Runs on P1's ingredients: those of the study `p1`, and denser, wider and unequal data beside them."""

from phasescope.studies import Cell, merge
from studies.designs import p1

STEPS = 4500  # two thirds of a core-hour would be needed for the 6,000 of `p1`; its runs' onsets are at 3,100 to 3,800
DATA = {
    "dense": ({"design": {"dx": 0.25, "dy": 0.25}}, 4),
    "wide": ({"sigma_px": 2.0}, 4),
    "unequal": ({"design": {"dx": 0.25, "dy": 1.0}}, 6),
}
REFERENCE = Cell("p1", p1.CELLS[0].fields, {"data": "p1"}, seeds=8)
OTHERS = {"seed": 200, "training": {"steps": STEPS}}
CELLS = [
    REFERENCE,
    *(
        Cell(name, merge(REFERENCE.fields, {**OTHERS, "world": world}), {"data": name}, seeds=seeds)
        for name, (world, seeds) in DATA.items()
    ),
]
