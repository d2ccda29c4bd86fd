"""Does a network learn the reference denoisers one after another, and is phase B the one that knows one whole object?

At every snapshot and noise level, the network's own denoiser is closest to one of the exact optimal denoisers
(docs/theory.md), ordered by what they know: the mean image, the covariance, patches, all images, one factor of the
label, the whole label; or to none, if it is as far from each as images are from their mean. If a network learns
first what reduces its loss most, it leaves a reference for one that knows more. If phase B is the reference of
whole objects, then at the noise level from which images no longer show the place the label becomes the closest
reference when samples turn from B to C.
"""

import math
from functools import cache

import numpy as np
import pandas as pd

from phasescope.studies import (
    Asked,
    Cell,
    Claim,
    Courses,
    Mean,
    OnsetRatio,
    Reading,
    Runs,
    Study,
    Table,
    came,
    end,
    onset_of_accuracy,
    reads,
)
from phasescope.studies.readings.closest_reference import NEEDED, ONE_FACTOR, levels, read_closest
from studies.designs.observed import LEFT_OUT
from studies.ladder.heatmap import Heatmap

FROM_SEED = 8  # the order is judged by later seeds: earlier ones were known when its statistic was amended
BASE = Cell("eps", {}, {"labels": "complete", "part": "first"})
HEARD = Cell(
    "eps, factors left out",
    {"training": {"label_dropout": LEFT_OUT}},
    {"labels": "left out", "part": "first"},
)
CELLS = [BASE, HEARD] + [
    Cell(f"{cell.name}, 16 seeds", cell.fields, {**cell.axes, "part": "all"}, seeds=2 * FROM_SEED)
    for cell in (BASE, HEARD)
]


@reads("closest.*")
def upward(runs: Runs) -> pd.DataFrame:
    """Return, of the changes of reference from one trained snapshot to the next at any noise level, the share that go
    to one that knows more; of seeds from `FROM_SEED` on."""
    steps = runs.courses("step")
    changes: list[list[float]] = [[] for _ in steps]
    for level in levels(runs):
        for own, ranks, at in zip(changes, runs.courses(f"closest.{level}"), steps, strict=True):
            own += [change for change in np.diff(ranks[at > 0]) if np.isfinite(change) and change != 0]
    shares = [np.mean(np.array(own) > 0) if own else math.nan for own in changes]
    return runs.table.assign(y=shares)[runs.table["seed"] >= FROM_SEED]


class OfLaterSeeds(Mean):
    """The mean over runs of seeds from `FROM_SEED` on, which are half of a cell."""

    def simulate(self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator):
        return super().simulate(table[table["seed"] >= FROM_SEED], truth, spread, rng)


@cache
def condensation() -> float:
    """Return the noise level above which, without a label, no single image stands out: computed before training."""
    config = BASE.config(0, "lean")
    return float(config.family.analysis(config.task()).forecast(errors=False)["t_condensation"])


@reads("closest.*", onset_of_accuracy("grid"))
def label_and_accuracy(runs: Runs) -> pd.DataFrame:
    """Return when the closest reference begins to know the label (`y`), at the lowest noise level read above
    condensation, and when most samples become correct (`y_second`)."""
    correct = runs.onsets(runs.accurate("grid"))
    level = min(t for t in levels(runs) if t > condensation())
    label = runs.onsets([ranks >= ONE_FACTOR for ranks in runs.courses(f"closest.{level}")])
    return label.assign(**{f"{name}_second": correct[name] for name in ("y", "last", "came")})


@reads("closest.*")
def closest(runs: Runs) -> pd.DataFrame:
    """Return a row per run, noise level and snapshot: what the closest reference knows."""
    return pd.concat(
        [
            pd.DataFrame({"t": t, "step": at, "y": ranks})
            for t in levels(runs)
            for at, ranks in zip(runs.courses("step"), runs.courses(f"closest.{t}"), strict=True)
        ]
    )


OBJECTIVES = {
    "eps": (BASE, "on P1's objective"),
    "heard": (HEARD, "on P1's objective with each factor left out of a fifth of images"),
}

