"""Does the order of latents go with the accuracy of images, beyond both rising while a network learns?

P1 says that the more ordered the latents, the more accurate the images. All that rises while a network learns
correlates, so correlations are also taken given images seen and loss, by ranks, and other things are put in order's
place: the same order of another run of the same cell, which shares the schedule and nothing else, a null's level, the
clock itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from phasescope.measures.coupling import onset_ratio
from phasescope.studies.captions import THRESHOLDS, about
from phasescope.studies.claim import Claim, Estimate, NotEnough
from phasescope.studies.criteria import (
    P1_ORDERED,
    P1_PLACE,
    PLACE,
    RAW_ORDERED,
    Passing,
    accurate,
    column,
    onsets,
    runs_of,
    some_runs,
)
from phasescope.studies.curves import mean_curve, named
from phasescope.studies.designs import DENSITY, EPS, V
from phasescope.studies.statistics import area, mean_of_runs, partial_spearman, spearman_over_runs
from phasescope.studies.study import Curve, Figure, Panel, Study

if TYPE_CHECKING:
    import pandas as pd

Series = Callable[["pd.DataFrame"], np.ndarray]
"""Of one run's rows a number a snapshot."""

SYSTEMS = {
    "eps": ("eps-prediction", ("eps",)),
    "v": ("v-prediction", ("v",)),
    "fast": ("preset fast, all densities and widths", tuple(cell.name for cell in DENSITY)),
}
ACCURACY = "outcomes.grid.correct"
ORDERS = {
    "p1": ("read P1's way", f"p1_order.{P1_PLACE[0]}.{P1_PLACE[1]}", P1_ORDERED),
    "raw": ("read from raw features", f"order.{PLACE[0]}.{PLACE[1]}", RAW_ORDERED),
}
STRONG = 0.5
"""correlation from which order and accuracy go closely together: a large effect by Cohen's (1988) convention"""
TOGETHER = 2.0
"""ratio of onsets, accuracy's over order's, below which accuracy does not lag behind"""


def series(name: str) -> Series:
    return lambda run: column(run, name)


def of_each_run(
    runs: Sequence[pd.DataFrame], instead: Sequence[Series], given: Sequence[Series] = ()
) -> np.ndarray:
    """Of each run the rank correlation of a series, entry i from run i, with accuracy over snapshots after the first."""
    found = []
    for run, one in zip(runs, instead, strict=True):
        later = run[run["step"] > 0]
        found.append(partial_spearman(one(later), column(later, ACCURACY), [g(later) for g in given]))
    return np.array(found)


BESIDES = (series("images_seen"), series("loss"))


def mean_correlation(values: np.ndarray, strata: Sequence[str]) -> Estimate:
    known = values[np.isfinite(values)]
    detail = {"least_run": float(known.min()), "most_run": float(known.max())} if len(known) else {}
    return mean_of_runs(values, detail, strata)


def cells_of(runs: Sequence[pd.DataFrame]) -> list[str]:
    return [run["cell"].iloc[0] for run in runs]


def within_runs(
    cells: Sequence[str], name: str, given: Sequence[Series] = ()
) -> Callable[[pd.DataFrame], Estimate]:
    def estimate(frame: pd.DataFrame) -> Estimate:
        runs = runs_of(frame, cells)
        return mean_correlation(of_each_run(runs, [series(name)] * len(runs), given), cells_of(runs))

    return estimate


def of_next_run(runs: Sequence[pd.DataFrame], name: str) -> list[Series]:
    """In each run's place the series of the next run of its cell, at the same steps."""
    found: list[Series] = []
    cells = cells_of(runs)
    for i, cell in enumerate(cells):
        same = [j for j, other in enumerate(cells) if other == cell]
        if len(same) < 2:
            raise NotEnough(f"another run's order needs 2 runs of {cell}")
        other = runs[same[(same.index(i) + 1) % len(same)]].set_index("step")[name]
        found.append(lambda run, other=other: other.reindex(run["step"]).to_numpy(dtype=float))
    return found


def beyond_other_run(cells: Sequence[str], name: str) -> Callable[[pd.DataFrame], Estimate]:
    """The partial correlation with a run's own order, less that with another run's."""

    def estimate(frame: pd.DataFrame) -> Estimate:
        runs = runs_of(frame, cells)
        own = of_each_run(runs, [series(name)] * len(runs), BESIDES)
        other = of_each_run(runs, of_next_run(runs, name), BESIDES)
        return mean_correlation(own - other, cells_of(runs))

    return estimate


