"""A run's panels as two figures: the timeline of a run, and its denoising."""

from dataclasses import replace

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from phasescope.views.facts.numbers import format_short
from phasescope.views.facts.onsets import onsets
from phasescope.views.facts.palette import INK, PALETTE
from phasescope.views.facts.panel import RunPanel
from phasescope.views.facts.panels import OWN_SCALARS, run_panels
from phasescope.views.facts.record import Record
from phasescope.views.figures.drawing import draw_panels
from phasescope.views.style import RC

DENOISING = ("denoising", "closest", "nats")
"""panels of the figure `denoising`; all others are in the figure `timeline`"""


def timeline(record: Record) -> Figure:
    """Draw phases, outcomes, scores and the training against images seen, in one column of panels.

    Args:
        record: a run with at least one line of metrics.
    """
    colours = {"behaviour": INK, "sheet": PALETTE["probe"][0], "representation_p1": PALETTE["p1"][0]}
    began = ((onsets(record, reading)["C"], colour) for reading, colour in colours.items())
    spans = [
        (
            float(onset.images_seen if onset.after_images is None else onset.after_images),
            float(onset.images_seen),
            colour,
        )
        for onset, colour in began
        if onset is not None
    ]
    panels = [panel for panel in _of_a_figure(record) if panel.key not in DENOISING]
    figure = draw_panels([replace(panel, spans=spans) for panel in panels])

    with matplotlib.rc_context(RC):
        first, last = figure.axes[0], figure.axes[-1]
        ratio = record.images_per_step
        steps = first.secondary_xaxis(
            "top", functions=(lambda seen: np.divide(seen, ratio), lambda step: np.multiply(step, ratio))
        )
        steps.set_xlabel("gradient steps")
        steps.spines["top"].set_visible(True)

        last.set_xlabel("images seen")
        for axis in (steps.xaxis, last.xaxis):
            axis.set(major_locator=MaxNLocator(9), major_formatter=FuncFormatter(format_short))
    return figure


def denoising(record: Record) -> Figure | None:
    """Draw the denoising error by band of t, the closest reference denoiser, and nats; None if none was measured."""
    panels = [panel for panel in _of_a_figure(record) if panel.key in DENOISING]
    figure = draw_panels(panels) if panels else None
    if figure:
        figure.axes[-1].set_xlabel("images seen")
    return figure


def _of_a_figure(record: Record) -> list[RunPanel]:
    """Return the panels at the sites where phases are read; where a measure has none there, at its first."""
    panels: dict[tuple[str, str], RunPanel] = {}
    # What a loop logs may be dozens of scalars: pages have them.
    for panel in [panel for panel in run_panels(record) if not panel.key.startswith(OWN_SCALARS)]:
        site = record.phase_site(record.column(panel.key).phase or "sheet")
        if (panel.key, panel.split) not in panels or panel.site == site:
            title = ", ".join(filter(None, (panel.title, panel.note)))
            panels[panel.key, panel.split] = replace(panel, title=title)
    return list(panels.values())
