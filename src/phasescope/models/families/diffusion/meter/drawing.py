"""The figure of a meter: a map of the advantage by band of noise and step, and curves of the deciding band."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from phasescope.core.errors import UserError
from phasescope.models.families.diffusion.meter.deciding import Deciding
from phasescope.models.families.diffusion.meter.reading import Reading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE = "#2166ac", "#b35806"
DPI = 110
"""of what a notebook shows"""


class MeterFigure(Figure):
    """A figure that a notebook shows: matplotlib registers how only with pyplot, which the meter does not import."""

    def _repr_png_(self) -> bytes:
        png = io.BytesIO()
        self.savefig(png, format="png", dpi=DPI)
        return png.getvalue()


def draw(readings: Sequence[Reading], deciding: Deciding | None) -> Figure:
    """Return the figure; UserError if there are fewer than two readings."""
    if len(readings) < 2:
        raise UserError(f"`plot` must come after two readings or more: there are {len(readings)}")
    figure = MeterFigure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
    draw_map(left, readings, deciding)
    draw_curves(right, readings, deciding)
    return figure


def draw_map(axes: Axes, readings: Sequence[Reading], deciding: Deciding | None) -> None:
    """Draw use by band and step where exact answers are known; else the advantage, each band relative to its own most."""
    from matplotlib.ticker import MaxNLocator

    steps = np.array([reading.step for reading in readings], dtype=float)
    bands = readings[-1].bands_of()
    middles = [(band.low + band.high) / 2 for band in bands]
    known = all(band.use is not None for band in bands)
    values = np.array(
        [
            [(b.use.value if b.use is not None else b.advantage.value) for b in past.bands_of()]
            for past in readings
        ]
    ).T
    if not known:
        noise = np.array([[band.advantage.se for band in past.bands_of()] for past in readings]).T
        values = np.where(values > 3 * noise, values, 0.0)
        values = values / np.maximum(values.max(axis=1, keepdims=True), 1e-12)

    mesh = axes.pcolormesh(
        steps,
        middles,
        np.clip(values, 0, 1),
        cmap="Blues",
        vmin=0,
        vmax=1,
        shading="nearest",
        rasterized=True,
    )
    label = "use of the condition (1: exact)" if known else "advantage, of each band's most"
    axes.figure.colorbar(mesh, ax=axes, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("step")
    axes.set_ylabel("log SNR (noise below, image above)")
    if deciding is not None:
        axes.axhline(deciding.low, color=ORANGE, lw=1)
        axes.axhline(deciding.high, color=ORANGE, lw=1)
        axes.set_title(f"deciding band by {deciding.by}", fontsize=9)


def draw_curves(axes: Axes, readings: Sequence[Reading], deciding: Deciding | None) -> None:
    """Draw the advantage of the deciding band with its 95 % interval, for held-out and trained pairs, and the loss there."""
    if deciding is None:
        axes.text(0.5, 0.5, "no advantage above its noise yet", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return

    steps = [reading.step for reading in readings]
    for pairs, colour, style in (("held_out", BLUE, "-"), ("trained", ORANGE, "--")):
        courses = [past.bands_of(pairs) for past in readings]
        if not courses[-1]:
            continue

        place = int(np.argmin([abs(band.low - deciding.low) for band in courses[-1]]))
        bands = [course[place] for course in courses]
        axes.plot(
            steps,
            [band.advantage.value for band in bands],
            style,
            color=colour,
            label=pairs.replace("_", " "),
        )
        axes.fill_between(
            steps,
            [band.advantage.low for band in bands],
            [band.advantage.high for band in bands],
            color=colour,
            alpha=0.2,
            lw=0,
        )

    axes.axhline(0, color="0.6", lw=0.8)
    axes.set_xlabel("step")
    axes.set_ylabel("advantage of the own condition")
    axes.set_title(f"log SNR {deciding.low:.1f} to {deciding.high:.1f}; band: 95 % interval", fontsize=9)
    axes.legend(frameon=False)
