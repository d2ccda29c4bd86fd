"""With four factors and a class, are they learned independently, and in the order of how much of the image each moves?

Okawa et al. (2023, arXiv 2310.09336) report that the accuracy of a combination is the product of those of its factors. Park
et al. (2024, arXiv 2406.19370) say that the signal of a factor, |d image / d z|² times its range squared, orders when they
are learned. One object with a place, a width, a contrast and a shape is generated in three worlds, whose ranges differ so
that signals order the factors in three ways: of fixed orders, the best agrees with them by a third. A factor is correct
within an eighth of its range, and is read from every image: no reading gates another.
"""

from functools import partial
from itertools import combinations

import numpy as np

from phasescope.studies import (
    Asked,
    Cell,
    Claim,
    Courses,
    Mean,
    Runs,
    Study,
    Table,
    accuracy,
    end,
    reads,
    share,
)
from phasescope.studies.readings.crossings import crossing_steps
from studies.factors.kinds import OUTCOMES

WORLDS = {
    "place, width, contrast": ({}, (4207, 4207, 214, 46)),
    "contrast, place, width": (
        {"place_px": [15, 17], "width_px": [1.8, 2.2], "contrast": [0.2, 1]},
        (24, 24, 7, 74),
    ),
    "width, place, contrast": ({"place_px": [14, 18], "width_px": [1, 4]}, (121, 121, 481, 75)),
}
"""order of the signals -> fields of the world, and the signals of x, y, width and contrast"""
MEASURED = ("x", "y", "width", "contrast")
ACCURACIES = {name: accuracy("grid", name) for name in (*MEASURED, "shape")}
LEVEL = 0.75  # whose onset is compared: an object in the middle of a range is correct in a quarter of cases
BETWEEN = (0.1, 0.9)  # products of accuracies from which joint accuracy can differ
PLAN = {"snapshots": {"dense_until": 0, "every": 30}, "images": {"grid": 128, "off_grid": 0}, "observe": []}


def cell(order: str) -> Cell:
    fields, signals = WORLDS[order]
    world = {"kind": "studies/factors/kinds.py:OneObject", **fields}
    axes = {"order": order} | {f"signal_{name}": s for name, s in zip(MEASURED, signals, strict=True)}
    return Cell(order, {"seed": 7000, "world": world, "probing": PLAN}, axes)


@reads("accuracy.grid.{name}")
def onset_of(runs: Runs, name: str) -> np.ndarray:
    return crossing_steps(runs, ACCURACIES[name], LEVEL)


@reads(*(ACCURACIES[name] for name in MEASURED))
def in_order_of_signal(runs: Runs) -> np.ndarray:
    """Return Somers' D of each run, (n,): of pairs of factors whose signals differ, the share in which the larger signal has
    the earlier onset, minus that in which it has the later one. Of two factors without an onset none is earlier."""
    onsets = [np.nan_to_num(onset_of(runs, name), nan=1e9) for name in MEASURED]
    signals = [runs.table[f"signal_{name}"].to_numpy() for name in MEASURED]
    pairs = list(combinations(range(len(MEASURED)), 2))
    agree = [np.sign(onsets[j] - onsets[i]) * np.sign(signals[i] - signals[j]) for i, j in pairs]
    return np.sum(agree, axis=0) / np.sum([signals[i] != signals[j] for i, j in pairs], axis=0)


@reads(accuracy("grid"), *ACCURACIES.values())
def beyond_product(runs: Runs) -> np.ndarray:
    """Return joint accuracy minus the product of the factors', (n,): the mean over the snapshots at which it can differ."""
    by_factor = zip(*map(runs.courses, ACCURACIES.values()), strict=True)
    means = []
    for joint, courses in zip(runs.courses(accuracy("grid")), by_factor, strict=True):
        product = np.prod(courses, axis=0)
        can_differ = (product > BETWEEN[0]) & (product < BETWEEN[1])
        means.append((joint - product)[can_differ].mean() if can_differ.any() else np.nan)
    return np.array(means)


# Asked: 0 runs existed, and no pilot is known.
STUDY = Study(
    name="factors",
    question="With four factors and a class, are they learned independently, and in the order of their signals?",
    base="fast",
    answers="Q6",
    cells=[cell(order) for order in WORLDS],
    seeds=8,
    more=8,
    headline="in_order_of_signal",
    claims=[
        Claim(
            name="in_order_of_signal",
            asked=Asked.BEFORE,
            sentence="Factors are learned in the order of their signals: over three worlds, D is above 0.6.",
            statistic=Mean(strata="cell"),
            numbers=in_order_of_signal,
            unit="Somers' D of signal and earlier onset",
            threshold=0.6,
            no_effect=0.0,
            effect=0.2,
            spread=0.25,
            over=("cell", "worlds"),
            limits="630 steps of preset `fast`. Onsets are of an accuracy of 0.75 within an eighth of a factor's range.",
        ),
        Claim(
            name="product",
            asked=Asked.BEFORE,
            sentence="Joint accuracy exceeds the product of the factors' accuracies by less than 0.05.",
            statistic=Mean(strata="cell"),
            numbers=beyond_product,
            unit="of the samples",
            threshold=0.05,
            direction="below",
            effect=0.03,
            spread=0.04,
            over=("cell", "worlds"),
            limits="Mean over snapshots at which the product is from 0.1 to 0.9. Samples without an object fail in all.",
        ),
    ],
    plots=[Courses("courses", "Accuracy by factor", ACCURACIES, panels_by="order", ylim=(0, 1), level=LEVEL)],
    tables=[
        Table(
            "When each factor becomes correct (step), D of signal and onset, and how much factors fail together",
            {name: partial(onset_of, name=name) for name in ACCURACIES}
            | {"D": in_order_of_signal, "joint accuracy minus product": beyond_product},
            by=("order",),
        ),
        Table(
            "Outcomes of samples, mean over training, and accuracy at the end",
            {outcome.name: share("grid", outcome.name).mean() for outcome in OUTCOMES}
            | {"all correct at the end": end(accuracy("grid"))},
            by=("order",),
        ),
    ],
)
