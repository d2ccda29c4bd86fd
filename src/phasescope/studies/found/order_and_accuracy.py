"""Does the order of latents go with the accuracy of images, beyond both rising while a network learns?

P1 says that the more ordered the latents, the more accurate the images. All that rises while a network learns
correlates, so correlations are also taken given images seen and loss, by ranks, and other things are put in order's
place: the same order of another run of the same cell, which shares the schedule and nothing else, a null's level, the
clock itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies.core.captions import BANDS, THRESHOLDS, saying, saying_each
from phasescope.studies.core.claim import Claim, Estimate, NotEnough
from phasescope.studies.core.criteria import (
    P1_ORDERED,
    P1_PLACE,
    PLACE,
    RAW_ORDERED,
    Passing,
    accurate,
    column,
    onsets,
    runs_of,
)
from phasescope.studies.core.curves import STEPS, marks, mean_curves, named, ticks, with_runs
from phasescope.studies.core.statistics import (
    LEVEL,
    area,
    mean_of_runs,
    onset_after,
    partial_spearman,
    spearman_over_runs,
)
from phasescope.studies.core.study import Curve, Figure, Panel, Study
from phasescope.studies.found._cells import DENSITY, EPS, SIGMAS_PX, V, sigma_of

if TYPE_CHECKING:
    import pandas as pd

DENSITY_CELLS = tuple(cell.name for cell in DENSITY)
SYSTEMS = {
    "eps": ("eps-prediction", ("eps",)),
    "v": ("v-prediction", ("v",)),
    "fast": ("preset fast, all densities and widths", DENSITY_CELLS),
}
TWO = {name: SYSTEMS[name] for name in ("eps", "v")}
"""of one data set each, so that onsets can be compared"""
ACCURACY = "outcomes.grid.correct"
ORDERS = {
    "p1": ("read P1's way", f"p1_order.{P1_PLACE}", P1_ORDERED),
    "raw": ("read from raw features", f"order.{PLACE}", RAW_ORDERED),
}
STRONG = 0.5
"""correlation from which order and accuracy go closely together: a large effect by Cohen's (1988) convention"""
TOGETHER = 2.0
"""ratio of onsets, accuracy's over order's, below which accuracy does not lag behind"""


BESIDES = ("images_seen", "loss")


def own(runs: Sequence[pd.DataFrame], name: str) -> list[np.ndarray]:
    return [column(run, name) for run in runs]


def of_each_run(
    runs: Sequence[pd.DataFrame], values: Sequence[np.ndarray], given: Sequence[str] = ()
) -> np.ndarray:
    """Of each run the rank correlation of its values with accuracy, over snapshots after the first."""
    found = []
    for run, of_run in zip(runs, values, strict=True):
        later = (run["step"] > 0).to_numpy()
        others = [column(run, name)[later] for name in given]
        found.append(partial_spearman(of_run[later], column(run, ACCURACY)[later], others))
    return np.array(found)


def mean_correlation(values: np.ndarray, runs: Sequence[pd.DataFrame]) -> Estimate:
    known = values[np.isfinite(values)]
    detail = {"least_run": float(known.min()), "most_run": float(known.max())} if len(known) else {}
    return mean_of_runs(values, detail, cells_of(runs))


def cells_of(runs: Sequence[pd.DataFrame]) -> list[str]:
    return [run["cell"].iloc[0] for run in runs]


def within_runs(cells: Sequence[str], name: str, frame: pd.DataFrame, given: Sequence[str] = ()) -> Estimate:
    runs = runs_of(frame, cells)
    return mean_correlation(of_each_run(runs, own(runs, name), given), runs)


def of_next_run(runs: Sequence[pd.DataFrame], name: str) -> list[np.ndarray]:
    """In each run's place the values of the next run of its cell, at the same steps."""
    found = []
    cells = cells_of(runs)
    for i, cell in enumerate(cells):
        same = [j for j, other in enumerate(cells) if other == cell]
        if len(same) < 2:
            raise NotEnough(f"another run's order needs 2 runs of {cell}")
        other = runs[same[(same.index(i) + 1) % len(same)]].set_index("step")[name]
        found.append(other.reindex(runs[i]["step"]).to_numpy(dtype=float))
    return found


