"""What wrong samples hold, in each phase."""

from functools import partial
from typing import TypedDict, Unpack

import numpy as np

from phasescope.studies import Number, Runs, reads, share
from phasescope.studies.readings.phases import CORRECT, PHASE, SHEET

OUTCOMES = "outcomes.grid"
WRONG = ("none", "multiple", "malformed", "misplaced")


# Which samples are counted, if not those of the usual reader: `of` begins the names of the outcomes' columns, and `wrong`
# names all that are wrong. Claims are preregistered by these names.
Samples = TypedDict("Samples", {"of": str, "wrong": tuple[str, ...]}, total=False)  # noqa: UP013


@reads(SHEET, "{of}.{wrong}", of=OUTCOMES, wrong=WRONG)
def outcome_while(
    runs: Runs, phase: str, outcomes: tuple[str, ...], **samples: Unpack[Samples]
) -> np.ndarray:
    """Return the share of some outcomes among wrong samples while the sheet is in a phase, (n,); NaN if it never is.

    It is the mean over a run's trained snapshots that have wrong samples.
    """
    beginning = samples.get("of", OUTCOMES)
    wrong = samples.get("wrong", WRONG)
    courses = {name: runs.courses(f"{beginning}.{name}") for name in wrong}

    shares = []
    for row, (letters, steps) in enumerate(zip(runs.texts(SHEET), runs.courses("step"), strict=True)):
        all_wrong = np.sum([courses[name][row] for name in wrong], axis=0)
        chosen = np.sum([courses[name][row] for name in outcomes], axis=0)
        counted = (np.array(letters) == phase) & (steps > 0) & (all_wrong > 0)
        shares.append(np.mean(chosen[counted] / all_wrong[counted]) if counted.any() else np.nan)
    return np.array(shares)


def failures(phase: str, *outcomes: str, **samples: Unpack[Samples]) -> Number:
    """Number: `outcome_while` the sheet is in a phase."""
    return partial(outcome_while, phase=phase, outcomes=outcomes, **samples)


@reads(SHEET, "{of}.{wrong}", of=OUTCOMES, wrong=WRONG)
def gained(runs: Runs, outcome: str, **samples: Unpack[Samples]) -> np.ndarray:
    """Return `outcome_while` the sheet is in phase C minus the same in phase A, (n,)."""
    in_c = outcome_while(runs, "C", (outcome,), **samples)
    in_a = outcome_while(runs, "A", (outcome,), **samples)
    return in_c - in_a


@reads(PHASE, *(share("grid", name) for name in ("none", "multiple", "malformed")))
def shapeless(runs: Runs) -> np.ndarray:
    """Return the share of no bump or several among samples without one good bump, mean over trained snapshots of phase A,
    (n,)."""
    columns = (*(share("grid", name) for name in ("none", "multiple", "malformed")), "step")
    shares = []
    courses = map(runs.courses, columns)
    for letters, none, several, malformed, step in zip(runs.texts(PHASE), *courses, strict=True):
        of_a = (np.array(letters) == "A") & (step > 0)
        without_shape = (none + several)[of_a]
        shares.append(np.mean(without_shape / (without_shape + malformed[of_a])) if of_a.any() else np.nan)
    return np.array(shares)


@reads(share("grid", "misplaced"), CORRECT)
def formed(runs: Runs) -> np.ndarray:
    """Return the share of samples that show one well-formed bump, wherever it is, (n,)."""
    return runs.end(share("grid", "misplaced")) + runs.end(CORRECT)
