"""Interaction and composition of known predictions, and of the exact optimum: the figure of docs/measures/independence.md.

Networks here are codes of the label put into pixels, each of squared length 1. With u(x) = (cos, sin) of the angle
2 pi x / N, the sum is (u(x), u(y)) / sqrt 2 and the product is u(x) u(y)^T. A step h along a circle moves u by
2 s = 2 sin(2 pi h / N) across and leaves cos(2 pi h / N) of its length in the mean of both ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product as pairs
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from phasescope.families.diffusion.config import DiffusionConfig
from phasescope.randomness import numpy_generator
from phasescope.views.style import MUTED, PALETTE, RC
from phasescope.worlds.bump.world import GaussianBump

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

    from phasescope.measures import Score
    from phasescope.probing.capture import Network

CANVAS = 16
UNRELATED = 1 / 3
ACCENT, ORDER, P1 = (PALETTE[name][0] for name in ("accent", "order", "p1"))
DASHED, DOTTED = (0, (4, 2)), (0, (1, 1.5))


def world(canvas: int = CANVAS, sigma_px: float = 1.0, step: float = 0.5) -> GaussianBump:
    """Bumps on a periodic canvas, with a training grid of `step` px."""
    design = {"dx": step, "dy": step, "ends": "low"}
    return GaussianBump.of({"canvas": canvas, "sigma_px": sigma_px, "boundary": "periodic", "design": design})


def painted(code: Tensor) -> Tensor:
    """Codes (B, m) as images (B, 1, N, N) of the same squared length: a number a pixel."""
    from torch.nn.functional import pad

    return pad(code, (0, CANVAS**2 - code.shape[1])).view(-1, 1, CANVAS, CANVAS)


def circles(labels: Tensor) -> Tensor:
    """u of each factor, (B, K, 2); zeros where it is missing."""
    import torch

    angles = 2 * torch.pi * labels.double() / CANVAS
    return torch.stack([angles.cos(), angles.sin()], dim=2).nan_to_num()


def additive(labels: Tensor) -> Tensor:
    return circles(labels).flatten(1) / 2**0.5


def product(labels: Tensor) -> Tensor:
    x, y = circles(labels).unbind(dim=1)
    return (x[:, :, None] * y[:, None, :]).flatten(1)


def unrelated(labels: Tensor) -> Tensor:
    """Numbers that chance gives each label anew, of mean squared length 1."""
    import torch

    rows = [numpy_generator(0, f"unrelated, at {row}").normal(size=128) for row in labels.tolist()]
    return torch.from_numpy(np.stack(rows)) / 128**0.5


def mixture(second: Callable[[Tensor], Tensor], share: float) -> Network:
    """The sum beside another code, which has a share of the squared length."""
    import torch

    def network(x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        parts = (1 - share) ** 0.5 * additive(labels), share**0.5 * second(labels)
        return painted(torch.cat(parts, dim=1))

    return network


def interaction_of_product(share: Any, step: float) -> Any:
    """w s^2 / (1 + w (1 - s^2)): of the sum |A|^2 = |B|^2 = s^2 / 2, of the product s^2 (1 - s^2) and |I|^2 = s^4."""
    s2 = np.sin(2 * np.pi * step / CANVAS) ** 2
    return share * s2 / (1 + share * (1 - s2))


def interaction_of_unrelated(share: Any, step: float) -> Any:
    """(w / 4) / ((1 - w) s^2 + 3 w / 4): the mean of four that are unrelated has a quarter of their squared length."""
    s2 = np.sin(2 * np.pi * step / CANVAS) ** 2
    return share / 4 / ((1 - share) * s2 + 3 * share / 4)


def interaction_of_bumps(step_over_sigma: Any) -> Any:
    """(1 - r) / (3 + r), with r = exp(-h^2 / sigma^2) the cosine of two bumps 2 h apart."""
    r = np.exp(-(step_over_sigma**2))
    return (1 - r) / (3 + r)


def told_alone(times: float) -> Network:
    """The sum, which says `times` what it should where a factor is missing: 0 ignores such labels, 1 composes."""

    def network(x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        whole = ~labels.isnan().any(dim=1, keepdim=True)
        return painted(additive(labels) * (whole + times * ~whole))

    return network


def residual_of_noise(canvas: int, sigma_px: float) -> float:
    """(1 - q) / (1 + q), q = 2 sqrt(pi) sigma / N: where x_t tells nothing, and each mean is the prior's.

    Of a bump's profile v, |v|^2 = sqrt(pi) sigma; of the mean profile m, |m|^2 = <v, m> = 2 pi sigma^2 / N; q is their
    ratio. The residual is |(v_x - m)(v_y - m)|^2 over |v_x v_y - m m|^2.
    """
    q = 2 * np.pi**0.5 * sigma_px / canvas
    return (1 - q) / (1 + q)


def posterior_mean(of: GaussianBump, family: Any) -> Network:
    """The best network that is trained with factors withheld, on a square grid."""
    import torch

    from phasescope.families.diffusion.optimum import PartialOptimum

    values = torch.from_numpy(np.unique(of.training_labels()))
    return PartialOptimum(family, of.render, [values, values])


def measured(axes: Axes, at: Sequence[float], scores: list[Score], fmt: str, **style: Any) -> None:
    """Values with their intervals."""
    value = np.array([score.value for score in scores])
    ends = np.array([[score.low, score.high] for score in scores]).T
    axes.errorbar(at, value, np.abs(ends - value), fmt=fmt, elinewidth=1.1, capsize=2, **style)


def level(axes: Axes, at: float, name: str, x: float) -> None:
    axes.axhline(at, color=MUTED, linewidth=0.9, linestyle=DOTTED, zorder=0)
    axes.text(x, at, name, color=MUTED, va="bottom", ha="right", fontsize=7.5)


def draw_mixtures(axes: Axes) -> None:
    """Interaction of the sum beside a product, at two steps, and beside unrelated predictions."""
    from phasescope.families.diffusion.independence import interaction_share

    fine, coarse = np.linspace(0, 1, 101), np.linspace(0, 1, 6)
    cases = (
        ("product, step 1/4 of the period", product, interaction_of_product, CANVAS / 4, ACCENT, "o"),
        ("product, step 1/12", product, interaction_of_product, CANVAS / 12, ORDER, "s"),
        ("unrelated, step 1/4", unrelated, interaction_of_unrelated, CANVAS / 4, P1, "^"),
    )
    for name, second, algebra, step, colour, mark in cases:
        scores = [
            interaction_share(mixture(second, w), world(), DiffusionConfig().build(), 400, step=step)
            for w in coarse.tolist()
        ]
        axes.plot(fine, algebra(fine, step), color=colour, linewidth=1)
        measured(axes, coarse.tolist(), scores, mark, color=colour, markersize=4, label=name)
    level(axes, UNRELATED, "unrelated", 0.3)
    axes.set(
        title="A sum beside another code",
        xlabel="w: the other code's share of the squared length",
        ylabel="interaction share",
    )
    axes.legend(loc="upper left")


def draw_bumps(axes: Axes, canvas: int = 32) -> None:
    """Interaction of the exact conditional optimum against the step, at three t and two widths, which share a curve."""
    from phasescope.families.diffusion.independence import interaction_share
    from phasescope.families.diffusion.optimum import ConditionalOptimum

    family = DiffusionConfig().build()
    fine, coarse = np.linspace(0, 3, 151), np.linspace(0.125, 3, 24)
    axes.plot(fine, interaction_of_bumps(fine), color=MUTED, linewidth=1, zorder=0)
    cases = pairs(((2.0, P1), (1.0, ACCENT)), ((100, "o"), (500, "s"), (900, "^")))
    for i, ((sigma_px, colour), (t, mark)) in enumerate(cases):
        bumps, at = world(canvas, sigma_px), coarse[i::6].tolist()
        optimum = ConditionalOptimum(family, bumps.render)
        scores = [interaction_share(optimum, bumps, family, t, step=h * sigma_px) for h in at]
        name = f"σ = {sigma_px:g} px, t = {t}"
        measured(axes, at, scores, mark, color=colour, markersize=4, label=name)
    level(axes, UNRELATED, "unrelated", 0.9)
    default = 0.5, float(interaction_of_bumps(0.5))
    axes.annotate(
        f"default step,\nσ = 1 px:\n{default[1]:.3f}",
        default,
        (0.05, 0.17),
        fontsize=7.5,
        arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.7, "relpos": (0.2, 0), "shrinkB": 4},
    )
    axes.set(
        title="The exact optimum: bumps interact",
        xlabel="step h over bump width σ",
        ylabel="interaction share",
        ylim=(-0.01, 0.38),
    )
    axes.legend(loc="lower right")


def draw_incomplete(axes: Axes) -> None:
    """Residual of a network that says more or less than it should of incomplete labels."""
    from phasescope.families.diffusion.independence import composition_residual

    fine, coarse = np.linspace(0, 2, 101), np.linspace(0, 2, 9)
    scores = [
        composition_residual(told_alone(c), world(), DiffusionConfig().build(), 400) for c in coarse.tolist()
    ]
    axes.plot(fine, (1 - fine) ** 2, color=ACCENT, linewidth=1)
    measured(axes, coarse.tolist(), scores, "o", color=ACCENT, markersize=4)
    level(axes, 1, "ignored", 1.3)
    axes.set_xticks((0, 0.5, 1, 1.5, 2), ["0\nignored", "0.5", "1\nadds up", "1.5", "2\nsaid twice"])
    axes.set(
        title="A sum that is told one factor",
        xlabel="what it then says, of what it should",
        ylabel="composition residual",
        ylim=(-0.05, 1.15),
    )


def draw_posterior(axes: Axes) -> None:
    """Residual of the exact posterior mean against t."""
    from phasescope.families.diffusion.independence import composition_residual

    family = DiffusionConfig().build()
    timesteps = (50, 100, 150, 200, 250, 300, 350, 400, 500, 600, 700, 800, 900, 999)
    for sigma_px, colour, mark in ((1.0, ACCENT, "o"), (2.0, P1, "s")):
        bumps = world(sigma_px=sigma_px)
        best = posterior_mean(bumps, family)
        scores = [composition_residual(best, bumps, family, t, batch=16) for t in timesteps]
        measured(axes, timesteps, scores, mark, color=colour, markersize=4, label=f"σ = {sigma_px:g} px")
        limit = residual_of_noise(CANVAS, sigma_px)
        axes.axhline(limit, color=colour, linewidth=1, linestyle=DASHED, zorder=0)
    level(axes, 1, "ignored", 1000)
    axes.set(
        title="The exact optimum, factors withheld",
        xlabel="t; dashed: where $x_t$ tells nothing",
        ylabel="composition residual",
        ylim=(-0.05, 1.15),
    )
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.88))


def independence_figure() -> Figure:
    """Both measures: of predictions that are known, and of the exact optimum."""
    figure = Figure(figsize=(7.2, 5.4))
    panels = figure.subplots(2, 2)
    for axes, panel in zip(
        panels.flat, (draw_mixtures, draw_bumps, draw_incomplete, draw_posterior), strict=True
    ):
        panel(axes)
    return figure


def draw(folder: Path) -> list[Path]:
    """The figure as a PNG in `folder`, which is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "independence.png"
    with matplotlib.rc_context(RC):
        independence_figure().savefig(path)
    return [path]
