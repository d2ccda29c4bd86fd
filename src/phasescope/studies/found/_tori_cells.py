"""Periodic bumps and stripes, whole and with combinations held out."""

from __future__ import annotations

from collections.abc import Mapping

from phasescope.config import Tree, merge
from phasescope.places import Place
from phasescope.studies.core.study import Cell
from phasescope.studies.found._cells import TORUS, eps
from phasescope.studies.found.compose import BAND

SEEDS = 8
LOOPS = 2
"""of a torus"""
TURNS: Tree = {"network": {"embedding": {"period": 32.0}}}
"""the label's encoding comes round the canvas too"""
SHOWN: Mapping[str, str] = {"bumps": "gaussian_bump", "stripes": "stripes"}


def _cell(shown: str, held: str, more: Tree | None = None, words: str = "") -> Cell:
    world: Tree = {
        "kind": SHOWN[shown],
        "boundary": "periodic",
        "design": {"hold_out": {"kind": held, **BAND} if held else None},
    }
    name = f"{shown}, periodic{f', {held}' if held else ''}{words}"
    return eps(name, merge({"world": world}, more or {}), SEEDS)


WHOLE = {"bumps": TORUS, "stripes": _cell("stripes", "")}
HELD_OUT = [
    (_cell(shown, held, more, words), split)
    for held, split, more, words in (
        ("cross", "intersection", None, ""),
        ("square", "square", None, ""),
        ("cross", "intersection", TURNS, ", told by turns"),
    )
    for shown in SHOWN
]
"""cells that hold combinations out, and the split that no factor's values reach"""
SPLITS = {cell.name: split for cell, split in HELD_OUT}
CELLS = (*WHOLE.values(), *(cell for cell, _ in HELD_OUT))
NAMES = tuple(cell.name for cell in CELLS)


def index(place: Place) -> str:
    return f"code.{place}.value"
