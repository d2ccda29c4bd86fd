"""The representation's phases, read from raw latents and P1's way: over a range of thresholds of order.

What depends on the threshold is undecided: each statistic is told from the least end to the greatest of its intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.measures import p1_order
from phasescope.measures.learning import phases
from phasescope.places import Place
from phasescope.runs.loading import config_of
from phasescope.studies.core.claim import Estimate, NotEnough
from phasescope.studies.core.comparing import envelope, mean_where
from phasescope.studies.core.criteria import P1_PLACE, PLACE, column, phases_of, phases_over_range, runs_of
from phasescope.studies.core.curves import named
from phasescope.studies.core.statistics import agreement, kappa, mean_of_runs, over_runs, share
from phasescope.studies.found._looks import evenly

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.store import Run

UMAP_SEEDS = range(10)
MODERATE = 0.4
"""kappa above which agreement is more than fair (Landis & Koch 1977)"""

READINGS: dict[str, tuple[str, Place, str, str]] = {
    "raw": (
        "order",
        PLACE,
        f"raw features at {named(*PLACE)}",
        "At this noise only the label can tell the place: what is ordered is what the network does with it.",
    ),
    "p1": (
        "p1",
        P1_PLACE,
        f"P1's way at {named(*P1_PLACE)}",
        "UMAP may lose an order that the latents have: the same network, read raw, has a claim of its own.",
    ),
}
"""of the representation's phases: the records' name, where, in words, what that leaves open"""


def read_p1(run: Run) -> list[dict[str, Any]]:
    """P1's order at `P1_PLACE`, by ten random starts of UMAP and held-out regression, at some snapshots.

    Its nulls are permuted labels and the untrained network, which is the run's step 0.
    """
    factors = config_of(run).world.factors
    rows: list[dict[str, Any]] = []
    untrained = None
    snapshots = run.snapshots
    for place in evenly(len(snapshots)):
        snapshot = snapshots[place]
        latents = snapshot.latents(*P1_PLACE).astype(float)
        labels = snapshot.latent_labels().astype(float)
        score, _ = p1_order(latents, labels, UMAP_SEEDS, factors=factors, permutations=5, resamples=100)
        untrained = score.value if untrained is None else untrained
        columns = score.with_nulls(untrained=untrained).columns()
        rows.append(
            {"step": snapshot.step, **{f"{P1_PLACE}.{name}": value for name, value in columns.items()}}
        )
    return rows


def read_rows(run: pd.DataFrame, reading: str) -> pd.DataFrame:
    """The snapshots that were read so.

    Raises:
        NotEnough: none was.
    """
    name, place, *_ = READINGS[reading]
    known = run[np.isfinite(column(run, f"{name}.{place}.low"))]
    if not len(known):
        raise NotEnough(f"the records lack `{name}.{place}`")
    return known


def at_thresholds(known: pd.DataFrame, reading: str) -> list[Sequence[phases.Phase]]:
    """The representation's phases at each threshold of order, at snapshots that were read so."""
    name, place, *_ = READINGS[reading]
    return list(phases_over_range(known, place, name).by_threshold.values())


def b_before_c(found: Sequence[phases.Phase]) -> bool:
    """Whether B comes, without C before it, and C after it."""
    sequence = phases.phase_sequence(found)
    return "B" in sequence and "C" in sequence and sequence.index("B") < sequence.index("C")


def passes_b(reading: str, cell: str, frame: pd.DataFrame) -> Estimate:
    """Share of runs whose representation is in B before it is in C, and comes to C, over the range of thresholds."""
    told = [at_thresholds(read_rows(run, reading), reading) for run in runs_of(frame, [cell])]
    return envelope([share([b_before_c(found) for found in of_runs]) for of_runs in zip(*told, strict=True)])


def agree(reading: str, cell: str, frame: pd.DataFrame) -> Estimate:
    """Cohen's kappa of behaviour's phase and the representation's, over the range of thresholds."""
    tables = []
    for run in runs_of(frame, [cell]):
        known = read_rows(run, reading)
        behaviour = phases_of(known)
        tables.append([agreement(behaviour, told) for told in at_thresholds(known, reading)])
    return envelope([over_runs(kappa(of_runs), len(of_runs)) for of_runs in zip(*tables, strict=True)])


def misplaced(reading: str, cell: str, frame: pd.DataFrame) -> Estimate:
    """While the representation is in B: of the wrong images those of one misplaced bump, over the range of thresholds."""
    shares = []
    for run in runs_of(frame, [cell]):
        known = read_rows(run, reading)
        wrong = 1 - column(known, "outcomes.grid.correct")
        of_wrong = column(known, "outcomes.grid.misplaced") / np.where(wrong > 0, wrong, np.nan)
        shares.append([mean_where(of_wrong, np.array(told) == "B") for told in at_thresholds(known, reading)])
    return envelope([mean_of_runs(of_runs) for of_runs in zip(*shares, strict=True)])
