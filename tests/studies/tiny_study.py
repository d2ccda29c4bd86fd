"""A study of runs that take seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.store import Run
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made
from phasescope.studies.core.criteria import accurate, column, onsets, runs_of
from phasescope.studies.core.curves import mean_curve
from phasescope.studies.core.made import flat, made_records
from phasescope.studies.core.statistics import mean_of_runs, share
from phasescope.studies.core.study import Cell, Figure, Panel, Reading, Study

if TYPE_CHECKING:
    import pandas as pd

WORDS = (
    "world.canvas=8",
    "family.schedule.steps=50",
    "family.sampler={kind: ddim, steps: 4}",
    "network.patch=1",
    "network.widths=[8, 8]",
    "network.groups=4",
    "network.embedding.width=8",
    "training.steps=20",
    "training.batch=8",
    "training.warmup=5",
    "training.device=cpu",
    "probing.snapshots={dense_until: 0, every: 10}",
    "probing.taps=[mid]",
    "probing.timesteps=[10, 40]",
    "probing.images.grid=16",
    "probing.images.off_grid=16",
    "probing.latent_labels=64",
    "probing.share_labels=16",
    "probing.share_draws=2",
    "probing.bands=2",
    "probing.band_images=8",
    "probing.representation={tap: mid, timestep: 40}",
    "probing.p1=null",
)
ONE = Cell("one", WORDS)
OTHER = Cell("other", (*WORDS, "world.sigma_px=2"), seeds=1)


def read_norm(run: Run) -> list[dict[str, Any]]:
    return [
        {"step": snapshot.step, "mean": float(np.abs(snapshot.latents("mid", 40)).mean())}
        for snapshot in run.snapshots
    ]


def is_right(frame: pd.DataFrame) -> Estimate:
    return share(onsets(runs_of(frame, ["one"]), accurate("grid")).came.tolist())


def begins_finite(frame: pd.DataFrame) -> Estimate:
    return mean_of_runs([column(run, "order.mid.40.value")[0] for run in runs_of(frame, ["one"])])


def study(
    name: str = "tiny", readings: tuple[Reading, ...] = (), cells: tuple[Cell, ...] = (ONE, OTHER)
) -> Study:
    return Study(
        name=name,
        question="Is 20 steps enough?",
        preset="small",
        cells=cells,
        seeds=2,
        claims=(
            Claim(
                "right", "It is right.", "P1", "share of runs", 0.5, is_right, "order", "Much.", minimum_n=1
            ),
            Claim(
                "low",
                "It scores below 2.",
                "P1",
                "mean",
                2.0,
                begins_finite,
                "order",
                "Much.",
                direction="below",
                minimum_n=2,
            ),
            Claim(
                "many",
                "It scores below 2.",
                "P1",
                "mean",
                2.0,
                begins_finite,
                "order",
                "Much.",
                direction="below",
                minimum_n=9,
            ),
        ),
        figures=(
            Figure(
                "order",
                "Order",
                lambda frame: [
                    Panel(
                        "Order",
                        "steps",
                        "R²",
                        [mean_curve(runs_of(frame, ["one"]), "order.mid.40.value", "mid", 0)],
                    )
                ],
                lambda frame: f"{len(runs_of(frame))} runs.",
            ),
        ),
        readings=readings,
    )


LEVEL = 0.5
"""of accuracy in the end: the threshold of what follows"""


def ends_right(frame: pd.DataFrame) -> Estimate:
    return mean_of_runs([column(run, "accuracy.grid.joint")[-1] for run in runs_of(frame)])


def always_right(frame: pd.DataFrame) -> Estimate:
    """Looks at no record: whatever is true, it is supported."""
    return Estimate(0.9, 0.8, 1.0, len(runs_of(frame)))


def hasty(frame: pd.DataFrame) -> Estimate:
    """As `ends_right`, with an interval of no width."""
    found = ends_right(frame)
    return Estimate(found.value, found.value, found.value, found.n)


def ending(mean: float) -> Made:
    """Runs whose accuracy in the end is normal about a mean, cut to what a share can be."""

    def courses(cell: Cell, config: object, generator: np.random.Generator) -> dict[str, Any]:
        end = float(np.clip(mean + 0.15 * generator.standard_normal(), 0, 1))
        return {"formed": flat(1.0), "x": flat(end), "y": flat(1.0)}

    return lambda generator: made_records(LOSABLE, courses, generator, reads=["accuracy."])


ENDING = Claim(
    "ends_right",
    "It is right in the end.",
    "P1",
    "mean",
    LEVEL,
    ends_right,
    "order",
    "Much.",
    controls=Controls(ending(0.8), ending(0.2), ending(LEVEL)),
)
LOSABLE = replace(study("losable", cells=(replace(ONE, seeds=12),)), claims=(ENDING,))
