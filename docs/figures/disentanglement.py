"""Disentanglement on codes whose answer is known: the figures of docs/measures/disentanglement.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.latents.disentanglement import disentanglement
from phasescope.measures.latents.ideal import clifford_torus, embed
from phasescope.measures.scores import Score
from phasescope.views.facts.palette import INK, MUTED, PALETTE
from phasescope.views.style import RC

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N, SIDE = 1024, 32.0
PERIODIC: dict[str, Any] = {"factors": Factors.named(("x", "y"), (SIDE, SIDE), ("x", "y"))}
ACCENT, ORDER, P1 = (PALETTE[name][0] for name in ("accent", "probe", "p1"))
DISPLAYED = {
    "dci_disentanglement": "D",
    "dci_completeness": "C",
    "mig": "MIG",
    "sap": "SAP",
    "dci_informativeness": "informat.",
}
ROTATED = {
    "dci_disentanglement": (ACCENT, "DCI disentanglement"),
    "sap": (P1, "SAP"),
    "mig": (ORDER, "MIG"),
}


def uniform(n: int = N) -> Float[np.ndarray, "n 2"]:
    return numpy_generator(0, "labels of known codes").uniform(0, SIDE, (n, 2))


def turn(theta: float) -> Float[np.ndarray, "2 2"]:
    return np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])


def upper_quadrant(labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, " n"]:
    return np.asarray((labels > SIDE / 2).all(axis=1))


def tents(labels: Float[np.ndarray, "n 2"], side: int = 5) -> Float[np.ndarray, "n tents"]:
    """A lookup that interpolates: each dimension is active around one combination, and silent beyond its neighbours."""
    step = SIDE / (side - 1)
    of_factor = np.maximum(1 - np.abs(labels[:, :, None] / step - np.arange(side)), 0)
    return (of_factor[:, 0, :, None] * of_factor[:, 1, None]).reshape(len(labels), -1)


def rotation_figure() -> Figure:
    """Scores of a code of two factors in two dimensions, turned away from its axes, with what D and SAP are then."""
    labels, degrees = uniform(), np.arange(0, 91, 7.5)
    scores = [disentanglement(labels @ turn(np.deg2rad(angle)), labels, permutations=20) for angle in degrees]
    figure = Figure(figsize=(7.2, 3.2))
    ax = figure.subplots()
    fine = np.linspace(0, 90, 361)
    cos, sin = np.abs(np.cos(np.deg2rad(fine))), np.abs(np.sin(np.deg2rad(fine)))
    share = np.clip(cos / (cos + sin), 1e-12, 1 - 1e-12)
    analytic = {
        "dci_disentanglement": 1 + share * np.log2(share) + (1 - share) * np.log2(1 - share),
        "sap": np.abs(cos**2 - sin**2),
    }
    for name, (colour, text) in ROTATED.items():
        drawn = [each[name] for each in scores]
        if name in analytic:
            ax.plot(fine, analytic[name], color=colour, lw=1)
        else:
            ax.plot(degrees, [score.value for score in drawn], color=colour, lw=0.8, ls=(0, (1, 1.5)))
        with_intervals(ax, degrees, drawn, colour, text)
    ax.set(xlabel="code turned by, degrees", ylabel="score", ylim=(-0.03, 1.05), xticks=np.arange(0, 91, 15))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    ax.set_title(f"Two factors in two dimensions, n = {N:,}; full lines: analytic")
    return figure


def with_intervals(
    ax: Axes, x: Float[np.ndarray, " points"], scores: list[Score], colour: str, text: str | None
) -> None:
    """Values with their 95 % intervals."""
    value = np.array([score.value for score in scores])
    reach = np.abs(np.array([[score.low, score.high] for score in scores]).T - value)
    ax.errorbar(x, value, reach, color=colour, fmt="o", ms=3, elinewidth=0.9, capsize=1.5, label=text)


@dataclass(frozen=True)
class Case:
    name: str
    latents: np.ndarray
    labels: np.ndarray
    settings: dict[str, Any]


def cases() -> list[Case]:
    labels = uniform()
    noise = numpy_generator(0, "noise of known codes").normal(size=(N, 1024))
    kept = labels[~upper_quadrant(labels)]
    torus = clifford_torus(labels, **PERIODIC)
    many = embed(torus, 1024) + 0.1 * noise
    planes = np.kron(turn(np.pi / 4), np.eye(2))
    return [
        Case("x, y", labels, labels, {}),
        Case("x, y and 4 dimensions of noise", np.hstack([labels, noise[:, :4]]), labels, {}),
        Case("x, x, y", labels[:, [0, 0, 1]], labels, {}),
        Case("x + y, x - y", labels @ turn(np.pi / 4), labels, {}),
        Case("x and noise", np.hstack([labels[:, :1], noise[:, :1]]), labels, {}),
        Case("5 dimensions of noise", noise[:, :5], labels, {}),
        Case("x, y; a quadrant missing", kept, kept, {}),
        Case("x + y, x - y; a quadrant missing", kept @ turn(np.pi / 4), kept, {}),
        Case("lookup", tents(labels), labels, {}),
        Case("Clifford torus", torus, labels, PERIODIC),
        Case("Clifford torus, planes mixed", torus @ planes, labels, PERIODIC),
        Case("Clifford torus in 1,024 features, ICA", many, labels, {**PERIODIC, "reduction": "ica"}),
    ]


def codes_figure() -> Figure:
    """All scores of codes whose scores are known, with the baselines that they exceed."""
    figure = Figure(figsize=(7.2, 5.0))
    ax = figure.subplots()
    measured = [(case, disentanglement(case.latents, case.labels, **case.settings)) for case in cases()]
    of_code = [found for _, found in measured]
    shown = np.array([[scores[name].value for name in DISPLAYED] for scores in of_code])
    ax.imshow(np.clip(shown, 0, 1), cmap="Blues", vmin=0, vmax=1.5, aspect="auto")
    for i, scores in enumerate(of_code):
        for j, name in enumerate(DISPLAYED):
            score = scores[name]
            above = score.value > max(score.baselines["permuted"], 0)
            dot = " •" if above and score.value > score.baselines.get("rotated", np.inf) else ""
            ax.text(
                j,
                i,
                f"{score.value:.2f}".replace("-0.00", "0.00") + dot,
                ha="center",
                va="center",
                color=INK if above else MUTED,
                weight="bold" if above else "normal",
            )
    ax.set_xticks(range(len(DISPLAYED)), list(DISPLAYED.values()))
    ax.set_yticks(range(len(measured)), [case.name for case, _ in measured])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for i in range(1, len(measured)):
        ax.axhline(i - 0.5, color="white", lw=1)
    ax.set_xlabel(f"n = {N:,}; bold: above 0 and shuffled labels; •: above random axes too")
    return figure


def draw(folder: Path) -> list[Path]:
    """The figures, as PNG files in `folder`, which is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with matplotlib.rc_context(RC):
        for name, figure in (
            ("disentanglement_rotation", rotation_figure()),
            ("disentanglement_codes", codes_figure()),
        ):
            paths.append(folder / f"{name}.png")
            figure.savefig(paths[-1])
    return paths
