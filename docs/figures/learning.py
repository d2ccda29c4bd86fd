"""The coupling of learning on cases whose answer is known, and memorisation (`copying`): the figures of docs/measures."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from docs.figures import copying
from docs.figures.copying import ACCENT, ORDER, P1, interval
from phasescope.measures.learning.factor_coupling import joint_accuracy, onset_ratio
from phasescope.randomness import numpy_generator
from phasescope.views.style import INK, LINE, MUTED, RC

CASES = 200
"""Simulated studies whose intervals are counted."""


def draw(folder: Path) -> list[Path]:
    """All figures, as PNG files in `folder`, which is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = copying.FIGURES | {
        "onset_ratio": onset_ratio_figure,
        "joint_accuracy": joint_accuracy_figure,
    }
    paths = []
    with matplotlib.rc_context(RC):
        for name, figure in figures.items():
            paths.append(folder / f"{name}.png")
            figure().savefig(paths[-1])
    return paths


def normal_quantiles(n: int) -> Float[np.ndarray, " n"]:
    """The middles of n equal shares of a standard Gaussian."""
    from scipy.stats import norm

    return norm.ppf((np.arange(n) + 0.5) / n)


def at_snapshots(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], end: float, step: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Onsets of x and y as snapshots show them, NaN after the end, and the last snapshots without them."""
    seen = [np.ceil(t / step) * step for t in (x, y)]
    seen_x, seen_y = (np.where(t <= end, t, np.nan) for t in seen)
    return seen_x, seen_y, seen[0] - step, seen[1] - step


def onset_ratio_figure() -> Figure:
    """Runs whose y takes 1.5 times as long in the median: one study, and how often intervals hold 1.5."""
    truth, n, end = 1.5, 12, 2200.0
    figure = Figure(figsize=(7.2, 2.7))
    left, right = figure.subplots(1, 2, width_ratios=(1.3, 1))
    pace = 1000 * np.exp(0.4 * numpy_generator(0, "ratio figure").permutation(normal_quantiles(n)))
    ratios = truth * np.exp(0.3 * normal_quantiles(n))
    x, y, without_x, without_y = at_snapshots(pace, ratios * pace, end, 100.0)
    score = onset_ratio(x, y, end, without_x, without_y)
    low = np.where(np.isnan(y), end, without_y) / np.where(np.isnan(x), np.inf, x)
    high = np.where(np.isnan(y), np.inf, y) / np.where(np.isnan(x), end, without_x)
    top = 4.0
    for run in range(n):
        left.plot([run] * 2, [low[run], min(high[run], top)], color=ACCENT, linewidth=2)
        if high[run] > top:
            left.plot(run, top, "^", color=ACCENT, markersize=5, clip_on=False)
    left.plot(ratios, ".", color=INK, label="true ratio")
    left.axhspan(score.low, min(score.high, top), color=ORDER, alpha=0.15, linewidth=0)
    left.axhline(truth, color=INK, linewidth=0.8)
    least, most = score.detail["at_least"], score.detail["at_most"]
    left.set_title(f"Median {least:.2f} to {most:.2f}, interval {score.low:.2f} to {limit(score.high, 2)}")
    left.set(xlabel="runs, by their true ratio", ylabel="$t_y / t_x$", ylim=(0, top), xticks=[])
    left.legend(loc="upper left")

    sizes = (6, 8, 12, 20)
    cases = (("exact", 1e9, 1e-6, INK), ("snapshots", 1e9, 100.0, ACCENT), ("and censored", end, 100.0, P1))
    for at, (name, last, step, colour) in enumerate(cases):
        held = np.zeros(len(sizes))
        for i, size in enumerate(sizes):
            rng = numpy_generator(0, f"ratio coverage {name}", size)
            for case in range(CASES):
                x = 1000 * np.exp(0.4 * rng.normal(size=size))
                y = truth * x * np.exp(0.3 * rng.normal(size=size))
                seen_x, seen_y, not_x, not_y = at_snapshots(x, y, last, step)
                one = onset_ratio(seen_x, seen_y, last, not_x, not_y, permutations=1, seed=case)
                held[i] += one.low <= truth <= one.high
        right.plot(
            np.arange(len(sizes)) + 0.12 * (at - 1), held / CASES, "o", markersize=4, color=colour, label=name
        )
    right.axhline(0.95, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    right.set(ylim=(0.85, 1.01), xlabel="runs", ylabel=f"share of {CASES} intervals")
    right.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    right.set_title("Coverage of 1.5")
    right.legend(loc="lower left")
    return figure


def simulated_images(
    rng: np.random.Generator, accuracy: Float[np.ndarray, "runs 1"], n: int, coupling: float
) -> tuple[Bool[np.ndarray, "runs n"], Bool[np.ndarray, "runs n"]]:
    """Right in x and in y with that accuracy; in a share `coupling` of images y is right where x is."""
    x, y = rng.random((2, len(accuracy), n)) < accuracy
    return x, np.where(rng.random(x.shape) < coupling, x, y)


def joint_accuracy_figure() -> Figure:
    """Six runs of different accuracy: each by itself, their mean, and what pooling their images would say."""
    accuracy = np.linspace(0.15, 0.9, 6)[:, None]
    rng = numpy_generator(0, "joint accuracy figure")
    figure = Figure(figsize=(7.2, 2.7))
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.2))
    left.plot([0, 1], [0, 1], color=LINE, linewidth=1)
    rows = []
    for name, coupling, colour in (("independent", 0.0, ACCENT), ("a third coupled", 1 / 3, P1)):
        x, y = simulated_images(rng, accuracy, 256, coupling)
        each = [joint_accuracy(u, v).difference for u, v in zip(x, y, strict=True)]
        product, together = (np.array([one.detail[key] for one in each]) for key in ("product", "acc_xy"))
        left.plot(product, together, "o", color=colour, markersize=4, label=name)
        mean, pooled = joint_accuracy(x, y).difference, joint_accuracy(x.ravel(), y.ravel()).difference
        rows += [(f"{name}, mean of runs", mean, colour), (f"{name}, images pooled", pooled, MUTED)]
    left.set(xlabel="acc$_x$ acc$_y$", ylabel="acc$_{xy}$", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    left.set_title("Runs")
    left.legend(loc="lower right")
    for place, (_, score, colour) in enumerate(rows):
        right.plot([score.low, score.high], [-place] * 2, color=colour)
        right.plot(score.value, -place, "o", color=colour, markersize=4)
        right.plot([score.nulls["permuted"]] * 2, [-place - 0.25, -place + 0.25], color=INK, linewidth=0.9)
        right.text(score.high + 0.006, -place, interval(score), va="center")
    right.axvline(0, color=MUTED, linewidth=0.7)
    right.set_yticks([-place for place in range(len(rows))], [name for name, _, _ in rows])
    right.set(xlabel="acc$_{xy}$ - acc$_x$ acc$_y$ (strokes: permuted)", ylim=(-len(rows) + 0.4, 0.6))
    right.set_xlim(right=0.21)
    right.set_title("Excess")
    return figure


def limit(high: float, decimals: int = 0) -> str:
    return f"{high:,.{decimals}f}" if np.isfinite(high) else "no limit"
