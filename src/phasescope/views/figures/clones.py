"""Clones: the share of generated images that come back, by the noise level that they started from, beside the exact one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from phasescope.views.figures.drawing import Line, RunPanel, draw_panels
from phasescope.views.style import MUTED, PALETTE

if TYPE_CHECKING:
    from phasescope.families import Clones


def clones_figure(clones: Clones, name: str) -> Figure:
    """The share with its interval against t, dashed that of a perfect network without the label; where half come back."""
    accent = PALETTE["accent"][0]
    t, share, low, high, exact = (
        np.asarray(v, float) for v in (clones.conditions, clones.share, clones.low, clones.high, clones.exact)
    )
    panel = RunPanel(
        f"Clones of {name}",
        "t from which they are generated: noise grows to the right",
        "share that come back",
        [
            Line(t, share, low, high, label="this network", colour=accent, marker="o"),
            Line(t, exact, label="perfect, without the label", colour=MUTED, dashes=(5, 2)),
        ],
        height_in=2.4,
        ylim=(-0.02, 1.05),
        verticals=[
            (half, colour)
            for half, colour in ((clones.half[0], accent), (clones.exact_half, MUTED))
            if not math.isnan(half)
        ],
    )
    figure = draw_panels([panel], width_in=7.2)
    caption = f"n = {clones.images} images, {clones.each} clones each; 95 % interval over images; dotted: half come back."
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=7, color=MUTED)
    return figure
