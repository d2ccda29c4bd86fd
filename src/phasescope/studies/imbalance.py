"""Trained on x and y of unequal density, does a network learn the two together, or each as its own density lets it?

P1 trains with d_x much smaller than d_y, sees x and y learnt together, and concludes that the model is coupled. What
that shows depends on what a model that factorizes would have done. Two references, both computed from balanced grids
of the same network, whose onset along an axis is t(d):

    factorized (two one-dimensional learners)     t_x = t(d_x),   t_y = t(d_y)
    fully coupled                                 t_x = t_y = sqrt(t(d_x) t(d_y))

Between them lies the index log(t_s / t_d) / log(t(d_s) / t(d_d)) of the sparser and the denser axis: 1 as the first,
0 as the second. Where t does not depend on d the references coincide, and nothing can be told. A ratio of two onsets
of the same run is the same in steps, images and epochs; the question whether denser x alone brings x, or y, sooner is
not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from phasescope.measures.coupling import onset_ratio
from phasescope.studies.captions import THRESHOLDS, about
from phasescope.studies.claim import Claim, Estimate, NotEnough
from phasescope.studies.criteria import Counting, Labels, Onsets, accurate, column, onsets, runs_of, some_runs
from phasescope.studies.curves import mean_curve
from phasescope.studies.designs import BALANCED, COARSE, FINE, TENFOLD, grid
from phasescope.studies.statistics import mean_of_runs, over_runs, sooner
from phasescope.studies.study import Cell, Curve, Figure, Panel, Study

if TYPE_CHECKING:
    import pandas as pd

Axis = Literal["x", "y"]

TOGETHER = 1.25
"""ratio of onsets of two axes below which they set in together; also the least by which the references must differ"""
HALF = 0.5
"""of the index: midway between fully coupled and factorized"""
MIDDLE = (0.2, 0.8)
"""accuracies between which joint accuracy tells something: nearly all wrong or right leaves nothing to go together"""

IMBALANCED = (*FINE, *COARSE)
SETS: dict[str, tuple[tuple[Cell, ...], str]] = {
    "tenfold": (TENFOLD, "imbalanced tenfold, both axes at 1 px or finer"),
    "coarse": (COARSE, "with one axis at 4 px, between whose values it must generalize"),
}
LABELS: dict[Labels, str] = {"grid": "on the grid", "off_grid": "off the grid"}


@dataclass(frozen=True)
class Axes:
    """The two axes of an imbalanced cell."""

    dense: Axis
    sparse: Axis
    d_dense: float
    d_sparse: float


def axes_of(run: pd.DataFrame) -> Axes:
    d_x, d_y = (float(column(run, f"config.world.design.d{axis}")[0]) for axis in "xy")
    return Axes("x", "y", d_x, d_y) if d_x <= d_y else Axes("y", "x", d_y, d_x)


def sparse_and_dense(runs: Sequence[pd.DataFrame], labels: Labels) -> tuple[Onsets, Onsets]:
    """Onsets of the sparser and of the denser axis of each run, in steps."""
    found = []
    for kind in ("sparse", "dense"):
        each = [onsets([run], accurate(labels, getattr(axes_of(run), kind))) for run in runs]
        found.append(
            Onsets(
                *(np.concatenate([getattr(o, part) for o in each]) for part in ("onset", "without", "last"))
            )
        )
    return found[0], found[1]


def together(cells: Sequence[Cell], labels: Labels) -> Callable[[pd.DataFrame], Estimate]:
    """Median over runs of the sparser axis's onset over the denser one's."""

    def estimate(frame: pd.DataFrame) -> Estimate:
        runs = runs_of(frame, [cell.name for cell in cells])
        sparse, dense = sparse_and_dense(runs, labels)
        if len(runs) < 2 or not (sparse.came.any() or dense.came.any()):
            raise NotEnough(f"neither axis set in {LABELS[labels]} in any run")
        score = onset_ratio(dense.onset, sparse.onset, dense.last, dense.without, sparse.without)
        detail = {
            "sparse_without_onset": float((~sparse.came).sum()),
            "dense_without_onset": float((~dense.came).sum()),
        }
        return Estimate(score.value, score.low, score.high, score.n, detail)

    return estimate


def restricted(found: Onsets) -> np.ndarray:
    """Onsets, and the run's end where there was none."""
    return np.where(found.came, found.onset, found.last)


