"""Memorisation on cases whose answer is known: the figures of docs/measures/memorisation.md."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from phasescope.core.randomness import numpy_generator
from phasescope.measures.memorisation import COPY, gap_ratio, gap_ratios
from phasescope.measures.scores import Score
from phasescope.views.facts.palette import INK, MUTED, PALETTE
from phasescope.worlds.bump.world import GaussianBump

WORLD = GaussianBump()
"""32 x 32 pixels, sigma = 1 px, a training image each pixel."""
ACCENT, ORDER, P1 = (PALETTE[name][0] for name in ("accent", "probe", "p1"))
N = 1024


def images(labels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n N N"]:
    """The world's exact images."""
    import torch

    return WORLD.render(torch.tensor(labels, dtype=torch.float32))[:, 0].numpy()


def off_grid(n: int, purpose: str) -> Float[np.ndarray, "n 2"]:
    return WORLD.draw_labels(n, numpy_generator(0, purpose)).astype(float)


def nearest(targets: Float[np.ndarray, "n 2"], labels: Float[np.ndarray, "M 2"]) -> Float[np.ndarray, "n 2"]:
    return labels[((targets[:, None] - labels) ** 2).sum(axis=2).argmin(axis=1)]


def gap_ratio_figure() -> Figure:
    """Where exact images have d1/d2 below 1/3, and its distribution for three simulated models."""
    training = WORLD.training_labels().astype(float)
    figure = Figure(figsize=(7.2, 3.3))
    cell, curves = figure.subplots(1, 2, width_ratios=(1, 1.5))
    side = np.linspace(-1, 1, 121)
    x, y = np.meshgrid(16 + side, 16 + side)
    at = np.stack([x.ravel(), y.ravel()], axis=1)
    ratios = gap_ratios(images(at), images(training)).reshape(x.shape)
    shown = cell.pcolormesh(side, side, ratios, cmap="viridis", vmin=0, vmax=1, rasterized=True)
    cell.contour(side, side, ratios, levels=[COPY], colors="white", linewidths=1.2)
    cell.set(
        aspect="equal",
        xlabel="x minus a training label's, px",
        ylabel="y minus its y, px",
        title="Exact images",
    )
    figure.colorbar(shown, ax=cell, label="$d_1 / d_2$", shrink=0.9)

    targets = off_grid(N, "gap ratio figure")
    grid, true = nearest(targets, training), images(targets)
    models = {"exact": targets, "half way to the nearest": (targets + grid) / 2, "copies": grid}
    for (name, labels), colour in zip(models.items(), (ORDER, P1, INK), strict=True):
        score = gap_ratio(images(labels), true, images(training))
        label = f"{name}: share {interval(score)}"
        ratio = np.sort(gap_ratios(images(labels), images(training)))
        curves.step(ratio, np.arange(1, N + 1) / N, where="post", color=colour, label=label)
    curves.axvline(COPY, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    curves.text(COPY + 0.01, 0.02, "1/3", color=MUTED)
    curves.set(xlim=(-0.02, 1), ylim=(0, 1.02), xlabel="$d_1 / d_2$", ylabel="share of images below")
    curves.set_title(f"{N:,} off-grid labels")
    figure.legend(loc="outside lower right")
    return figure


def interval(score: Score) -> str:
    """The value and its interval, two decimals."""
    return f"{score.value:.2f} ({score.low:.2f} to {score.high:.2f})".replace("-0.00", "0.00")


FIGURES: dict[str, Callable[[], Figure]] = {
    "gap_ratio": gap_ratio_figure,
}
