"""Does a network of convolutions alone paint as the exact local machine, and what ends the count of objects by chance?

A denoiser that sees a patch about each pixel, and all that was ever in it, has an exact optimum: the local machine (Kamb &
Ganguli 2024; docs/theory.md). Pixels far apart know nothing of one another, so it paints no object, one, or several, about
as often as chance has it: the variance of the count over its mean, Fano's factor, is that of a Poisson law, 1. How far it
lies below says how far "exactly one" was learnt. Told nothing, a network paints from the very same noise as its machine, by
the same sampler, so that the two can be compared image by image.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.runs.loading import config_of
from phasescope.runs.sampling import paint_beside
from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made
from phasescope.studies.core.comparing import size
from phasescope.studies.core.criteria import all_at_end, column, mean_told, onsets, runs_of, some_runs
from phasescope.studies.core.curves import marks as marks_of
from phasescope.studies.core.curves import mean_curves, median_of, ticks
from phasescope.studies.core.statistics import mean_of_runs
from phasescope.studies.core.study import Figure, Panel, Reading, Study, Table
from phasescope.studies.found._cells import ATTENTION, BASE, LITTLE, UNTOLD, untold
from phasescope.studies.found._made import made_ends

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from jaxtyping import Float

    from phasescope.config import Tree
    from phasescope.store import Run
    from phasescope.worlds import Reader, World

SELDOM: Tree = {"probing": LITTLE | {"snapshots": {"dense_until": 0, "every": 500}}}
"""a tap of convolutions at full resolution holds 32,768 numbers an image"""
CONV = {
    side: untold(
        f"convnet, {side} px",
        SELDOM | {"network": {"kind": "convnet", "receptive_px": side, "padding": "circular"}},
    )
    for side in (9, 15)
}
"""by the side of the square that a pixel of the answer depends on"""
DEEP, ATTENTIVE = UNTOLD[1.0], untold("untold, attention", SELDOM | ATTENTION)
CELLS = (*CONV.values(), DEEP, ATTENTIVE)
NAMES = tuple(cell.name for cell in CELLS)
AGREES = 0.9
"""of r^2: published are 0.94 to 0.96 of convolutions alone, 0.77 with attention"""
POISSON = 0.7, 1.2
"""of Fano's factor: the exact machine's own is 0.8 to 0.9 here, as two objects do not lie in one patch"""
ONE = 0.3
"""of Fano's factor: below it most images hold one object"""
IMAGES = 256
"""a run, of which a Poisson law's factor has a standard error of 0.09"""
OPTIMA = {"machine": "local machine", "posterior": "posterior mean"}


def fano(objects: Float[np.ndarray, " n"]) -> float:
    """The variance of counts over their mean, of those that are known; NaN where all are 0."""
    known = objects[np.isfinite(objects)]
    mean = known.mean() if len(known) > 1 else 0.0
    return float(known.var(ddof=1) / mean) if mean > 0 else math.nan


def told_of(objects: Float[np.ndarray, " n"]) -> dict[str, float]:
    """Of counts their mean and Fano's factor."""
    return {"objects": float(np.nanmean(objects)), "fano": fano(objects)}


def reader_of(world: World) -> Reader:
    reader = world.reader()
    assert reader is not None, "the world of every cell has one"
    return reader


def read_beside(run: Run) -> list[dict[str, Any]]:
    """At the last snapshot of network and optima the counts, and the network's median r^2 to each optimum."""
    config = config_of(run)
    found = paint_beside(run, IMAGES, config.seed)
    reader, row = config.world.reader(), {"step": run.snapshots[-1].step}
    painted = {"network": found.network} | {short: found.optima[name] for short, name in OPTIMA.items()}
    for short, images in painted.items():
        told = told_of(reader.objects(reader.read(images)))
        row |= {f"{short}.{name}": value for name, value in told.items()}
    return [row | {f"{short}.r2": float(np.median(found.r2(name))) for short, name in OPTIMA.items()}]


def read_counts(run: Run) -> list[dict[str, Any]]:
    """Of each snapshot's painted images the counts."""
    reader = reader_of(config_of(run).world)
    return [{"step": one.step, **told_of(reader.objects(one.readings()))} for one in run.snapshots]


def mean_at_end(cell: str, name: str, frame: pd.DataFrame, less: float = 0.0) -> Estimate:
    """Mean over runs of what was read at the end, less a number."""
    return mean_of_runs(all_at_end(runs_of(frame, [cell]), f"local.{name}") - less)


def _study() -> Study:
    return STUDY


def made(cell: str, r2: float, factor: float, generator: np.random.Generator) -> pd.DataFrame:
    """Records of runs with a median r^2, and a Fano's factor of 1 at most, that differ a little from run to run."""

    def read(_: str) -> dict[str, float]:
        own_r2 = min(r2 + 0.015 * generator.standard_normal(), 0.999)
        own_factor = float(np.clip(factor + 0.04 * generator.standard_normal(), 0, 1))
        far = (1 - own_r2) * np.exp(0.5 * generator.standard_normal(IMAGES))
        by_chance = generator.random(IMAGES) < own_factor
        objects = np.where(by_chance, generator.poisson(1.0, IMAGES), 1).astype(float)
        return {"local.machine.r2": float(np.median(1 - far)), "local.network.fano": fano(objects)}

    return made_ends(_study(), [cell], read, generator)


def _of(cell: str, r2: float = 0.95, factor: float = 0.9) -> Made:
    return partial(made, cell, r2, factor)


