"""Progress of a command in a terminal or a log: finished and all parts, and the reports of trainings and studies."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from phasescope.views.facts.numbers import format_clock, format_count, format_percent, format_score
from phasescope.views.facts.terms import READINGS, phase_words

if TYPE_CHECKING:
    from phasescope.runs.store import RunFolder
    from phasescope.runs.training.execution import Progress

FIRST_LINE_S, LINE_EVERY_S = 2.0, 10.0
"""before the first line of a log, and between two lines"""


def snapshot_line(metrics: dict[str, Any]) -> str:
    """Return one snapshot in a line: step, images, loss, outcome shares on the grid, phases of samples and activations."""
    shares = dict(next(iter(metrics.get("outcomes", {}).values()), {}))
    shares.pop("n", None)
    percents = "  ".join(f"{name} {format_percent(share):>3}" for name, share in shares.items())
    phases = ", ".join(
        f"{words} {phase_words(metrics['phase'].get(reading))}" for reading, words in READINGS.items()
    )
    step, images = format_count(metrics["step"]), format_count(metrics["images_seen"])
    progress = f"{step:>7} steps {images:>10} images  loss {format_score(metrics['loss'], 4):>6}  "
    return progress + (f"%: {percents}  " if percents else "") + phases


def follow(events: Iterator[Progress], run: RunFolder, notify: Callable[[int, int], None]) -> bool:
    """Print the start, the snapshots and the end of `execution.execute`; return whether the run is then done."""
    from phasescope.views.facts.record import Record

    at, status = next(events), run.status
    resumed = f", from step {format_count(at.step)} on" if at.step else ""
    sizes = f"{format_count(status['parameters'])} parameters, {format_count(status['images'])} images, "
    sizes += f"{format_count(at.steps)} steps{resumed}"
    print(f"{run.path}: {sizes}, {status['device']}, threads: {status['threads']}", flush=True)
    for at in events:
        notify(at.step, at.steps)
        if at.metrics:
            # A record leaves out what compares the images of a network without a label with labels.
            print(snapshot_line(Record(run, last_only=True).metrics[-1]), flush=True)
    done = at.step == at.steps
    stopped = f"stopped at step {format_count(at.step)}; the same command resumes it from there"
    print(f"{'done' if done else stopped}: {run.path}", flush=True)
    return done


@contextmanager
def counting(task: str) -> Iterator[Callable[[int, int], None]]:
    """Report on standard error within the block how many of how many are done: a bar in a terminal, else lines."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(highlight=False, markup=False, soft_wrap=True, stderr=True)
    began = time.monotonic()
    due = began + FIRST_LINE_S
    first: int | None = None

    def line(number: int, total: int) -> None:
        nonlocal due, first
        # What is resumed does not begin at 0; what was done before says nothing of the speed.
        first = number if first is None else first
        now = time.monotonic()
        if now >= due:
            due = now + LINE_EVERY_S
            spent = now - began
            done = f"{format_count(number)} of {format_count(total)}, {format_clock(spent)} so far"
            if first < number < total:
                done += f", about {format_clock(spent / (number - first) * (total - number))} left"
            console.print(f"{task}: {done}")

    if not console.is_terminal:
        yield line
        return
    columns = (*Bar.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    # What a command prints goes above the bar, but stays out of it if it goes to a file.
    with Bar(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        count = bar.add_task(task, total=None)
        yield lambda number, total: bar.update(count, completed=number, total=total)
