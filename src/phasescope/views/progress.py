"""A training as it goes, in a terminal or in a log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from phasescope.execution import Progress as Step
from phasescope.execution import Start
from phasescope.measures.phases import OUTCOMES


def start_line(start: Start) -> str:
    """What is trained, where and with what, in a line."""
    resumed = f", from step {start.step:,} on" if start.step else ""
    return (
        f"{start.folder}: {start.parameters:,} parameters, {start.images:,} images, "
        f"{start.steps:,} steps{resumed}, {start.device}, "
        f"threads: {start.threads}"
    )


def snapshot_line(metrics: dict[str, Any]) -> str:
    """One snapshot in a line: step, images, loss, outcome shares on the grid, phases."""
    shares = metrics["outcomes"]["grid"]
    loss = "     -" if metrics["loss"] is None else f"{metrics['loss']:.4f}"
    seen = "  ".join(f"{name} {100 * shares[name]:3.0f}" for name in OUTCOMES)
    phase = metrics["phase"]
    return (
        f"{metrics['step']:>7,} steps {metrics['images_seen']:>10,} images  loss {loss}  %: {seen}  "
        f"behaviour {phase['behaviour']}, representation {phase['representation']}"
    )


def follow(events: Iterator[Start | Step]) -> bool:
    """Draw the events of `execution.execute`, to their end; whether the run is then done."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}", markup=False),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        start = next(events)
        assert isinstance(start, Start)
        console.print(start_line(start))
        waiting = "" if start.step else "first look: the nulls and the untrained network"
        task = bar.add_task(start.folder.name, total=start.steps, completed=start.step, state=waiting)
        step, seen = start.step, ""
        for event in events:
            assert isinstance(event, Step)
            step = event.step
            if event.metrics:
                console.print(snapshot_line(event.metrics))
                correct = event.metrics["outcomes"]["grid"]["correct"]
                seen = f"{100 * correct:.0f} % correct  behaviour {event.metrics['phase']['behaviour']}"
            loss = "" if event.loss is None else f"loss {event.loss:.4f}"
            bar.update(task, completed=step, state=f"{loss}  {seen}".strip())
    done = step == start.steps
    if done:
        console.print(f"done: {start.folder}")
    else:
        console.print(f"stopped at step {step:,}; the same command goes on from there: {start.folder}")
    return done
