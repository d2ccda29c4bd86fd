"""What an execution tells as it goes, and monitors: who is told of a run's snapshots while it trains.

A monitor changes nothing of what is learnt. If one fails, a warning says so and it is left out from then on: no training is
lost for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from phasescope.core.errors import UserError
from phasescope.core.sources import told_of
from phasescope.runs.store import Run

Scalars = Mapping[str, float]
"""a line of scalars.jsonl, as `Run.scalars` has its columns"""


@dataclass(frozen=True)
class Start:
    """What a run is, and the step from which it goes on: 0 at its very start."""

    folder: Path
    parameters: int
    images: int
    step: int
    steps: int
    device: str
    threads: int
    origin: str | None = None
    """the shorter run whose state it took up"""


@dataclass(frozen=True)
class Progress:
    """Where a run stands: after a step, or after a snapshot, whose metrics are then given; `loss` is the last one known, and
    `scalars` are lines that were written since the last event."""

    step: int
    steps: int
    images_seen: int
    loss: float | None
    metrics: dict[str, Any] | None = None
    scalars: Sequence[Scalars] = ()


class Monitor(Protocol):
    """Logs a run somewhere else; `phasescope.TensorBoard` and `phasescope.WandB` are two.

    A monitor that has no `log_scalars` is given snapshots alone.
    """

    def begin(self, run: Run) -> None:
        """The run begins or resumes: log what it holds so far.

        Raises:
            UserError: it cannot log; the run is then not begun.
        """
        ...

    def log(self, run: Run, metrics: Mapping[str, Any]) -> None:
        """A snapshot was taken; `metrics` are its line, with `step` and `images_seen`."""
        ...

    def log_scalars(self, run: Run, lines: Sequence[Scalars]) -> None:
        """Lines of scalars were written, all later than those before, and not later than the next snapshot."""
        ...

    def end(self, run: Run) -> None:
        """No more comes, whether the run is done or was stopped."""
        ...


class Monitors:
    """Several monitors as one.

    Raises:
        UserError: they are no list, or one is no monitor.
    """

    def __init__(self, monitors: Sequence[Monitor]):
        if isinstance(monitors, str) or not isinstance(monitors, Sequence):
            raise UserError(
                f'`monitors` (={monitors!r:.80}) must be a list, as [phasescope.TensorBoard("logs")]'
            )
        for monitor in monitors:
            methods = [getattr(monitor, name, None) for name in ("begin", "log", "end")]
            if isinstance(monitor, type) or not all(map(callable, methods)):
                raise UserError(f"`monitors` (={monitor!r:.80}) must be monitors, with begin, log and end")
        self._given, self._monitors = monitors, list[Monitor]()

    def begin(self, run: Run) -> None:
        for monitor in self._given:
            try:
                monitor.begin(run)
            except UserError:
                raise
            except Exception as error:
                raise UserError(f"`{type(monitor).__name__}` cannot log: {told_of(error)}") from error
            self._monitors.append(monitor)  # one that did not begin is not ended

    def log(self, run: Run, metrics: Mapping[str, Any]) -> None:
        self._each(lambda monitor: monitor.log(run, metrics))

    def log_scalars(self, run: Run, lines: Sequence[Scalars]) -> None:
        self._each(lambda monitor: getattr(monitor, "log_scalars", lambda *_: None)(run, lines))

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
    every, run = Monitors(monitors), None  # checked before the first event
    try:
        for event in events:
            if isinstance(event, Start):
                run = Run(event.folder)
                every.begin(run)
            elif run is not None:
                if event.scalars:
                    every.log_scalars(run, event.scalars)
                if event.metrics:
                    every.log(run, event.metrics)
            yield event
    finally:
        if run is not None:
            every.end(run)
