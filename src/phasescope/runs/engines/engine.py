"""Engines execute run folders to their ends, by local processes, SLURM or Ray.

    engine = open_engine("local", runs)
    ends = engine.execute(folders, on_event)

An engine has as many workers as places; a worker is one call of `phasescope exec RUN_DIR`. Finished runs are skipped, and
the engine waits for runs that another process executes. If a worker ends before its run is done, another one resumes the
run as long as it makes progress; a run that twice makes none is reported as failed. An engine that is killed and called
again with the same folders therefore resumes where it was.

For SLURM (through submitit) and Ray the folder of runs must be on a disk that the nodes share. SLURM's nodes must share this
Python too; Ray's nodes need an installed phasescope.
"""

from __future__ import annotations

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from phasescope.core.errors import UserError
from phasescope.runs.store.status import is_held, read_status
from phasescope.runs.training.stopping import SIGNALS, Stop

# Exit code of `phasescope exec` if another process executes the run (EX_TEMPFAIL of sysexits.h).
BUSY = 75
# No process ends with this code, which stands for a worker whose end is unknown.
LOST = -1000
# A run has failed after this number of workers in a row that ended without progress.
FAILURES = 2
LOOK_EVERY_S, REPORT_EVERY_S, STOP_PATIENCE_S = 0.2, 300.0, 30.0
"""seconds between two checks of the workers, and between two reports of a run; time that a worker has for stopping"""
LOG = "worker.log"
"""file in a run's folder with the output of its workers"""


class Worker(Protocol):
    """A worker that was started, with the interface of `subprocess.Popen`."""

    def poll(self) -> int | None:
        """Return its exit code, negative if a signal ended it; None while it runs or waits in a queue."""

    def terminate(self) -> None:
        """Ask it to end with a checkpoint."""

    def kill(self) -> None:
        """End it at once."""


@dataclass(frozen=True)
class RunEnd:
    """The end of a run.

    Attributes:
        attempts: workers that were started for it; 0 if it was done before, or another process did it.
        error: why it failed.
    """

    folder: Path
    state: Literal["done", "failed"]
    attempts: int
    error: str | None = None


Kind = Literal["waiting", "started", "running", "retried", "ended"]


@dataclass(frozen=True)
class Event:
    """An event of one run, with the progress of all runs.

    `waiting`: another process executes it; `started`: a worker was started; `running`: it runs on; `retried`: its worker
    ended before the run was done (`error` says why), and another one resumes it; `ended`: it is done, or failed for good.
    """

    kind: Kind
    folder: Path
    step: int
    runs: int
    done: int
    failed: int
    running: int
    elapsed_s: float
    error: str | None = None
    end: RunEnd | None = None


class _Reached(NamedTuple):
    """How far a run is."""

    state: str
    step: int


@dataclass(eq=False)
class _Task:
    """One folder: its worker if there is one, its furthest step, and its end."""

    folder: Path
    worker: Worker | None = None
    end: RunEnd | None = None
    attempts: int = 0
    failures: int = 0
    furthest: int = 0
    is_waiting: bool = False
    reported_s: float = 0.0

    def reached(self) -> _Reached:
        """Return state and step from status.json; it counts as empty if it cannot be read."""
        try:
            status = read_status(self.folder)
        except (OSError, UserError):
            status = {}
        return _Reached(status.get("state", ""), status.get("step", 0))


