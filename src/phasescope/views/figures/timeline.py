"""A run's panels as two figures: the timeline of a run, and its denoising."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from phasescope.core.errors import UserError
from phasescope.runs.store.sites import Site
from phasescope.views.facts.clouds import sites_of
from phasescope.views.facts.numbers import format_short
from phasescope.views.facts.onsets import onsets
from phasescope.views.facts.palette import INK, PALETTE
from phasescope.views.facts.panel import RunPanel
from phasescope.views.facts.panels import OWN_SCALARS, run_panels
from phasescope.views.facts.record import Record
from phasescope.views.figures.axes import figure_of
from phasescope.views.figures.drawing import draw_panels
from phasescope.views.figures.own_axes import draw_on
from phasescope.views.style import styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DENOISING = ("denoising", "closest", "nats")
"""panels of the figure `denoising`; all others are in the figure `timeline`"""


def timeline(record: Record, panels: Sequence[str] | None = None, layer: str | None = None) -> Figure:
    """Draw phases, outcomes, scores and the training against images seen, in one column of panels.

    Args:
        record: a run with at least one line of metrics.
        panels: keys of those that are drawn; all by default.
        layer: of panels that have a site; by default that where phases are read.

    Raises:
        UserError: the run has no such panel or site.
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
    if panels is None:
        chosen = [panel for panel in _of_a_figure(record, layer) if panel.key not in DENOISING]
    else:
        chosen = chosen_panels(record, panels, layer)
    figure = draw_panels([replace(panel, spans=spans) for panel in chosen])

    with styled():
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


def one_panel(panel: RunPanel, ax: Axes | None) -> Figure:
    """Draw one panel: on axes of the user's own, or as a figure of its own; return the figure."""
    if ax is None:
        drawn = draw_panels([panel]).axes[0]
    else:
        draw_on(ax, panel, title=panel.title.removesuffix(f", {panel.note}"))
        drawn = ax
    if not panel.xlabel:
        drawn.set_xlabel("images seen")
    return figure_of(drawn)


def chosen_panels(record: Record, panels: Sequence[str], layer: str | None) -> list[RunPanel]:
    """Return panels by their keys, in the order in which these are given.

    Raises:
        UserError: the run has no such panel or site.
    """
    if isinstance(panels, str):
        panels = [panels]
    if not panels:
        raise UserError("`panels` must name one at least")

    by_key: dict[str, list[RunPanel]] = {}
    for panel in _of_a_figure(record, layer, with_own=True):
        by_key.setdefault(panel.key, []).append(panel)
    for key in panels:
        if key not in by_key:
            raise UserError(
                f"`panels` (={key}) must be among those of `{record.run.name}`: {', '.join(by_key)}"
            )
    # Outcomes have a panel a split; the first is that of trained labels.
    return [by_key[key][0] for key in panels]


def chosen_site(record: Record, layer: str) -> Site:
    """Return the site that a layer names: a layer alone at the t at which phases are read, if it is read there too.

    Raises:
        UserError: the run has read nothing there.
    """
    known = list(dict.fromkeys(panel.site for panel in run_panels(record) if panel.site is not None))
    known += [site for site in sites_of(record) if site not in known]
    usual = record.phase_site("sheet")
    for site in sorted(known, key=lambda site: usual is not None and site.t != usual.t):
        if layer in (str(site), site.layer):
            return site
    names = ", ".join(map(str, known)) or "no layer is"
    raise UserError(f"`layer` (={layer}) must be read in `{record.run.name}`: {names}")


def _of_a_figure(record: Record, layer: str | None = None, with_own: bool = False) -> list[RunPanel]:
    """Return the panels at a layer, by default where phases are read; where a measure has none there, at its first.

    Args:
        with_own: with what a loop logged, which may be dozens of scalars: pages have them.
    """
    asked = None if layer is None else chosen_site(record, layer)
    panels: dict[tuple[str, str], RunPanel] = {}
    for panel in run_panels(record):
        if panel.key.startswith(OWN_SCALARS) and not with_own:
            continue
        site = asked or record.phase_site(record.column(panel.key).phase or "sheet")
        if (panel.key, panel.split) not in panels or panel.site == site:
            title = ", ".join(filter(None, (panel.title, panel.note)))
            panels[panel.key, panel.split] = replace(panel, title=title)
    return list(panels.values())
