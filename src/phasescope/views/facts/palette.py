"""Which colour says what, in figures and on pages.

Text, lines and curves have a light and a dark colour: figures are drawn in the light ones, pages follow the reader's scheme.
Data colours are those of Okabe and Ito (2008) or close to them, which differ in lightness too, for readers who do not see
red and green apart.
"""

from collections.abc import Iterable
from itertools import cycle
from typing import Any

from phasescope.core.factors import Factor

PALETTE = {
    "ink": ("#1b1f24", "#e7e9ec"),
    "muted": ("#5b646e", "#a0a9b3"),
    "line": ("#d6dade", "#3a414a"),
    "paper": ("#fefefe", "#15181c"),
    "panel": ("#f4f5f7", "#1e2227"),
    "accent": ("#0071b1", "#4aa5e0"),
    "probe": ("#00845f", "#2cbd92"),
    "p1": ("#c8501a", "#f0854a"),
    "condition": ("#6f4bb2", "#b197ea"),
    "input": ("#a06800", "#dba53c"),
}
"""each colour's light and dark value"""
INK, MUTED, LINE, PAPER = (PALETTE[name][0] for name in ("ink", "muted", "line", "paper"))

# The same in both schemes, so that a phase is known by its colour.
PHASE_COLOURS = {"A": "#8b939d", "B": "#e69f00", "C": "#0072b2"}
ON_DATA = "#15191d"
TARGET = "#d62f1f"
"""a line on filled areas, and a mark on an image"""

SERIES_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7d4f50", INK)
"""of the series of a panel, by their index"""
# Of a factor's classes, by their index; of more than these, hues evenly round the circle.
NAMED = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#7d4f50",
    "#8b939d",
    "#332288",
    "#b5bd00",
)
MOST_NAMED = 20
"""classes whose names stand beside their colours"""
HELD_OUT = ("accent", "p1", "probe", "condition", "input")
"""of held-out splits, by their names in the palette"""


def class_ticks(factor: Factor) -> list[tuple[float, str]]:
    """Return the value and the name of each class, for a colour bar; nothing without classes, or with too many."""
    if not factor.categorical or len(factor.values) > MOST_NAMED:
        return []
    return [(value, factor.class_name(value)) for value in factor.values.tolist()]


def held_out_colours(splits: Iterable[str]) -> dict[str, str]:
    """Return each held-out split's colour, by its name in the palette."""
    return dict(zip(splits, cycle(HELD_OUT)))


def denoiser_colours(mmse: dict[str, Any]) -> dict[str, str]:
    """Return a colour for each reference denoiser, those with the most information first."""
    return dict(zip([name for name in reversed(mmse) if name != "t"], cycle(NAMED), strict=False))
