"""Runs on P1's own ingredients, whose sheet is read and whose samples are made in 12 steps."""

from phasescope.studies import Cell
from studies.designs.sheet import PROBING

SNAPSHOTS = {"dense_every": 100, "dense_until": 6000, "every": 100}
SOLVER = {"sampler": {"kind": "dpm_solver", "steps": 12}}
CELLS = (Cell("p1", {"seed": 100, "family": SOLVER, "probing": {**PROBING, "snapshots": SNAPSHOTS}}),)

SMALL = (
    "A network of 0.28 M parameters; P1's has about 23 M, and its optimiser, batch and length are not known."
)
SITE = (
    "The sheet is read at mid, t = 600, from 128 labels under two noise draws. A sheet that bends back on itself looks "
    "unordered from so few labels (study `resolution`)."
)
