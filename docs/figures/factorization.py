"""Factorization of codes between the two ideal tori, and of others: the figures of docs/measures/factorization.md."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.latents.additivity import additivity
from phasescope.measures.latents.factorization import estimate, factorization, shares
from phasescope.measures.latents.ideal import clifford_torus, embed, random_latents, torus_3d
from phasescope.measures.latents.variance_components import check_code
from phasescope.measures.scores import Score
from phasescope.views.facts.palette import INK, LINE, MUTED, NAMED, PALETTE
from phasescope.views.style import RC

SIDE, FEATURES, CASES = 16, 40, 400
ACCENT, ORDER, P1 = (PALETTE[name][0] for name in ("accent", "probe", "p1"))


def lattice(side: int = SIDE) -> Float[np.ndarray, "n 2"]:
    return np.stack(np.meshgrid(*[np.arange(float(side))] * 2, indexing="ij"), axis=-1).reshape(-1, 2)


def factors(side: int = SIDE, periodic: bool = True) -> Factors:
    return Factors.named(("x", "y"), (float(side),) * 2, ("x", "y") if periodic else ())


def unit(latents: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    return (latents - latents.mean(axis=0)) / np.sqrt(latents.var(axis=0).sum())


def between_the_tori(
    share: float, side: int = SIDE, periodic: bool = True, features: int = FEATURES
) -> Float[np.ndarray, "n features"]:
    """A 3D torus and a Clifford torus, each of variance 1, side by side, with a share of the variance for the second."""
    labels, known = lattice(side), factors(side, periodic)
    torus, clifford = unit(torus_3d(labels, factors=known)), unit(clifford_torus(labels, factors=known))
    return embed(np.hstack([np.sqrt(1 - share) * torus, np.sqrt(share) * clifford]), features)


def noisy(
    code: Float[np.ndarray, "n features"], noise: float, draws: int, seed: int
) -> Float[np.ndarray, "*draws n features"]:
    """With noise whose total standard deviation is `noise`."""
    added = numpy_generator(seed, "noise of known codes").normal(size=(draws, *code.shape))
    latents = code + noise * added / np.sqrt(code.shape[1])
    return latents if draws > 1 else latents[0]


def index_figure(noise: float = 0.5, draws: int = 4) -> Figure:
    """The index from torus to torus: without noise, with it in one draw, and with it in several."""
    kinds = {
        "no noise": (0.0, 1, INK, "-"),
        f"noise {noise:g}, {draws} draws": (noise, draws, ACCENT, "o"),
        f"noise {noise:g}, 1 draw": (noise, 1, P1, "s"),
    }
    figure = Figure(figsize=(7.2, 3.2))
    ax = figure.subplots()
    for level, name in ((0, "3D torus"), (1, "Clifford torus")):
        ax.axhline(level, color=LINE, linewidth=1, zorder=0)
        ax.text(1.02, level, name, color=MUTED, va="center", fontsize=7.5)
    for name, (sigma, of, colour, mark) in kinds.items():
        at = np.linspace(0, 1, 21 if mark == "-" else 11)
        scores = [
            factorization(noisy(between_the_tori(s), sigma, of, 0), lattice(), factors=factors()) for s in at
        ]
        value = np.array([score.value for score in scores])
        if mark == "-":
            ax.plot(at, value, color=colour, label=name)
            permuted = scores[0].baselines["permuted"]
            ax.axhline(permuted, color=MUTED, linewidth=1, linestyle=":", zorder=0)
            ax.text(1.02, permuted, "shuffled labels", color=MUTED, va="center", fontsize=7.5)
            continue
        ends = np.abs(np.array([[score.low, score.high] for score in scores]).T - value)
        ax.errorbar(
            at, value, ends, fmt=mark, color=colour, markersize=4, elinewidth=1.2, capsize=2, label=name
        )
    ax.set(
        xlim=(-0.02, 1.0 + 0.02),
        xlabel="share of the Clifford torus in the code's variance; noise in units of its standard deviation",
        ylabel="factorization index",
        title=f"{SIDE} x {SIDE} periodic labels, {FEATURES} features",
    )
    ax.legend(loc="upper left", bbox_to_anchor=(0, 0.93))
    return figure


def known_codes() -> dict[str, Float[np.ndarray, "n d"]]:
    labels = lattice()
    u, v = (2 * np.pi * labels / SIDE).T
    x, y = (np.stack([np.cos(angle), np.sin(angle)], axis=1) for angle in (u, v))
    return {
        "Clifford torus": clifford_torus(labels, factors=factors()),
        "3D torus": torus_3d(labels, factors=factors()),
        "circles in one plane": x + y,
        "both on one line": np.cos(u)[:, None] + np.cos(v)[:, None],
        "outer product": np.einsum("ni,nj->nij", x, y).reshape(len(labels), -1),
        "x alone": x,
        f"random, {FEATURES} features": random_latents(len(labels), FEATURES),
        "random, 3 features": random_latents(len(labels), 3),
    }


def codes_figure() -> Figure:
    """Additive R^2 and index of known codes, each with shuffled labels."""
    labels = lattice()
    measures = {
        "additive R$^2$": additivity,
        "index": factorization,
    }
    codes = known_codes()
    figure = Figure(figsize=(5.0, 2.9))
    axes = figure.subplots(1, len(measures), sharey=True)
    place = np.arange(len(codes))[::-1]
    for ax, (title, measure) in zip(axes, measures.items(), strict=True):
        scores: list[Score] = [measure(code, labels, factors=factors()) for code in codes.values()]
        values = [score.value for score in scores]
        base = 0.0 if measure is not factorization else min(values)
        ax.barh(place, np.array(values) - base, 0.6, base, color=ACCENT)
        ax.plot(
            [score.baselines["permuted"] for score in scores],
            place,
            "|",
            color=P1,
            markersize=9,
            markeredgewidth=1.6,
        )
        ax.set(title=title, xlim=(-0.85 if measure is factorization else -0.16, 1.05))
        ax.set_yticks(place, list(codes))
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
    figure.supxlabel("bars: value; marks: shuffled labels", fontsize=7.5, color=MUTED)
    return figure


def coverage(share: float, noise: float, draws: int, periodic: bool, side: int, first: int = 0) -> float:
    """Percent of `CASES`, of noise of their own from seed `first` on, whose interval of F holds the F that is known."""
    labels, known = lattice(side), factors(side, periodic)
    code = between_the_tori(share, side, periodic, 20)
    effects = check_code(code, labels, factors=known).effects
    truth = shares(effects, code @ code.T, 0.0 if draws > 1 else -(noise**2)).F
    held = 0
    for case in range(first, first + CASES):
        _, low, high = estimate(check_code(noisy(code, noise, draws, case), labels, factors=known), case)
        held += low <= truth <= high
    return 100 * held / CASES


def coverage_figure(side: int = 10) -> Figure:
    """What share of intervals hold the truth, from torus to torus, by noise, draws, and kind of factor."""
    settings = [(noise, draws) for noise in (0.1, 1.0) for draws in (1, 4)]
    colours = {0.0: INK, 0.5: ACCENT, 1.0: NAMED[1]}
    figure = Figure(figsize=(7.2, 2.6))
    axes = figure.subplots(1, 2, sharey=True)
    first = 0
    for ax, periodic in zip(axes, (True, False), strict=True):
        ax.axhspan(90, 98, color=LINE, alpha=0.5, linewidth=0)
        ax.axhline(95, color=MUTED, linewidth=0.8)
        for i, (noise, draws) in enumerate(settings):
            for k, (share, colour) in enumerate(colours.items()):
                found = coverage(share, noise, draws, periodic, side, first)
                ax.plot(i + 0.15 * (k - 1), found, "o", color=colour, markersize=4)
                first += CASES
        names = [f"{noise:g}, {draws} draw{'s' if draws > 1 else ''}" for noise, draws in settings]
        ax.set_xticks(range(len(settings)), names)
        kind = "periodic" if periodic else "open"
        ax.set(
            title=f"{side} x {side} labels, {kind}",
            ylim=(86, 101),
            xlabel="noise / standard deviation of the code",
        )
    axes[0].set_ylabel(f"% of {CASES} intervals that contain F")
    for share, colour in colours.items():
        axes[1].plot([], [], "o", color=colour, label=f"{share:.0%}")
    axes[1].legend(loc="lower right", ncols=3, title="Clifford torus", title_fontsize=7.5, handletextpad=0.1)
    return figure


def draw(folder: Path) -> list[Path]:
    """The figures as PNGs in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    figures = {
        "factorization_index": index_figure,
        "factorization_codes": codes_figure,
        "factorization_coverage": coverage_figure,
    }
    with matplotlib.rc_context(RC):
        for name, figure in figures.items():
            made.append(folder / f"{name}.png")
            figure().savefig(made[-1])
    return made
