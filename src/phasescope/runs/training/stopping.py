"""Stopping in order: signals set a flag, which loops check between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""that ask a command to stop in order"""


class Stop:
    """A flag that a signal or another thread sets, so that a loop ends in order before its next step."""

    def __init__(self) -> None:
        self.times = 0

    @property
    def asked(self) -> bool:
        return self.times > 0

    def ask(self) -> None:
        self.times += 1

    @contextmanager
    def on_signals(self, numbers: Sequence[int] = SIGNALS, interrupts: bool = True) -> Iterator[Stop]:
        """Set the flag at the first of these signals within the block.

        Python handles signals only in its main thread: in another thread nothing is changed. An ignored SIGHUP, as under
        nohup, stays ignored.

        Args:
            interrupts: whether the second signal raises KeyboardInterrupt, once; all others set the flag again.
        """
        former: dict[int, Any] = {}
        interrupted = False

        def handle(*_: Any) -> None:
            nonlocal interrupted
            if self.asked and interrupts and not interrupted:
                interrupted = True
                raise KeyboardInterrupt
            self.ask()

        if threading.current_thread() is not threading.main_thread():
            yield self
            return

        for number in numbers:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                former[number] = signal.signal(number, handle)
        try:
            yield self
        finally:
            interrupted = True  # from here on nothing is interrupted any more
            for number, handler in former.items():
                signal.signal(number, handler)
