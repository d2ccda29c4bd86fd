"""What a run costs: wall-clock and processor time, and how much of the first went into observing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class Spent:
    """Seconds spent so far, of which `total` tells: `wall_s`, `cpu_s`, `observing_s`."""

    def __init__(self) -> None:
        self.total = {"wall_s": 0.0, "cpu_s": 0.0, "observing_s": 0.0}
        self._clock = time.perf_counter(), time.process_time()

    def add(self, former: Mapping[str, Any]) -> None:
        """Book what a former process spent on the same run."""
        for name in self.total:
            self.total[name] += former.get(name) or 0.0

    def tick(self) -> dict[str, float]:
        """Book the time since the last call; the total."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.total["wall_s"] += wall - self._clock[0]
        self.total["cpu_s"] += cpu - self._clock[1]
        self._clock = wall, cpu
        return self.total

    @contextmanager
    def observing(self) -> Iterator[None]:
        """The block's time is booked as observing."""
        began = time.perf_counter()
        yield
        self.total["observing_s"] += time.perf_counter() - began
