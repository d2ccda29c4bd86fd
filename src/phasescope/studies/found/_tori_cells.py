"""Periodic bumps and stripes, whole and with combinations held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from phasescope.config import Tree, merge
from phasescope.places import Place
from phasescope.studies.core.study import Cell
from phasescope.studies.found._cells import ENDS, TORUS, eps

SEEDS, HELD_SEEDS = 16, 12
"""of cells that hold nothing out, and of those that hold combinations out"""
SHOWN: Mapping[str, str] = {"bumps": "gaussian_bump", "stripes": "stripes"}
SIDES: Mapping[int, tuple[float, float]] = {10: (11.0, 20.0), 12: (10.0, 21.0), 14: (9.0, 22.0)}
"""px of squares that are held out, and the range of x, and of y, that they take. Of 7 px nearly all is composed, of a whole
cross nearly nothing: there runs of one cell could not differ"""
SPLIT = "square"


def _world(shown: str, hold_out: Tree | None) -> Tree:
    return {"world": {"kind": SHOWN[shown], "boundary": "periodic", "design": {"hold_out": hold_out}}}


def _held(shown: str, side: int) -> Cell:
    within = list(SIDES[side])
    fields = _world(shown, {"kind": "square", "x": within, "y": within})
    return eps(f"{shown}, periodic, without {side} x {side}", merge(fields, ENDS), HELD_SEEDS)


WHOLE = {
    "bumps": replace(TORUS, seeds=SEEDS),
    "stripes": eps("stripes, periodic", _world("stripes", None), SEEDS),
}
HELD_OUT = tuple(_held(shown, side) for side in SIDES for shown in SHOWN)
"""cells that hold combinations out"""
HELD = tuple(cell.name for cell in HELD_OUT)
CELLS = (*WHOLE.values(), *HELD_OUT)
NAMES = tuple(cell.name for cell in CELLS)


def index(place: Place) -> str:
    return f"code.{place}.value"


def additive(place: Place) -> str:
    return f"shape.{place}.additive"


def spectrum(place: Place) -> str:
    return f"spectrum.{place}.value"
