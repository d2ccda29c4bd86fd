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

READINGS = ("behaviour", "representation")
"""readings of phases that a line has room for"""
SILENT_S, LINE_EVERY_S = 2.0, 10.0
"""how long nothing is said of what may be done soon; and seconds between two lines of a log"""
QUIET: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}


def start_line(start: Start) -> str:
    """Return what is trained, where and with what, in a line."""
    resumed = f", from step {start.step:,} on" if start.step else ""
    origin = f" of {start.origin}" if start.origin else ""
    sizes = f"{start.parameters:,} parameters, {start.images:,} images, {start.steps:,} steps"
    return f"{start.folder}: {sizes}{resumed}{origin}, {start.device}, threads: {start.threads}"


def snapshot_line(metrics: dict[str, Any]) -> str:
    """Return one snapshot in a line: step, images, loss, outcome shares on the grid, phases."""
    shares = dict(next(iter(metrics.get("outcomes", {}).values()), {}))
    shares.pop("n", None)
    loss = "     -" if metrics["loss"] is None else f"{metrics['loss']:.4f}"
    seen = "  ".join(f"{name} {100 * (share or 0):3.0f}" for name, share in shares.items())
    progress = f"{metrics['step']:>7,} steps {metrics['images_seen']:>10,} images  loss {loss}  "
    return progress + (f"%: {seen}  " if seen else "") + _phases(metrics)


def _phases(metrics: dict[str, Any]) -> str:
    phases = metrics["phase"].items()
    return ", ".join(f"{reading} {phase}" for reading, phase in phases if reading in READINGS)


def _bar(console: Console, unit: str = "", *more: TextColumn, **options: Any) -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), MofNCompleteColumn())
    times = (TextColumn(unit), TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn())
    return Progress(*columns, *times, *more, console=console, transient=True, **options)


def follow(events: Iterator[Start | Step]) -> bool:
    """Draw the events of `execution.execute`, to their end; return whether the run is then done."""
    from phasescope.store import Run
    from phasescope.views.record import Record

    console = Console(**QUIET)
    state = TextColumn("{task.fields[state]}", markup=False)
    with _bar(console, "steps", state, disable=not console.is_terminal) as bar:
        start = next(events)
        assert isinstance(start, Start)
        unconditional = Record(run := Run(start.folder)).is_unconditional
        console.print(start_line(start))
        waiting = "" if start.step else "first snapshot: the baselines and the untrained network"
        task = bar.add_task(start.folder.name, total=start.steps, completed=start.step, state=waiting)
        step, seen = start.step, ""
        for event in events:
            assert isinstance(event, Step)
            step = event.step
            if event.metrics:
                # A record leaves out what compares the images of a network without a label with labels.
                metrics = Record(run, last_only=True).metrics[-1] if unconditional else event.metrics
                console.print(snapshot_line(metrics))
                seen = _phases(metrics)
            loss = "" if event.loss is None else f"loss {event.loss:.4f}"
            bar.update(task, completed=step, state=f"{loss}  {seen}".strip())
    done = step == start.steps
    stopped = f"stopped at step {step:,}; the same command resumes it from there"
    console.print(f"{'done' if done else stopped}: {start.folder}")
    return done


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Say within the block on standard error, once it takes more than `SILENT_S`, for how long it has been running, and how
    many of how many are done as far as that is known. A terminal has a bar; elsewhere it is a line every `LINE_EVERY_S`.
    """
    console = Console(**QUIET, stderr=True)
    bar = _bar(console)
    task, began, done = bar.add_task(what, total=None), time.monotonic(), threading.Event()

    def say() -> None:
        if done.wait(SILENT_S):
            return
        if console.is_terminal:
            bar.start()
            return
        while True:
            number, total = bar.tasks[0].completed, bar.tasks[0].total
            counted = "" if total is None else f"{number:.0f} of {total:.0f}, "
            minutes, seconds = divmod(int(time.monotonic() - began), 60)
            console.print(f"{what}: {counted}{minutes}:{seconds:02d} so far")
            if done.wait(LINE_EVERY_S):
                return

    teller = threading.Thread(target=say, daemon=True)
    teller.start()
    try:
        yield lambda number, total: bar.update(task, completed=number, total=total)
    finally:
        done.set()
        teller.join()
        if bar.live.is_started:
            bar.stop()
