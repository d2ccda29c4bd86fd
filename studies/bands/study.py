"""How many images does it take to generate held-out labels of a torus of K dimensions?

K lines at K places, each in its band of rows, are a torus with 32^K labels, of which n drawn at random are trained on. A
nearest-neighbour baseline is correct for about 1 - (1 - (3/32)^K)^n of the labels: for 60 % it takes ten times as many
images for each further factor. One that takes the nearest value of each factor is correct for about [1 - (1 - 3/32)^n]^K,
and takes about 10, 15 and 19 images. An image is the sum of its lines, so that 31 K + 1 images could give every other as
an affine combination of theirs: a network that adds up what it has seen needs images in proportion to K. Where between
them is a network? The fourth factor, of which no run existed when its claims were written, tells whether images go on to
grow as over the first three (2.7 times on average) or nearly in proportion to K (4/3). Some runs also see single lines, at
every place, with the other bands blank; their foils see as many further images of all lines instead.

Activations of the trained network are read for their dimension, which is K on a torus: those of 1,000 clean images, with
labels between the pixels, at the middle of the network and the least noise. At this density neighbours are so far apart that
the images themselves read 4.3 at K = 3, and the ideal torus 3.1. Persistent homology of 1,000 points (studies/tori) finds
K loops in ideal tori of K <= 3, but none in the images from K = 2 on: of activations it is not asked.
"""

import json
import math
from functools import partial

import numpy as np
import torch

import phasescope.studies as ps
from phasescope.measures import two_nn
from phasescope.studies.readings.surfaces import Surface
from studies.bands.baselines import hull, nearest

SETS = {1: (4, 8, 16), 2: (12, 24, 48, 96), 3: (16, 32, 64, 128, 256), 4: (64, 128, 256)}
"""images trained on, by the number of factors"""
FEW = {2: 24, 3: 64}  # images that bring a third to a half of the held-out labels, by factors
SINGLE, FURTHER = "single lines", "further images"
HELD_OUT = ps.end(ps.accuracy("left_out"))
LABELS, SITE = 1000, "mid"  # of the activations whose dimension is read
PLAN = {
    "snapshots": {"dense_until": 0, "every": 630},
    "images": {"left_out": 256, "off_grid": 0},
    "observe": [],
}


def cell(factors: int, images: int, more: str = "") -> ps.Cell:
    """Return a cell whose runs see so many images and, beside the same ones, 32 K of `more`."""
    kind = "single.py:SingleLines" if more == SINGLE else "kinds.py:Bands"
    design = {"hold_out": {"kind": "subset", "count": images + 32 * factors * (more == FURTHER)}}
    world = {"kind": f"studies/bands/{kind}", "count": factors, "design": design}
    axes = {"factors": factors, "images": images, "log_images": math.log(images)}
    fields, shuffled = {"seed": 8000, "world": world, "probing": PLAN}, ("world.design.hold_out.shuffle",)
    name, drawn_from = f"{factors} factors, {images} images", ""
    if more:
        drawn_from = json.dumps(cell(factors, images).fields)
        name, axes = f"{name} and {32 * factors} {more}", {}  # claims and plots by `factors` leave it out
    return ps.Cell(name, fields, axes, reseeded=shuffled, drawn_from=drawn_from)


def read_dimension(run) -> list[dict]:
    """Return TwoNN's dimension of activations, before and after training."""
    rows = []
    for snapshot in (run.snapshots[0], run.snapshots[-1]):
        loaded = ps.load_network(run, snapshot)
        world, network = loaded.config.world, loaded.network
        labels = torch.from_numpy(world.draw_labels(LABELS, ps.numpy_generator(0, "dimension"))).float()

        kept: list[torch.Tensor] = []
        layer = network.get_layer(SITE)
        hook = layer.register_forward_hook(lambda _m, _i, output, kept=kept: kept.append(output))
        with torch.no_grad():
            for y in labels.split(100):
                network(world.render(y), torch.zeros(len(y), dtype=torch.int64), y)
        hook.remove()

        activations = torch.cat(kept).flatten(1).double().numpy()
        rows.append({"step": snapshot.step, "two_nn": two_nn(activations).value})
    return rows


@ps.reads("dimension.two_nn")
def off_by(runs: ps.Runs) -> np.ndarray:
    """Return how far the dimension is from K, as a share of K, (n,)."""
    return np.abs(runs.end("dimension.two_nn") / np.asarray(runs.table["factors"]) - 1)


BESIDE = tuple(cell(*few, more).name for few in FEW.items() for more in ("", SINGLE, FURTHER))
EACH = partial(nearest, each=True)
BASELINES = {"nearest neighbour": nearest, "nearest of each factor": EACH, "affine hull": hull}


FAST = "630 steps of preset `fast`."
ONE_SLOPE = "One slope is fitted to both steps and all levels of accuracy."
AFTER_THREE_FACTORS = "Added after a look at one to three factors, before any run of four."
SINGLE_LINES = (
    "A single line is an image of which all other lines are left out. Added after a look at the other cells, before any "
    "run of its own."
)
TWO, THREE = "2 factors, 24 images", "3 factors, 64 images"

