"""The manifold of activations at some snapshots, coloured by each factor."""

from collections.abc import Sequence

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
from phasescope.views.figures.timeline import chosen_site
from phasescope.views.style import scale_of, styled


def manifold_figure(
    record: Record, columns: int | Sequence[int] = 5, layer: str | None = None
) -> Figure | None:
    """Return a figure of the manifold at some snapshots, with a row of colours per factor; None if none holds latents.

    Args:
        columns: how many snapshots, evenly in images seen, or their steps.
        layer: or a site as mid.600; by default that where the phases of the sheet are read.
    """
    known = sites_of(record)
    if not known:
        return None
    site = known[0] if layer is None else chosen_site(record, layer)
    held = [snapshot for snapshot in record.snapshots if site in snapshot.sites]
    chosen = record.chosen(held, columns)
    cloud = cloud_of(record, site, "pca", chosen) if chosen else None
    if cloud is None:
        return None

    count, factors = len(cloud.steps), record.factors
    with styled():
        figure = Figure(figsize=(WIDTH_IN, 0.9 * min(WIDTH_IN / count, 2.6) * len(factors) + 0.3))
        axes = figure.subplots(len(factors), count, squeeze=False, subplot_kw={"projection": "3d"})
        for row, factor, values in zip(axes, factors, cloud.labels.T, strict=True):
            _draw_row(figure=figure, axes=row, cloud=cloud, factor=factor, values=values)

        for ax, step in zip(axes[0], cloud.steps, strict=True):
            ax.set_title(_snapshot_title(record, step, site), loc="center", fontweight="normal", pad=0)
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
