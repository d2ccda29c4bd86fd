"""All verdicts at a glance: families of claims down, systems across, a verdict with its number in each square.

Which claim speaks is a rule, the same whatever the verdicts are. Families and systems stand in the order in which claims
name them, study by study. Of a family the claim that a study names as its headline speaks, or the first. A square shows the
claim whose sentence begins most like that one, so that like stands beside like, and a mark for each further claim; words
say how many have which verdict. The headline is told as a sentence, with the verdicts of the same family in other systems.
A claim that names no family, or no system, is told on its study's page alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from textwrap import wrap
from typing import Any

from phasescope.studies.core.claim import from_plain
from phasescope.views.claim_words import NOTHING, brief

Entry = dict[str, Any]
"""a claim as `study_page.entry` has it"""

SYMBOLS = {"supported": "●", "refuted": "✕", "undecided": "○"}
"""of verdicts, where there is no colour"""
LABEL_PX, SQUARE_PX, ROW_PX, HEAD_PX, EDGE_PX, GAP_PX = 236, 186, 52, 44, 12, 6
"""of the picture: widths of the families' names and of a square, heights of a square and of systems' names, margin, gap"""
LABEL_LETTERS, HEAD_LETTERS = 30, 24
"""in a line of a family's name, and of a system's"""
MARK_PX, MARKS_A_ROW = 6.5, 8
"""of further claims, in a square's upper right corner: from one mark to the next"""


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

    def tally(self, claim: Entry) -> str:
        """Of several claims in a claim's square the verdicts, ``of 6 claims: 1 supported, 5 refuted``; none of one alone."""
        square = self.squares.get((claim["family"], claim["system"]), ())
        counts = ", ".join(f"{count} {verdict}" for verdict, count in verdict_counts(square).items() if count)
        return f"of {len(square)} claims: {counts}" if len(square) > 1 else ""

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
    families, systems = (
        tuple(dict.fromkeys(claim[name] for claim in named)) for name in ("family", "system")
    )
    for family in families:
        of_family = [claim for claim in named if claim["family"] == family]
        speaks = next((claim for claim in of_family if claim.get("headline")), of_family[0])
        for at in squares:
            if at[0] == family:
                squares[at] = _most_alike_first(squares[at], speaks)
    return Grid(families, systems, squares)


def _most_alike_first(claims: tuple[Entry, ...], speaks: Entry) -> tuple[Entry, ...]:
    """The claim whose sentence has the most first words in common with another's, then the others in their order."""
    sentences = [zip(claim["sentence"].split(), speaks["sentence"].split(), strict=False) for claim in claims]
    likeness = [sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], words)) for words in sentences]
    first = likeness.index(max(likeness))
    return (claims[first], *claims[:first], *claims[first + 1 :])


def findings(grid: Grid, headlines: Iterable[Entry]) -> list[dict[str, Any]]:
    """What is told in sentences: each of these claims that has runs, with a number, and `others` of its family."""
    return [
        {
            "number": number,
            "claim": claim,
            "others": [one for one in grid.of(claim["family"]) if one["system"] != claim["system"]]
            if claim["family"]
            else [],
        }
        for number, claim in enumerate((one for one in headlines if one["n"]), 1)
    ]


def in_words(claim: Entry) -> str:
    """A verdict, its number and what it rests on: ``supported, 1 [0.58, 1], n = 8``."""
    return f"{claim['verdict']}, {claim['value_text']} {claim['interval_text']}, n = {claim['n']}"


def picture(grid: Grid, alone: bool) -> dict[str, Any]:
    """Where everything stands in the picture of a grid, px; the template draws it.

    Args:
        alone: whether it is a file of its own, which declares its colours.
    """
    rows = [
        {
            "lines": _lines(family, LABEL_LETTERS, HEAD_PX + i * ROW_PX + (ROW_PX - GAP_PX) / 2),
            "squares": [_square(grid, family, system, i, j) for j, system in enumerate(grid.systems)],
        }
        for i, family in enumerate(grid.families)
    ]
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
        "square": (SQUARE_PX - GAP_PX, ROW_PX - GAP_PX),
        "label": spoken(grid),
    }


def _square(grid: Grid, family: str, system: str, row: int, column: int) -> dict[str, Any]:
    """A square's place, its claim with what it says, and marks (x, y, claim) of further claims; px within the square."""
    claim, *further = grid.squares.get((family, system), (None,))
    right, rows = SQUARE_PX - GAP_PX - 8, range(0, len(further), MARKS_A_ROW)
    return {
        "x": EDGE_PX + LABEL_PX + column * SQUARE_PX,
        "y": HEAD_PX + row * ROW_PX,
        "claim": claim,
        "told": "" if claim is None else _briefly(claim),
        "marks": [
            (right - MARK_PX * (len(of_row) - k), 8 + MARK_PX * line, one)
            for line, of_row in enumerate(further[first : first + MARKS_A_ROW] for first in rows)
            for k, one in enumerate(of_row)
        ],
    }


def _briefly(claim: Entry) -> str:
    """Value, interval and n as a square has room for."""
    value, low, high = (from_plain(claim[name]) for name in ("value", "low", "high"))
    ends = "" if claim["interval_text"] == NOTHING else f" [{brief(low)}, {brief(high)}]"
    return f"{brief(value)}{ends} n {claim['n']}"


def _lines(text: str, letters: int, middle: float) -> list[tuple[float, str]]:
    """(y, line) of a text broken in lines about a height, px."""
    lines = wrap(text, letters)
    return [(middle + 15 * (k - (len(lines) - 1) / 2), line) for k, line in enumerate(lines)]


def spoken(grid: Grid) -> str:
    """The picture for who does not see it."""

    def of(family: str) -> str:
        return ", ".join(
            f"{claim['system']} {claim['verdict']}" + (f" ({tally})" if (tally := grid.tally(claim)) else "")
            for claim in grid.of(family)
        )

    return "; ".join(f"{family}: {of(family)}" for family in grid.families)


def verdict_counts(claims: Sequence[Entry]) -> dict[str, int]:
    """How many have each verdict."""
    return {verdict: sum(claim["verdict"] == verdict for claim in claims) for verdict in SYMBOLS}