def accuracy_after_order(cells: Sequence[str], ordered: Passing) -> Callable[[pd.DataFrame], Estimate]:
    """The onset of accuracy over that of order, in the same run."""

    def estimate(frame: pd.DataFrame) -> Estimate:
        runs = runs_of(frame, cells)
        order, right = onsets(runs, ordered), onsets(runs, accurate("grid"))
        if len(runs) < 2 or not (order.came.any() or right.came.any()):
            raise NotEnough("no run came to order, nor to accuracy")
        score = onset_ratio(order.onset, right.onset, order.last, order.without, right.without)
        with np.errstate(invalid="ignore"):  # a run that came to neither tells nothing
            later = np.where(right.came, right.onset, np.inf) - np.where(order.came, order.onset, np.inf)
            median = float(np.nanmedian(later))
        detail = {
            "median_steps_later": median,
            "runs_without_order": float((~order.came).sum()),
            "runs_without_accuracy": float((~right.came).sum()),
        }
        value = score.value
        return Estimate(value, score.low, score.high, score.n, detail)

    return estimate


def mean_over_training(run: pd.DataFrame, name: str) -> float:
    return area(column(run, "step"), column(run, name))


def across_runs(name: str, within_cells: bool) -> Callable[[pd.DataFrame], Estimate]:
    """Over runs, the rank correlation of order's mean over training with accuracy's."""

    def estimate(frame: pd.DataFrame) -> Estimate:
        runs = runs_of(frame, SYSTEMS["fast"][1])
        x, y = (
            np.array([mean_over_training(run, one) for run in runs]) for one in (f"{name}.value", ACCURACY)
        )
        if within_cells:
            cells = np.array(cells_of(runs))
            for cell in np.unique(cells):
                for values in (x, y):
                    values[cells == cell] -= values[cells == cell].mean()
        return spearman_over_runs(x, y)

    return estimate


def _claims() -> list[Claim]:
    claims = []
    for system, (words, cells) in SYSTEMS.items():
        for order, (reading, name, ordered) in ORDERS.items():
            claims += [
                Claim(
                    f"rise_together_{order}_{system}",
                    f"While a network learns, order ({reading}) and accuracy rise together: {words}.",
                    "P1",
                    "Spearman's correlation over a run's snapshots of order's R² with the share of "
                    "right images, mean over runs",
                    STRONG,
                    "above",
                    6,
                    within_runs(cells, f"{name}.value"),
                    "stand_ins",
                    "Whatever rises while a network learns correlates: compare what is put in order's place.",
                ),
                Claim(
                    f"beyond_clock_{order}_{system}",
                    f"Order ({reading}) goes with accuracy beyond what images seen and loss tell: {words}.",
                    "P1",
                    "Spearman's partial correlation over a run's snapshots, given images seen and loss, mean over runs",
                    0.0,
                    "above",
                    6,
                    within_runs(cells, f"{name}.value", BESIDES),
                    "stand_ins",
                    "Ranks are freed of what is monotone in the clock and the loss, not of all that a schedule sets.",
                ),
                Claim(
                    f"beyond_other_run_{order}_{system}",
                    f"A run's own order ({reading}) tells its accuracy better than another run's does: {words}.",
                    "P1",
                    "partial correlation as before, less the same with the order of the next seed's run, mean over runs",
                    0.0,
                    "above",
                    6,
                    beyond_other_run(cells, f"{name}.value"),
                    "stand_ins",
                    "Runs that differ little from one another cannot show what differs between them.",
                ),
            ]
            if system == "fast":
                continue
            claims.append(
                Claim(
                    f"set_in_together_{order}_{system}",
                    f"Accuracy sets in by twice the steps that order ({reading}) takes: {words}.",
                    "P1",
                    "median over runs of accuracy's onset over order's, in steps, sign-test interval",
                    TOGETHER,
                    "below",
                    6,
                    accuracy_after_order(cells, ordered),
                    "onsets",
                    "A threshold's crossing, not the whole rise; snapshots bound how sharply early onsets are known.",
                )
            )
    for order, (reading, name, _) in ORDERS.items():
        claims += [
            Claim(
                f"across_runs_{order}",
                f"Of runs on sets of different density and overlap, those of more order ({reading}) are more accurate.",
                "P1",
                "Spearman's correlation over runs of order's mean over training with accuracy's",
                STRONG,
                "above",
                30,
                across_runs(name, within_cells=False),
                "across",
                "What a data set does to both makes them go together without one making the other.",
            ),
            Claim(
                f"across_seeds_{order}",
                f"Of runs on the same data, those of more order ({reading}) are more accurate.",
                "P1",
                "Spearman's correlation over runs of the same two, less their cells' means",
                0.0,
                "above",
                30,
                across_runs(name, within_cells=True),
                "across",
                "Seeds differ little: a small correlation may be all that can be seen.",
            ),
        ]
    return claims


