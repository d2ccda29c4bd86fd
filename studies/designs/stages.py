"""When activations are unordered, when they are ordered, and whether their phases go with those of the samples."""

from __future__ import annotations

from collections import Counter
from functools import partial

import numpy as np
import pandas as pd

from phasescope.studies import Number, Runs, reads

LETTERS = ("A", "B", "C")
CORRECT = "outcomes.grid.correct"


@reads(CORRECT)
def steps_to_accuracy(runs: Runs) -> np.ndarray:
    """Return the first step from which half of the samples are correct for good, (n,); the run's end if never."""
    table = runs.onsets([share > 0.5 for share in runs.courses(CORRECT)])
    return np.where(table["came"], table["y"], table["last"]).astype(float)


@reads("{phase}", CORRECT)
def stage(runs: Runs, phase: str, letter: str = "B") -> np.ndarray:
    """Return the share of the steps to accuracy during which a column of phases has a letter, (n,).

    A snapshot's letter counts until the next snapshot; one that is undecided counts as another letter.
    """
    shares = []
    for letters, steps, end in zip(
        runs.texts(phase), runs.courses("step"), steps_to_accuracy(runs), strict=True
    ):
        until = np.minimum(np.append(steps[1:], steps[-1]), end)
        length = np.clip(until - steps, 0, None)
        shares.append(length[np.array(letters) == letter].sum() / end)
    return np.array(shares)


def stage_length(phase: str, letter: str = "B") -> Number:
    """Number: `stage`."""
    return partial(stage, phase=phase, letter=letter)


def has_stage(phase: str, letter: str = "B") -> Number:
    """Number: whether a column of phases has a letter at two successive snapshots up to accuracy."""
    return partial(_has_stage, phase=phase, letter=letter)


@reads("{phase}", CORRECT)
def _has_stage(runs: Runs, phase: str, letter: str) -> np.ndarray:
    seen = []
    for letters, steps, end in zip(
        runs.texts(phase), runs.courses("step"), steps_to_accuracy(runs), strict=True
    ):
        is_letter = (np.array(letters) == letter) & (steps <= end)
        seen.append(bool((is_letter[1:] & is_letter[:-1]).any()))
    return np.array(seen, dtype=float)


@reads("{order}", CORRECT)
def order_and_accuracy(runs: Runs, order: str, level: float) -> pd.DataFrame:
    """Return when half of the samples are correct for good (`y`), and when `order` is above a level for good (`y_second`),
    with their censoring. Order that is there before training counts as of the first snapshot after it."""
    accurate = runs.onsets([share > 0.5 for share in runs.courses(CORRECT)])
    ordered = runs.onsets([values > level for values in runs.courses(order)])
    first = np.array([steps[1] for steps in runs.courses("step")])
    ordered["y"] = np.maximum(ordered["y"], first)  # NaN stays
    second = ordered[["y", "without", "last", "came"]].add_suffix("_second")
    return pd.concat([accurate, second], axis=1)


@reads("{samples}", "{sheet}")
def agreement(runs: Runs, samples: str, sheet: str) -> np.ndarray:
    """Return Cohen's kappa of a run's two columns of phases, beyond the better of two foils, (n,).

    The foils of a run's activations are the clock (at each snapshot the most frequent phase of the other runs' samples) and
    the activations of the next run. Runs are of one cell. NaN if either side shows one phase alone.
    """
    of_samples, of_sheet_ = runs.texts(samples), runs.texts(sheet)
    beyond = []
    for number, own in enumerate(of_samples):
        others = [letters for other, letters in enumerate(of_samples) if other != number]
        clock = [most_frequent(letters) for letters in zip(*others, strict=True)]
        next_run = of_sheet_[(number + 1) % len(runs)]
        foils = [kappa(own, clock), kappa(own, next_run)]
        beyond.append(kappa(own, of_sheet_[number]) - np.fmax(*foils))
    return np.array(beyond)


def most_frequent(letters: tuple[str, ...]) -> str:
    """Return the most frequent of the decided letters, or `undecided`."""
    decided = Counter(letter for letter in letters if letter in LETTERS)
    return decided.most_common(1)[0][0] if decided else "undecided"


def kappa(first: list[str], second: list[str]) -> float:
    """Return Cohen's kappa where both sides are decided; NaN if either has one letter alone."""
    from sklearn.metrics import cohen_kappa_score

    decided = [(a, b) for a, b in zip(first, second, strict=True) if a in LETTERS and b in LETTERS]
    sides = [list(side) for side in zip(*decided, strict=True)]
    if any(len(set(side)) < 2 for side in sides) or not sides:
        return float("nan")
    return float(cohen_kappa_score(*sides, labels=LETTERS))
