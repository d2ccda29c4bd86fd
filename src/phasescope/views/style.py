"""The style of all figures and pages: one palette, one set of matplotlib settings.

Text, lines and curves have a light and a dark colour: figures are drawn in the light ones, pages follow the reader's scheme.
Data colours are those of Okabe and Ito (2008) or close to them, which differ in lightness too, for readers who do not see
red and green apart."""

from collections.abc import Iterable
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib import colormaps, rc_params_from_file, rcParamsDefault
from matplotlib.colors import Colormap, ListedColormap, hsv_to_rgb, to_hex

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

OPEN_MAP, PERIODIC_MAP = "viridis", "twilight"
"""colour maps of a factor's value: perceptually even, and closed if the factor is"""
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

# Defaults first: a `matplotlibrc` in the working folder would change figures, and may start LaTeX.
RC: dict[str, Any] = {
    **{name: value for name, value in rcParamsDefault.items() if not name.startswith("backend")},
    **rc_params_from_file(Path(__file__).parent / "phasescope.mplstyle", use_default_template=False),
    **dict.fromkeys(("axes.edgecolor", "hatch.color", "xtick.color", "ytick.color"), MUTED),
    **dict.fromkeys(("axes.labelcolor", "axes.titlecolor", "text.color"), INK),
    **dict.fromkeys(("xtick.labelcolor", "ytick.labelcolor"), INK),
    "figure.facecolor": PAPER,
    "grid.color": LINE,
}


class Scale(NamedTuple):
    """The colour scale of a factor's values: `colours` over [low, high]."""

    colours: Colormap
    low: float
    high: float

    def stops(self) -> list[tuple[float, str]]:
        """Return (fraction from low to high, #rrggbb), ascending, as plotly takes them."""
        if isinstance(self.colours, ListedColormap) and self.colours.name == "named":
            n = self.colours.N
            return [((i + side) / n, to_hex(self.colours(i))) for i in range(n) for side in (0, 1)]
        return [(i / 15, to_hex(self.colours(i / 15))) for i in range(16)]


def scale_of(factor: Factor) -> Scale:
    """Return a scale over the factor's range; of a categorical one a colour each value, whole numbers from low to high."""
    if factor.categorical:
        n = len(factor.values)
        # neighbouring hues differ in lightness too
        hues = [to_hex(tuple(hsv_to_rgb((i / n, 0.85, (0.95, 0.6)[i % 2])))) for i in range(n)]
        named = NAMED[:n] if n <= len(NAMED) else hues
        return Scale(ListedColormap(named, name="named"), factor.low - 0.5, factor.high + 0.5)
    return Scale(colormaps[PERIODIC_MAP if factor.periodic else OPEN_MAP], factor.low, factor.high)


def class_ticks(factor: Factor) -> dict[str, list]:
    """Return the ticks of a colour bar, as plotly takes them: the names of classes, unless there are none or too many."""
    if not factor.categorical or len(factor.values) > MOST_NAMED:
        return {}
    names = [factor.class_name(value) for value in factor.values]
    return {"tickvals": factor.values.tolist(), "ticktext": names}


def held_out_colours(splits: Iterable[str]) -> dict[str, str]:
    """Return each held-out split's colour, by its name in the palette."""
    return dict(zip(splits, cycle(HELD_OUT)))


def css_variables(dark: bool) -> str:
    """Return the palette as CSS custom properties, ``--ink: #1b1f24; ...``."""
    return " ".join(f"--{name}: {pair[dark]};" for name, pair in PALETTE.items())


def shades(count: int) -> list[str]:
    """Return colours in an order, as of bands of t; the ends of the map are too dark, or too light, for one background."""
    return [to_hex(colormaps[OPEN_MAP](0.2 + 0.6 * i / max(count - 1, 1))) for i in range(count)]


def denoiser_colours(mmse: dict[str, Any]) -> dict[str, str]:
    """Return a colour for each reference denoiser, those with the most information first."""
    return dict(zip([name for name in reversed(mmse) if name != "t"], cycle(NAMED), strict=False))
