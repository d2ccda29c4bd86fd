"""Trained on x and y of unequal density, does a network learn the two together, or each as its own density lets it?

P1 trains with d_x much smaller than d_y, sees x and y learnt together, and concludes that the model is coupled. What
that shows depends on what a model that factorizes would have done. `_axes` has both
references and the index between them. A ratio of two onsets
of the same run is the same in steps, images and epochs; the question whether denser x alone brings x, or y, sooner is
not.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from phasescope.studies.core.captions import BANDS, THRESHOLDS, saying
from phasescope.studies.core.claim import Claim, NotEnough
from phasescope.studies.core.criteria import Counting, Labels, runs_of, some_runs
from phasescope.studies.core.curves import STEPS, mean_curves, with_runs
from phasescope.studies.core.study import Cell, Curve, Figure, Panel, Study
from phasescope.studies.found._axes import (
    LABELS,
    TOGETHER,
    TWO_LEARNERS,
    axes_of,
    denser_sooner,
    index,
    log_onsets,
    right_of_formed,
    right_together,
    sparse_and_dense,
    together,
)
from phasescope.studies.found._cells import (
    BALANCED,
    COARSE,
    EPOCHS_OF_DENSER_DATA,
    FINE,
    TENFOLD,
    grid,
    shown,
)

if TYPE_CHECKING:
    import pandas as pd

HALF = 0.5
"""of the index: midway between fully coupled and factorized"""
IMBALANCED = (*FINE, *COARSE)
SETS: dict[str, tuple[tuple[Cell, ...], str]] = {
    "tenfold": (TENFOLD, "imbalanced tenfold, both axes at 1 px or finer"),
    "coarse": (COARSE, "with one axis at 4 px, between whose values it must generalize"),
}


def _claims_of_onsets(name: str, labels: Labels) -> list[Claim]:
    cells, words = SETS[name]
    claim = partial(Claim, source="P1", figure="ratios", direction="below")
    return [
        claim(
            f"together_{name}_{labels}",
            f"x and y are learnt together {LABELS[labels]}, {words}.",
            statistic="median over runs of the sparser axis's onset over the denser one's, sign-test interval; "
            "the same in steps, images and epochs",
            threshold=TOGETHER,
            estimate=partial(together, cells, labels),
            does_not_show=TWO_LEARNERS,
        ),
        claim(
            f"coupled_{name}_{labels}",
            f"x and y set in {LABELS[labels]} as of a coupled learner rather than of a factorized one, {words}.",
            statistic="mean log of the onsets' ratio over that of two one-dimensional learners at the same densities "
            "(0 coupled, 1 factorized), bootstrap of runs; undecided where the two references coincide",
            threshold=HALF,
            estimate=partial(index, cells, labels),
            does_not_show="The one-dimensional learners are read off balanced grids: "
            "a learner of one axis alone may be quicker.",
        ),
    ]


def _denser_sooner(which: Literal["dense", "other"], counting: Counting) -> Claim:
    words = {"dense": "that axis", "other": "the other axis, which stays at 1 px,"}[which]
    unit = "steps" if counting == "step" else counting
    return Claim(
        f"denser_one_axis_{which}_{unit}",
        f"Denser data along one axis bring {words} sooner, counted in {unit}.",
        "P1",
        f"Somers' D of onsets on the grid in {unit} with the density of one axis, the other at 1 px",
        0.0,
        partial(denser_sooner, which, counting),
        "curves",
        EPOCHS_OF_DENSER_DATA
        if counting == "epochs"
        else "Below 1 px a copier of the nearest training image is right as well.",
        minimum_n=12,
        counting=unit,
    )


JOINT: dict[str, tuple[tuple[Cell, ...], Labels, str]] = {
    "fine": ((*FINE, grid(1.0, 1.0)), "grid", "both axes at 1 px or finer"),
    "coarse": (COARSE, "off_grid", "one axis at 4 px"),
}
"""of which images joint accuracy is asked: cells, labels, words"""

CLAIMS = (
    *(claim for name in SETS for labels in LABELS for claim in _claims_of_onsets(name, labels)),
    *(_denser_sooner(which, counting) for which in ("dense", "other") for counting in ("step", "epochs")),
    *(
        right_together(
            name,
            f"An image right in x is right in y more often than by chance, {LABELS[labels]}, {words}.",
            [cell.name for cell in cells],
            labels,
            "joint",
        )
        for name, (cells, labels, words) in JOINT.items()
    ),
)
CELLS = tuple(cell.name for cell in (*BALANCED, *IMBALANCED))


def curves(frame: pd.DataFrame) -> list[Panel]:
    names = {
        f"{axis}, {where}": f"accuracy.{labels}.{axis}" for labels, where in LABELS.items() for axis in "xy"
    }
    cells = [(f"(d_x, d_y) = {shown(cell)}", [cell.name]) for cell in (grid(1.0, 1.0), *IMBALANCED)]
    return [
        Panel(title, STEPS, "share of images right", mean_curves(runs, names), ylim=(-0.02, 1.02))
        for title, runs in with_runs(frame, cells)
    ]


def ratios(frame: pd.DataFrame) -> list[Panel]:
    """Of each imbalanced cell the onsets' ratio in each run, and the two references."""
    panels = []
    for labels, where in LABELS.items():
        x, y, at, factorized = [], [], [], []
        ticks: dict[float, str] = {}
        for place, cell in enumerate(IMBALANCED):
            try:
                runs = runs_of(frame, [cell.name])
                axes = axes_of(runs[0])
                t = [log_onsets(frame, d, labels).mean() for d in (axes.d_sparse, axes.d_dense)]
            except NotEnough:
                continue
            sparse, dense = sparse_and_dense(runs, labels)
            ticks[place] = shown(cell)
            x += [place + 0.06 * (i - (len(runs) - 1) / 2) for i in range(len(runs))]
            y += (sparse.restricted / dense.restricted).tolist()
            at.append(place)
            factorized.append(math.exp(t[0] - t[1]))
        lines = [
            Curve(
                np.array(xs, dtype=float),
                np.array(ys, dtype=float),
                label=label,
                series=series,
                style="points",
            )
            for series, (xs, ys, label) in enumerate(
                ((x, y, "runs"), (at, factorized, "two 1D learners"), (at, [1.0] * len(at), "fully coupled"))
            )
        ]
        if at:
            panels.append(
                Panel(
                    where.capitalize(),
                    "(d_x, d_y), px",
                    "onset of sparser axis / denser axis",
                    lines,
                    yscale="log",
                    ticks=ticks,
                    level=TOGETHER,
                )
            )
    return panels


