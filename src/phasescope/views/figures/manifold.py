"""The manifold of activations at some snapshots, coloured by each factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D

from phasescope.core.errors import UserError, similar
from phasescope.core.factors import Factor
from phasescope.runs.store.sites import Site
from phasescope.views.facts.clouds import Cloud, cloud_of, sites_of
from phasescope.views.facts.numbers import format_count, format_score
from phasescope.views.facts.palette import INK, MUTED, class_ticks
from phasescope.views.facts.record import Array, Record, number, score
from phasescope.views.facts.terms import factor_words, probed
from phasescope.views.figures.axes import WIDTH_IN, figure_of
from phasescope.views.figures.timeline import chosen_site
from phasescope.views.style import scale_of, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANIFOLDS = 5
"""snapshots in a figure"""


def manifold_figure(
    record: Record,
    columns: int | Sequence[int] | None = None,
    layer: str | None = None,
    factor: str | None = None,
    own: Axes | None = None,
) -> Figure | None:
    """Return a figure of the manifold at some snapshots, with a row of colours per factor; None if none holds latents.

    Args:
        columns: how many snapshots, evenly in images seen, or their steps; by default `MANIFOLDS`, on `own` the last.
        layer: or a site as mid.600; by default that where the phases of the sheet are read.
        factor: the one whose row is drawn; all by default.
        own: axes of the user's own for one snapshot and one factor, by default the first; else the figure has its own.

    Raises:
        UserError: there is no such factor or site; `own` is given with several snapshots.
    """
    names = record.factors.names
    if factor is not None and factor not in names:
        raise UserError(f"`factor` (={factor}) must be one of {', '.join(names)}{similar(factor, names)}")
    known = sites_of(record)
    if not known:
        return None
    site = known[0] if layer is None else chosen_site(record, layer)
    held = [snapshot for snapshot in record.snapshots if site in snapshot.sites]
    if columns is None:
        chosen = record.chosen(held, MANIFOLDS) if own is None else held[-1:]
    else:
        chosen = record.chosen(held, columns)
    cloud = cloud_of(record, site, "pca", chosen) if chosen else None
    if cloud is None:
        return None

    chosen_factors = [
        (known, values)
        for known, values in zip(record.factors, cloud.labels.T, strict=True)
        if factor in (None, known.name)
    ]
    if own is not None:
        if len(cloud.steps) > 1:
            raise UserError(
                f"`snapshots` (={len(cloud.steps)} of them) must be one where `ax` is given: its step, as in snapshots=[500]"
            )
        with styled():
            _draw_one(own, cloud, *chosen_factors[0])
            own.set_title(_snapshot_title(record, cloud.steps[0], site), fontweight="normal")
        return figure_of(own)

    count, rows = len(cloud.steps), len(chosen_factors)
    with styled():
        figure = Figure(figsize=(WIDTH_IN, 0.9 * min(WIDTH_IN / count, 2.6) * rows + 0.3))
        axes = figure.subplots(rows, count, squeeze=False, subplot_kw={"projection": "3d"})
        for row, (known, values) in zip(axes, chosen_factors, strict=True):
            _draw_row(figure=figure, axes=row, cloud=cloud, factor=known, values=values)

        for ax, step in zip(axes[0], cloud.steps, strict=True):
            ax.set_title(_snapshot_title(record, step, site), loc="center", fontweight="normal", pad=0)
    return figure


def _draw_row(figure: Figure, axes: Array, cloud: Cloud, factor: Factor, values: Shaped[Array, " n"]) -> None:
    """Draw the cloud at each snapshot, coloured by one factor, and the factor's colour bar."""
    scale = _scale(factor)
    for ax, points in zip(axes, cloud.points, strict=True):
        _draw_points(ax, points, values, scale, _reach(cloud))
    _draw_bar(figure, axes, scale, factor, fraction=0.02)


def _draw_one(ax: Axes, cloud: Cloud, factor: Factor, values: Shaped[Array, " n"]) -> None:
    """Draw the cloud at its only snapshot on axes: three components if these are of three dimensions, else two."""
    scale, (points,), reach = _scale(factor), cloud.points, _reach(cloud)
    if isinstance(ax, Axes3D):
        _draw_points(ax, points, values, scale, reach)
    else:
        ax.scatter(*points.T[:2], color=scale.to_rgba(values), s=5, linewidths=0)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
        ax.set(xlabel="component 1", ylabel="component 2")
    _draw_bar(figure_of(ax), ax, scale, factor, fraction=0.05)


def _draw_points(
    ax: Any, points: Array, values: Shaped[Array, " n"], scale: ScalarMappable, reach: float
) -> None:
    """Draw three components on axes of three dimensions."""
    ax.scatter(*points.T, c=values, cmap=scale.cmap, norm=scale.norm, s=5, linewidths=0)
    ax.set(**dict.fromkeys(("xlim", "ylim", "zlim"), (-reach, reach)))
    ax.set_box_aspect((1, 1, 1), zoom=1.1)
    ax.view_init(elev=32, azim=-62)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_ticks([])
        axis.pane.set(facecolor="none", edgecolor=MUTED, alpha=0.25)
        axis.line.set_color("none")


def _draw_bar(
    figure: Figure, axes: Axes | Array, scale: ScalarMappable, factor: Factor, fraction: float
) -> None:
    """Draw the colours of a factor beside axes, of whose width they take a fraction."""
    bar = figure.colorbar(
        scale, ax=axes, location="right", pad=0.01, fraction=fraction, aspect=18, shrink=0.7
    )
    bar.set_label(factor_words(factor), color=INK)
    if names := class_ticks(factor):
        bar.set_ticks([value for value, _ in names], labels=[name for _, name in names])
        bar.ax.tick_params(labelsize=5)
    bar.outline.set_visible(False)
    bar.ax.grid(visible=False)


def _scale(factor: Factor) -> ScalarMappable:
    colours, low, high = scale_of(factor)
    return ScalarMappable(Normalize(low, high), colours)


def _reach(cloud: Cloud) -> float:
    """Return how far nearly all points are from the origin along each axis, at most."""
    return float(np.quantile(np.abs(cloud.points), 0.999))


def _snapshot_title(record: Record, step: int, site: Site) -> str:
    line = next(line for line in record.metrics if line["step"] == step)
    value = number(score(line, "probe_r2", site))
    r2 = f"\n{probed('R²', record.factors)} {format_score(value, 2)}" if value == value else ""
    return f"{format_count(line['images_seen'])} images{r2}"
