"""Intrinsic dimension of known spaces: the figures of docs/measures/intrinsic_dimension.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.latents.ideal import clifford_torus, embed
from phasescope.measures.latents.two_nn import two_nn
from phasescope.views.facts.palette import LINE, MUTED, PALETTE
from phasescope.views.style import RC

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cloud = Float[np.ndarray, "n features"]
Rng = np.random.Generator

ACCENT = PALETTE["accent"][0]
TURN = 2 * np.pi


def turns(n: int, d: int, rng: Rng) -> Float[np.ndarray, "n d"]:
    return rng.uniform(0, TURN, (n, d))


def circles(d: int) -> Factors:
    """d angles, radians."""
    names = [f"angle{k}" for k in range(d)]
    return Factors.named(names, [TURN] * d, names)


def flat_torus(n: int, d: int, rng: Rng) -> Cloud:
    """d circles, each in its own plane."""
    return clifford_torus(turns(n, d, rng), circles(d))


def cube(n: int, d: int, rng: Rng) -> Cloud:
    return rng.uniform(size=(n, d))


def dimension_figure() -> Figure:
    """Flat tori of known dimension, noise about one, and a lattice with jitter."""
    n = 1000
    figure = Figure(figsize=(7.2, 2.8))
    tori, noisy, lattice = figure.subplots(1, 3)
    d = np.arange(1, 7)
    clouds = [embed(flat_torus(n, k, numpy_generator(0, f"{k}-torus")), 30) for k in d.tolist()]
    curves(tori, d, clouds)
    tori.plot(d, d, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    baselines = [two_nn(x).baselines["gaussian"] for x in clouds]
    tori.plot(
        d, baselines, color=ACCENT, linestyle=(0, (1, 1.5)), label="Gaussian cloud of the same covariance"
    )
    tori.set(xlabel="circles", ylabel="dimension", title="Flat tori", ylim=(0, 14))

    loudness = np.geomspace(1e-4, 1, 9)
    rng = numpy_generator(0, "noise about a torus")
    noise = rng.normal(size=clouds[1].shape)
    curves(noisy, loudness, [clouds[1] + level * noise for level in loudness])
    noisy.axhline(2, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    noisy.set(xscale="log", yscale="log", xlabel="noise in each of 30 features", title="A torus in noise")
    noisy.set_yticks([2, 5, 10, 30], ["2", "5", "10", "30"])
    noisy.minorticks_off()

    steps = np.stack(np.meshgrid(np.arange(32), np.arange(32)), -1).reshape(-1, 2)
    shaken = np.geomspace(1e-2, 1, 7)
    shift = rng.uniform(-0.5, 0.5, steps.shape)
    curves(lattice, shaken, [steps + width * shift for width in shaken])
    lattice.axhline(2, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    lattice.set(
        xscale="log",
        yscale="log",
        xlabel="jitter of labels, in steps of the lattice",
        title="Labels on a lattice",
    )
    lattice.set_yticks([2, 5, 10, 50, 200], ["2", "5", "10", "50", "200"])
    lattice.minorticks_off()
    figure.legend(*tori.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def curves(axes: Axes, at: np.ndarray, clouds: list[Cloud]) -> None:
    """TwoNN of the clouds, with its interval."""
    scores = [two_nn(x) for x in clouds]
    axes.plot(at, [score.value for score in scores], color=ACCENT, label="TwoNN")
    low, high = ([getattr(score, end) for score in scores] for end in ("low", "high"))
    axes.fill_between(at, low, high, color=ACCENT, alpha=0.2, linewidth=0)


def coverage_figure() -> Figure:
    """How many of 200 intervals hold the dimension, of flat tori and of cubes."""
    cases, sizes = 200, (300, 1000)
    figure = Figure(figsize=(7.2, 2.6))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (space, draw_cloud) in zip(panels, (("tori", flat_torus), ("cubes", cube)), strict=True):
        axes.axhspan(0.90, 0.98, color=LINE, linewidth=0)
        for n, style in zip(sizes, ("o:", "o-"), strict=True):
            held = []
            for d in (1, 2, 3, 4):
                rng = numpy_generator(n, f"coverage on {space} of {d} dimensions")
                scores = [two_nn(draw_cloud(n, d, rng), seed=case) for case in range(cases)]
                held.append(sum(score.low <= d <= score.high for score in scores) / cases)
            axes.plot((1, 2, 3, 4), held, style, color=ACCENT, label=f"TwoNN, n = {n}")
        axes.set(xlabel="dimension", xticks=(1, 2, 3, 4), ylim=(-0.03, 1.03))
    panels[0].set(
        ylabel=f"share of {cases} intervals that\ncontain the dimension", title="Flat tori: no edges"
    )
    panels[1].set(title="Cubes: edges")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    "intrinsic_dimension": dimension_figure,
    "intrinsic_dimension_coverage": coverage_figure,
}


def draw(folder: Path) -> list[Path]:
    """The figures, as PNG files in `folder`, which is made where there is none; a minute on one core."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png" for name in FIGURES]
    with matplotlib.rc_context(RC):
        for path in paths:
            FIGURES[path.stem]().savefig(path)
    return paths
