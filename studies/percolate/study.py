"""Does learning from a part of the labels begin where the images' overlaps percolate?

Liang et al. 2024 (arXiv 2408.13256) train on a random share of the labels and report that accuracy rises about where the
overlap graph of the images percolates. A nearest-neighbour baseline has the same accuracy whatever the bump's width, so
percolation explains something only if a network's accuracy at a given share grows with sigma, and if the share at which
half of the held-out labels are correct follows the critical share of the overlap graph (`phasescope designs`).
"""

import math
from functools import cache, partial

import numpy as np
import pandas as pd
from numpy.random import Generator

from phasescope.studies import (
    Against,
    Asked,
    Cell,
    Claim,
    Number,
    Rank,
    Runs,
    Study,
    Table,
    accuracy,
    end,
    product,
    reads,
)
from phasescope.studies.readings.surfaces import Crossing, Surface
from studies.designs.draws import draws_of
from studies.percolate.overlaps import critical_share, overlap_graph

SIGMAS_PX = (1.0, 1.3, 1.7)
SHARES = (0.008, 0.015, 0.03, 0.06, 0.12, 0.25)
READINGS = ("darkest", "matched", "formed")
OVERLAP = 0.05  # from which two images are neighbours: the larger of P2's two thresholds
ORDERS = 200  # random orders of the labels over which the critical share is averaged
TRAINED_ABOVE = 0.8  # a run counts only if it has learned the labels it was trained on
FEWEST_RUNS = 4  # per cell, for the cell to count

ENDS_ONLY = {  # only the end is read, so six snapshots and few latents keep the cost near that of training
    "snapshots": {"dense_until": 0, "every": 500},
    "latent_labels": 128,
    "variance_labels": 32,
    "crossed_labels": 32,
    "t": [600],
}


def fields(sigma: float, share: float) -> dict:
    return {
        "world": {"sigma_px": sigma, "design": {"hold_out": {"kind": "subset", "share": share}}},
        "probing": ENDS_ONLY,
    }


CELLS = tuple(
    Cell(
        f"sigma={sigma:g}, {100 * share:g} %",
        cell.fields,
        cell.axes,
        reseeded=("world.design.hold_out.shuffle",),
        drawn_from=draws_of(cell.fields),
    )
    for cell in product("{sigma} {share}", fields, sigma=SIGMAS_PX, share=SHARES)
    for sigma, share in [cell.axes.values()]
)


@cache
def critical(sigma: float, overlap: float = OVERLAP) -> float:
    """Return the critical share of all labels' images; NaN if it is only bounded from above."""
    import torch

    world = Cell("all", {"world": {"sigma_px": sigma}}).config(0, "lean").world
    with torch.no_grad():
        images = world.render(torch.from_numpy(world.training_labels())).numpy()
    found = critical_share(overlap_graph(images, overlap), ORDERS)
    return math.nan if found.at_most else found.share


def held_out_accuracy(reading: str) -> Number:
    """Number: accuracy on held-out labels over accuracy on trained labels, at most 1, of runs that have learned the
    latter."""
    number = partial(_held_out_accuracy, reading=reading)
    return reads(*(accuracy(split, "joint", reading) for split in ("grid", "left_out")))(number)


def _held_out_accuracy(runs: Runs, reading: str) -> pd.DataFrame:
    trained = runs.end(accuracy("grid", "joint", reading))
    table = runs.table.assign(y=np.minimum(runs.end(accuracy("left_out", "joint", reading)) / trained, 1))
    table = with_logs(table)[trained > TRAINED_ABOVE]
    return table[table.groupby("cell")["y"].transform("size") >= FEWEST_RUNS]


