"""The coupling of learning on cases whose answer is known, and memorisation (`copying`): the figures of docs/measures."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from docs.figures import copying
from docs.figures.copying import ACCENT, P1, interval
from phasescope.core.randomness import numpy_generator
from phasescope.measures import joint_accuracy
from phasescope.views.facts.palette import INK, LINE, MUTED
from phasescope.views.style import RC


def draw(folder: Path) -> list[Path]:
    """All figures, as PNG files in `folder`, which is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = copying.FIGURES | {"joint_accuracy": joint_accuracy_figure}
    paths = []
    with matplotlib.rc_context(RC):
        for name, figure in figures.items():
            paths.append(folder / f"{name}.png")
            figure().savefig(paths[-1])
    return paths


def simulated_images(
    rng: np.random.Generator, accuracy: Float[np.ndarray, "runs 1"], n: int, coupling: float
) -> tuple[Bool[np.ndarray, "runs n"], Bool[np.ndarray, "runs n"]]:
    """Correct in x and in y with that accuracy; in a share `coupling` of images y is correct where x is."""
    x, y = rng.random((2, len(accuracy), n)) < accuracy
    return x, np.where(rng.random(x.shape) < coupling, x, y)


def joint_accuracy_figure() -> Figure:
    """Six runs of different accuracy: each by itself, and what pooling their images would say."""
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
        pooled = joint_accuracy(x.ravel(), y.ravel()).difference
        rows += [(f"{name}, a run at {each[3].detail['acc_x']:.0%}", each[3], colour)]
        rows += [(f"{name}, images pooled", pooled, MUTED)]
    left.set(xlabel="acc$_x$ acc$_y$", ylabel="acc$_{xy}$", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    left.set_title("Runs")
    left.legend(loc="lower right")
    for place, (_, score, colour) in enumerate(rows):
        right.plot([score.low, score.high], [-place] * 2, color=colour)
        right.plot(score.value, -place, "o", color=colour, markersize=4)
        right.plot(
            [score.baselines["permuted"]] * 2, [-place - 0.25, -place + 0.25], color=INK, linewidth=0.9
        )
        right.text(score.high + 0.006, -place, interval(score), va="center")
    right.axvline(0, color=MUTED, linewidth=0.7)
    right.set_yticks([-place for place in range(len(rows))], [name for name, _, _ in rows])
    right.set(
        xlabel="acc$_{xy}$ - acc$_x$ acc$_y$ (vertical lines: shuffled labels)", ylim=(-len(rows) + 0.4, 0.6)
    )
    right.set_xlim(right=0.21)
    right.set_title("Excess")
    return figure
