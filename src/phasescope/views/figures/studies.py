"""Figures of studies: their panels side by side, with one legend where the series are the same."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Patch

from phasescope.studies.fields import ParallelPanel
from phasescope.studies.plots import Panel
from phasescope.views.facts.palette import MUTED, PHASE_COLOURS
from phasescope.views.figures.axes import WIDTH_IN
from phasescope.views.figures.drawing import draw_panel, handles_of
from phasescope.views.style import styled

COLUMNS = 3
"""panels in a row"""
ROW_IN = 2.7
"""height of a row of panels, inches"""
LABEL_IN, LETTER_IN = 0.55, 0.075
"""of an entry of a legend, beside its words, and a letter of these"""


def draw(panels: Sequence[Panel]) -> Drawing:
    """Return the drawing of a plot's panels; those without data are left out."""
    panels = [panel for panel in panels if _shows(panel)]
    columns = max(1, min(COLUMNS, len(panels)))
    rows = max(1, -(-len(panels) // columns))

    with styled():
        drawing = Drawing(figsize=(min(WIDTH_IN, 3.0 + 4.4 * columns), ROW_IN * rows + 0.3))
        axes = drawing.subplots(rows, columns, squeeze=False)
        for ax in axes.flat[len(panels) :]:
            ax.set_visible(False)
        if not panels:
            drawing.text(0.5, 0.5, "nothing is recorded for this yet", ha="center", color=MUTED)

        # several panels with the same series have one legend below them, clear of the data; else a panel that has the same
        # series as the one before it leaves the legend to that one
        labels = [[curve.label for curve in panel.curves if curve.label] for panel in panels]
        shared = len(panels) > 1 and bool(labels[0]) and all(each == labels[0] for each in labels)

        for ax, panel, own, before in zip(axes.flat, panels, labels, [None, *labels], strict=False):
            draw_panel(ax, panel, with_legend=not shared and own != before)

        if shared:
            handles = handles_of(axes.flat)
            fit = int(drawing.get_figwidth() / (LABEL_IN + LETTER_IN * max(map(len, handles))))
            ncols = max(1, min(len(handles), fit, 6))
            drawing.legend(handles.values(), handles.keys(), ncols=ncols, loc="outside lower center")

        if any(panel.colours == "phases" for panel in panels):
            patches = [Patch(color=colour, label=f"phase {phase}") for phase, colour in PHASE_COLOURS.items()]
            drawing.legend(handles=patches, ncols=3, loc="outside lower center")
    return drawing


def _shows(panel: Panel) -> bool:
    if panel.grid is not None:
        return bool(np.size(panel.grid))
    return isinstance(panel, ParallelPanel) or any(np.isfinite(curve.y).any() for curve in panel.curves)
