"""What children of a fork show: differences from their control, which is bitwise their parent.

A difference is paired: both runs are the same until the fork, so that what runs differ in anyway is not in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phasescope.measures.over_runs import mean_over_runs
from phasescope.runs.store import RunFolder
from phasescope.views.facts.onsets import onsets
from phasescope.views.facts.record import Record, success_share

UNCHANGED = "unchanged"
LEAST_FOR_INTERVAL = 6
"""children, from which on the interval of their mean is said"""
SEEDS = "seeds."


@dataclass(frozen=True)
class Paired:
    """A number of children with one change, minus that of their control; `low` and `high` are None of too few children."""

    changed: str
    quantity: str
    value: float
    low: float | None
    high: float | None
    n: int
    """children that have the number, as their control has"""


def fork_group(runs: Sequence[RunFolder]) -> tuple[RunFolder, list[RunFolder]] | None:
    """Return the control and the children, if all runs are of one fork and the control is among them; None otherwise."""
    forks = [run.fork for run in runs]
    if not all(forks) or len({(fork["run"], fork["step"]) for fork in forks if fork}) != 1:
        return None
    controls = [run for run, fork in zip(runs, forks, strict=True) if fork and not fork["changes"]]
    children = [run for run, fork in zip(runs, forks, strict=True) if fork and fork["changes"]]
    return (controls[0], children) if len(controls) == 1 and children else None


def paired(control: RunFolder, children: Sequence[RunFolder]) -> Iterator[Paired]:
    """Yield for each change, whatever its seeds, the mean difference of its children from the control."""
    own = numbers_of(control)
    by_change: dict[str, list[dict[str, float]]] = {}
    for child in children:
        by_change.setdefault(change_words(child), []).append(numbers_of(child))

    for changed, numbers in by_change.items():
        for quantity in own:
            differences = np.array([each[quantity] - own[quantity] for each in numbers])
            known = differences[np.isfinite(differences)]
            if not len(known):
                continue
            low = high = None
            if len(known) >= LEAST_FOR_INTERVAL:
                estimate = mean_over_runs(known)
                low, high = estimate.low, estimate.high
            yield Paired(changed, quantity, float(known.mean()), low, high, len(known))


def numbers_of(run: RunFolder) -> dict[str, float]:
    """Return the numbers of a run that are compared with its control's; NaN where it has none."""
    record = Record(run)
    last: dict[str, Any] = run.last_metrics or {}
    phase_c = onsets(record, "behaviour").get("C") if any(record.phases("behaviour")) else None
    return {
        "correct at the end": success_share(last) if last else math.nan,
        "loss at the end": math.nan if last.get("loss") is None else float(last["loss"]),
        "images until C": math.nan if phase_c is None else float(phase_c.images_seen),
    }


def change_words(run: RunFolder) -> str:
    """Return what a child changes, in words, without seeds unless they are all that it changes."""
    changes = (run.fork or {}).get("changes", {})
    shown = {field: value for field, value in changes.items() if not field.startswith(SEEDS)}
    if not shown and changes:
        return "other " + " and ".join(sorted(field.removeprefix(SEEDS) for field in changes))
    return ", ".join(f"{field}={value}" for field, value in shown.items()) or UNCHANGED
