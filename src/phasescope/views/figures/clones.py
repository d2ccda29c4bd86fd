"""Clones: the share of painted images that come back, by the noise level that they started from, beside the exact one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure

from phasescope.views.style import MUTED, PALETTE, RC

if TYPE_CHECKING:
    from phasescope.families import Clones


def clones_figure(found: Clones, name: str) -> Figure:
    """The share with its interval against t, dashed that of a perfect network that is told nothing; where half come back."""
    accent = PALETTE["accent"][0]
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(5.6, 3.2))
        ax = figure.subplots()
        ax.fill_between(found.conditions, found.low, found.high, color=accent, alpha=0.2, linewidth=0)
        ax.plot(found.conditions, found.share, color=accent, marker="o", label="this network")
        ax.plot(found.conditions, found.exact, color=MUTED, dashes=(5, 2), label="told nothing, perfect")
        for half, colour in ((found.half[0], accent), (found.exact_half, MUTED)):
            if not math.isnan(half):
                ax.axvline(half, color=colour, linewidth=0.8, dashes=(1, 2))
        ax.set(
            title=f"Clones of {name}",
            xlabel="t from which they are painted: noise grows to the right",
            ylabel="share that come back",
            ylim=(-0.02, 1.05),
        )
        ax.grid(axis="y")
        ax.legend(loc="upper right")
        figure.supxlabel(
            f"n = {found.images} images, {found.each} clones each; 95 % interval over images; dotted: half come back.",
            x=0.01,
            ha="left",
            fontsize=7,
            color=MUTED,
        )
    return figure