# Asked: the first three claims before any run (0 existed); the others after a look at one to three factors, before their
# own runs.
STUDY = ps.Study(
    name="bands",
    question="How many images does it take to generate held-out labels of a torus of K dimensions?",
    base="fast",
    answers="Q9",
    seeds=6,
    more=6,
    headline="below_exponential",
    cells=[cell(factors, images) for factors, sets in SETS.items() for images in sets]
    + [cell(*few, more) for few in FEW.items() for more in (SINGLE, FURTHER)],
    claims=[
        ps.Claim(
            name="below_exponential",
            asked=ps.Asked.BEFORE,
            sentence="A second and a third factor multiply the images that are needed, on average, by less than 4; for nearest neighbours it is 10.",
            statistic=Surface(rises_with="log_images", moved_by="factors"),
            numbers=HELD_OUT,
            unit="times the images for a factor",
            log=True,
            threshold=math.log(4),
            direction="below",
            effect=0.3,
            spread=0.13,
            where={"factors": (1, 2, 3)},
            caveats=(
                FAST,
                ONE_SLOPE,
            ),
        ),
        ps.Claim(
            name="above_each",
            asked=ps.Asked.BEFORE,
            sentence="A second and a third factor multiply the images that are needed, on average, by more than 1.6; for the nearest value of each factor it is 1.4.",
            statistic=Surface(rises_with="log_images", moved_by="factors"),
            numbers=HELD_OUT,
            unit="times the images for a factor",
            log=True,
            threshold=math.log(1.6),
            direction="above",
            effect=0.3,
            spread=0.13,
            where={"factors": (1, 2, 3)},
            caveats=(
                FAST,
                ONE_SLOPE,
            ),
        ),
        ps.Claim(
            name="dimension",
            asked=ps.Asked.BEFORE,
            sentence="Trained on 256 images of three factors, activations have the dimension 3, within 15 %.",
            statistic=ps.Mean(),
            numbers=off_by,
            unit="of 3",
            threshold=0.15,
            direction="below",
            effect=0.1,
            spread=0.05,
            where={"factors": 3, "images": 256},
            limits="TwoNN, of 1,000 clean images at one layer. Whether the manifold is a torus is not asked.",
        ),
        ps.Claim(
            name="fourth_factor",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="The fourth factor multiplies the images that are needed by less than 2.",
            statistic=Surface(rises_with="log_images", moved_by="factors"),
            numbers=HELD_OUT,
            unit="times the images for a factor",
            log=True,
            threshold=math.log(2),
            direction="below",
            effect=0.3,
            spread=0.13,
            where={"factors": (3, 4)},
            caveats=(
                FAST,
                AFTER_THREE_FACTORS,
            ),
        ),
        ps.Claim(
            name="beyond_hull",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Trained on 64 images of four factors, networks generate more than a fifth of the held-out "
            "labels; an affine hull and nearest neighbours reach under a hundredth.",
            statistic=ps.Mean(),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.2,
            no_effect=0.0,
            effect=0.15,
            spread=0.07,
            where={"factors": 4, "images": 64},
            limits="The second half is a baseline, not tested. The nearest value of each factor by itself would reach "
            "nearly all. Added as `fourth_factor` was.",
        ),
        ps.Claim(
            name="single_lines_2",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Beside 24 images of 2 factors, single lines bring more held-out labels, by more than a tenth of the labels.",
            statistic=ps.Difference(
                by="cell",
                first=f"{TWO} and 64 single lines",
                second=TWO,
                paired=True,
            ),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.18,
            spread=0.087,
            where={"cell": (f"{TWO} and 64 single lines", TWO)},
            caveats=(
                FAST,
                SINGLE_LINES,
            ),
        ),
        ps.Claim(
            name="further_images_2",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Beside 24 images of 2 factors, further images bring more held-out labels than as many single lines, by more than a tenth of the labels.",
            statistic=ps.Difference(
                by="cell",
                first=f"{TWO} and 64 further images",
                second=f"{TWO} and 64 single lines",
                paired=True,
            ),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.18,
            spread=0.087,
            where={"cell": (f"{TWO} and 64 further images", f"{TWO} and 64 single lines")},
            caveats=(
                FAST,
                SINGLE_LINES,
            ),
        ),
        ps.Claim(
            name="single_lines_3",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Beside 64 images of 3 factors, single lines bring more held-out labels, by more than a tenth of the labels.",
            statistic=ps.Difference(
                by="cell",
                first=f"{THREE} and 96 single lines",
                second=THREE,
                paired=True,
            ),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.18,
            spread=0.087,
            where={"cell": (f"{THREE} and 96 single lines", THREE)},
            caveats=(
                FAST,
                SINGLE_LINES,
            ),
        ),
        ps.Claim(
            name="further_images_3",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Beside 64 images of 3 factors, further images bring more held-out labels than as many single lines, by more than a tenth of the labels.",
            statistic=ps.Difference(
                by="cell",
                first=f"{THREE} and 96 further images",
                second=f"{THREE} and 96 single lines",
                paired=True,
            ),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.18,
            spread=0.087,
            where={"cell": (f"{THREE} and 96 further images", f"{THREE} and 96 single lines")},
            caveats=(
                FAST,
                SINGLE_LINES,
            ),
        ),
    ],
    readings=[ps.Reading("dimension", read_dimension, needs=())],
    plots=[
        ps.Against(
            "held_out",
            "Held-out labels by images trained on",
            numbers={"share correct": HELD_OUT},
            along="images",
            by="factors",
            log=True,
            references=BASELINES,
            ylim=(0, 1.02),
            level=0.6,
            where={"factors": tuple(SETS)},
        )
    ],
    tables=[
        ps.Table(
            "Correct at the end",
            {
                "held-out labels": HELD_OUT,
                "trained labels": ps.end(ps.accuracy("grid")),
                **BASELINES,
                "dimension": ps.end("dimension.two_nn"),
                "dimension, untrained": ps.start("dimension.two_nn"),
            },
            by=("factors", "images"),
        ),
        ps.Table(
            "With single lines, or as many further images",
            {"held-out labels": HELD_OUT},
            where={"cell": BESIDE},
        ),
    ],
)
