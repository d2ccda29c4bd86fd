"""What an execution tells as it goes, and how it is asked to end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
    """Where a run stands: after a step, or after a snapshot, whose metrics are then given; `loss` is the last one known."""

    step: int
    steps: int
    images_seen: int
    loss: float | None
    metrics: dict[str, Any] | None = None


class Stop:
    """A flag that a signal, or another thread, sets to end a run before its next step, with a checkpoint."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self) -> None:
        self.asked = True

    @contextmanager
    def on_signals(self) -> Iterator[Stop]:
        """Within the block the first SIGINT or SIGTERM asks; a further one interrupts what is going on."""

        def handle(*_: Any) -> None:
            if self.asked:
                raise KeyboardInterrupt
            self.ask()

        former = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
