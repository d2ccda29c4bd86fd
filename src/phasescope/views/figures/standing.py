"""Reference denoisers: what each leaves unknown of an image, and which of them a network is closest to while it learns."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from phasescope.runs.store.metrics import rung_of
from phasescope.views.figures.drawing import Line, Mesh, RunPanel, draw_panels
from phasescope.views.record import Record, number
from phasescope.views.style import INK, MUTED, NAMED, RC, rung_colours
from phasescope.views.terms import rung_words

MOST = 1.1
"""of the variance: an error above is drawn there"""
EVENTS = {"condensation": "one image\nstands out", "instability": "the widest mode\nis unstable"}


def ladder(told: dict[str, Any], title: str) -> Figure:
    """Draw the error of x_0 of each reference denoiser against t, over the mean image's, and when the sample is decided."""
    panel = RunPanel(
        f"{title}\n{told['images']:,} images, ln M = {told['ln_m']:.2f} nats, R' = {told['r_prime']:.3g}; "
        f"expected: {told['phases']}",
        "t: noise grows to the right",
        "error of x_0 over the mean image's",
        _exact_curves(told["mmse"], told["mmse"]["mean image"][0]),
        height_in=3.4,
        ylim=(0, 1.05),
        verticals=[(told[f"t_{event}"], MUTED) for event in EVENTS if told[f"t_{event}"] is not None],
    )
    figure = draw_panels([panel])
    ax = figure.axes[0]
    with matplotlib.rc_context(RC):  # the same place and look; only higher, above the words of events
        ax.set_title(panel.title, pad=32)
    known = sorted((at, EVENTS[event]) for event in EVENTS if (at := told[f"t_{event}"]) is not None)
    for (at, words), side in zip(known, ("right", "left"), strict=False):
        ax.annotate(words, (at, 1.02), xycoords=("data", "axes fraction"), fontsize=8, color=INK, ha=side)
    return figure


def standing(record: Record) -> Figure | None:
    """The closest reference denoiser by t against images seen; under it, over t, the exact error of each and the network's.

    Last, of a network that was trained with labels left out, the nats of the label that it has learned, and of each
    factor, dashed all that there is. None where no reference was recorded."""
    known = exact(record)
    lines = [line for line in record.metrics if line.get("ladder")]
    if not known or not lines:
        return None
    colours = rung_colours(name for name in known["mmse"] if name != "t")
    panels = [_rungs(lines, colours), _errors(known, lines[-1]["ladder"])]
    panels += [_nats(record, known["nats"])] if any(line.get("nats") for line in lines) else []
    return draw_panels(panels)


def exact(record: Record) -> dict[str, Any]:
    """Return the exact errors and nats of the reference denoisers, as the run's references have them; else nothing."""
    known = (record.references.get("family") or {}).get("ladder") or {}
    return known if known.get("mmse") else {}


def described(record: Record) -> str:
    """Return what the figure shows."""
    left_out = exact(record).get("left_out", {})
    return (
        "Above: at each noise level t the reference denoiser closest to the conditional network; ties go to the one with "
        "the least information; blank: it is as far from each as images are from their mean. Below: the exact error of "
        f"x_0 of each, over the images' variance, and the network's, drawn at {MOST:g} where it is above. Nats, where "
        "labels were left out in training: half the integral over the signal-to-noise ratio of the error that the label "
        "saves the network; dashed, all that there are."
        + "".join(f" Left out: {rung_words(name)}: {why}." for name, why in left_out.items())
    )


def _exact_curves(mmse: dict[str, Any], scale: float) -> list[Line]:
    names = [name for name in mmse if name != "t"]
    t, colours = np.asarray(mmse["t"], float), rung_colours(names)
    return [
        Line(t, np.array(mmse[name]) / scale, label=rung_words(name), colour=colours[name]) for name in names
    ]


def _rungs(lines: list[dict[str, Any]], colours: dict[str, str]) -> RunPanel:
    names, at = list(colours), np.array([level["t"] for level in lines[-1]["ladder"]], float)
    numbers = {name: i for i, name in enumerate(names)}
    rungs = [[numbers.get(rung_of(level) or "", np.nan) for level in line["ladder"]] for line in lines]
    half = np.diff(at) / 2 if len(at) > 1 else np.array([0.5])
    borders = [at[0] - half[0], *(at[1:] - half if len(at) > 1 else []), at[-1] + half[-1]]
    return RunPanel(
        "The reference denoiser that the network's x_0 is closest to",
        "images seen",
        "t",
        x=np.array([line["images_seen"] for line in lines], float),
        height_in=2.2,
        mesh=Mesh(
            np.array(rungs, float).T, {rung_words(name): colour for name, colour in colours.items()}, borders
        ),
    )


def _errors(known: dict[str, Any], last: list[dict[str, Any]]) -> RunPanel:
    t = np.array([level["t"] for level in last], float)
    own = np.minimum([number(level["error"]) for level in last], MOST)
    network = Line(t, own, label="the network, last snapshot", style="points", colour=INK, marker="o")
    curves = [*_exact_curves(known["mmse"], known["variance"]), network]
    ylim = (-0.03, MOST + 0.03)
    return RunPanel("Error of x_0 over the variance", "t", "", curves, ylim=ylim, height_in=2.2)


def _nats(record: Record, most: dict[str, float]) -> RunPanel:
    lines = [line for line in record.metrics if line.get("nats")]
    x = np.array([line["images_seen"] for line in lines], float)
    curves = []
    for colour, name in zip(NAMED, lines[-1]["nats"], strict=False):
        value, low, high = (
            np.array([number(line["nats"][name][key]) for line in lines]) for key in ("value", "low", "high")
        )
        curves.append(Line(x, value, low, high, label=name, colour=colour))
        curves.append(Line(x, np.full(len(x), most[name]), colour=MUTED, width=0.8, dashes=(4, 3)))
    ylim = (-0.5, 1.1 * most["label"])
    return RunPanel("Nats of the label learned", "images seen", "nats", curves, x=x, ylim=ylim)