def joint(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for cells, labels, words in JOINT.values():
        lines = []
        for number, cell in enumerate(cells):
            if runs := some_runs(frame, [cell.name]):
                x, y, xy = (
                    np.concatenate(of)
                    for of in zip(*(right_of_formed(run, labels) for run in runs), strict=True)
                )
                lines.append(Curve(x * y, xy, label=shown(cell), series=number, style="points"))
        ends = np.array([0.0, 1.0])
        lines.append(Curve(ends, ends, label="independent", series=7, style="dashed"))
        title = f"{LABELS[labels].capitalize()}, {words.removeprefix('both axes at ')}"
        panels.append(Panel(title, "acc_x acc_y", "acc_xy", lines, ylim=(-0.02, 1.02)))
    return panels


STUDY = Study(
    name="imbalance",
    number=4,
    question="Trained on x and y of unequal density, does a network learn the two together, or each by its own density?",
    preset="fast",
    cells=(*BALANCED, *IMBALANCED),
    seeds=6,
    claims=CLAIMS,
    figures=(
        Figure(
            "curves",
            "Accuracy along x and y",
            curves,
            saying(
                CELLS,
                f"sigma = 1 px. {BANDS} An "
                "image is right along an axis whose only bump is well formed and within 1 px of the label along it.",
            ),
            columns=4,
        ),
        Figure(
            "ratios",
            "Which axis sets in first, against both references",
            ratios,
            saying(
                CELLS,
                "A mark a run; an onset that did not come is put at the run's end. Line: "
                f"together, below {TOGETHER:g}. {THRESHOLDS}",
            ),
            columns=2,
        ),
        Figure(
            "joint",
            "Right in x and in y",
            joint,
            saying(CELLS, "Among images of one well-formed bump; a mark a run and snapshot."),
            columns=2,
        ),
    ),
)
