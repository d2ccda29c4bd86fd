"""How figures are drawn: matplotlib's settings, and the colour maps of continuous values."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib import colormaps, rc_params_from_file, rcParamsDefault
from matplotlib.colors import Colormap, ListedColormap, hsv_to_rgb, to_hex

from phasescope.core.errors import UserError, similar
from phasescope.core.factors import Factor
from phasescope.views.facts.palette import INK, LINE, MUTED, NAMED, PAPER

OPEN_MAP, PERIODIC_MAP = "viridis", "twilight"
"""colour maps of a factor's value: perceptually even, and closed if the factor is"""

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

CURRENT = "current"
"""the style of those settings of matplotlib that the caller has"""
_settings: ContextVar[Mapping[str, Any]] = ContextVar("settings of figures", default=RC)


def styled() -> AbstractContextManager[None]:
    """Return the context in which a figure is drawn: phasescope's settings, or those of the style that was chosen."""
    return matplotlib.rc_context(dict(_settings.get()))


@contextmanager
def with_style(style: str | None) -> Iterator[None]:
    """Draw figures in a style of matplotlib, `current` for the settings as they are; None for phasescope's own.

    Raises:
        UserError: there is no such style.
    """
    token = _settings.set(_settings_of(style))
    try:
        yield
    finally:
        _settings.reset(token)


def _settings_of(style: str | None) -> Mapping[str, Any]:
    if style is None:
        return RC

    # Legends stand beside the axes, which need a layout that leaves room.
    layout = {"figure.constrained_layout.use": True}
    if style == CURRENT:
        now = {name: value for name, value in matplotlib.rcParams.items() if not name.startswith("backend")}
        return now | layout

    from matplotlib.style import available, library

    if style not in (*available, "default"):
        guess = similar(style, available)
        raise UserError(f"`style` (={style}) must be {CURRENT}, default or a style of matplotlib{guess}")
    default = {name: value for name, value in rcParamsDefault.items() if not name.startswith("backend")}
    return {**default, **library.get(style, {}), **layout}


class Scale(NamedTuple):
    """The colour scale of a factor's values: `colours` over [low, high]."""

    colours: Colormap
    low: float
    high: float

    def stops(self) -> list[tuple[float, str]]:
        """Return (fraction from low to high, #rrggbb), ascending."""
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


def shade(place: float) -> str:
    """Return the colour of a place from 0 to 1 in an order, as of bands of t.

    The ends of the map are too dark, or too light, for one background.
    """
    return to_hex(colormaps[OPEN_MAP](0.2 + 0.6 * place))
