"""Forks in a terminal: what one would cost, and how its children differ from the control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from phasescope.core.formats import format_number
from phasescope.runs.store import RunFolder
from phasescope.runs.training.continuing import changes_of, complete_tree
from phasescope.runs.training.forking import Fork
from phasescope.views.facts.forks import PAIRED_HEADS, UNCHANGED, Paired, paired, paired_texts
from phasescope.views.facts.numbers import format_count
from phasescope.views.terminal.printing import Result, Table


def planned(parent: RunFolder, plans: Sequence[Fork]) -> Result:
    """Return the runs of forks that are not run yet, with what they would cost and what the parent's states weigh."""
    status, tree = parent.status, complete_tree(parent)
    seconds_per_step = float(status.get("cpu_s", 0.0)) / max(int(status["step"]), 1)
    lines: list[dict[str, Any]] = []
    for plan in plans:
        for config in plan.configs:
            changes = changes_of(tree, config.tree())
            seconds = seconds_per_step * (config.training.steps - plan.step)
            lines.append({"run": config.folder, "at": plan.step, "changes": changes, "cpu_s": seconds})

    rows = [
        (line["run"], f"{line['at']:,}", _words(line["changes"]), f"{line['cpu_s']:,.0f}") for line in lines
    ]
    total = sum(line["cpu_s"] for line in lines)
    costs = f"{len(lines)} runs: about {total:,.0f} CPU-seconds; {state_words(parent)}"
    return Result([Table(("run", "at step", "changed", "CPU-seconds"), rows), costs], lambda: lines)


def forked(parent: RunFolder, plans: Sequence[Fork], runs: Path) -> Result:
    """Return, for each step, its runs and how its children differ from the control, which is bitwise the parent."""
    blocks: list[str | Table] = []
    lines: list[dict[str, Any]] = []
    for plan in plans:
        control, *children = (RunFolder(runs / config.folder) for config in plan.configs)
        differences = list(paired(control, children))
        listed = ", ".join(child.name for child in children)
        blocks += [
            f"From step {plan.step:,}: {control.name}, bitwise equal to {parent.name}; {listed}",
            paired_table(differences),
        ]
        lines += [{"at": plan.step, **asdict(difference)} for difference in differences]
    return Result(blocks, lambda: lines)


def paired_table(differences: Sequence[Paired]) -> Table:
    """Return a table of paired differences."""
    return Table(PAIRED_HEADS, [*map(paired_texts, differences)])


def state_words(run: RunFolder) -> str:
    """Return which states of training a run kept, and what they weigh."""
    states = run.states
    if not states:
        return "no state but the last is kept"
    megabytes = sum(file.stat().st_size for file in states.values()) / 1e6
    listed = ", ".join(map(format_count, states)) if len(states) <= 8 else f"{len(states)} steps"
    return f"states kept at {listed}: {format_number(megabytes)} MB"


def _words(changes: dict[str, Any]) -> str:
    return ", ".join(f"{field}={value}" for field, value in changes.items()) or UNCHANGED
