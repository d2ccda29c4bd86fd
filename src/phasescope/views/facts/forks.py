"""What children of a fork show: differences from an unchanged child.

A difference is paired: both runs are the same until the fork, so that what runs differ in anyway is not in it. A child that
has seeds of its own beside its change is paired with its twin, which has the same seeds: the control, which is bitwise the
parent, has one order of images and one noise, whose luck would be in every difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phasescope.measures.over_runs import mean_over_runs
from phasescope.runs.store import RunFolder
from phasescope.runs.store.folder import is_run, read_or
from phasescope.runs.training.continuing import is_seed
from phasescope.views.facts.numbers import format_number
from phasescope.views.facts.onsets import onsets
from phasescope.views.facts.record import Record, success_share

UNCHANGED = "unchanged"
LEAST_FOR_INTERVAL = 6
"""children, from which on the interval of their mean is said"""
PAIRED_HEADS = ("changed", "quantity", "minus unchanged", "97.5 % interval", "pairs")
"""of the texts that `paired_texts` returns"""


@dataclass(frozen=True)
class Paired:
    """A number of children with one change, minus that of the unchanged children that they are paired with; `low` and `high`
    are None of too few children."""

    changed: str
    quantity: str
    value: float
    low: float | None
    high: float | None
    n: int
    """pairs in which both have the number"""


def fork_group(runs: Sequence[RunFolder]) -> tuple[RunFolder, list[RunFolder]] | None:
    """Return the control and the children, if all runs are of one fork and the control is among them; None otherwise."""
    forks = [run.fork for run in runs]
    if not all(forks) or len({(fork["run"], fork["step"]) for fork in forks if fork}) != 1:
        return None
    controls = [run for run, fork in zip(runs, forks, strict=True) if fork and not fork["changes"]]
    children = [run for run, fork in zip(runs, forks, strict=True) if fork and fork["changes"]]
    return (controls[0], children) if len(controls) == 1 and children else None


def fork_of(run: RunFolder) -> tuple[RunFolder, list[RunFolder]] | None:
    """Return the control and the children of the fork that a run belongs to, as the run's folder of runs holds them; None if
    it belongs to none, or its control is missing."""
    own = run.fork
    if own is None:
        return None

    def is_beside(other: RunFolder) -> bool:
        fork = read_or(other, lambda other: other.fork, lambda error: None)
        return fork is not None and (fork["run"], fork["step"]) == (own["run"], own["step"])

    folders = (path for path in sorted(run.path.resolve().parent.iterdir()) if is_run(path))
    return fork_group([other for other in map(RunFolder, folders) if is_beside(other)])


def paired(control: RunFolder, children: Sequence[RunFolder]) -> Iterator[Paired]:
    """Yield for each change, whatever its seeds, the mean difference of its children from those that they are paired with: a
    child without a partner is left out."""
    numbers = {run.name: numbers_of(run) for run in (control, *children)}
    unchanged = {_seeds_of(run): run for run in (control, *children) if not _others_of(run)}
    by_change: dict[str, list[tuple[RunFolder, RunFolder]]] = {}

    for child in children:
        # Of a child that changes seeds alone these are the change, and the control has its parent's.
        partner = unchanged.get(_seeds_of(child)) if _others_of(child) else control
        if partner is not None:
            by_change.setdefault(change_words(child), []).append((child, partner))

    for changed, pairs in by_change.items():
        for quantity in numbers[control.name]:
            differences = np.array(
                [numbers[child.name][quantity] - numbers[partner.name][quantity] for child, partner in pairs]
            )
            known = differences[np.isfinite(differences)]
            if not len(known):
                continue
            low = high = None
            if len(known) >= LEAST_FOR_INTERVAL:
                estimate = mean_over_runs(known)
                low, high = estimate.low, estimate.high
            yield Paired(changed, quantity, float(known.mean()), low, high, len(known))


def paired_texts(line: Paired) -> tuple[str, ...]:
    """Return a paired difference as a row of a table, whose heads are `PAIRED_HEADS`."""
    if line.low is None or line.high is None:
        interval = f"from {LEAST_FOR_INTERVAL} pairs on"
    else:
        interval = f"[{format_number(line.low)}, {format_number(line.high)}]"
    return line.changed, line.quantity, format_number(line.value), interval, str(line.n)


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
    shown, seeds = _others_of(run), _seeds_of(run)
    if not shown and seeds:
        return "other " + " and ".join(sorted(field.rpartition(".")[2] for field, _ in seeds))
    return ", ".join(f"{field}={value}" for field, value in shown.items()) or UNCHANGED


def _seeds_of(run: RunFolder) -> frozenset[tuple[str, Any]]:
    """Return the seeds that a fork changes, with their values."""
    return frozenset((field, value) for field, value in _changes_of(run).items() if is_seed(field))


def _others_of(run: RunFolder) -> dict[str, Any]:
    """Return what a fork changes beside seeds."""
    return {field: value for field, value in _changes_of(run).items() if not is_seed(field)}


def _changes_of(run: RunFolder) -> dict[str, Any]:
    return (run.fork or {}).get("changes", {})
