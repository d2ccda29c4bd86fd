"""The manifold of activations at some snapshots, coloured by each factor."""

import matplotlib
import numpy as np
from jaxtyping import Shaped
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from phasescope.core.factors import Factor
from phasescope.runs.store.sites import Site
from phasescope.views.facts.clouds import Cloud, cloud_of, sites_of
from phasescope.views.facts.numbers import format_count, format_score
from phasescope.views.facts.palette import INK, MUTED, class_ticks
from phasescope.views.facts.record import Array, Record, number, score
from phasescope.views.facts.terms import factor_words, probed
from phasescope.views.figures.axes import WIDTH_IN
from phasescope.views.style import RC, scale_of


def manifold_figure(record: Record, columns: int = 5) -> Figure | None:
    """Return a figure of the manifold at `columns` snapshots, evenly in images seen, with a row of colours per factor.

    It is drawn at the site where the phases of the sheet are read; None if no snapshot holds latents.
    """
    known = sites_of(record)
    chosen = record.spread(
        [snapshot for snapshot in record.snapshots if known and known[0] in snapshot.sites], columns
    )
    cloud = cloud_of(record, known[0], "pca", chosen) if chosen else None
    if cloud is None:
        return None

    count, factors = len(cloud.steps), record.factors
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(WIDTH_IN, 0.9 * min(WIDTH_IN / count, 2.6) * len(factors) + 0.3))
        axes = figure.subplots(len(factors), count, squeeze=False, subplot_kw={"projection": "3d"})
        for row, factor, values in zip(axes, factors, cloud.labels.T, strict=True):
            _draw_row(figure=figure, axes=row, cloud=cloud, factor=factor, values=values)

        for ax, step in zip(axes[0], cloud.steps, strict=True):
            ax.set_title(_snapshot_title(record, step, known[0]), loc="center", fontweight="normal", pad=0)
    return figure


def _draw_row(figure: Figure, axes: Array, cloud: Cloud, factor: Factor, values: Shaped[Array, " n"]) -> None:
    """Draw the cloud at each snapshot, coloured by one factor, and the factor's colour bar."""
    colours, low, high = scale_of(factor)
    scale = ScalarMappable(Normalize(low, high), colours)
    reach = float(np.quantile(np.abs(cloud.points), 0.999))

    for ax, points in zip(axes, cloud.points, strict=True):
        ax.scatter(*points.T, c=values, cmap=scale.cmap, norm=scale.norm, s=5, linewidths=0)
        ax.set(**dict.fromkeys(("xlim", "ylim", "zlim"), (-reach, reach)))
        ax.set_box_aspect((1, 1, 1), zoom=1.1)
        ax.view_init(elev=32, azim=-62)
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.set_ticks([])
            axis.pane.set(facecolor="none", edgecolor=MUTED, alpha=0.25)
            axis.line.set_color("none")

    bar = figure.colorbar(scale, ax=axes, location="right", pad=0.01, fraction=0.02, aspect=18, shrink=0.7)
    bar.set_label(factor_words(factor), color=INK)
    if names := class_ticks(factor):
        bar.set_ticks([value for value, _ in names], labels=[name for _, name in names])
        bar.ax.tick_params(labelsize=5)
    bar.outline.set_visible(False)


def _snapshot_title(record: Record, step: int, site: Site) -> str:
    line = next(line for line in record.metrics if line["step"] == step)
    value = number(score(line, "probe_r2", site))
    r2 = f"\n{probed('R²', record.factors)} {format_score(value, 2)}" if value == value else ""
    return f"{format_count(line['images_seen'])} images{r2}"
