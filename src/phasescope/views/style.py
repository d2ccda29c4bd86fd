"""How every figure and page looks: one palette, one set of matplotlib settings.

Text, lines and curves have a light and a dark colour: figures are drawn in the light ones, pages follow the reader's scheme.
Data colours are those of Okabe and Ito (2008) or close to them, which differ in lightness too, for readers who do not see
red and green apart."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle
from typing import NamedTuple

from matplotlib import colormaps
from matplotlib.colors import Colormap, ListedColormap, hsv_to_rgb, to_hex

from phasescope.factors import Factor

PALETTE = {
    "ink": ("#1b1f24", "#e7e9ec"),
    "muted": ("#5b646e", "#a0a9b3"),
    "line": ("#d6dade", "#3a414a"),
    "paper": ("#fefefe", "#15181c"),
    "panel": ("#f4f5f7", "#1e2227"),
    "accent": ("#0071b1", "#4aa5e0"),
    "order": ("#00845f", "#2cbd92"),
    "p1": ("#c8501a", "#f0854a"),
    "told": ("#6f4bb2", "#b197ea"),
    "seen": ("#a06800", "#dba53c"),
}
"""each colour's light and dark value"""

PHASE_COLOURS = {"A": "#8b939d", "B": "#e69f00", "C": "#0072b2"}
"""the same in both schemes"""

ON_DATA = "#15191d"
TARGET = "#d62f1f"
"""a line on filled areas, and a mark on an image"""

OPEN_MAP, PERIODIC_MAP = "viridis", "twilight"
"""colour maps of a factor's value: perceptually even, and closed where the factor is"""
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
"""of a factor's classes, by their place among them; of more than these, hues evenly round the circle"""
MOST_NAMED = 20
"""classes whose names stand beside their colours"""

SHARE_MAP, ERROR_MAP = "viridis", "plasma_r"
"""of a cell of label space, perceptually even: what is good is light in both"""
HELD_OUT = ("accent", "p1", "order", "told", "seen")
"""of held-out splits, by their names in the palette"""

RUNGS = {
    "mean image": "#c7ccd2",
    "Wiener": "#8b939d",
    "local machine": "#e69f00",
    "posterior mean": "#d55e00",
    "label up to shifts": "#cc79a7",
    "label": "#0072b2",
}
"""of the ladder, by what a rung's name begins with: what knows the images' mean and covariance grey, what knows their shapes
orange, what knows the label blue"""
TOLD_RUNGS = ("#56b4e9", "#009e73", "#7d4f50")
"""of rungs that are told one factor, each the next"""

INK, MUTED, LINE, PAPER = (PALETTE[name][0] for name in ("ink", "muted", "line", "paper"))

RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Helvetica", "Arial"],
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": 8,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": PAPER,
    "figure.constrained_layout.use": True,
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "legend.handlelength": 1.8,
    "legend.borderaxespad": 0.3,
    "lines.linewidth": 1.6,
    "lines.markersize": 3,
    "hatch.linewidth": 0.6,
    "hatch.color": MUTED,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "svg.fonttype": "none",
    "savefig.dpi": 200,
}


class Scale(NamedTuple):
    """How a factor's value is coloured: `colours` over [low, high]."""

    colours: Colormap
    low: float
    high: float

    def stops(self) -> list[tuple[float, str]]:
        """(share of the way from low to high, #rrggbb), ascending, as plotly takes them."""
        if isinstance(self.colours, ListedColormap) and self.colours.name == "named":
            n = self.colours.N
            return [((i + side) / n, to_hex(self.colours(i))) for i in range(n) for side in (0, 1)]
        return [(i / 15, to_hex(self.colours(i / 15))) for i in range(16)]


def scale_of(factor: Factor) -> Scale:
    """By the factor's range; of a categorical one a colour each value, whole numbers from its low to its high."""
    if factor.categorical:
        n = len(factor.values)
        # neighbouring hues differ in lightness too
        hues = [to_hex(tuple(hsv_to_rgb((i / n, 0.85, (0.95, 0.6)[i % 2])))) for i in range(n)]
        named = NAMED[:n] if n <= len(NAMED) else hues
        return Scale(ListedColormap(named, name="named"), factor.low - 0.5, factor.high + 0.5)
    return Scale(colormaps[PERIODIC_MAP if factor.periodic else OPEN_MAP], factor.low, factor.high)


def class_ticks(factor: Factor) -> dict[str, list]:
    """The ticks of a colour bar, as plotly takes them: the names of classes; none of a factor without, or of too many."""
    if not factor.categorical or len(factor.values) > MOST_NAMED:
        return {}
    return {
        "tickvals": factor.values.tolist(),
        "ticktext": [factor.class_name(value) for value in factor.values],
    }


def even_colours(name: str, count: int = 33) -> list[str]:
    """Those of a colour map, #rrggbb, in even steps from its first to its last."""
    return [to_hex(colormaps[name](i / (count - 1))) for i in range(count)]


def held_out_colours(splits: Iterable[str]) -> dict[str, str]:
    """Each held-out split's colour, by its name in the palette."""
    return dict(zip(splits, cycle(HELD_OUT)))


def css_variables(dark: bool) -> str:
    """The palette as CSS custom properties, ``--ink: #1b1f24; ...``."""
    return " ".join(f"--{name}: {pair[dark]};" for name, pair in PALETTE.items())


def rung_colours(names: Iterable[str]) -> dict[str, str]:
    """The colour of each rung of a ladder."""
    told, found = cycle(TOLD_RUNGS), {}
    for name in names:
        known = [begin for begin in RUNGS if name.startswith(begin)]
        found[name] = RUNGS[max(known, key=len)] if known else next(told)
    return found