def log_onset(frame: pd.DataFrame, d: float, labels: Labels) -> float:
    """Mean log of the onset along an axis, x or y, of balanced grids of increment d: log t(d)."""
    runs = runs_of(frame, [grid(d, d).name])
    axes: tuple[Axis, Axis] = ("x", "y")
    return float(np.mean([np.log(restricted(onsets(runs, accurate(labels, axis)))) for axis in axes]))


def index(cells: Sequence[Cell], labels: Labels) -> Callable[[pd.DataFrame], Estimate]:
    """Where x and y lie between fully coupled (0) and factorized (1): mean log ratio over the mean of its reference.

    An onset that did not come is put at the run's end, in runs and in references alike.
    """

    def estimate(frame: pd.DataFrame) -> Estimate:
        runs = runs_of(frame, [cell.name for cell in cells])
        sparse, dense = sparse_and_dense(runs, labels)
        log_ratio = np.log(restricted(sparse) / restricted(dense))
        wanted = [(axes_of(run).d_sparse, axes_of(run).d_dense) for run in runs]
        values = sorted({d for pair in wanted for d in pair})
        balanced, log_t, of_d = [], [], []
        for d in values:
            of_cell = runs_of(frame, [grid(d, d).name])
            balanced += of_cell
            each = [restricted(onsets(of_cell, accurate(labels, axis))) for axis in ("x", "y")]
            log_t += np.mean(np.log(each), axis=0).tolist()
            of_d += [d] * len(of_cell)
        n, m = len(runs), len(balanced)
        x = np.concatenate([log_ratio, log_t])
        member = np.array([[d == value for value in values] for d in of_d], dtype=float)
        want_sparse, want_dense = (
            np.array([[pair[i] == value for value in values] for pair in wanted], dtype=float) for i in (0, 1)
        )

        def parts(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            own, other = weights[:, :n], weights[:, n:]
            t = (other * x[n:]) @ member / np.maximum(other @ member, 1)
            reference = t @ (want_sparse - want_dense).T
            count = own.sum(axis=1)
            return (own @ x[:n]) / count, (own * reference).sum(axis=1) / count

        observed, reference = (float(part[0]) for part in parts(np.ones((1, n + m))))
        if abs(reference) < math.log(TOGETHER):
            raise NotEnough(
                f"the references coincide: on balanced grids t(d) differs by a factor of {math.exp(abs(reference)):.2f} "
                f"between the two densities, and {TOGETHER:g} is needed to tell factorized from coupled"
            )

        def statistic(weights: np.ndarray) -> np.ndarray:
            own, other = parts(weights)
            return own / other

        detail = {
            "ratio": math.exp(observed),
            "ratio_if_factorized": math.exp(reference),
            "ratio_if_coupled": 1.0,
        }
        strata = [run["cell"].iloc[0] for run in (*runs, *balanced)]
        found = over_runs(statistic, n + m, strata, detail)
        return Estimate(found.value, found.low, found.high, n, detail)

    return estimate


def denser_sooner(which: Literal["dense", "other"], counting: Counting) -> Callable[[pd.DataFrame], Estimate]:
    """With one axis at 1 px, does the other's density bring that axis, or the one at 1 px, sooner?"""

    def estimate(frame: pd.DataFrame) -> Estimate:
        own, of, within = [], [], []
        for axis, other in (("x", "y"), ("y", "x")):
            for run in runs_of(frame, [cell.name for cell in (grid(1.0, 1.0), *FINE)]):
                if float(column(run, f"config.world.design.d{other}")[0]) != 1.0:
                    continue
                own.append(onsets([run], accurate("grid", axis if which == "dense" else other), counting))
                of.append(1 / float(column(run, f"config.world.design.d{axis}")[0]))
                within.append(f"denser {axis}")
        joined = (np.concatenate([getattr(o, part) for o in own]) for part in ("onset", "without", "last"))
        return sooner(Onsets(*joined), np.array(of), within)

    return estimate


def right_of_formed(run: pd.DataFrame, labels: Labels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """acc_x, acc_y and acc_xy among images of one well-formed bump, (T,) each; NaN where there is none."""
    formed = column(run, f"outcomes.{labels}.misplaced") + column(run, f"outcomes.{labels}.correct")
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y, xy = (column(run, f"accuracy.{labels}.{one}") / formed for one in ("x", "y", "xy"))
    return x, y, xy


def excess(run: pd.DataFrame, labels: Labels) -> float:
    """Mean of acc_xy - acc_x acc_y among images of one well-formed bump, over snapshots at which both are in the middle."""
    x, y, xy = right_of_formed(run, labels)
    with np.errstate(invalid="ignore"):
        middle = (np.minimum(x, y) >= MIDDLE[0]) & (np.maximum(x, y) <= MIDDLE[1])
    return float(np.mean((xy - x * y)[middle])) if middle.any() else math.nan


def goes_together(cells: Sequence[Cell], labels: Labels) -> Callable[[pd.DataFrame], Estimate]:
    return lambda frame: mean_of_runs(
        [excess(run, labels) for run in runs_of(frame, [c.name for c in cells])]
    )


def _claims() -> list[Claim]:
    claims = []
    for name, (cells, words) in SETS.items():
        for labels, where in LABELS.items():
            claims += [
                Claim(
                    f"together_{name}_{labels}",
                    f"x and y are learnt together {where}, {words}.",
                    "P1",
                    "median over runs of the sparser axis's onset over the denser one's, sign-test interval; "
                    "the same in steps, images and epochs",
                    TOGETHER,
                    "below",
                    6,
                    together(cells, labels),
                    "ratios",
                    "Two learners that know nothing of each other are together as well, if density "
                    "does not matter to either.",
                ),
                Claim(
                    f"coupled_{name}_{labels}",
                    f"x and y set in {where} as of a coupled learner rather than of a factorized one, {words}.",
                    "P1",
                    "mean log of the onsets' ratio over that of two one-dimensional learners at the same densities "
                    "(0 coupled, 1 factorized), bootstrap of runs; undecided where the two references coincide",
                    HALF,
                    "below",
                    6,
                    index(cells, labels),
                    "ratios",
                    "The one-dimensional learners are read off balanced grids: a learner of one axis alone may be quicker.",
                ),
            ]
    for which, words in (("dense", "that axis"), ("other", "the other axis, which stays at 1 px,")):
        for counting, unit in (("steps", "step"), ("epochs", "epochs")):
            claims.append(
                Claim(
                    f"denser_one_axis_{which}_{counting}",
                    f"Denser data along one axis bring {words} sooner, counted in {counting}.",
                    "P1",
                    f"Somers' D of onsets on the grid in {counting} with the density of one axis, the other at 1 px",
                    0.0,
                    "above",
                    12,
                    denser_sooner(which, unit),
                    "curves",
                    "An epoch of denser data holds more images: counted so, what takes the same images is sooner."
                    if counting == "epochs"
                    else "Below 1 px a copier of the nearest training image is right as well.",
                    counting=counting,
                )
            )
    for name, cells, labels in (("fine", (*FINE, grid(1.0, 1.0)), "grid"), ("coarse", COARSE, "off_grid")):
        claims.append(
            Claim(
                f"right_together_{name}",
                f"An image right in x is right in y more often than by chance, {LABELS[labels]}, "
                + ("both axes at 1 px or finer." if name == "fine" else "one axis at 4 px."),
                "P1",
                "mean over runs of acc_xy - acc_x acc_y among well-formed images, at accuracies from "
                f"{MIDDLE[0]:g} to {MIDDLE[1]:g}",
                0.0,
                "above",
                6,
                goes_together(cells, labels),
                "joint",
                "Some labels may be harder than others in both x and y: that goes together in a factorized learner too.",
            )
        )
    return claims


CELLS = tuple(cell.name for cell in (*BALANCED, *IMBALANCED))


def curves(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for cell in (grid(1.0, 1.0), *IMBALANCED):
        runs = some_runs(frame, [cell.name])
        if not runs:
            continue
        lines = [
            mean_curve(runs, f"accuracy.{labels}.{axis}", f"{axis}, {where}", series)
            for series, (axis, labels, where) in enumerate(
                (axis, labels, where) for labels, where in LABELS.items() for axis in "xy"
            )
        ]
        title = cell.name.split(", sigma")[0].replace("d=", "(d_x, d_y) = ")
        panels.append(Panel(title, "gradient steps", "share of images right", lines, ylim=(-0.02, 1.02)))
    return panels


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
                t = [log_onset(frame, d, labels) for d in (axes.d_sparse, axes.d_dense)]
            except NotEnough:
                continue
            sparse, dense = sparse_and_dense(runs, labels)
            ticks[place] = cell.name.split(", sigma")[0].removeprefix("d=")
            x += [place + 0.06 * (i - (len(runs) - 1) / 2) for i in range(len(runs))]
            y += (restricted(sparse) / restricted(dense)).tolist()
            at.append(place)
            factorized.append(math.exp(t[0] - t[1]))
        if at:
            lines = [
                Curve(np.array(x), np.array(y), label="runs", series=0, style="points"),
                Curve(np.array(at), np.array(factorized), label="two 1D learners", series=1, style="points"),
                Curve(np.array(at), np.ones(len(at)), label="fully coupled", series=2, style="points"),
            ]
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
    for title, cells, labels in (
        ("On the grid, 1 px or finer", (*FINE, grid(1.0, 1.0)), "grid"),
        ("Off the grid, one axis at 4 px", COARSE, "off_grid"),
    ):
        lines = []
        for number, cell in enumerate(cells):
            runs = some_runs(frame, [cell.name])
            if not runs:
                continue
            x, y = [], []
            for run in runs:
                of_x, of_y, of_xy = right_of_formed(run, labels)
                x.append(of_x * of_y)
                y.append(of_xy)
            name = cell.name.split(", sigma")[0].removeprefix("d=")
            lines.append(
                Curve(np.concatenate(x), np.concatenate(y), label=name, series=number, style="points")
            )
        lines.append(
            Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0]), label="independent", series=7, style="dashed")
        )
        panels.append(Panel(title, "acc_x acc_y", "acc_xy", lines, ylim=(-0.02, 1.02)))
    return panels


STUDY = Study(
    name="imbalance",
    question="Trained on x and y of unequal density, does a network learn the two together, or each by its own density?",
    preset="fast",
    cells=(*BALANCED, *IMBALANCED),
    seeds=6,
    claims=tuple(_claims()),
    figures=(
        Figure(
            "curves",
            "Accuracy along x and y",
            curves,
            lambda frame: (
                f"{about(frame, CELLS)} sigma = 1 px. Lines: means over runs; bands: from the least to the most run. An "
                "image is right along an axis whose only bump is well formed and within 1 px of the label along it."
            ),
            columns=4,
        ),
        Figure(
            "ratios",
            "Which axis sets in first, against both references",
            ratios,
            lambda frame: (
                f"{about(frame, CELLS)} A mark a run; an onset that did not come is put at the run's end. Line: "
                f"together, below {TOGETHER:g}. {THRESHOLDS}"
            ),
            columns=2,
        ),
        Figure(
            "joint",
            "Right in x and in y",
            joint,
            lambda frame: (
                f"{about(frame, CELLS)} Among images of one well-formed bump; a mark a run and snapshot."
            ),
            columns=2,
        ),
    ),
)