NOT_HOW_LONG = "How long a network stays at a reference, references that agree at a noise level, and high noise, where noise prediction is close to none."
OTHER_LEVELS = "What the network knows at other noise levels: sampling passes through all of them. These runs had been looked at."

# Asked: seeds 0 to 7 suggested how changes are counted, so that seeds 8 to 15 are; what phase B is was asked again after
# a look (2026-11-29).
STUDY = Study(
    name="ladder",
    base="lean",
    answers="Q2",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="b_is_one_object_eps",
    question="Does a network learn the reference denoisers in order, and which one is phase B?",
    readings=[Reading("closest", read_closest, needs=NEEDED)],
    claims=[
        Claim(
            name="climbed_eps",
            asked=Asked.AFTER_OTHERS,
            sentence="References are learned in order: one is left for one that knows more, on P1's objective.",
            statistic=OfLaterSeeds(),
            numbers=upward,
            unit="of changes",
            threshold=0.8,
            effect=0.1,
            spread=0.05,
            where={"cell": "eps, 16 seeds"},
            limits=NOT_HOW_LONG,
        ),
        Claim(
            name="b_is_one_object_eps",
            asked=Asked.AFTER,
            sentence="The label becomes the closest reference when samples turn from phase B to C, not more than a fifth of the steps before, on P1's objective.",
            statistic=OnsetRatio(),
            numbers=label_and_accuracy,
            threshold=0.8,
            effect=0.2,
            spread=0.17,
            where={"cell": "eps, 16 seeds"},
            limits=OTHER_LEVELS,
        ),
        Claim(
            name="climbed_heard",
            asked=Asked.AFTER_OTHERS,
            sentence="References are learned in order: one is left for one that knows more, on P1's objective with each factor left out of a fifth of images.",
            statistic=OfLaterSeeds(),
            numbers=upward,
            unit="of changes",
            threshold=0.8,
            effect=0.1,
            spread=0.05,
            where={"cell": "eps, factors left out, 16 seeds"},
            limits=NOT_HOW_LONG,
        ),
        Claim(
            name="b_is_one_object_heard",
            asked=Asked.AFTER,
            sentence="The label becomes the closest reference when samples turn from phase B to C, not more than a fifth of the steps before, on P1's objective with each factor left out of a fifth of images.",
            statistic=OnsetRatio(),
            numbers=label_and_accuracy,
            threshold=0.8,
            effect=0.2,
            spread=0.17,
            where={"cell": "eps, factors left out, 16 seeds"},
            limits=OTHER_LEVELS,
        ),
        Claim(
            name="nats_learnt",
            asked=Asked.BEFORE,
            sentence="Within the steps that complete labels take to phase C, a network has learned nine tenths of the label's nats.",
            statistic=Mean(),
            numbers=end("closest.nats.label"),
            unit="of the label's nats",
            threshold=0.9,
            no_effect=0.0,
            effect=0.15,
            spread=0.1,
            where={"cell": HEARD.name},
            limits="The number is the gap between the network with and without a label; it is information only as far "
            "as the network is near its optimum.",
        ),
    ],
    plots=[
        *(
            Heatmap(
                name,
                f"What the closest reference knows, {cell.name}",
                closest,
                "t",
                "step",
                where={"cell": f"{cell.name}, 16 seeds"},
                ylim=(0.0, 5.0),
                note="0 mean image, 1 covariance, 2 patches, 3 all images, 4 one factor, 5 the label, by noise level t; "
                "runs that are close to none are left out.",
            )
            for name, (cell, _) in OBJECTIVES.items()
        ),
        Courses(
            "nats",
            "Nats of the label that the network has learned, as a share of all",
            {name: f"closest.nats.{name}" for name in ("label", "x", "y")},
            where={"cell": HEARD.name},
            ylabel="share of nats",
            ylim=(-0.2, 1.5),
            level=0.9,
        ),
    ],
    tables=[
        Table(
            "References and samples",
            {
                "changes that go up": upward,
                "label is closest, steps": label_and_accuracy,
                "most samples correct, steps": onset_of_accuracy("grid"),
                "share of runs in which they are": came(onset_of_accuracy("grid")),
                "nats of the label, as a share": end("closest.nats.label"),
            },
            where={"part": "all"},
            note="Onsets are means over the runs that reach them.",
        )
    ],
)