STAND_INS: dict[str, str] = {
    "P1's order": f"p1_order.{P1_PLACE[0]}.{P1_PLACE[1]}.value",
    "raw order": f"order.{PLACE[0]}.{PLACE[1]}.value",
    "label share": f"label_share.{PLACE[0]}.{PLACE[1]}.value",
    "permuted (P1's)": f"p1_order.{P1_PLACE[0]}.{P1_PLACE[1]}.nulls.permuted",
    "untrained (P1's)": f"p1_order.{P1_PLACE[0]}.{P1_PLACE[1]}.nulls.untrained",
    "pixels (P1's)": f"p1_order.{P1_PLACE[0]}.{P1_PLACE[1]}.nulls.pixels",
    "images seen": "images_seen",
}


def stand_ins(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for words, cells in SYSTEMS.values():
        runs = some_runs(frame, cells)
        if not runs:
            continue
        strata = cells_of(runs)
        rows = {name: [series(one)] * len(runs) for name, one in STAND_INS.items() if one in frame}
        for name in ("P1's order", "raw order"):
            try:
                rows[f"{name}, of another run"] = of_next_run(runs, STAND_INS[name])
            except NotEnough:
                continue
        curves = []
        for number, (label, given) in enumerate((("alone", ()), ("given images seen, loss", BESIDES))):
            x, found = [], []
            for place, instead in enumerate(rows.values()):
                try:
                    found.append(mean_correlation(of_each_run(runs, instead, given), strata))
                except NotEnough:
                    continue
                x.append(place + 0.12 * (2 * number - 1))
            value, low, high = (
                np.array([getattr(e, part) for e in found]) for part in ("value", "low", "high")
            )
            curves.append(Curve(np.array(x), value, low, high, label, number, "points"))
        panels.append(
            Panel(
                words,
                "",
                "rank correlation with accuracy",
                curves,
                ylim=(-1.1, 1.1),
                level=0.0,
                ticks={float(place): words for place, words in enumerate(rows)},
            )
        )
    return panels


def onset_panels(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for words, cells in list(SYSTEMS.values())[:2]:
        runs = some_runs(frame, cells)
        if not runs:
            continue
        curves = [
            mean_curve(runs, f"{ORDERS['raw'][1]}.value", f"order, raw, {named(*PLACE)}", 0),
            mean_curve(runs, f"{ORDERS['p1'][1]}.value", f"order, P1's, {named(*P1_PLACE)}", 1),
            mean_curve(runs, ACCURACY, "share of right images, on the grid", 2),
            mean_curve(runs, "outcomes.off_grid.correct", "share of right images, off the grid", 3),
        ]
        panels.append(Panel(words, "gradient steps", "R², or share", curves, ylim=(-0.05, 1.02)))
    return panels


def across(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for reading, name, _ in ORDERS.values():
        curves = []
        for number, sigma in enumerate((0.5, 1.0, 2.0)):
            cells = [cell.name for cell in DENSITY if cell.name.endswith(f"sigma={sigma:g}")]
            runs = some_runs(frame, cells)
            if not runs:
                continue
            x, y = (
                np.array([mean_over_training(run, one) for run in runs])
                for one in (f"{name}.value", ACCURACY)
            )
            curves.append(Curve(x, y, label=f"sigma = {sigma:g} px", series=number, style="points"))
        panels.append(
            Panel(f"Order {reading}", "order, mean over training", "accuracy, mean over training", curves)
        )
    return panels


STUDY = Study(
    name="order_and_accuracy",
    question="Does the order of latents go with the accuracy of images, beyond both rising while a network learns?",
    preset="fast",
    cells=(EPS, V, *DENSITY),
    seeds=5,
    claims=tuple(_claims()),
    figures=(
        Figure(
            "stand_ins",
            "What goes with accuracy while a network learns",
            stand_ins,
            lambda frame: (
                " ".join(f"{words}: {about(frame, cells)}" for words, cells in SYSTEMS.values())
                + " Mean over runs of rank correlations over snapshots, with 95 % intervals over runs. "
                "What does not vary in a run counts as 0."
            ),
            columns=1,
        ),
        Figure(
            "onsets",
            "Which comes first",
            onset_panels,
            lambda frame: (
                " ".join(f"{words}: {about(frame, cells)}" for words, cells in list(SYSTEMS.values())[:2])
                + f" Lines: means over runs; bands: from the least to the most run. {THRESHOLDS}"
            ),
            columns=2,
        ),
        Figure(
            "across",
            "Order and accuracy of runs",
            across,
            lambda frame: f"{about(frame, SYSTEMS['fast'][1])} A mark a run.",
            columns=2,
        ),
    ),
)
