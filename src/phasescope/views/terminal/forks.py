"""Forks in a terminal: what one would cost, and how its children differ from the control."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phasescope.runs.store import RunFolder
from phasescope.runs.training.continuing import changes_of
from phasescope.runs.training.forking import Fork
from phasescope.views.facts.numbers import NOTHING, format_count, format_number
from phasescope.views.facts.record import success_share
from phasescope.views.terminal.printing import Result, Table

UNCHANGED = "unchanged"


def planned(parent: RunFolder, plans: Sequence[Fork]) -> Result:
    """Return the runs of forks that are not run yet, with what they would cost and what the parent's states weigh."""
    status, tree = parent.status, parent.config
    seconds_per_step = float(status.get("cpu_s", 0.0)) / max(int(status["step"]), 1)
    lines: list[dict[str, Any]] = []
    for plan in plans:
        for config in plan.configs:
            seconds = seconds_per_step * (config.training.steps - plan.step)
            lines.append(
                {
                    "run": config.folder,
                    "at": plan.step,
                    "changes": changes_of(tree, config.tree()),
                    "cpu_s": seconds,
                }
            )

    rows = [
        (line["run"], f"{line['at']:,}", _words(line["changes"]), f"{line['cpu_s']:,.0f}") for line in lines
    ]
    total = sum(line["cpu_s"] for line in lines)
    return Result(
        [
            Table(("run", "at step", "changed", "CPU-seconds"), rows),
            f"{len(lines)} runs: about {total:,.0f} CPU-seconds; {state_words(parent)}",
        ],
        lambda: lines,
    )


def forked(parent: RunFolder, plans: Sequence[Fork], runs: Path) -> Result:
    """Return each child's end beside its control's, which is bitwise the parent."""
    tree = parent.config
    lines: list[dict[str, Any]] = []
    for plan in plans:
        control = _end(runs / plan.control.folder)
        for config in plan.configs:
            end = _end(runs / config.folder)
            difference = None if end is None or control is None else end - control
            lines.append(
                {
                    "run": config.folder,
                    "at": plan.step,
                    "changes": changes_of(tree, config.tree()),
                    "correct": end,
                    "difference": difference,
                }
            )

    rows = [
        (
            line["run"],
            f"{line['at']:,}",
            _words(line["changes"]),
            *_numbers(line["correct"], line["difference"]),
        )
        for line in lines
    ]
    return Result(
        [
            Table(("run", "at step", "changed", "correct", "minus control"), rows),
            f"The unchanged child of each step is bitwise equal to {parent.name}.",
        ],
        lambda: lines,
    )


def state_words(run: RunFolder) -> str:
    """Return which states of training a run kept, and what they weigh."""
    states = run.states
    if not states:
        return "no state but the last is kept"
    megabytes = sum(file.stat().st_size for file in states.values()) / 1e6
    listed = ", ".join(map(format_count, states)) if len(states) <= 8 else f"{len(states)} steps"
    return f"states kept at {listed}: {format_number(megabytes)} MB"


def _end(path: Path) -> float | None:
    """Return the share of correct samples at a run's end; None if it is not known."""
    last = RunFolder(path).last_metrics
    share = success_share(last) if last else math.nan
    return None if math.isnan(share) else share


def _words(changes: dict[str, Any]) -> str:
    return ", ".join(f"{field}={value}" for field, value in changes.items()) or UNCHANGED


def _numbers(*values: float | None) -> tuple[str, ...]:
    return tuple(NOTHING if value is None else format_number(value) for value in values)
