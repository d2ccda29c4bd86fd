"""Order, dimension, neighbourhoods and geometry on cases whose answer is known: the figures of docs/measures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from docs.figures.coverage import BOTH_PERIODIC, COUNTED, PERIOD, Bumps, Coverage
from phasescope.core.randomness import numpy_generator
from phasescope.measures.latents.ideal import clifford_torus, embed
from phasescope.measures.latents.label_variance import label_variance
from phasescope.measures.latents.p1_r2 import p1_r2
from phasescope.measures.latents.participation_ratio import participation_ratio
from phasescope.measures.latents.probe_r2 import probe_r2
from phasescope.measures.latents.trustworthiness import trustworthiness
from phasescope.measures.scores import Score
from phasescope.views.facts.palette import INK, LINE, MUTED, PALETTE
from phasescope.views.style import RC

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N, FEATURES = 400, 64
ACCENT, ORDER, P1 = (PALETTE[name][0] for name in ("accent", "probe", "p1"))


def draw(folder: Path, coverage: Path = COUNTED) -> list[Path]:
    """All figures, as PNG files in `folder`, which is made where there is none; coverage as it was counted before."""
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(RC):
        figures = {
            "probe_r2": probe_figure(),
            "interval_coverage": coverage_figure(
                [Coverage(**row) for row in json.loads(coverage.read_text())]
            ),
            "label_variance": label_variance_figure(),
            "participation_ratio": dimension_figure(),
            "neighbourhoods": neighbourhood_figure(),
        }
        paths = []
        for name, figure in figures.items():
            paths.append(folder / f"{name}.png")
            figure.savefig(paths[-1])
    return paths


def uniform(n: int = N) -> Float[np.ndarray, "n 2"]:
    """Labels without a lattice."""
    return numpy_generator(0, "labels of known geometries").uniform(0, PERIOD, (n, 2))


def noise(*shape: int) -> np.ndarray:
    return numpy_generator(0, "noise of known geometries", shape[-1]).normal(size=shape)


def curve(
    axes: Axes, x: Any, scores: list[Score], colour: str, label: str, null: str | None = "permuted"
) -> None:
    """Values with their intervals as a band, and a baseline dotted."""
    axes.plot(x, [score.value for score in scores], "o-", color=colour, label=label)
    axes.fill_between(
        x,
        [score.low for score in scores],
        [score.high for score in scores],
        color=colour,
        alpha=0.18,
        linewidth=0,
    )
    if null:
        axes.plot(x, [score.baselines[null] for score in scores], ":", color=colour, linewidth=1.1)


def probe_figure() -> Figure:
    """A flat and a rolled sheet under noise, read by a ridge regression and P1's way; a torus, read both ways."""
    labels = uniform()
    angle = 1.5 * np.pi * (1 + labels[:, 0] / PERIOD)
    sheets = {
        "flat sheet": labels / PERIOD,
        "rolled sheet": np.column_stack(
            [angle * np.cos(angle), angle * np.sin(angle), 10 * labels[:, 1] / PERIOD]
        )
        / 10,
    }
    levels = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5)
    figure = Figure(figsize=(7.2, 2.9))
    panels = figure.subplots(1, 3, sharey=True)
    for axes, (name, sheet) in zip(panels, sheets.items(), strict=False):
        noisy = [embed(sheet, FEATURES) + level * noise(N, FEATURES) for level in levels]
        curve(axes, range(6), [probe_r2(z, labels) for z in noisy], ORDER, "probe R²: ridge, all features")
        curve(axes, range(6), [p1_r2(z, labels)[0] for z in noisy], P1, "P1's reading: UMAP to 3D")
        axes.set(title=name, xlabel="noise in each of 64 features")
        axes.set_xticks(range(6), [f"{level:g}" for level in levels])
    torus = embed(clifford_torus(labels, BOTH_PERIODIC), FEATURES)
    noisy = [torus + 4 * level * noise(N, FEATURES) for level in levels]
    curve(panels[2], range(6), [probe_r2(z, labels, BOTH_PERIODIC) for z in noisy], ORDER, "factors periodic")
    curve(panels[2], range(6), [probe_r2(z, labels) for z in noisy], ACCENT, "factors treated as open")
    panels[2].set(title="Clifford torus", xlabel="noise in each of 64 features")
    panels[2].set_xticks(range(6), [f"{4 * level:g}" for level in levels])
    panels[0].set(ylabel="$R^2$, minimum over factors", ylim=(-0.15, 1.04))
    for axes in (panels[1], panels[2]):
        axes.legend(loc="lower left", bbox_to_anchor=(0, 0.12))
    return figure


