"""A design: which labels are trained on, which are tested, and an image or two of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from phasescope.views.figures.pixels import pixels
from phasescope.views.style import LINE, MUTED, PALETTE, RC, held_out_colours

if TYPE_CHECKING:
    from phasescope.runs.predicting import Designed

EXAMPLES = 4
"""images of each split"""


def design_figure(found: Designed) -> Figure:
    """Left the labels by two factors, trained on or held out; right some images of each."""
    import torch

    factors, names = found.world.factors.visible, list(found.labels)
    trained, *held = names
    colours = {trained: MUTED} | {name: PALETTE[of][0] for name, of in held_out_colours(held).items()}
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(8.2, 4.2))
        grid = figure.add_gridspec(len(names), EXAMPLES + 1, width_ratios=[3.6, *[1] * EXAMPLES])
        ax = figure.add_subplot(grid[:, 0])
        for name, colour in colours.items():
            labels = found.world.factors.visible_columns(found.labels[name])
            x, y = labels[:, 0], labels[:, 1] if len(factors) > 1 else np.zeros(len(labels))
            size = float(np.clip(6000 / max(len(labels), 1), 1, 16))
            label = f"{name.replace('_', ' ')}, {len(labels):,}"
            ax.scatter(x, y, s=size, color=colour, linewidths=0, label=label)
        ax.set(xlabel=_axis(found, 0), ylabel=_axis(found, 1) if len(factors) > 1 else "", title="Labels")
        if len(factors) > 1 and factors[0].unit == factors[1].unit:
            ax.set_aspect("equal")
            ax.invert_yaxis()
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, markerscale=2)
        for row, name in enumerate(names):
            labels = found.labels[name]
            chosen = labels[np.linspace(0, len(labels) - 1, min(EXAMPLES, len(labels))).round().astype(int)]
            with torch.no_grad():
                images = found.world.render(torch.from_numpy(chosen)).numpy()
            for column, image in enumerate(images, start=1):
                cell = figure.add_subplot(grid[row, column])
                cell.imshow(
                    pixels(image, image.ndim - 1), cmap="gray", vmin=0, vmax=255, interpolation="nearest"
                )
                cell.set(xticks=[], yticks=[])
                cell.spines[:].set(visible=True, color=LINE)
                if column == 1:
                    cell.set_title(name.replace("_", " "), fontsize=7, loc="left")
        figure.supxlabel(found.told["sentence"], x=0.01, ha="left", fontsize=7, color=MUTED, wrap=True)
    return figure


def _axis(found: Designed, k: int) -> str:
    factor = found.world.factors.visible[k]
    return f"{factor.name}, {factor.unit}" if factor.unit else factor.name
