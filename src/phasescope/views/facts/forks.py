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

from phasescope.core.formats import format_number
from phasescope.measures.over_runs import mean_over_runs
from phasescope.runs.store import RunFolder
from phasescope.runs.store.folder import is_run, read_or
from phasescope.runs.training.continuing import is_seed
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


@dataclass(frozen=True)
class PairedCourse:
    """The mean paired difference of a recorded column through training, (T,) each; `low` and `high` are None of too few
    pairs."""

    changed: str
    steps: np.ndarray
    value: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None
    n: int
    """pairs, all of which have the column at each of the steps"""


def fork_group(runs: Sequence[RunFolder]) -> tuple[RunFolder, list[RunFolder]] | None:
    """Return the control and the children, if all runs are of one fork and the control is among them; None otherwise. Their
    parent may be among the runs, too."""
    forks = {run: fork for run in runs if (fork := run.fork) is not None}
    if len({(fork["run"], fork["step"]) for fork in forks.values()}) != 1:
        return None
    parent = next(iter(forks.values()))["run"]
    if any(not parent.startswith(run.identity) for run in runs if run not in forks):
        return None

    controls = [run for run, fork in forks.items() if not fork["changes"]]
    children = [run for run, fork in forks.items() if fork["changes"]]
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


def paired(control: RunFolder, children: Sequence[RunFolder], step: int | None = None) -> Iterator[Paired]:
    """Yield for each change, whatever its seeds, the mean difference of its children from those that they are paired with: a
    child without a partner is left out.

    Args:
        step: a snapshot's; by default the last one, and when phase C began.
    """
    numbers = {run.name: numbers_of(run, step) for run in (control, *children)}
    for changed, pairs in pairs_of(control, children).items():
        for quantity in numbers[control.name]:
            differences = np.array(
                [numbers[child.name][quantity] - numbers[partner.name][quantity] for child, partner in pairs]
            )
            known = differences[np.isfinite(differences)]
            if not len(known):
                continue
            low, high = _interval(known)
            yield Paired(changed, quantity, float(known.mean()), low, high, len(known))


def paired_courses(control: RunFolder, children: Sequence[RunFolder], column: str) -> Iterator[PairedCourse]:
    """Yield for each change the mean paired difference of a column of `Run.to_frame()`, at the steps at which all its pairs
    have it."""
    courses = {run.name: _course(run, column) for run in (control, *children)}
    for changed, pairs in pairs_of(control, children).items():
        both = [(courses[child.name], courses[partner.name]) for child, partner in pairs]
        steps = sorted(set.intersection(*(child.keys() & partner.keys() for child, partner in both)))
        if not steps:
            continue
        differences = np.array([[child[step] - partner[step] for step in steps] for child, partner in both])
        ends = [_interval(at_step) for at_step in differences.T]
        low, high = (None if end[0] is None else np.array(end, float) for end in zip(*ends, strict=True))
        yield PairedCourse(changed, np.array(steps), differences.mean(axis=0), low, high, len(pairs))


def pairs_of(
    control: RunFolder, children: Sequence[RunFolder]
) -> dict[str, list[tuple[RunFolder, RunFolder]]]:
    """Return for each change, in words, its children with the unchanged run that each is compared with."""
    unchanged = {_seeds_of(run): run for run in (control, *children) if not _others_of(run)}
    by_change: dict[str, list[tuple[RunFolder, RunFolder]]] = {}
    for child in children:
        # Of a child that changes seeds alone these are the change, and the control has its parent's.
        partner = unchanged.get(_seeds_of(child)) if _others_of(child) else control
        if partner is not None:
            by_change.setdefault(change_words(child), []).append((child, partner))
    return by_change


def _interval(differences: np.ndarray) -> tuple[float, float] | tuple[None, None]:
    """Return the ends of the interval of a mean over pairs; None of too few."""
    if len(differences) < LEAST_FOR_INTERVAL:
        return None, None
    estimate = mean_over_runs(differences)
    return estimate.low, estimate.high


def _course(run: RunFolder, column: str) -> dict[int, float]:
    """Return the numbers of a column by step."""
    frame = run.to_frame()
    if column not in frame:
        return {}
    known = frame[["step", column]].dropna()
    return dict(zip(known["step"].astype(int), known[column].astype(float), strict=True))


def paired_texts(line: Paired) -> tuple[str, ...]:
    """Return a paired difference as a row of a table, whose heads are `PAIRED_HEADS`."""
    if line.low is None or line.high is None:
        interval = f"from {LEAST_FOR_INTERVAL} pairs on"
    else:
        interval = f"[{format_number(line.low)}, {format_number(line.high)}]"
    return line.changed, line.quantity, format_number(line.value), interval, str(line.n)


def numbers_of(run: RunFolder, step: int | None = None) -> dict[str, float]:
    """Return the numbers of a run that are compared with its control's, by default at its end; NaN where it has none."""
    record = Record(run)
    when = "the end" if step is None else f"step {step:,}"
    if step is None:
        line: dict[str, Any] = run.last_metrics or {}
    else:
        line = next((line for line in record.metrics if line["step"] == step), {})

    numbers = {
        f"correct at {when}": success_share(line) if line else math.nan,
        f"loss at {when}": math.nan if line.get("loss") is None else float(line["loss"]),
    }
    if step is None:
        phase_c = onsets(record, "behaviour").get("C") if any(record.phases("behaviour")) else None
        numbers["images until C"] = math.nan if phase_c is None else float(phase_c.images_seen)
    return numbers


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