def with_logs(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with what the statistics read beside the axes: logs of the share and of the critical share."""
    reference = np.array([critical(sigma) for sigma in table["sigma"]])
    return table.assign(critical=reference, log_share=np.log(table["share"]), log_critical=np.log(reference))


class OnDesign:
    """Adds the critical share to the planned runs, which have the design's axes alone."""

    def simulate(self, table: pd.DataFrame, truth: float, spread: float, rng: Generator) -> pd.DataFrame:
        return super().simulate(with_logs(table), truth, spread, rng)


class SurfaceOfShares(OnDesign, Surface):
    pass


class CrossingOfShares(OnDesign, Crossing):
    pass


LEARNED = "Only runs that have learned the labels they were trained on are counted."


@reads(accuracy("left_out"), "excess.nearest_neighbour.accuracy.left_out")
def nearest_neighbour(runs: Runs) -> np.ndarray:
    """Return the accuracy of the nearest-neighbour baseline on held-out labels, (n,), from the recorded excess over
    it."""
    own, excess = runs.end(accuracy("left_out")), runs.end("excess.nearest_neighbour.accuracy.left_out")
    return np.where(own < 1, (own - excess) / np.maximum(1 - excess, 1e-9), np.nan)


@reads()
def critical_shares(runs: Runs) -> np.ndarray:
    """Return the critical share of each run's width, (n,)."""
    return np.array([critical(sigma) for sigma in runs.table["sigma"]])


# Asked: 0 runs existed; sigmas and shares were amended after what bumps of 0.5 px had shown (2026-11-28).
STUDY = Study(
    name="percolate",
    question="Does learning from a part of the labels begin where the images' overlaps percolate?",
    base="lean",
    answers="S7",
    cells=CELLS,
    seeds=6,
    more=6,
    headline="grows_with_sigma",
    claims=[
        Claim(
            name="grows_with_sigma",
            asked=Asked.AFTER_OTHERS,
            sentence="At a given share of the labels, wider bumps are generated correctly at more of the held-out labels.",
            statistic=Rank(by="sigma", within="share"),
            numbers=[held_out_accuracy(reading) for reading in READINGS],
            threshold=0.0,
            effect=0.3,
            source="P2",
            over=("sigma", "widths"),
            caveats=(
                "That overlap is the cause: wider bumps also weigh more in the loss.",
                LEARNED,
            ),
        ),
        Claim(
            name="follows_critical",
            asked=Asked.AFTER_OTHERS,
            sentence="The share of labels that is needed follows the critical share of the overlap graph as sigma grows.",
            statistic=SurfaceOfShares(rises_with="log_share", moved_by="log_critical"),
            numbers=[held_out_accuracy(reading) for reading in READINGS],
            unit="exponent",
            threshold=0.5,
            effect=0.5,
            spread=0.06,
            source="P2",
            over=("sigma", "widths"),
            caveats=(
                "That images must be connected: any length that grows with sigma would do.",
                LEARNED,
            ),
        ),
        Claim(
            name="half_at_critical",
            asked=Asked.AFTER_OTHERS,
            sentence="Whatever sigma, half of the held-out labels are correct within a factor 1.5 of the critical share.",
            statistic=CrossingOfShares(along="share", by="sigma", reference="critical"),
            numbers=[held_out_accuracy(reading) for reading in READINGS],
            unit="times the critical share",
            log=True,
            threshold=math.log(1.5),
            direction="below",
            effect=0.35,
            spread=0.06,
            source="P2",
            over=("sigma", "widths"),
            caveats=(
                "Another threshold of overlap might be met: this one was fixed before the runs.",
                LEARNED,
            ),
        ),
    ],
    plots=[
        Against(
            "heights",
            "Held-out labels by the share trained on",
            numbers={"share correct": end(accuracy("left_out"))},
            along="share",
            by="sigma",
            log=True,
            ylim=(-0.02, 1.02),
            references={"nearest-neighbour baseline": nearest_neighbour},
            note="All runs, read by well-formed samples.",
        )
    ],
    tables=[
        Table(
            "Correct at the end",
            {
                "critical share": critical_shares,
                "held-out labels": end(accuracy("left_out")),
                "trained labels": end(accuracy("grid")),
            },
            by=("sigma", "share"),
        )
    ],
)
