"""Who is told of a run while it goes on: a bar that shows how far it is, and monitors that log what is recorded.

A monitor changes nothing of what is learnt. One that fails is told of in a warning and left out from then on: a training is
not lost for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from phasescope.errors import UserError
from phasescope.runs.events import Progress, Start
from phasescope.sources import told_of
from phasescope.store import Run


class Monitor(Protocol):
    """Logs a run somewhere else; `phasescope.TensorBoard` and `phasescope.WandB` are two."""

    def begin(self, run: Run) -> None:
        """The run begins, or goes on: what it holds so far is to be logged.

        Raises:
            UserError: it cannot log; the run is then not begun.
        """
        ...

    def log(self, run: Run, metrics: Mapping[str, Any]) -> None:
        """A snapshot was taken; `metrics` are its line, with `step` and `images_seen`."""
        ...

    def end(self, run: Run) -> None:
        """No more comes, whether the run is done or was stopped."""
        ...


def check_monitors(monitors: Sequence[Monitor]) -> list[Monitor]:
    """Monitors, as a list.

    Raises:
        UserError: they are no list, or one is none.
    """
    if isinstance(monitors, str) or not isinstance(monitors, Sequence):
        raise UserError(f'`monitors` (={monitors!r:.80}) must be a list, as [phasescope.TensorBoard("logs")]')
    for one in monitors:
        if isinstance(one, type) or not all(
            callable(getattr(one, name, None)) for name in ("begin", "log", "end")
        ):
            raise UserError(f"`monitors` (={one!r:.80}) must be monitors, with begin, log and end")
    return list(monitors)


class Monitors:
    """Several as one."""

    def __init__(self, monitors: Sequence[Monitor]):
        self._monitors = check_monitors(monitors)

    def begin(self, run: Run) -> None:
        waiting, self._monitors = self._monitors, []
        for monitor in waiting:
            try:
                monitor.begin(run)
            except UserError:
                raise
            except Exception as error:
                raise UserError(f"`{type(monitor).__name__}` cannot log: {told_of(error)}") from error
            self._monitors.append(monitor)  # only what has begun is told of the end

    def log(self, run: Run, metrics: Mapping[str, Any]) -> None:
        self._each(lambda monitor: monitor.log(run, metrics))

    def end(self, run: Run) -> None:
        self._each(lambda monitor: monitor.end(run))

    def _each(self, tell: Callable[[Monitor], None]) -> None:
        for monitor in list(self._monitors):
            try:
                tell(monitor)
            except Exception as error:
                self._monitors.remove(monitor)
                why = str(error) if isinstance(error, UserError) else told_of(error)
                warnings.warn(f"{type(monitor).__name__} logs nothing more: {why}", stacklevel=4)


def monitored(
    events: Iterator[Start | Progress], monitors: Sequence[Monitor] = ()
) -> Generator[Start | Progress]:
    """The events of `execution.execute`, of which monitors are told as they pass."""
    all_of_them, run = Monitors(monitors), None  # checked before the first event
    try:
        for event in events:
            if isinstance(event, Start):
                run = Run(event.folder)
                all_of_them.begin(run)
            elif event.metrics and run is not None:
                all_of_them.log(run, event.metrics)
            yield event
    finally:
        if run is not None:
            all_of_them.end(run)


@contextmanager
def bar(progress: bool | None) -> Iterator[Any]:
    """Within the block a bar, told each event; in a terminal or a notebook where `progress` is None, never where False."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    shows = (console.is_terminal or console.is_jupyter) if progress is None else progress
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with ExitStack() as stack:
        drawn = stack.enter_context(Bar(*columns, console=console)) if shows else None

        def tell(event: Start | Progress) -> None:
            if drawn is None:
                return
            if isinstance(event, Start):
                drawn.add_task(event.folder.name, total=event.steps, completed=event.step)
            else:
                drawn.update(drawn.task_ids[0], completed=event.step)

        yield tell
