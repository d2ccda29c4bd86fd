"""Samples by ancestral sampling, that of DDPM, while they become correct, beside the samples that training stored."""

import numpy as np

from phasescope.studies import Runs, reads
from phasescope.studies.readings.objects import BEGUN, ancestral_shares, read_object
from phasescope.studies.readings.phases import SHEET

LEVELS = 250  # denoising steps: 1,000 would cost nine core-hours; study.py compares them on a pilot run
SAMPLES, EARLY = 64, 400
# Training steps: readings begin so many before half of the stored samples are correct, and lie so far apart.
BEFORE, EVERY = 1200, 300


def wanted(correct: dict[int, float]) -> set[int]:
    """Return the steps at which a run is read: early, up to that at which half of its stored samples are correct, last."""
    last = max(correct)
    half = next((step for step, share in correct.items() if share > 0.5), last)
    return {EARLY, *range(max(half - BEFORE, EARLY), half + 1, EVERY), last}


def read_samples(run) -> list[dict]:
    """Return what samples hold at every snapshot: `stored` by the solver, and the rest by ancestral sampling where it is
    read; the phase is `unread` elsewhere.

    Readings go back from the first wanted step until one has at most a tenth of correct samples, and one further.
    """
    rows = read_object(run)
    snapshots = {snapshot.step: snapshot for snapshot in run.snapshots}

    steps = wanted({row["step"]: row["correct"] for row in rows}) & snapshots.keys()  # a short run lacks some
    read = {step: ancestral_shares(run, snapshots[step], SAMPLES, LEVELS) for step in sorted(steps)}
    step, is_begun = min(steps - {EARLY}), True
    while is_begun and step - EVERY > EARLY:
        is_begun = read[step]["correct"] > BEGUN
        step -= EVERY
        read[step] = ancestral_shares(run, snapshots[step], SAMPLES, LEVELS)

    return [
        {"step": row["step"]}
        | {f"stored.{name}": value for name, value in row.items() if name != "step"}
        | read.get(row["step"], {"phase": "unread"})
        for row in rows
    ]


@reads("ancestral.misplaced", "ancestral.correct")
def misplaced_at_onset(runs: Runs) -> np.ndarray:
    """Return the share of misplaced bumps among wrong ancestral samples at the last snapshot, of those that were read, at
    which at most a tenth of them is correct, (n,); NaN if there is none."""
    columns = zip(runs.courses("ancestral.misplaced"), runs.courses("ancestral.correct"), strict=True)
    values = []
    for misplaced, correct in columns:
        before = np.flatnonzero(correct <= BEGUN)  # false where it was not read
        values.append(misplaced[before[-1]] / (1 - correct[before[-1]]) if len(before) else np.nan)
    return np.array(values)


@reads("ancestral.{outcome}", "ancestral.stored.{outcome}", "ancestral.stored.correct", "ancestral.correct")
def hidden(runs: Runs, outcome: str = "misplaced", at_onset: bool = False) -> np.ndarray:
    """Return the share of an outcome by ancestral sampling minus that of the stored samples, (n,): the mean over the
    snapshots that were read before half of the stored samples are correct; `at_onset`: at that of `misplaced_at_onset`."""
    gaps = []
    for ancestral, stored, stored_correct, correct in zip(
        runs.courses(f"ancestral.{outcome}"),
        runs.courses(f"ancestral.stored.{outcome}"),
        runs.courses("ancestral.stored.correct"),
        runs.courses("ancestral.correct"),
        strict=True,
    ):
        onset = np.flatnonzero(correct <= BEGUN)[-1:]
        counted = onset if at_onset else stored_correct <= 0.5
        gaps.append(np.nanmean((ancestral - stored)[counted]))
    return np.array(gaps)


@reads("ancestral.noisy", "ancestral.correct")
def noisy_at_half(runs: Runs) -> np.ndarray:
    """Return the share of noisy ancestral samples at the snapshot at which nearest to half of them are correct, (n,)."""
    courses = zip(runs.courses("ancestral.noisy"), runs.courses("ancestral.correct"), strict=True)
    return np.array([noisy[np.nanargmin(np.abs(correct - 0.5))] for noisy, correct in courses])


@reads("ancestral.misplaced")
def mostly_misplaced(runs: Runs) -> np.ndarray:
    """Return whether more than half of a run's ancestral samples hold one misplaced bump at some snapshot, (n,)."""
    return np.array([np.nanmax(course) > 0.5 for course in runs.courses("ancestral.misplaced")], dtype=float)


@reads(SHEET, "ancestral.misplaced", "ancestral.correct")
def misplaced_of_all(runs: Runs) -> np.ndarray:
    """Return the share of misplaced bumps among all wrong ancestral samples while the sheet is in phase C, (n,): each
    sample counts alike, where `failures` counts each snapshot alike; NaN if the sheet never is."""
    names = ("ancestral.misplaced", "ancestral.correct", "step")
    shares = []
    for letters, misplaced, correct, steps in zip(runs.texts(SHEET), *map(runs.courses, names), strict=True):
        counted = (np.array(letters) == "C") & (steps > 0) & np.isfinite(correct)
        wrong = (1 - correct[counted]).sum()
        shares.append(misplaced[counted].sum() / wrong if wrong else np.nan)
    return np.array(shares)
