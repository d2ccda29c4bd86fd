"""A worker: one process that executes one run's folder, by the command `phasescope exec RUN_DIR` and nothing else.

What it prints is appended to the folder's worker.log.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from phasescope.errors import UserError
from phasescope.store.folder import read_status

BUSY = 75
"""exit code of `phasescope exec` where another process executes the run (EX_TEMPFAIL of sysexits.h)"""
LOST = -1000
"""exit code of a worker of which nothing more is known"""
STOP_PATIENCE_S = 30.0
"""how long a worker that is asked to stop may take"""
LOG = "worker.log"
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
"""of the libraries; torch's own threads are the run's `training.threads`"""


class Worker(Protocol):
    """A worker that was started."""

    def code(self) -> int | None:
        """Its exit code, negative where a signal ended it; None while it lives, or waits in a queue."""
        ...

    def stop(self) -> None:
        """Ask it to end with a checkpoint."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class Process:
    """A worker that is a process of this machine."""

    def __init__(self, folder: Path):
        self.process = start_process(folder)

    def code(self) -> int | None:
        return self.process.poll()

    def stop(self) -> None:
        self.process.terminate()

    def kill(self) -> None:
        self.process.kill()


class Future:
    """A worker elsewhere: a call of `run_process`, of which a future of submitit's or Ray's tells.

    Args:
        future: with `done`, `exception` and `result`, as those of concurrent.futures.
        cancel: ends the call, at once if its argument says so.
    """

    def __init__(self, future: Any, cancel: Callable[[bool], object]):
        self.future, self.cancel = future, cancel

    def code(self) -> int | None:
        if not self.future.done():
            return None
        # A call that was cancelled, preempted or killed has no result.
        return LOST if self.future.exception() is not None else self.future.result()

    def stop(self) -> None:
        self.cancel(False)

    def kill(self) -> None:
        self.cancel(True)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_process(folder: Path, within: Path | None = None) -> subprocess.Popen[bytes]:
    """`phasescope exec` on this machine, in a group of its own: a terminal's Ctrl-C is the engine's to hear.

    It runs in the folder `within`, where sources of somebody's own lie that a configuration names; by default in this one.

    Raises:
        OSError: the folder's worker.log cannot be written.
    """
    command = [sys.executable, "-m", "phasescope.cli", "exec", str(folder)]
    with open(folder / LOG, "ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **ONE_THREAD},
            cwd=within,
            process_group=0,
        )


def run_process(folder: Path, within: Path | None = None) -> int:
    """`phasescope exec` on this machine, to its end; returns its exit code. What interrupts this asks it to stop."""
    process = start_process(folder, within)
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_PATIENCE_S)
        raise


def peek(folder: Path) -> dict[str, Any]:
    """What the folder's status.json says, as it stands; nothing where there is none that can be read."""
    try:
        return read_status(folder)
    except (OSError, UserError):
        return {}


def why(folder: Path, code: int) -> str:
    """Why a worker ended with `code` before its run was done, in a line."""
    step = peek(folder).get("step", 0)
    if code == LOST:
        return f"the worker was lost at step {step}"
    if code < 0:
        return f"killed by {signal.Signals(-code).name} at step {step}"
    if code == 0:
        return f"stopped at step {step}"
    try:
        lines = (folder / LOG).read_text(errors="replace").split("\n")
    except OSError:
        lines = []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return last.removeprefix("phasescope: ") or f"exit code {code} at step {step}"