class Engine(ABC):
    """Executes run folders, one worker each, `places` at a time; `options` are further arguments of `phasescope exec`."""

    def __init__(self, places: int, options: Sequence[str] = ()):
        if places < 1:
            raise UserError(f"`workers` (={places}) must be at least 1")
        self.places, self.options = places, tuple(options)

    @abstractmethod
    def start(self, folder: Path) -> Worker:
        """Return a worker that executes the folder as soon as it can."""

    @contextmanager
    def session(self) -> Iterator[None]:
        """Provide what workers need while they run."""
        yield

    def execute(
        self, folders: Sequence[Path], on_event: Callable[[Event], None] = lambda _: None
    ) -> dict[Path, RunEnd]:
        """Execute all folders to their ends, and return how each ended.

        `on_event` is called in this thread. An exception that it raises stops the workers, each with a checkpoint, and is
        raised again. A signal also stops them, between two checks, so that no starting worker is left; a second one kills
        them.

        Raises:
            UserError: a folder is no run's folder.
            KeyboardInterrupt: SIGINT, SIGTERM or SIGHUP asked to stop.
        """
        for folder in folders:
            if not (folder / "config.yaml").is_file():
                raise UserError(f"`folders` (={folder}) must be folders of runs: there is no config.yaml")
        tasks = [_Task(folder) for folder in dict.fromkeys(folders)]
        for task in tasks:
            task.furthest = task.reached().step
        began_s = time.monotonic()

        def report(task: _Task, kind: Kind, error: str | None = None) -> None:
            task.reported_s = time.monotonic()
            states = [other.end.state for other in tasks if other.end]
            on_event(
                Event(
                    kind=kind,
                    folder=task.folder,
                    step=task.reached().step,
                    runs=len(tasks),
                    done=states.count("done"),
                    failed=states.count("failed"),
                    running=_running(tasks),
                    elapsed_s=task.reported_s - began_s,
                    error=error,
                    end=task.end,
                )
            )

        with self.session(), Stop().on_signals(SIGNALS, interrupts=False) as stop:
            try:
                while left := [task for task in tasks if not task.end]:
                    for task in left:
                        if stop.asked:
                            raise KeyboardInterrupt
                        if task.worker:
                            self._look(task, report)
                        elif _running(tasks) < self.places:
                            self._take_on(task, report)
                    time.sleep(LOOK_EVERY_S)
                if stop.asked:
                    raise KeyboardInterrupt
            except BaseException:
                _stop_all([task.worker for task in tasks if task.worker], stop)
                raise
        return {task.folder: task.end for task in tasks if task.end}

    def _take_on(self, task: _Task, report: Callable[..., None]) -> None:
        """Start a worker unless the run is done, or executed by another process."""
        # Before the state is read: a process writes it before it releases the folder.
        held = is_held(task.folder)
        if task.reached().state == "done":
            _end(task, report, "done")
        elif held:
            if not task.is_waiting:
                task.is_waiting = True
                report(task, "waiting", "another process executes it")
        else:
            task.attempts += 1
            task.is_waiting = False
            try:
                task.worker = self.start(task.folder)
            except (OSError, RuntimeError) as error:  # the second if a cluster refuses a job
                why = " ".join(str(error).split())
                _end(task, report, "failed", f"`{task.folder}` cannot be started: {why}")
            else:
                report(task, "started")

    def _look(self, task: _Task, report: Callable[..., None]) -> None:
        """Check a worker; if it ended and the run is not done, the run waits for another worker, or has failed."""
        assert task.worker
        if (code := task.worker.poll()) is None:
            if time.monotonic() - task.reported_s > REPORT_EVERY_S:
                report(task, "running")
            return

        task.worker = None
        state, step = task.reached()
        if state == "done":
            _end(task, report, "done")
        elif code == BUSY:
            # Another process took the folder after the look at its lock: that was no attempt.
            task.attempts -= 1
        else:
            # A run may be preempted any number of times, as long as each worker brings it further.
            task.failures = 1 if step > task.furthest else task.failures + 1
            task.furthest = max(step, task.furthest)
            why = _why(task.folder, code, step)
            if task.failures >= FAILURES:
                _end(task, report, "failed", why)
            else:
                report(task, "retried", why)


def _running(tasks: Sequence[_Task]) -> int:
    """Return how many tasks have a worker."""
    return sum(task.worker is not None for task in tasks)


def _end(
    task: _Task, report: Callable[..., None], state: Literal["done", "failed"], error: str | None = None
) -> None:
    task.end = RunEnd(task.folder, state, task.attempts, error)
    report(task, "ended", error)


def _stop_all(workers: Sequence[Worker], stop: Stop) -> None:
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + STOP_PATIENCE_S
    while any(worker.poll() is None for worker in workers) and time.monotonic() < deadline:
        if stop.times >= 2:
            break
        time.sleep(0.05)
    for worker in workers:
        if worker.poll() is None:
            worker.kill()


def _why(folder: Path, code: int, step: int) -> str:
    """Return in one line why a worker ended with `code` before its run was done."""
    if code == LOST:
        return f"the worker was lost at step {step}"
    if code < 0:
        return f"killed by {signal.Signals(-code).name} at step {step}"
    if code == 0:
        return f"stopped at step {step}"
    log = folder / LOG
    lines = log.read_text(errors="replace").split("\n") if log.is_file() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return last.removeprefix("phasescope: ") or f"exit code {code} at step {step}"
