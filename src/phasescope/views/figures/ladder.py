"""The ladder of exact optima: what each leaves unknown of an image, at each noise level."""

from __future__ import annotations

from typing import Any

import matplotlib
from matplotlib.figure import Figure

from phasescope.views.figures.axes import WIDTH_IN
from phasescope.views.style import INK, MUTED, RC, rung_colours

EVENTS = {"condensation": "one image\nstands out", "instability": "the widest mode\nis unstable"}


def ladder(told: dict[str, Any], title: str) -> Figure:
    """The error of x_0 of each rung against t, in shares of the mean image's; where places are decided; R' in the title."""
    mmse = {name: errors for name, errors in told["mmse"].items() if name != "t"}
    t, whole = told["mmse"]["t"], told["mmse"]["mean image"][0]
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(WIDTH_IN, 4.2), layout="constrained")
        ax = figure.subplots()
        colours = rung_colours(mmse)
        for name, errors in mmse.items():
            ax.plot(t, [error / whole for error in errors], color=colours[name], label=name)
        known = sorted(
            (told[f"t_{event}"], words) for event, words in EVENTS.items() if told[f"t_{event}"] is not None
        )
        for (at, words), side in zip(known, ("right", "left"), strict=False):
            ax.axvline(at, color=MUTED, linewidth=1, dashes=(4, 3))
            ax.annotate(words, (at, 1.02), xycoords=("data", "axes fraction"), fontsize=8, color=INK, ha=side)
        ax.set(
            xlabel="t: noise grows to the right", ylabel="error of x_0 over the mean image's", ylim=(0, 1.05)
        )
        ax.grid(axis="y")
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), title="who knows")
        ax.set_title(
            f"{title}\n{told['images']:,} images, ln M = {told['ln_m']:.2f} nats, R' = {told['r_prime']:.3g}; "
            f"expected: {told['phases']}",
            pad=32,
        )
    return figure
