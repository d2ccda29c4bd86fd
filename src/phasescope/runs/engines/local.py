"""Workers as processes of this machine."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from phasescope.runs.engines.engine import LOG, STOP_PATIENCE_S, Engine, Worker

# Threads of the libraries: torch's own are the run's `training.threads`.
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}


def cores() -> int:
    """Return the number of cores that this process may use."""
    # A container or a batch job may allow fewer cores than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_process(
    folder: Path, within: Path | None = None, options: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    """Start `phasescope exec` on this machine in its own process group, so that a terminal's Ctrl-C reaches only the engine.

    It runs in the folder `within`, relative to which a configuration names your own source files; by default in this one.
    `options` are further arguments of `exec`.

    Raises:
        OSError: the folder's worker.log cannot be written.
    """
    # Without -P, -m would import modules of the working folder that nobody named, such as a `yaml.py`.
    command = [sys.executable, "-P", "-m", "phasescope", "exec", str(folder), *options]
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


def run_process(folder: Path, within: Path | None = None, options: Sequence[str] = ()) -> int:
    """Run `phasescope exec` on this machine to its end, and return its exit code; an interruption stops it."""
    process = start_process(folder, within, options)
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_PATIENCE_S)
        raise


class LocalEngine(Engine):
    """Executes runs by processes of this machine."""

    def start(self, folder: Path) -> Worker:
        return start_process(folder, options=self.options)
