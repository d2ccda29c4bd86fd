"""On which rung of the ladder of exact optima a network stands, at each noise level, while it learns."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from phasescope.store.metrics import rung_of
from phasescope.views.figures.axes import WIDTH_IN, edges, short
from phasescope.views.record import Record, number
from phasescope.views.style import INK, MUTED, NAMED, RC, rung_colours

MOST = 1.1
"""of the variance: an error above is drawn there"""
NAT_COLOURS = (NAMED[0], NAMED[1], NAMED[2], NAMED[3])
"""of the label, then of its factors"""


def standing(record: Record) -> Figure | None:
    """The rung by t against images seen; beside it, over the same t, the exact error of each rung and the network's own.

    Under them, of a network that was trained with labels left out, the nats of the label that it has learnt, and of each
    factor, dashed all that there is. None where no rung was told."""
    known = exact(record)
    lines = [(line["images_seen"], line["ladder"]) for line in record.metrics if line.get("ladder")]
    if not known or not lines:
        return None
    nats = any(line.get("nats") for line in record.metrics)
    heights = [2.7] + [1.8] * nats
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(WIDTH_IN, sum(heights) + 0.8))
        grid = figure.add_gridspec(len(heights), 2, height_ratios=heights, width_ratios=[1.7, 1])
        rungs, errors = (figure.add_subplot(one) for one in (grid[0], grid[1]))
        colours = rung_colours(name for name in known["mmse"] if name != "t")
        _draw_rungs(rungs, lines, colours)
        _draw_errors(errors, known, lines[-1][1], colours)
        if nats:
            _draw_nats(figure.add_subplot(grid[-1, :]), record, known["nats"])
        patches = [Patch(color=colour, label=name) for name, colour in colours.items()]
        figure.legend(handles=patches, title="best of who knows", loc="outside upper left", ncols=4)
    return figure


def exact(record: Record) -> dict[str, Any]:
    """The ladder's exact errors and nats, as the run's references have them; nothing where they have none."""
    known = (record.references.get("family") or {}).get("ladder") or {}
    return known if known.get("mmse") else {}


def described(record: Record) -> str:
    """What the figure shows."""
    left_out = exact(record).get("left_out", {})
    return (
        "Left: at each noise level t, the exact optimum whose answer the network's own, told the label, is nearest to; of "
        "optima that answer alike there, the one that knows least; blank: it is as far from each as images are from their "
        "mean. Right: the exact error of x_0 of each, over the images' "
        f"variance, and the network's, drawn at {MOST:g} where it is above. Nats, where labels were left out in training: "
        "half the integral over the signal-to-noise ratio of the error that the label saves the network; dashed, all that "
        "there are." + "".join(f" Left out: {name}: {why}." for name, why in left_out.items())
    )


def _draw_rungs(ax: Any, lines: list[tuple[float, list[dict[str, Any]]]], colours: dict[str, str]) -> None:
    names, levels = list(colours), [one["t"] for one in lines[-1][1]]
    rungs = [
        [names.index(rung) if (rung := rung_of(one)) else np.nan for one in ladder] for _, ladder in lines
    ]
    ax.pcolormesh(
        edges(np.array([at for at, _ in lines], float)),
        _borders(levels),
        np.ma.masked_invalid(np.array(rungs, float).T),
        cmap=ListedColormap(list(colours.values())),
        vmin=-0.5,
        vmax=len(names) - 0.5,
    )
    ax.xaxis.set(major_locator=MaxNLocator(5), major_formatter=FuncFormatter(short))
    ax.set(title="The rung that the network's x_0 is nearest to", xlabel="images seen", ylabel="t")


def _borders(levels: list[int]) -> np.ndarray:
    """Half way between levels, and as far beyond the first and the last."""
    at = np.array(levels, float)
    if len(at) == 1:
        return np.array([at[0] - 0.5, at[0] + 0.5])
    between = (at[:-1] + at[1:]) / 2
    return np.concatenate([[2 * at[0] - between[0]], between, [2 * at[-1] - between[-1]]])


def _draw_errors(ax: Any, known: dict[str, Any], last: list[dict[str, Any]], colours: dict[str, str]) -> None:
    t, whole = known["mmse"]["t"], known["variance"]
    for name, colour in colours.items():
        ax.plot(t, np.array(known["mmse"][name]) / whole, color=colour)
    ax.plot(
        [one["t"] for one in last],
        [min(number(one["error"]), MOST) for one in last],
        color=INK,
        linestyle="none",
        marker="o",
        label="the network, at the last snapshot",
    )
    ax.grid(axis="y")
    ax.set(title="Error of x_0 over the variance", xlabel="t", ylim=(-0.03, MOST + 0.03))
    ax.legend(loc="center right")


def _draw_nats(ax: Any, record: Record, most: dict[str, float]) -> None:
    told = [line for line in record.metrics if line.get("nats")]
    at = [line["images_seen"] for line in told]
    for colour, name in zip(NAT_COLOURS, told[-1]["nats"], strict=False):
        of = {key: [number(line["nats"][name][key]) for line in told] for key in ("value", "low", "high")}
        ax.fill_between(at, of["low"], of["high"], color=colour, alpha=0.2, linewidth=0)
        ax.plot(at, of["value"], color=colour, label=name)
        ax.axhline(most[name], color=MUTED, linewidth=0.8, dashes=(4, 3))
    ax.xaxis.set(major_locator=MaxNLocator(5), major_formatter=FuncFormatter(short))
    ax.grid(axis="y")
    ax.set(
        title="Nats of the label learnt",
        xlabel="images seen",
        ylabel="nats",
        ylim=(-0.5, 1.1 * most["label"]),
    )
    ax.legend(loc="lower center", ncols=4)
