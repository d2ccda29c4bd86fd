"""Figures of commands: reference denoisers, and which labels a design trains on and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from phasescope.core.formats import format_number
from phasescope.views.facts.numbers import format_count, format_score
from phasescope.views.facts.palette import INK, LINE, MUTED, PALETTE, denoiser_colours, held_out_colours
from phasescope.views.facts.panel import Line, RunPanel
from phasescope.views.facts.terms import factor_words
from phasescope.views.figures.drawing import draw_panels
from phasescope.views.pixels import pixels
from phasescope.views.style import styled

if TYPE_CHECKING:
    from phasescope.runs.trained.design import Designed

EVENTS = {"condensation": "one image\nstands out", "instability": "the widest mode\nis unstable"}


def reference_errors(prediction: dict[str, Any], title: str) -> Figure:
    """Draw the error of x_0 of each reference denoiser against t, over the mean image's, and when the sample is decided."""
    mmse, events = prediction["mmse"], {prediction[f"t_{event}"]: words for event, words in EVENTS.items()}
    known = sorted((at, words) for at, words in events.items() if at is not None)

    t, scale = np.asarray(mmse["t"], float), mmse["mean image"][0]
    colours = denoiser_colours(mmse)

    panel = RunPanel(
        title=f"{title}\n{format_count(prediction['images'])} images, ln M = {format_score(prediction['ln_m'], 2)} nats, "
        f"R' = {format_number(prediction['r_prime'])}; expected: {prediction['phases']}",
        xlabel="t: noise grows to the right",
        ylabel="error of x_0 over the mean image's",
        curves=[
            Line(t, np.array(mmse[name]) / scale, label=name, colour=colour)
            for name, colour in colours.items()
        ],
        height_in=3.4,
        ylim=(0, 1.05),
        verticals=[(at, MUTED) for at, _ in known],
    )

    figure = draw_panels([panel])
    ax = figure.axes[0]
    with styled():  # the same place and look; only higher, above the words of events
        ax.set_title(panel.title, pad=32)
    for (at, words), side in zip(known, ("right", "left"), strict=False):
        ax.annotate(words, (at, 1.02), xycoords=("data", "axes fraction"), fontsize=8, color=INK, ha=side)
    return figure


EXAMPLES = 4
"""images of each split"""


def design_figure(design: Designed) -> Figure:
    """Return a figure of trained and held-out labels by two factors (left) and some images of each split (right)."""
    import torch

    factors, names = design.world.factors.visible, list(design.labels)
    trained, *held = names
    colours = {trained: MUTED} | {name: PALETTE[colour][0] for name, colour in held_out_colours(held).items()}
    with styled():
        figure = Figure(figsize=(8.2, 4.2))
        grid = figure.add_gridspec(len(names), EXAMPLES + 1, width_ratios=[3.6, *[1] * EXAMPLES])
        ax = figure.add_subplot(grid[:, 0])
        for name, colour in colours.items():
            labels = design.world.factors.visible_columns(design.labels[name])
            x, y = labels[:, 0], labels[:, 1] if len(factors) > 1 else np.zeros(len(labels))
            size = float(np.clip(6000 / max(len(labels), 1), 1, 16))
            label = f"{name.replace('_', ' ')}, {format_count(len(labels))}"
            ax.scatter(x, y, s=size, color=colour, linewidths=0, label=label)
        ax.set(
            xlabel=factor_words(factors[0]),
            ylabel=factor_words(factors[1]) if len(factors) > 1 else "",
            title="Labels",
        )
        if len(factors) > 1 and factors[0].unit == factors[1].unit:
            ax.set_aspect("equal")
            ax.invert_yaxis()
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, markerscale=2)
        for row, name in enumerate(names):
            labels = design.labels[name]
            chosen = labels[np.linspace(0, len(labels) - 1, min(EXAMPLES, len(labels))).round().astype(int)]
            with torch.no_grad():
                images = design.world.render(torch.from_numpy(chosen)).numpy()
            for column, image in enumerate(images, start=1):
                cell = figure.add_subplot(grid[row, column])
                cell.imshow(
                    pixels(image, image.ndim - 1), cmap="gray", vmin=0, vmax=255, interpolation="nearest"
                )
                cell.set(xticks=[], yticks=[])
                cell.spines[:].set(visible=True, color=LINE)
                if column == 1:
                    cell.set_title(name.replace("_", " "), fontsize=7, loc="left")
        figure.supxlabel(design.summary["sentence"], x=0.01, ha="left", fontsize=7, color=MUTED, wrap=True)
    return figure
