"""Phases of the samples and of the representation, as numbers of every run.

The phase of the samples is read from images alone. That of the representation is read from raw latents and P1's way (UMAP to
three dimensions, then a linear regression), each against the untrained network and at four thresholds of probe R².
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from phasescope import Score
from phasescope.measures import REPRESENTATION, p1_r2, phase_sequence, settled
from phasescope.studies import Number, Runs, config_of, reaches

PHASE, CORRECT = "phase.behaviour", "outcomes.grid.correct"
SITES = {"raw": ("probe_r2", "mid.600"), "p1": ("p1", "down3.600")}
"""columns and site of probe R², by reading"""
BASELINES = ("untrained", "permuted")  # of probe R² and label variance, without which a phase is not read
ORDER_RANGE = (0.5, 0.6, 0.7, 0.8)
"""thresholds of probe R²'s gain, any of which could have been chosen: what depends on the choice is undecided"""
P1_SITE, P1_SNAPSHOTS = ("down3", 600), 8


def passes_abc(runs: Runs) -> np.ndarray:
    """Return whether the decided phases of the samples are A, B, C in this order, (n,); NaN if a run still improved at its
    end, short of C."""
    reached = reaches(PHASE, "C", improving=CORRECT)(runs)
    in_order = [phase_sequence(letters) == ["A", "B", "C"] for letters in runs.texts(PHASE)]
    return np.where(np.isnan(reached), np.nan, in_order)


def shapeless(runs: Runs) -> np.ndarray:
    """Return the share of no bump or several among samples without one good bump, mean over trained snapshots of phase A,
    (n,)."""
    columns = ("outcomes.grid.none", "outcomes.grid.multiple", "outcomes.grid.malformed", "step")
    shares = []
    for letters, none, several, malformed, step in zip(
        runs.texts(PHASE), *map(runs.courses, columns), strict=True
    ):
        of_a = (np.array(letters) == "A") & (step > 0)
        without_shape = (none + several)[of_a]
        shares.append(np.mean(without_shape / (without_shape + malformed[of_a])) if of_a.any() else np.nan)
    return np.array(shares)


def representation(runs: Runs, reading: str, threshold: float) -> list[list[str]]:
    """Return the representation's phase at each snapshot of every run; "" if it was not read."""
    measure, site = SITES[reading]
    scores = zip(
        scores_of(runs, f"label_variance.{site}"),
        scores_of(runs, f"label_participation_ratio.{site}", ()),
        scores_of(runs, f"{measure}.{site}"),
        strict=True,
    )
    courses = []
    for of_run in scores:
        snapshots = list(zip(*of_run, strict=True))
        read = [row for row, (*_, order) in enumerate(snapshots) if np.isfinite(order.low)]
        phases = settled([snapshots[row] for row in read], replace(REPRESENTATION, probe_r2=threshold))
        at = dict(zip(read, phases, strict=True))
        courses.append([at.get(row, "") for row in range(len(snapshots))])
    return courses


def scores_of(runs: Runs, column: str, baselines: Iterable[str] = BASELINES) -> list[list[Score]]:
    """Return a score of every run at each snapshot, with its interval and all baselines that are recorded.

    Raises:
        NotEnough: the records lack a part of it, or one of these baselines.
    """
    start = f"{column}.baselines."
    names = dict.fromkeys([*baselines, *(name.removeprefix(start) for name in runs.columns(start))])
    parts = [f"{column}.{part}" for part in ("value", "low", "high", "n")] + [start + name for name in names]
    of_runs = zip(*map(runs.courses, parts), strict=True)
    return [[score(column, names, row) for row in np.column_stack(courses).tolist()] for courses in of_runs]


def score(column: str, names: Iterable[str], row: list[float]) -> Score:
    value, low, high, n, *levels = row
    return Score(
        value, low, high, 0 if np.isnan(n) else int(n), column, dict(zip(names, levels, strict=True))
    )


def passes_b(runs: Runs, reading: str, threshold: float) -> np.ndarray:
    """Return whether the representation is in B before it is in C, and reaches C, (n,)."""
    sequences = [
        "".join(phase_sequence([letter for letter in letters if letter]))
        for letters in representation(runs, reading, threshold)
    ]
    return np.array(["B" in word.partition("C")[0] and "C" in word for word in sequences])


def both(runs: Runs, reading: str, threshold: float) -> pd.DataFrame:
    """Return the table with the phases of the samples in `y` and those of the representation in `z`."""
    return runs.table.assign(y=runs.texts(PHASE), z=representation(runs, reading, threshold))


def misplaced(runs: Runs, reading: str, threshold: float) -> np.ndarray:
    """Return the share of misplaced among wrong samples, mean over snapshots of the representation's phase B, (n,)."""
    latents = representation(runs, reading, threshold)
    shares = []
    for letters, correct, wrong_place in zip(
        latents, runs.courses(CORRECT), runs.courses("outcomes.grid.misplaced"), strict=True
    ):
        counted = (np.array(letters) == "B") & (correct < 1)
        shares.append(np.mean(wrong_place[counted] / (1 - correct[counted])) if counted.any() else np.nan)
    return np.array(shares)


def at_thresholds(number: Callable[..., np.ndarray | pd.DataFrame], reading: str) -> list[Number]:
    """Return a number at each threshold of probe R²."""
    return [partial(number, reading=reading, threshold=threshold) for threshold in ORDER_RANGE]


def read_p1(run) -> list[dict]:
    """Return P1's probe R² by ten random starts of UMAP and a held-out regression, with its baselines, at 8 snapshots."""
    factors, rows, untrained = config_of(run).world.factors, [], None
    places = np.linspace(0, len(run.snapshots) - 1, P1_SNAPSHOTS).round().astype(int)
    for snapshot in (run.snapshots[place] for place in np.unique(places)):
        latents, labels = snapshot.latents(*P1_SITE).astype(float), snapshot.latent_labels().astype(float)
        score, _ = p1_r2(latents, labels, range(10), factors=factors, permutations=5, resamples=100)
        untrained = score.value if untrained is None else untrained
        columns = score.with_baselines(untrained=untrained).columns()
        rows.append(
            {"step": snapshot.step, **{f"down3.600.{name}": value for name, value in columns.items()}}
        )
    return rows
