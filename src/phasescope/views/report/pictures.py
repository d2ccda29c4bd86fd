"""The figures of a run by name, and a figure with its caption in it."""

from __future__ import annotations

import textwrap

from matplotlib.figure import Figure

from phasescope.views.figures.denoising import denoising
from phasescope.views.figures.label_space import label_space
from phasescope.views.figures.manifold import manifold_figure
from phasescope.views.figures.painted import painted
from phasescope.views.figures.standing import standing
from phasescope.views.figures.timeline import timeline
from phasescope.views.figures.told_and_seen import told_and_seen
from phasescope.views.style import MUTED

FIGURES = {
    "timeline": timeline,
    "label_space": label_space,
    "told_and_seen": told_and_seen,
    "painted": painted,
    "manifold": manifold_figure,
    "denoising": denoising,
    "standing": standing,
}


def with_caption(figure: Figure, caption: str) -> Figure:
    """`figure` with `caption` under it, wrapped to its width."""
    width_in = figure.get_figwidth()
    lines = textwrap.wrap(caption, int(width_in * 17))
    figure.set_figheight(figure.get_figheight() + 0.14 * len(lines) + 0.1)
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7, color=MUTED)
    return figure
