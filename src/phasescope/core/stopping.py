"""Being asked to end: a flag that signals set, for whoever works in steps to heed between two of them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class Stop:
    """A flag that a signal, or another thread, sets to end what goes on before its next step, in order."""

    def __init__(self) -> None:
        self.times = 0

    @property
    def asked(self) -> bool:
        return self.times > 0

    def ask(self) -> None:
        self.times += 1

    @contextmanager
    def on_signals(
        self, numbers: Sequence[int] = (signal.SIGINT, signal.SIGTERM), interrupts: bool = True
    ) -> Iterator[Stop]:
        """Within the block the first of these signals asks.

        Python hears signals in its main thread alone: in another one nothing is changed. A SIGHUP that is ignored, as under
        nohup, stays so.

        Args:
            interrupts: a second one interrupts what is going on, once; all others ask again.
        """
        former: dict[int, Any] = {}
        interrupted = False

        def handle(*_: Any) -> None:
            nonlocal interrupted
            if self.asked and interrupts and not interrupted:
                interrupted = True
                raise KeyboardInterrupt
            self.ask()

        for number in numbers if threading.current_thread() is threading.main_thread() else ():
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                former[number] = signal.signal(number, handle)
        try:
            yield self
        finally:
            interrupted = True  # from here on nothing is interrupted any more
            for number, handler in former.items():
                signal.signal(number, handler)
