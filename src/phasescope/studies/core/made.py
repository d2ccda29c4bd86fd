"""Records made up, with courses of learning that are known: what a claim should say of them can be foretold.

A run is told by courses, functions of the step: how many images hold one good object, how many of these are right in x and
in y, what R^2 a latent's label has. From them follow the columns that `store.records.condense` gives of a run that took
those courses, at the snapshots and with the images of its own plan, with the noise that such a run's reading has:

    images      counts of n are binomial, n the images that are painted of a split
    order       log(1 - R^2) is normal; half of its interval, 1.96 deviations, is 0.02 + 0.25 max(R^2, 0)
    the rest    normal, likewise, with an interval of its own

Without a generator all is as the courses say.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.store.flat import config_columns
from phasescope.studies.core.courses import (
    Course,
    Courses,
    Learning,
    Plan,
    Run,
    flat,
    jitter,
    rise,
    together,
)
from phasescope.studies.core.made_images import image_columns
from phasescope.studies.core.made_scores import score_columns
from phasescope.studies.core.study import Cell, Study

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Course", "Courses", "Learning", "flat", "jitter", "made_records", "made_run", "rise", "together"]


def made_run(
    cell: Cell,
    seed: int,
    preset: str,
    *,
    generator: np.random.Generator | None = None,
    reads: Collection[str] | None = None,
    **courses: Any,
) -> pd.DataFrame:
    """The rows of one run.

    Args:
        generator: of the noise; none without it.
        reads: beginnings of the columns that are wanted, as `accuracy_darkest.` or `order_told.mid.`; all where None. What
            names a row (digest, name, seed, cell, step, images_seen, epochs, loss) is always there.
        courses: fields of `Learning`: `formed`, `x`, `y`, ...
    """
    run = Run(cell.name, seed, Plan.of(cell, preset), Learning(**courses))
    return _frame([run], generator, reads)


def made_records(
    study: Study,
    courses: Courses,
    generator: np.random.Generator,
    cells: Iterable[str] | None = None,
    seeds: int | None = None,
    reads: Collection[str] | None = None,
    noise: bool = True,
) -> pd.DataFrame:
    """The rows of all runs of a study's first look.

    Args:
        courses: of each run.
        generator: of all that is drawn.
        cells: names of those that are wanted; all where None.
        seeds: runs a cell, in the place of the study's.
        reads: as in `made_run`.
        noise: whether what is read has noise; the courses may have their own.
    """
    wanted = None if cells is None else set(cells)
    runs = []
    for cell in study.cells:
        if wanted is not None and cell.name not in wanted:
            continue
        plan = Plan.of(cell, cell.preset or study.preset)
        for seed in range(seeds or study.first(cell)):
            runs.append(Run(cell.name, seed, plan, Learning(**courses(cell, plan.config, generator))))
    return _frame(runs, generator if noise else None, reads)


def _frame(
    runs: Sequence[Run], generator: np.random.Generator | None, reads: Collection[str] | None
) -> pd.DataFrame:
    import pandas as pd

    def wanted(group: str) -> bool:
        """Whether a column that begins so is."""
        return reads is None or any(group.startswith(one) or one.startswith(group) for one in reads)

    names = tuple((run.cell, run.seed, run.plan) for run in runs)
    loss = np.concatenate([run.learning.loss(run.plan.steps) for run in runs])
    table = _heads(names, wanted("config.")) | {"loss": loss}
    images = ("accuracy", "outcomes.", "error_px.", "together.", "phase.behaviour")
    if any(map(wanted, images)):
        table |= image_columns(runs, generator, wanted)
    table |= score_columns(runs, generator, wanted)
    return pd.DataFrame(table)


@lru_cache(maxsize=16)
def _heads(runs: tuple[tuple[str, int, Plan], ...], configs: bool) -> dict[str, np.ndarray]:
    """What is the same in all of a run's rows, and what follows from the step: key, head, configuration."""
    of_runs, steps, seen, epochs = [], [], [], []
    for cell, seed, plan in runs:
        row: dict[str, Any] = {
            "digest": plan.digest(seed),
            "name": plan.config.name,
            "seed": seed,
            "cell": cell,
            "images": plan.images,
        }
        if configs:
            row |= config_columns(plan.config.tree()) | {"config.seed": seed}
        of_runs.append(row)
        steps.append(plan.steps)
        seen.append(plan.steps * plan.config.training.batch)
        epochs.append(seen[-1] / plan.images)
    lengths = [len(one) for one in steps]
    columns = {
        name: np.repeat(_typed([row.get(name) for row in of_runs]), lengths)
        for name in dict.fromkeys(name for row in of_runs for name in row)
    }
    return columns | {
        "step": np.concatenate(steps),
        "images_seen": np.concatenate(seen),
        "epochs": np.concatenate(epochs),
    }


def _typed(values: Sequence[Any]) -> np.ndarray:
    """Numbers as such, None as NaN among them; all else as objects."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return np.array([math.nan if value is None else value for value in values])
    return np.array(values, dtype=object)