def beyond_other_run(cells: Sequence[str], name: str, frame: pd.DataFrame) -> Estimate:
    """The partial correlation with a run's own order, less that with another run's."""
    runs = runs_of(frame, cells)
    mine = of_each_run(runs, own(runs, name), BESIDES)
    other = of_each_run(runs, of_next_run(runs, name), BESIDES)
    return mean_correlation(mine - other, runs)


def accuracy_after_order(cells: Sequence[str], ordered: Passing, frame: pd.DataFrame) -> Estimate:
    """The onset of accuracy over that of order, in the same run."""
    runs = runs_of(frame, cells)
    order, right = onsets(runs, ordered), onsets(runs, accurate("grid"))
    with np.errstate(invalid="ignore"):  # a run that came to neither tells nothing
        later = np.where(right.came, right.onset, np.inf) - np.where(order.came, order.onset, np.inf)
    detail = {
        "median_steps_later": float(np.nanmedian(later)) if not np.isnan(later).all() else np.nan,
        "runs_without_order": float((~order.came).sum()),
        "runs_without_accuracy": float((~right.came).sum()),
    }
    return onset_after(order, right, "no run came to order, nor to accuracy", detail)


def means_over_training(runs: Sequence[pd.DataFrame], order: str) -> list[np.ndarray]:
    """Of each run the mean over training of order, and of accuracy."""
    return [
        np.array([area(column(run, "step"), column(run, name)) for run in runs])
        for name in (f"{order}.value", ACCURACY)
    ]


def across_runs(name: str, frame: pd.DataFrame, *, within_cells: bool) -> Estimate:
    """Over runs, the rank correlation of order's mean over training with accuracy's."""
    runs = runs_of(frame, DENSITY_CELLS)
    x, y = means_over_training(runs, name)
    if within_cells:
        for cell in set(cells_of(runs)):
            same = np.array(cells_of(runs)) == cell
            x[same], y[same] = x[same] - x[same].mean(), y[same] - y[same].mean()
    return spearman_over_runs(x, y)


def _claims_of(system: str, order: str) -> list[Claim]:
    words, cells = SYSTEMS[system]
    reading, name, ordered = ORDERS[order]
    claim = partial(Claim, source="P1", threshold=0.0, figure="stand_ins")
    claims = [
        claim(
            f"rise_together_{order}_{system}",
            f"While a network learns, order ({reading}) and accuracy rise together: {words}.",
            statistic="Spearman's correlation over a run's snapshots of order's R² with the share of "
            "right images, mean over runs",
            threshold=STRONG,
            estimate=partial(within_runs, cells, f"{name}.value"),
            does_not_show="Whatever rises while a network learns correlates: compare what is put in order's place.",
        ),
        claim(
            f"beyond_clock_{order}_{system}",
            f"Order ({reading}) goes with accuracy beyond what images seen and loss tell: {words}.",
            statistic="Spearman's partial correlation over a run's snapshots, given images seen and loss, mean over runs",
            estimate=partial(within_runs, cells, f"{name}.value", given=BESIDES),
            does_not_show="Ranks are freed of what is monotone in the clock and the loss, "
            "not of all that a schedule sets.",
        ),
        claim(
            f"beyond_other_run_{order}_{system}",
            f"A run's own order ({reading}) tells its accuracy better than another run's does: {words}.",
            statistic="partial correlation as before, less the same with the order of the next seed's run, mean over runs",
            estimate=partial(beyond_other_run, cells, f"{name}.value"),
            does_not_show="Runs that differ little from one another cannot show what differs between them.",
        ),
        claim(
            f"set_in_together_{order}_{system}",
            f"Accuracy sets in by twice the steps that order ({reading}) takes: {words}.",
            statistic="median over runs of accuracy's onset over order's, in steps, sign-test interval",
            threshold=TOGETHER,
            estimate=partial(accuracy_after_order, cells, ordered),
            figure="onsets",
            does_not_show="A threshold's crossing, not the whole rise; snapshots bound how sharply "
            "early onsets are known.",
            direction="below",
        ),
    ]
    return claims if system in TWO else claims[:-1]


