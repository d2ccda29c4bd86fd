"""Are hierarchies learned as such: an image drawn coarse first, or a label of two levels?

A cascade draws an image of 16 px, then the whole one of 32 px, given that and the label (Ho et al. 2021, arXiv 2106.15282).
Is the place decided by the first stage? Then the second, given the coarse image of another label, puts the bump where that
image has it, and wrong samples are wrong where the coarse image is. Does a cascade save images, and one whose second stage
is half as wide computation? A label of two levels says which of 16 cells of 8 px, one-hot, and where in it: is it learned
earlier than x and y as numbers?
"""

from functools import partial

import numpy as np
import pandas as pd
import torch

import phasescope.studies as ps
from phasescope import load_config
from phasescope.studies.readings.crossings import crossing_steps
from phasescope.studies.readings.phases import CORRECT
from studies.hierarchy.kinds import enlarged

FAST = load_config(overrides=["preset=fast"]).tree()  # other kinds start from no preset's fields
KINDS, NARROW = "studies/hierarchy/kinds.py", [8, 16, 16, 16]
CASCADE = {"family": FAST["family"] | {"kind": f"{KINDS}:CascadeConfig"}}
STAGES = FAST["network"] | {"kind": f"{KINDS}:CascadeUNet"}
SYSTEMS = {
    "plain": {},
    "cascade": {**CASCADE, "network": STAGES},
    "narrow": {**CASCADE, "network": {**STAGES, "fine_widths": NARROW}},
    "half width": {"network": {"widths": NARROW}},
    "two levels": {"network": FAST["network"] | {"kind": f"{KINDS}:TwoLevelUNet"}},
}
# multiplications of a step over those of the plain network
COST = {"plain": 1.0, "cascade": 1.3, "narrow": 0.54, "half width": 0.26, "two levels": 1.0}
STEPS, SAMPLES, SNAPSHOTS = 1260, 64, {"dense_until": 0, "every": 30}
PLAN = {"snapshots": SNAPSHOTS, "images": {"grid": SAMPLES, "off_grid": 0}, "observe": []}
NEAR_PX = 1.5  # from a coarse image's place, which is known to half a pixel
LIMITS = f"{STEPS:,} steps of preset `fast`; both stages of a cascade are trained at once."


def cell(name: str) -> ps.Cell:
    fields = {"seed": 15_000, "training": {"steps": STEPS}, "probing": PLAN, **SYSTEMS[name]}
    return ps.Cell(name, fields, {"system": name, "cost": COST[name]})


def places(world, images) -> np.ndarray:
    """Return where the matched filter answers most, x and y in px, (n, 2): of every image, whatever it holds."""
    columns = world.reader().read(np.asarray(images))
    return np.stack([columns[f"{axis}_refined"] for axis in "xy"], axis=1)


