"""A claim's numbers as they are printed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from phasescope.studies.core.claim import from_plain

NOTHING = "–"
FEW = 8
"""changes of an amendment that are all told"""


def number(value: float | str | None) -> str:
    """Three digits; a dash where there is none."""
    found = from_plain(value)
    if math.isinf(found):
        return "∞" if found > 0 else "-∞"
    return NOTHING if math.isnan(found) else f"{found:.3g}"


def brief(value: float) -> str:
    """Two decimals, or three digits of what has many before the point; a dash where there is none."""
    if not abs(value) < 10:
        return number(value)
    return f"{value:.2f}".removeprefix("-") if abs(value) < 0.005 else f"{value:.2f}".replace("-", "−")


def amendment_words(amended: Sequence[dict[str, Any]], counted: bool = False) -> list[str]:
    """Of each amendment of a declaration its date, its reason and what it changed, or how many things.

    Of many changes those of claims are told, and the number of the others: runs by their digests, and fields of cells.
    """

    def changed(one: dict[str, Any]) -> str:
        every = one["changed"]
        if not every:
            return ""
        if counted:
            return f" ({len(every)} change{'s' * (len(every) > 1)})"
        told = every if len(every) <= FEW else [words for words in every if "the claim " in words]
        others = (
            [f"{len(every) - len(told)} changes of cells and constants"] if len(told) < len(every) else []
        )
        return f" ({'; '.join([*told, *others])})"

    return [f"{one['date']}: {one['reason']}{changed(one)}" for one in amended]


def in_cell(text: str) -> str:
    """Text as a cell of a Markdown table holds it."""
    return " ".join(text.split()).replace("|", "\\|")


def unbroken(text: str) -> str:
    """Numbers that stay on one line, with a sign of their own width."""
    return text.replace(" ", "\N{NO-BREAK SPACE}").replace("-", "−")


def interval(claim: dict[str, Any]) -> str:
    if claim["low"] is None or claim["n"] == 0:
        return NOTHING
    return f"[{number(claim['low'])}, {number(claim['high'])}]"
