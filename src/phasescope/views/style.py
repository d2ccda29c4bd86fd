"""How every figure and page looks: one palette, one set of matplotlib settings.

Text, lines and curves have a light and a dark colour. Figures are drawn in the light ones; `inline_svg`
turns each into a CSS variable, so that an SVG inside a page follows the reader's scheme. Data colours are
those of Okabe and Ito (2008) or close to them: told apart by lightness too, and by readers who do not see
red and green apart."""

from __future__ import annotations

import io
import re

from matplotlib.figure import Figure

PALETTE = {
    "ink": ("#1b1f24", "#e7e9ec"),
    "muted": ("#5b646e", "#a0a9b3"),
    "line": ("#d6dade", "#3a414a"),
    "paper": ("#fefefe", "#15181c"),
    "panel": ("#f4f5f7", "#1e2227"),
    "accent": ("#0071b1", "#4aa5e0"),
    "order": ("#00845f", "#2cbd92"),
    "p1": ("#c8501a", "#f0854a"),
}
"""each colour's light and dark value; every light one is used for nothing else"""

OUTCOME_COLOURS = {
    "correct": "#0072b2",
    "misplaced": "#e69f00",
    "malformed": "#7d4f50",
    "multiple": "#cc79a7",
    "none": "#c7ccd2",
}
PHASE_COLOURS = {"A": "#8b939d", "B": OUTCOME_COLOURS["misplaced"], "C": OUTCOME_COLOURS["correct"]}
"""the same in both schemes, as they also border images"""

ON_DATA = "#15191d"
TARGET = "#d62f1f"
"""a line on filled areas, and a mark on an image"""

OPEN_MAP, PERIODIC_MAP = "viridis", "twilight"
"""colour maps of a factor's value: perceptually even, and closed where the factor is"""

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


def css_variables(dark: bool) -> str:
    """The palette as CSS custom properties, ``--ink: #1b1f24; ...``."""
    return " ".join(f"--{name}: {pair[dark]};" for name, pair in PALETTE.items())


def inline_svg(figure: Figure, label: str) -> str:
    """`figure` as an `<svg>` element for a page that declares `css_variables`; `label` is read to who
    cannot see it."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({**RC, "svg.hashsalt": label}):
        figure.savefig(buffer, format="svg", transparent=True, dpi=120)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'<svg ([^>]*?)width="[^"]*" height="[^"]*"', r"<svg \1", svg)
    svg = re.sub(
        r'<svg [^>]*?height="[^"]*"[^>]*?>', lambda tag: re.sub(r' (width|height)="[^"]*"', "", tag[0]), svg
    )
    for name, (light, _) in PALETTE.items():
        svg = svg.replace(light, f"var(--{name})")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