def _claims_across(order: str) -> list[Claim]:
    reading, name, _ = ORDERS[order]
    claim = partial(Claim, source="P1", figure="across", minimum_n=30)
    return [
        claim(
            f"across_runs_{order}",
            f"Of runs on sets of different density and overlap, those of more order ({reading}) are more accurate.",
            statistic="Spearman's correlation over runs of order's mean over training with accuracy's",
            threshold=STRONG,
            estimate=partial(across_runs, name, within_cells=False),
            does_not_show="What a data set does to both makes them go together without one making the other.",
        ),
        claim(
            f"across_seeds_{order}",
            f"Of runs on the same data, those of more order ({reading}) are more accurate.",
            statistic="Spearman's correlation over runs of the same two, less their cells' means",
            threshold=0.0,
            estimate=partial(across_runs, name, within_cells=True),
            does_not_show="Seeds differ little: a small correlation may be all that can be seen.",
        ),
    ]


STAND_INS: dict[str, str] = {
    "P1's order": f"p1_order.{P1_PLACE}.value",
    "raw order": f"order.{PLACE}.value",
    "label share": f"label_share.{PLACE}.value",
    "permuted (P1's)": f"p1_order.{P1_PLACE}.nulls.permuted",
    "untrained (P1's)": f"p1_order.{P1_PLACE}.nulls.untrained",
    "pixels (P1's)": f"p1_order.{P1_PLACE}.nulls.pixels",
    "images seen": "images_seen",
}


def stand_ins(frame: pd.DataFrame) -> list[Panel]:
    panel = partial(Panel, xlabel="", ylabel="rank correlation with accuracy", ylim=(-1.1, 1.1), level=0.0)
    panels = []
    for words, runs in with_runs(frame, SYSTEMS.values()):
        rows = {name: own(runs, one) for name, one in STAND_INS.items() if one in frame}
        for name in ("P1's order", "raw order"):
            with suppress(NotEnough):
                rows[f"{name}, of another run"] = of_next_run(runs, STAND_INS[name])
        curves = [
            marks(
                (
                    lambda values=values, given=given, runs=runs: mean_correlation(
                        of_each_run(runs, values, given), runs
                    )
                    for values in rows.values()
                ),
                label,
                number,
                0.12 * (2 * number - 1),
            )
            for number, (label, given) in enumerate((("alone", ()), ("given images seen, loss", BESIDES)))
        ]
        panels.append(panel(words, curves=curves, ticks=ticks(rows)))
    return panels


def onset_panels(frame: pd.DataFrame) -> list[Panel]:
    names = {
        f"order, raw, {named(*PLACE)}": f"{ORDERS['raw'][1]}.value",
        f"order, P1's, {named(*P1_PLACE)}": f"{ORDERS['p1'][1]}.value",
        "share of right images, on the grid": ACCURACY,
        "share of right images, off the grid": "outcomes.off_grid.correct",
    }
    return [
        Panel(words, STEPS, "R², or share", mean_curves(runs, names), ylim=(-0.05, 1.02))
        for words, runs in with_runs(frame, TWO.values())
    ]


def across(frame: pd.DataFrame) -> list[Panel]:
    widths = [
        (f"sigma = {sigma:g} px", [cell.name for cell in DENSITY if sigma_of(cell) == sigma])
        for sigma in SIGMAS_PX
    ]
    panels = []
    for reading, name, _ in ORDERS.values():
        curves = [
            Curve(*means_over_training(runs, name), label=words, series=number, style="points")
            for number, (words, runs) in enumerate(with_runs(frame, widths))
        ]
        panels.append(
            Panel(f"Order {reading}", "order, mean over training", "accuracy, mean over training", curves)
        )
    return panels


STUDY = Study(
    name="order_and_accuracy",
    number=2,
    question="Does the order of latents go with the accuracy of images, beyond both rising while a network learns?",
    preset="fast",
    cells=(EPS, V, *DENSITY),
    seeds=5,
    claims=(
        *(claim for system in SYSTEMS for order in ORDERS for claim in _claims_of(system, order)),
        *(claim for order in ORDERS for claim in _claims_across(order)),
    ),
    figures=(
        Figure(
            "stand_ins",
            "What goes with accuracy while a network learns",
            stand_ins,
            saying_each(
                SYSTEMS,
                f"Mean over runs of rank correlations over snapshots, with {LEVEL} intervals over runs. "
                "What does not vary in a run counts as 0.",
            ),
            columns=1,
        ),
        Figure(
            "onsets", "Which comes first", onset_panels, saying_each(TWO, f"{BANDS} {THRESHOLDS}"), columns=2
        ),
        Figure(
            "across", "Order and accuracy of runs", across, saying(DENSITY_CELLS, "A mark a run."), columns=2
        ),
    ),
)
