"""A worker: one process that executes one run's folder, by the command `phasescope exec RUN_DIR` and nothing else.

What it prints is appended to the folder's worker.log.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

BUSY = 75
"""exit code of `phasescope exec` where another process executes the run (EX_TEMPFAIL of sysexits.h)"""
STOP_PATIENCE_S = 30.0
"""how long a worker that is asked to stop may take"""
LOST = -1000
"""exit code of a worker of which nothing more is known"""
LOG = "worker.log"
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
"""of the libraries; torch's own threads are the run's `training.threads`"""


class Worker(Protocol):
    """A worker that was started: what `subprocess.Popen` has of it."""

    def poll(self) -> int | None:
        """Its exit code, negative where a signal ended it; None while it lives, or waits in a queue."""
        ...

    def terminate(self) -> None:
        """Ask it to end with a checkpoint."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_process(folder: Path, within: Path | None = None) -> subprocess.Popen[bytes]:
    """`phasescope exec` on this machine, in a group of its own: a terminal's Ctrl-C is the engine's to hear.

    It runs in the folder `within`, where your own sources lie that a configuration names; by default in this one.

    Raises:
        OSError: the folder's worker.log cannot be written.
    """
    command = [sys.executable, "-m", "phasescope", "exec", str(folder)]
    environment = {**os.environ, **ONE_THREAD}
    with open(folder / LOG, "ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
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


def why(folder: Path, code: int, step: int) -> str:
    """Why a worker ended with `code` before its run was done, in a line."""
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
