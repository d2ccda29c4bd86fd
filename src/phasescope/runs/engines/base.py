"""Many run folders, each to be executed to its end: what all engines have in common.

An engine keeps as many workers as it has places. A run that is done already is left alone; one that another process executes
is waited for. When a worker ends and its run is not done, the run is resumed by another one, as long as it gets further each
time; a run that twice does not is reported as failed. So an engine that is killed, and called again with the same folders,
resumes where it was.
"""

from __future__ import annotations

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from phasescope.core.errors import UserError
from phasescope.core.stopping import Stop
from phasescope.runs.engines.workers import BUSY, STOP_PATIENCE_S, Worker, cores, start_process, why
from phasescope.runs.store.folder import is_held, read_status

FAILURES = 2
"""workers in a row that end, the run not done and no further than it ever was, after which it has failed"""
QUEUE_EVERY_S = 2.0
"""seconds between two looks at the folders that wait while all places are taken: other engines may have them executed"""
HEED_EVERY_S = 0.1
"""seconds between two looks whether a signal asked to stop"""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""those that stop all workers, with a checkpoint each"""
Kind = Literal["waiting", "started", "progress", "retried", "ended"]


@dataclass(frozen=True)
class RunEnd:
    """How a run ended.

    Attributes:
        attempts: workers that were started for it; 0 where it was done before, another process did it, or its folder is
            damaged.
        error: why it failed.
    """

    folder: Path
    state: Literal["done", "failed"]
    attempts: int
    error: str | None = None


@dataclass(frozen=True)
class Tally:
    """How far many runs are, together.

    Attributes:
        running: runs that this engine executes now.
        work_left: runs' worth of steps that are not done: a run that is half done leaves 0.5.
        work_done: runs' worth of steps that were done since the engine began.
    """

    runs: int
    done: int
    failed: int
    running: int
    elapsed_s: float
    work_left: float
    work_done: float

    @property
    def eta_s(self) -> float | None:
        """Seconds to the end at the speed so far, by steps; None before the first step."""
        return self.elapsed_s * self.work_left / self.work_done if self.work_done > 0 else None


@dataclass(frozen=True)
class Event:
    """Something happened to a run.

    `waiting`: another process executes it; `started`: a worker was started; `progress`: it went on; `retried`: its worker
    ended before the run was done (`error` says why), and another one resumes it; `ended`: it is done, or failed for good.
    """

    kind: Kind
    folder: Path
    step: int
    steps: int
    tally: Tally
    error: str | None = None
    end: RunEnd | None = None


class Engine(ABC):
    """Has run folders executed, a worker each.

    Args:
        places: workers at a time.
        look_every_s: seconds between two looks at the workers.
    """

    def __init__(self, places: int, look_every_s: float = 0.2):
        if places < 1:
            raise UserError(f"`workers` (={places}) must be at least 1: somebody has to do it")
        self.places, self.look_every_s = places, look_every_s

    @abstractmethod
    def start(self, folder: Path) -> Worker:
        """A worker that executes the folder, as soon as it can."""

    @contextmanager
    def session(self) -> Iterator[None]:
        """What has to be there while workers are."""
        yield

    def execute(
        self, folders: Sequence[Path], on_event: Callable[[Event], None] = lambda _: None
    ) -> dict[Path, RunEnd]:
        """Execute all folders to their ends; how each ended.

        `on_event` is called in this thread. What it raises stops the workers with a checkpoint each, and is passed on. A
        signal does so too, between two looks, so that no worker that is being started is left; a second one kills them.

        Raises:
            UserError: a folder is no run's.
            KeyboardInterrupt: SIGINT, SIGTERM or SIGHUP asked to stop.
        """
        for folder in folders:
            if not (folder / "config.yaml").is_file():
                raise UserError(f"`folders` (={folder}) must be folders of runs: there is no config.yaml")
        with self.session():
            return _Course(self, folders, on_event).run()


class LocalEngine(Engine):
    """Processes of this machine, as many at a time as it has cores unless `workers` says otherwise."""

    def __init__(self, workers: int | None = None):
        super().__init__(cores() if workers is None else workers)

    def start(self, folder: Path) -> Worker:
        return start_process(folder)


class _Task:
    """One folder: where its run stands by its status.json, its worker if there is one, and how it ended."""

    def __init__(self, folder: Path):
        self.folder, self.attempts, self.failures, self.is_announced = folder, 0, 0, False
        self.worker: Worker | None = None
        self.end: RunEnd | None = None
        self.state, self.step, self.steps = "", 0, 0
        self.read()
        self.share_before, self.furthest = self.share, self.step

    def read(self) -> bool:
        """Read the status, which counts as empty if it cannot be read; whether the step moved."""
        try:
            status = read_status(self.folder)
        except (OSError, UserError):
            status = {}
        before = self.step, self.steps
        self.state, self.step, self.steps = (
            status.get("state", ""), status.get("step", 0), status.get("steps", 0),
        )  # fmt: skip
        return before != (self.step, self.steps)

    @property
    def share(self) -> float:
        """Of its steps, those that are done."""
        return min(self.step / self.steps, 1.0) if self.steps else 0.0


class _Course:
    """One call of `Engine.execute`."""

    def __init__(self, engine: Engine, folders: Sequence[Path], on_event: Callable[[Event], None]):
        self.engine, self.on_event, self.stop = engine, on_event, Stop()
        self.tasks = [_Task(folder) for folder in dict.fromkeys(folders)]
        self.began = self.queue_due = time.monotonic()

    @property
    def running(self) -> list[_Task]:
        return [task for task in self.tasks if task.worker]

    @property
    def waiting(self) -> list[_Task]:
        return [task for task in self.tasks if not task.worker and not task.end]

    def run(self) -> dict[Path, RunEnd]:
        with self.stop.on_signals(SIGNALS, interrupts=False):
            try:
                while self.running or self.waiting:
                    for task in self.running:
                        self._heed()
                        self._look(task)
                    if len(self.running) < self.engine.places or time.monotonic() >= self.queue_due:
                        for task in self.waiting:
                            self._heed()
                            self._take_on(task)
                        self.queue_due = time.monotonic() + QUEUE_EVERY_S
                    self._pause()
                self._heed()
            except BaseException:
                self._stop_all()
                raise
        return {task.folder: task.end for task in self.tasks if task.end}

    def _heed(self) -> None:
        if self.stop.asked:
            raise KeyboardInterrupt

    def _pause(self) -> None:
        """Until the next look; a signal ends it early."""
        until = time.monotonic() + self.engine.look_every_s
        while (self.running or self.waiting) and (left := until - time.monotonic()) > 0:
            self._heed()
            time.sleep(min(left, HEED_EVERY_S))

    def _take_on(self, task: _Task) -> None:
        """Start a worker, if there is a place and need."""
        moved = task.read()
        if task.state == "done":
            self._end(task, "done")
        elif is_held(task.folder):
            if not task.is_announced:
                task.is_announced = True
                self._tell("waiting", task, "another process executes it")
            elif moved:
                self._tell("progress", task)
        elif len(self.running) < self.engine.places:
            task.attempts += 1
            try:
                task.worker, task.is_announced = self.engine.start(task.folder), False
            except OSError as error:
                reason = f"`{error.filename or task.folder}` cannot be used: {error.strerror or error}"
                self._end(task, "failed", reason)
            else:
                self._tell("started", task)

    def _look(self, task: _Task) -> None:
        """See how a worker does; where it ended and the run is not done, the run waits for another one, or has failed."""
        assert task.worker
        code, moved = task.worker.poll(), task.read()
        if code is None:
            if moved:
                self._tell("progress", task)
            return
        task.worker = None
        if task.state == "done":
            self._end(task, "done")
        elif code == BUSY:
            task.attempts -= 1
        else:
            task.failures = 1 if task.step > task.furthest else task.failures + 1
            task.furthest = max(task.step, task.furthest)
            if task.failures >= FAILURES:
                self._end(task, "failed", why(task.folder, code, task.step))
            else:
                self._tell("retried", task, why(task.folder, code, task.step))

    def _end(self, task: _Task, state: Literal["done", "failed"], error: str | None = None) -> None:
        task.end = RunEnd(task.folder, state, task.attempts, error)
        self._tell("ended", task, error)

    def _tell(self, kind: Kind, task: _Task, error: str | None = None) -> None:
        self.on_event(Event(kind, task.folder, task.step, task.steps, self._tally(), error, task.end))

    def _tally(self) -> Tally:
        states = [task.end.state for task in self.tasks if task.end]
        return Tally(
            runs=len(self.tasks),
            done=states.count("done"),
            failed=states.count("failed"),
            running=len(self.running),
            elapsed_s=time.monotonic() - self.began,
            work_left=sum(1 - task.share for task in self.tasks if not task.end),
            work_done=sum(max(task.share - task.share_before, 0.0) for task in self.tasks),
        )

    def _stop_all(self) -> None:
        workers = [task.worker for task in self.tasks if task.worker]
        for worker in workers:
            worker.terminate()
        deadline = time.monotonic() + STOP_PATIENCE_S
        while any(worker.poll() is None for worker in workers) and time.monotonic() < deadline:
            if self.stop.times >= 2:
                break
            time.sleep(0.05)
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
