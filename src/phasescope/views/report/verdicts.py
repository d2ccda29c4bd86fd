"""All verdicts at a glance: families of claims down, systems across, a verdict with its number in each square.

Which claim speaks is a rule, the same whatever the verdicts are. Families and systems stand in the order in which claims name
them, study by study. A square shows its first claim, and a mark for each further one. Of each of the first `FINDINGS` families
the first claim of the first system that has one is told as a sentence, with the verdicts of the other systems behind it.
A claim that names no family, or no system, is told on its study's page alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

Entry = dict[str, Any]
"""a claim as `entries.entry` has it"""

FINDINGS = 6
SYMBOLS = {"supported": "●", "refuted": "✕", "undecided": "○"}
"""of verdicts, where there is no colour"""
LABEL_PX, SQUARE_PX, ROW_PX, HEAD_PX, EDGE_PX = 236, 168, 58, 44, 12
"""of the picture: widths of the families' names and of a square, heights of a square and of the systems' names, margin"""
LABEL_LETTERS, HEAD_LETTERS = 34, 24
"""in a line of a family's name, and of a system's"""


@dataclass(frozen=True)
class Grid:
    """Verdicts by family and system."""

    families: tuple[str, ...]
    systems: tuple[str, ...]
    squares: dict[tuple[str, str], tuple[Entry, ...]]
    """claims by (family, system), the one that is shown first"""

    def of(self, family: str) -> list[Entry]:
        """The claims of a family that are shown, system by system."""
        return [self.squares[family, s][0] for s in self.systems if (family, s) in self.squares]

    def shown(self) -> list[list[Entry | None]]:
        """The claim that is shown of each family (row) and system (column); None where there is none."""
        return [
            [self.squares.get((family, system), (None,))[0] for system in self.systems]
            for family in self.families
        ]


def grid_of(claims: Iterable[Entry]) -> Grid:
    """The claims that name both a family and a system."""
    named = [claim for claim in claims if claim.get("family") and claim.get("system")]
    squares: dict[tuple[str, str], tuple[Entry, ...]] = {}
    for claim in named:
        at = claim["family"], claim["system"]
        squares[at] = (*squares.get(at, ()), claim)
    families, systems = (tuple(dict.fromkeys(claim[name] for claim in named)) for name in ("family", "system"))
    return Grid(families, systems, squares)


def findings(grid: Grid) -> list[dict[str, Any]]:
    """What is told in sentences: of each of the first families the first system's claim, and the `others`."""
    told = [grid.of(family) for family in grid.families[:FINDINGS]]
    return [{"claim": first, "others": others} for first, *others in told]


def in_words(claim: Entry) -> str:
    """A verdict, its number and what it rests on: ``supported, 1 [0.58, 1], n = 8``."""
    return f"{claim['verdict']}, {claim['value_text']} {claim['interval_text']}, n = {claim['n']}"


def picture(grid: Grid, alone: bool) -> dict[str, Any]:
    """Where everything stands in the picture of a grid, px; the template draws it.

    Args:
        alone: whether it is a file of its own, which declares its colours.
    """
    rows = []
    for i, family in enumerate(grid.families):
        top = HEAD_PX + i * ROW_PX
        squares = []
        for j, system in enumerate(grid.systems):
            claims = grid.squares.get((family, system), ())
            square: dict[str, Any] = {"x": EDGE_PX + LABEL_PX + j * SQUARE_PX, "y": top, "claims": claims}
            squares.append(square)
        rows.append(
            {
                "name": family,
                "lines": _lines(family, LABEL_LETTERS, top + ROW_PX / 2),
                "y": top,
                "squares": squares,
            }
        )
    return {
        "alone": alone,
        "heads": [
            {
                "x": EDGE_PX + LABEL_PX + j * SQUARE_PX,
                "lines": _lines(system, HEAD_LETTERS, HEAD_PX / 2),
            }
            for j, system in enumerate(grid.systems)
        ],
        "rows": rows,
        "width": 2 * EDGE_PX + LABEL_PX + len(grid.systems) * SQUARE_PX,
        "height": HEAD_PX + len(grid.families) * ROW_PX + EDGE_PX,
        "left": EDGE_PX,
        "square": (SQUARE_PX - 6, ROW_PX - 6),
        "label": spoken(grid),
    }


def _lines(text: str, letters: int, middle: float) -> list[tuple[float, str]]:
    """(y, line) of a text broken in lines about a height, px."""
    lines = wrap(text, letters)
    return [(middle + 15 * (k - (len(lines) - 1) / 2), line) for k, line in enumerate(lines)]


def spoken(grid: Grid) -> str:
    """The picture for who does not see it."""
    def of(family: str) -> str:
        return ", ".join(f"{claim['system']} {claim['verdict']}" for claim in grid.of(family))

    return "; ".join(f"{family}: {of(family)}" for family in grid.families)


def verdict_counts(claims: Sequence[Entry]) -> dict[str, int]:
    """How many have each verdict."""
    return {verdict: sum(claim["verdict"] == verdict for claim in claims) for verdict in SYMBOLS}