def coverage_figure(found: list[Coverage]) -> Figure:
    """How many of 200 intervals held the truth, in each simulated scenario."""
    names = {
        "probe_r2": ("probe R²", ORDER, ".2g"),
        "participation_ratio": ("participation ratio", ACCENT, ".3g"),
    }
    figure = Figure(figsize=(7.2, 4.6))
    axes = figure.subplots()
    axes.axvspan(90, 98, color=LINE, alpha=0.5, linewidth=0)
    for at, one in enumerate(found):
        _, colour, digits = names[one.measure]
        axes.plot(100 * one.held / one.cases, at, "o", color=colour, markersize=5, clip_on=False)
        truth = (
            f"1 - {1 - one.truth:.0e}"
            if 1 - one.truth < 1e-3 and one.measure == "probe_r2"
            else f"{one.truth:{digits}}"
        )
        axes.text(100.6, at, f"{one.held}", va="center", fontsize=7, color=INK, clip_on=False)
        axes.text(102.6, at, truth, va="center", fontsize=7, color=MUTED, clip_on=False)
    axes.text(100.6, -0.9, "count", fontsize=7, fontweight="bold")
    axes.text(102.6, -0.9, "truth", fontsize=7, fontweight="bold")
    words = {
        "loudness": "length of code",
        "alike": "equal variances",
    }  # `Coverage` has them as they were drawn
    scenarios = [" ".join(words.get(word, word) for word in one.scenario.split()) for one in found]
    rows = [f"{name}; n {one.n}, features {one.features}" for name, one in zip(scenarios, found, strict=True)]
    axes.set_yticks(range(len(found)), rows)
    axes.set(xlim=(80, 100), xticks=(80, 85, 90, 95, 98, 100), ylim=(len(found) - 0.4, -0.6))
    axes.set_xlabel(f"share of {found[0].cases} intervals that contain the truth, %")
    axes.grid(axis="y")
    for name, colour, _ in names.values():
        axes.plot([], [], "o", color=colour, label=name)
    figure.legend(loc="outside lower left", ncols=2)
    return figure


def label_variance_figure() -> Figure:
    """Activations of labels with variance 1, and noise of a known variance, three draws per label."""
    labels = (uniform()[:, :1] / PERIOD - 0.5) * 12**0.5
    levels = np.array([0.1, 0.3, 0.5, 1, 2, 4])
    draws = [embed(labels, 20) + level / 20**0.5 * noise(3, N, 20) for level in levels]
    figure = Figure(figsize=(3.6, 2.8))
    axes = figure.subplots()
    fine = np.geomspace(0.1, 4, 100)
    axes.plot(fine, 1 / (1 + fine**2), color=INK, linewidth=0.8, label="truth, $1 / (1 + s^2)$")
    curve(axes, levels, [label_variance(z) for z in draws], ACCENT, "label variance")
    xlabel = "length s of the noise, relative to the labels'"
    axes.set(xscale="log", xlabel=xlabel, ylabel="label variance", ylim=(-0.08, 1.03))
    axes.legend(loc="upper right")
    return figure


def dimension_figure() -> Figure:
    """Pixels of bumps at several n, and isotropic clouds: corrected, and of the sample covariance."""
    figure = Figure(figsize=(7.2, 2.8))
    left, right = figure.subplots(1, 2)
    counts = (32, 64, 128, 256, 512, 1024)
    bumps = [participation_ratio(Bumps(n, 32, 1.0).draw(numpy_generator(0, "bumps", n))) for n in counts]
    truth = Bumps(2, 32, 1.0).truth
    left.axhline(truth, color=INK, linewidth=0.8, label=f"$N^2 / 2 \\pi \\sigma^2$ = {truth:.0f}")
    curve(left, counts, bumps, ACCENT, "corrected", null=None)
    left.plot(
        counts, [s.detail["uncorrected"] for s in bumps], "s--", color=P1, label="of the sample covariance"
    )
    left.set(xscale="log", xlabel="n", ylabel="participation ratio", ylim=(0, 300))
    left.set_title("Pixels of periodic bumps, N = 32, $\\sigma$ = 1")
    dimensions = (1, 2, 4, 8, 16, 32, 64, 128)
    clouds = [participation_ratio(embed(noise(256, d), 256)) for d in dimensions]
    right.plot(dimensions, dimensions, color=INK, linewidth=0.8)
    curve(right, dimensions, clouds, ACCENT, "corrected", null=None)
    read_off = [s.detail["uncorrected"] for s in clouds]
    right.plot(dimensions, read_off, "s--", color=P1, label="of the sample covariance")
    right.set(xscale="log", yscale="log", xlabel="true dimension", ylabel="participation ratio")
    right.set_title("Isotropic clouds, n = 256")
    for axes, ticks, corner in ((left, counts, "upper right"), (right, dimensions, "upper left")):
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.legend(loc=corner)
    right.set_yticks(dimensions, [str(d) for d in dimensions])
    right.minorticks_off()
    return figure


def neighbourhood_figure() -> Figure:
    """A sheet that is noisy, folded, or torn, at neighbourhoods of several sizes."""
    labels = uniform()
    codes = {
        "sheet in noise": labels + 2 * noise(N, 2),
        "folded at x = 16": np.column_stack([np.abs(labels[:, 0] - 16), labels[:, 1]]),
        "torn at x = 16": labels + 100 * (labels[:, :1] > 16),
    }
    ks = (2, 5, 10, 20, 40, 80)
    figure = Figure(figsize=(7.2, 2.8))
    for axes, (name, z) in zip(figure.subplots(1, 3, sharey=True), codes.items(), strict=True):
        curve(axes, ks, [trustworthiness(z, labels, k) for k in ks], ACCENT, "trustworthiness")
        axes.set(title=name, xscale="log", xlabel="neighbours k", ylim=(-0.06, 1.03))
        axes.set_xticks(ks, [str(k) for k in ks])
        axes.minorticks_off()
    figure.axes[0].legend(loc="lower right", bbox_to_anchor=(1, 0.04))
    return figure
