"""Topology and intrinsic dimension of known spaces: the figures of docs/measures/topology.md and intrinsic_dimension.md."""

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
from phasescope.measures.latents.dimension import two_nn
from phasescope.measures.latents.ideal import clifford_torus, embed, torus_3d
from phasescope.views.style import INK, LINE, MUTED, PALETTE, RC
from studies.tori.homology import Homology, persistent_homology

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cloud = Float[np.ndarray, "n features"]
Rng = np.random.Generator

ACCENT, ORDER, P1 = (PALETTE[name][0] for name in ("accent", "order", "p1"))
DEGREES = ((INK, "o", "pieces"), (ACCENT, "^", "loops"), (P1, "s", "voids"))
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


def torus(n: int, rng: Rng) -> Cloud:
    return torus_3d(turns(n, 2, rng), circles(2))


def two_circles(n: int, rng: Rng) -> Cloud:
    apart = np.array([3.0, 0.0]) * (np.arange(n) % 2)[:, None]
    return flat_torus(n, 1, rng) + apart


def sphere(n: int, rng: Rng) -> Cloud:
    x = rng.normal(size=(n, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def disc(n: int, rng: Rng) -> Cloud:
    return np.sqrt(rng.uniform(size=(n, 1))) * flat_torus(n, 1, rng)


SPACES: dict[str, tuple[Callable[[int, Rng], Cloud], tuple[int, int]]] = {
    "circle": (lambda n, rng: flat_torus(n, 1, rng), (1, 1)),
    "two circles": (two_circles, (2, 2)),
    "Clifford torus": (lambda n, rng: flat_torus(n, 2, rng), (1, 2)),
    "3D torus": (torus, (1, 2)),
    "sphere": (sphere, (1, 0)),
    "disc": (disc, (1, 0)),
    "Gaussian, 5 dimensions": (lambda n, rng: rng.normal(size=(n, 5)), (1, 0)),
}
"""Each with its Betti numbers of degrees 0 and 1."""


def diagrams_figure() -> Figure:
    """Persistence diagrams: what counts is filled."""
    n = 1024
    figure = Figure(figsize=(7.2, 2.9))
    panels = figure.subplots(1, 4, sharex=True, sharey=True)
    for axes, name in zip(panels, ("circle", "Clifford torus", "sphere", "disc"), strict=True):
        rng = numpy_generator(0, f"diagram of {name}")
        found = persistent_homology(SPACES[name][0](n, rng), degree=2, landmarks=128)
        betti = ", ".join(f"{score.value:.0f}" for score in found.betti)
        draw_diagram(axes, found)
        axes.set(title=f"{name[0].upper()}{name[1:]}: {betti}", xlabel="birth")
    panels[0].set(ylabel="death", xlim=(-0.05, 2.05), ylim=(-0.05, 2.15))
    rows = f"{n:,} rows, {found.landmarks} landmarks; what counts is filled"
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, title=rows)
    return figure


def draw_diagram(axes: Axes, found: Homology) -> None:
    ends = np.array([0.0, 2.1])
    axes.plot(ends, ends, color=MUTED, linewidth=0.8)
    for diagram, score, (colour, marker, name) in zip(found.diagrams, found.betti, DEGREES, strict=True):
        counted = int(score.value) - int(name == "pieces")
        style = {"color": colour, "marker": marker, "linestyle": "none", "markersize": 4}
        axes.plot(*diagram[counted:].T, **style, fillstyle="none", alpha=0.5, markeredgewidth=0.6)
        axes.plot(*diagram[:counted].T, **style, zorder=3, label=name)
    axes.set_aspect("equal")


def betti_figure() -> Figure:
    """Share of clouds whose two Betti numbers are right, by rows; and of the Gaussian nulls of all of them."""
    clouds, sizes = 20, (50, 100, 200, 400, 800)
    cases = [(name, 128) for name in SPACES] + [("3D torus", 256)]
    right = np.zeros((len(cases) + 1, len(sizes)))
    for row, (name, landmarks) in enumerate(cases):
        space, truth = SPACES[name]
        for column, n in enumerate(sizes):
            for cloud in range(clouds):
                x = space(n, numpy_generator(cloud, f"{name}, {n} rows"))
                betti = persistent_homology(x, landmarks=landmarks, resamples=40, seed=cloud).betti
                right[row, column] += tuple(score.value for score in betti) == truth
                right[-1, column] += tuple(score.nulls["gaussian"] for score in betti) == (1, 0)
    share = right / np.array([clouds] * len(cases) + [clouds * len(cases)])[:, None]
    names = [
        f"{name} ({SPACES[name][1][0]}, {SPACES[name][1][1]})" + ", 256 landmarks" * (landmarks == 256)
        for name, landmarks in cases
    ]
    figure = Figure(figsize=(7.2, 3.0))
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1.6, aspect="auto")
    for (row, column), value in np.ndenumerate(share):
        axes.text(column, row, f"{value:.2f}", ha="center", va="center")
    axes.set_xticks(range(len(sizes)), [str(n) for n in sizes])
    axes.set_yticks(range(len(share)), [*names, "Gaussian nulls of all (1, 0)"])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel=f"rows; {clouds} clouds each, at most 128 landmarks, 40 half-samples")
    axes.set_title("Share with the right Betti numbers of degrees 0 and 1")
    return figure


def dimension_figure() -> Figure:
    """Flat tori of known dimension, noise about one, and a lattice that is shaken."""
    n = 1000
    figure = Figure(figsize=(7.2, 2.8))
    tori, noisy, lattice = figure.subplots(1, 3)
    d = np.arange(1, 7)
    clouds = [embed(flat_torus(n, k, numpy_generator(0, f"{k}-torus")), 30) for k in d.tolist()]
    curves(tori, d, clouds)
    tori.plot(d, d, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    nulls = [two_nn(x).nulls["gaussian"] for x in clouds]
    tori.plot(d, nulls, color=ACCENT, linestyle=(0, (1, 1.5)), label="TwoNN's Gaussian null")
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
    lattice.set(xscale="log", yscale="log", xlabel="shaken by, in steps", title="Labels on a lattice")
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
    panels[0].set(ylabel=f"share of {cases} intervals", title="Flat tori: no edges")
    panels[1].set(title="Cubes: edges")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    "persistence_diagrams": diagrams_figure,
    "betti_numbers": betti_figure,
    "intrinsic_dimension": dimension_figure,
    "intrinsic_dimension_coverage": coverage_figure,
}


def draw(folder: Path) -> list[Path]:
    """The figures, as PNG files in `folder`, which is made where there is none; some four minutes on one core."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png" for name in FIGURES]
    with matplotlib.rc_context(RC):
        for path in paths:
            FIGURES[path.stem]().savefig(path)
    return paths