def _of_convolutions(side: int) -> list[Claim]:
    cell = CONV[side].name
    claim = partial(Claim, source="Kamb & Ganguli 2024", figure="beside", cells=(cell,), system="eps")
    low, high = POISSON
    middle = (low + high) / 2
    return [
        claim(
            f"machine_{side}",
            f"A network of convolutions alone that sees {side} px paints as the local machine of {side} px does from the "
            "same noise.",
            statistic="median over images of r^2 = 1 - |network - machine|^2 / E|x_0 - mean image|^2, told nothing, mean "
            "over runs",
            threshold=AGREES,
            estimate=partial(mean_at_end, cell, "machine.r2"),
            does_not_show="Of one sampler. The median says nothing of the images that are farthest.",
            family="convolutions alone: the local machine",
            controls=Controls(_of(cell), _of(cell, r2=0.77), _of(cell, r2=AGREES)),
        ),
        claim(
            f"poisson_{side}",
            f"It counts objects as chance does: the variance of the count is {low:g} to {high:g} of the mean, {side} px.",
            statistic=f"size of Fano's factor of the count of objects in {IMAGES} images less {middle:g}, mean over runs",
            threshold=high - middle,
            estimate=size(partial(mean_at_end, cell, "network.fano", less=middle)),
            direction="below",
            does_not_show="The law itself: other laws have this variance too. A machine was never shown two objects in one "
            "patch, so its own factor is below 1.",
            family="convolutions alone: objects by chance",
            controls=Controls(_of(cell), _of(cell, factor=0.3), _of(cell, factor=low)),
        ),
    ]


def _of_one(name: str, cell: str, words: str) -> Claim:
    return Claim(
        f"one_{name}",
        f"{words} learns to paint one object: the variance of the count is below {ONE:g} of the mean.",
        "phasescope",
        f"Fano's factor of the count of objects in {IMAGES} images, told nothing, mean over runs",
        ONE,
        partial(mean_at_end, cell, "network.fano"),
        "beside",
        "Which of depth, padding and pooling it is: the network sees the whole canvas by all of them.",
        direction="below",
        cells=(cell,),
        family="exactly one object",
        system="eps",
        controls=Controls(_of(cell, factor=0.1), _of(cell, factor=0.6), _of(cell, factor=ONE)),
    )


def beside(frame: pd.DataFrame) -> list[Panel]:
    """By cell r^2 to each optimum; and Fano's factor of network and machine."""
    there = [name for name in NAMES if some_runs(frame, [name])]

    def marks(names: Mapping[str, str]) -> list[Any]:
        return [
            marks_of([partial(mean_at_end, cell, name, frame) for cell in there], words, series, series / 8)
            for series, (words, name) in enumerate(names.items())
        ]

    r2 = marks({words: f"{short}.r2" for short, words in OPTIMA.items()})
    counts = marks({"network": "network.fano", OPTIMA["machine"]: "machine.fano"})
    return [
        Panel("From the same noise", "", "median r² to an optimum", r2, level=AGREES, ticks=ticks(there)),
        Panel("Objects in an image", "", "variance over mean", counts, level=ONE, ticks=ticks(there)),
    ]


def courses(frame: pd.DataFrame) -> list[Panel]:
    """The count of objects while learning, told the label."""
    runs = some_runs(frame, [BASE.name])
    curves = mean_curves(runs, {"variance over mean": "counts.fano", "mean": "counts.objects"})
    return [Panel(BASE.name, "gradient steps", "objects in an image", curves, level=1.0, ylim=(-0.05, 3))]


def below(level: float) -> Callable[[pd.DataFrame], np.ndarray]:
    """Whether Fano's factor lies below a level at each snapshot."""
    return lambda run: column(run, "counts.fano") < level


def when(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """From which step on Fano's factor of an eps run stays below a level."""
    runs = some_runs(frame, [BASE.name])
    if not runs or "counts.fano" not in runs[0]:
        return []
    found = {level: onsets(runs, below(level)) for level in (POISSON[0], ONE)}
    return [
        {
            "variance over mean below": level,
            "runs": len(runs),
            "come to it": int(one.came.sum()),
            "from step": median_of(one)[0],
        }
        for level, one in found.items()
    ]


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each cell what was painted beside the optima."""
    words = {"network": "network", **OPTIMA}
    return [
        {
            "network": name,
            "runs": len(runs),
            **{f"r² to the {OPTIMA[short]}": mean_told(runs, f"local.{short}.r2") for short in OPTIMA},
            **{f"objects, {words[short]}": mean_told(runs, f"local.{short}.objects") for short in words},
            **{
                f"variance over mean, {words[short]}": mean_told(runs, f"local.{short}.fano")
                for short in words
            },
        }
        for name in NAMES
        if (runs := some_runs(frame, [name]))
    ]


STUDY = Study(
    name="local",
    number=13,
    question="Do convolutions alone paint as the exact local machine, and what brings a network to paint just one object?",
    preset="lean",
    cells=(*CELLS, BASE),
    seeds=8,
    more=8,
    headline="machine_9",
    claims=(
        *(claim for side in CONV for claim in _of_convolutions(side)),
        _of_one("depth", DEEP.name, "A U-Net"),
        _of_one("attention", ATTENTIVE.name, "A U-Net with self-attention"),
    ),
    figures=(
        Figure(
            "beside",
            "A network and exact optima, painted from the same noise",
            beside,
            saying(
                NAMES,
                f"{IMAGES} images a run, told nothing. The machine sees what a network of convolutions sees, and beside the "
                "others 7 px. Means with intervals.",
            ),
            columns=2,
        ),
        Figure(
            "courses",
            "The count of objects while learning",
            courses,
            saying((BASE.name,), "Means and ranges over runs; told the label."),
        ),
    ),
    tables=(
        Table("cells", "What each network paints, beside exact optima", rows),
        Table("when", "From which step on an eps run counts its objects better than chance", when),
    ),
    readings=(Reading("local", read_beside, NAMES), Reading("counts", read_counts, (BASE.name,))),
)
