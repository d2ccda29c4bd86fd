"""Workers as processes of this machine: one thread a run, as many as cores."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from phasescope.engines.base import Engine
from phasescope.engines.leases import EXPIRES_S
from phasescope.engines.workers import Worker, start_process


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalEngine(Engine):
    """A pool of processes.

    Args:
        workers: processes at a time; as many as cores without it.
        expires_s: seconds without a heartbeat after which a worker is killed, and its run resumed.
    """

    def __init__(self, workers: int | None = None, expires_s: float = EXPIRES_S):
        super().__init__(cores() if workers is None else workers, expires_s)

    def start(self, folder: Path) -> Worker:
        return _Process(start_process(folder, self.expires_s))


class _Process:
    def __init__(self, process: subprocess.Popen[bytes]):
        self.process = process

    def code(self) -> int | None:
        return self.process.poll()

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            self.process.terminate()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
