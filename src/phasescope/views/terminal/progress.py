"""What takes a while as it goes, in a terminal or in a log: a training, and whatever else takes more than two seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

from phasescope.runs.monitoring import Progress as Step
from phasescope.runs.monitoring import Start

TOLD = ("behaviour", "representation")
"""readings of phases that a line has room for"""
SILENT_S, LINE_EVERY_S = 2.0, 10.0
"""how long nothing is said of what may be done soon; and seconds between two lines of a log"""


def start_line(start: Start) -> str:
    """What is trained, where and with what, in a line."""
    resumed = f", from step {start.step:,} on" if start.step else ""
    if start.origin:
        resumed += f" of {start.origin}"
    return (
        f"{start.folder}: {start.parameters:,} parameters, {start.images:,} images, "
        f"{start.steps:,} steps{resumed}, {start.device}, "
        f"threads: {start.threads}"
    )


def snapshot_line(metrics: dict[str, Any]) -> str:
    """One snapshot in a line: step, images, loss, outcome shares on the grid, phases."""
    shares = dict(next(iter(metrics.get("outcomes", {}).values()), {}))
    shares.pop("n", None)
    loss = "     -" if metrics["loss"] is None else f"{metrics['loss']:.4f}"
    seen = "  ".join(f"{name} {100 * (share or 0):3.0f}" for name, share in shares.items())
    phase = metrics["phase"]
    return (
        f"{metrics['step']:>7,} steps {metrics['images_seen']:>10,} images  loss {loss}  "
        + (f"%: {seen}  " if seen else "")
        + ", ".join(f"{reading} {found}" for reading, found in phase.items() if reading in TOLD)
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
                phase = event.metrics["phase"]
                seen = ", ".join(f"{reading} {found}" for reading, found in phase.items() if reading in TOLD)
            loss = "" if event.loss is None else f"loss {event.loss:.4f}"
            bar.update(task, completed=step, state=f"{loss}  {seen}".strip())
    done = step == start.steps
    if done:
        console.print(f"done: {start.folder}")
    else:
        console.print(f"stopped at step {step:,}; the same command goes on from there: {start.folder}")
    return done


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Within the block, once it takes more than `SILENT_S`: on standard error, for how long it has been going on, and how
    many of how many are done as far as that is told. A terminal has a bar; elsewhere it is a line every `LINE_EVERY_S`.
    """
    console = Console(highlight=False, markup=False, soft_wrap=True, stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console, transient=True)
    task, began, done = bar.add_task(what, total=None), time.monotonic(), threading.Event()

    def say() -> None:
        if done.wait(SILENT_S):
            return
        if console.is_terminal:
            bar.start()
            return
        while True:
            console.print(_so_far(what, bar.tasks[0].completed, bar.tasks[0].total, time.monotonic() - began))
            if done.wait(LINE_EVERY_S):
                return

    teller = threading.Thread(target=say, daemon=True)
    teller.start()
    try:
        yield lambda number, of: bar.update(task, completed=number, total=of)
    finally:
        done.set()
        teller.join()
        if bar.live.is_started:
            bar.stop()


def _so_far(what: str, number: float, of: float | None, spent_s: float) -> str:
    """``measuring: 12 of 160, 0:14 so far``."""
    counted = "" if of is None else f"{number:.0f} of {of:.0f}, "
    minutes, seconds = divmod(int(spent_s), 60)
    return f"{what}: {counted}{minutes}:{seconds:02d} so far"