def read_stages(run) -> list[dict]:
    """Return at each snapshot how many samples are `wrong` by more than `NEAR_PX`, and how many of these have their bump
    where the coarse image has it, `there`; and of coarse images of another label the shares that `follow` the image, and
    that `obey` the label."""
    rows = []
    for snapshot in run.snapshots[1:]:
        loaded = ps.load_network(run, snapshot)
        world, family, network = loaded.config.world, loaded.config.family.build(), loaded.network
        labels = torch.from_numpy(world.splits()["grid"](SAMPLES, ps.numpy_generator(0, "stages")))
        other, noise = labels.roll(SAMPLES // 2, 0), ps.torch_generator(loaded.config.seed, "stages")
        with torch.no_grad():
            small = family.coarse(network, labels, world.shape, noise)
            *_, last = family.finished(network, small, labels, world.shape, noise)
            *_, last_crossed = family.finished(network, small, other, world.shape, noise)
        coarse = places(world, enlarged(small))
        own, crossed = places(world, last.x_0), places(world, last_crossed.x_0)

        def near(found, at):
            return (np.abs(found - at) <= NEAR_PX).all(1)

        wrong = ~near(own, labels.numpy())
        rows.append(
            {
                "step": snapshot.step,
                "wrong": float(wrong.sum()),
                "there": float((wrong & near(own, coarse)).sum()),
                "follow": float(near(crossed, coarse).mean()),
                "obey": float(near(crossed, other.numpy()).mean()),
            }
        )
    return rows


@ps.reads(CORRECT)
def accurate(runs: ps.Runs, computed: bool = False) -> pd.DataFrame:
    """Return when half of the samples are correct, interpolated between snapshots, censored at the end.

    Args:
        computed: count a step as what it costs, over a step of the plain network.
    """
    table = ps.onset(CORRECT, 0.5)(runs).assign(y=crossing_steps(runs, CORRECT, 0.5))
    cost = table["cost"].astype(float) if computed else 1.0
    return table.assign(**{name: table[name] * cost for name in ("y", "without", "last")})


@ps.reads(CORRECT, "stages.wrong", "stages.there")
def while_learning(runs: ps.Runs) -> np.ndarray:
    """Return the share of wrong samples whose bump is where the coarse image has it, while .1 to .9 are correct, (n,); NaN
    if there is none."""
    shares, columns = [], (CORRECT, "stages.wrong", "stages.there")
    for correct, *counts in zip(*map(runs.courses, columns), strict=True):
        learning = (correct >= 0.1) & (correct <= 0.9)
        wrong, there = (count[learning].sum() for count in counts)
        shares.append(there / wrong if wrong else np.nan)
    return np.array(shares)


# Asked: 0 runs existed; amended before any record was looked at.
STUDY = ps.Study(
    name="hierarchy",
    question="Are hierarchies learned as such: an image drawn coarse first, or a label of two levels?",
    base="fast",
    answers="Q7",
    cells=list(map(cell, SYSTEMS)),
    seeds=8,
    more=8,
    headline="coarse_decides",
    claims=[
        ps.Claim(
            name="coarse_decides",
            asked=ps.Asked.BEFORE,
            sentence="Given the coarse image of another label, most samples have their bump where it has one.",
            statistic=ps.Mean(),
            numbers=ps.end("stages.follow"),
            unit="of samples",
            threshold=0.5,
            effect=0.3,
            spread=0.2,
            where={"system": "cascade"},
            caveats=(
                LIMITS,
                "At the end; all runs may be at 1, where an interval by resampling has no width. Such "
                "pairs of image and label were never trained on. The coarse image has noise of 0.1 and "
                "leaves little open; more noise was not tried.",
            ),
        ),
        ps.Claim(
            name="wrong_by_coarse",
            asked=ps.Asked.BEFORE,
            sentence="While the cascade learns, most wrong samples have their bump where the coarse image has it.",
            statistic=ps.Mean(),
            numbers=while_learning,
            unit="of wrong samples",
            threshold=0.5,
            effect=0.3,
            spread=0.2,
            where={"system": "cascade"},
            caveats=(
                LIMITS,
                "While a tenth to nine tenths of the samples are correct. A sample's place is where the "
                "matched filter answers most, whatever it holds: only samples that are wrong by more "
                "than 1.5 px count, 147 in the first eight runs, 5 to 41 of each.",
            ),
        ),
        ps.Claim(
            name="cascade_earlier",
            asked=ps.Asked.BEFORE,
            sentence="A cascade needs less than four fifths of the images.",
            statistic=ps.OnsetRatio("system", "cascade", "plain"),
            numbers=accurate,
            threshold=0.8,
            direction="below",
            effect=(0.2, 0.25),
            spread=0.12,
            caveats=(
                LIMITS,
                "It has twice the parameters.",
            ),
        ),
        ps.Claim(
            name="narrow_cheaper",
            asked=ps.Asked.BEFORE,
            sentence="A cascade with a second stage of half the width needs less than four fifths of the computation.",
            statistic=ps.OnsetRatio("system", "narrow", "plain"),
            numbers=partial(accurate, computed=True),
            threshold=0.8,
            direction="below",
            effect=(0.2, 0.25),
            spread=0.12,
            caveats=(
                LIMITS,
                "A plain network of half the width needs half of that (table).",
            ),
        ),
        ps.Claim(
            name="two_levels_earlier",
            asked=ps.Asked.BEFORE,
            sentence="A label of two levels needs less than four fifths of the images.",
            statistic=ps.OnsetRatio("system", "two levels", "plain"),
            numbers=accurate,
            threshold=0.8,
            direction="below",
            effect=(0.2, 0.25),
            spread=0.12,
            caveats=(
                LIMITS,
                "A label whose classes are not neighbouring places was not tried. Its network has an "
                "eighth more parameters.",
            ),
        ),
    ],
    readings=[ps.Reading("stages", read_stages, where={"system": ("cascade", "narrow")}, needs=())],
    plots=[
        ps.Courses(
            "courses", "Samples correct through training", {"correct": CORRECT}, by="system", ylim=(0, 1)
        )
    ],
    tables=[
        ps.Table(
            "When half of the samples are correct, and what decides their place",
            {
                "step": accurate,
                "in steps of the plain network": partial(accurate, computed=True),
                "correct at the end": ps.end(CORRECT),
                "wrong, where the coarse image is": while_learning,
                "crossed: follow the image": ps.end("stages.follow"),
                "crossed: obey the label": ps.end("stages.obey"),
            },
            by=("system",),
        )
    ],
)
