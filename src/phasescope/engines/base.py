"""Many run folders, each to be executed to its end: what all engines have in common.

An engine keeps as many workers as it has places. A run that is done already is left alone; one that another process executes
is waited for. When a worker ends and its run is not done, the run is resumed by another one, as long as it gets further each
time; a run that twice does not is reported as failed. So an engine that is killed, and called again with the same folders,
goes on where it was.
"""

from __future__ import annotations

import signal
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from phasescope.engines.events import Event, RunEnd, Tally
from phasescope.engines.workers import BUSY, STOP_PATIENCE_S, Process, Worker, cores, peek, why
from phasescope.errors import UserError
from phasescope.stopping import Stop
from phasescope.store.folder import Run, is_held
from phasescope.store.holding import differences, hold

FAILURES = 2
"""workers in a row that end, the run not done and no further than it ever was, after which it has failed"""
QUEUE_EVERY_S = 2.0
"""seconds between two looks at the folders that wait while all places are taken: other engines may have them executed"""
HEED_EVERY_S = 0.1
"""seconds between two looks whether a signal asked to stop"""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""those that stop all workers, with a checkpoint each"""


class Described(Protocol):
    """What describes a run: a `RunConfig`."""

    @property
    def folder(self) -> str: ...

    def tree(self) -> dict[str, Any]: ...


def prepare(config: Described, runs: Path) -> Path:
    """Make the folder of a run, with its config.yaml, for an engine to execute; the folder's path.

    A folder that is there is left as it is.

    Raises:
        UserError: it holds another configuration, or something that is no run; it cannot be written.
    """
    path, tree = runs / config.folder, config.tree()
    if (path / "status.json").is_file() and not any(differences(Run(path).config, tree)):
        return path
    with hold(path, tree) as folder:
        if not (path / "status.json").exists():
            folder.write_status({"state": "prepared", "step": 0, "steps": tree["training"]["steps"]})
    return path


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


@dataclass
class _Stand:
    """Where one folder stands."""

    step: int = 0
    steps: int = 0
    began_at: float = 0.0
    """share of its steps that was done when the engine began"""
    attempts: int = 0
    failures: int = 0
    furthest: int = 0
    waits: bool = False
    worker: Worker | None = None

    @property
    def share(self) -> float:
        return min(self.step / self.steps, 1.0) if self.steps else 0.0


class LocalEngine(Engine):
    """Processes of this machine, as many at a time as it has cores unless `workers` says otherwise."""

    def __init__(self, workers: int | None = None):
        super().__init__(cores() if workers is None else workers)

    def start(self, folder: Path) -> Worker:
        return Process(folder)


class _Course:
    """One call of `Engine.execute`."""

    def __init__(self, engine: Engine, folders: Sequence[Path], on_event: Callable[[Event], None]):
        self.engine, self.on_event = engine, on_event
        self.stop = Stop()
        self.queue = deque(dict.fromkeys(folders))
        self.stands = {folder: _Stand() for folder in self.queue}
        self.ends: dict[Path, RunEnd] = {}
        self.began = self.queue_due = time.monotonic()
        for folder, stand in self.stands.items():
            self._read(folder)
            stand.began_at, stand.furthest = stand.share, stand.step

    @property
    def running(self) -> list[Path]:
        return [folder for folder, stand in self.stands.items() if stand.worker]

    def run(self) -> dict[Path, RunEnd]:
        with self.stop.on_signals(SIGNALS, interrupts=False):
            try:
                while self.queue or self.running:
                    for folder in self.running:
                        self._heed()
                        self._look(folder)
                    if len(self.running) < self.engine.places or time.monotonic() >= self.queue_due:
                        for _ in range(len(self.queue)):
                            self._heed()
                            self._take_on(self.queue.popleft())
                        self.queue_due = time.monotonic() + QUEUE_EVERY_S
                    self._pause()
                self._heed()
            except BaseException:
                self._stop_all()
                raise
        return self.ends

    def _heed(self) -> None:
        if self.stop.asked:
            raise KeyboardInterrupt

    def _pause(self) -> None:
        """Until the next look; a signal ends it early."""
        until = time.monotonic() + self.engine.look_every_s
        while self.queue or self.running:
            self._heed()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, HEED_EVERY_S))

    def _take_on(self, folder: Path) -> None:
        """Start a folder's worker, if there is a place and need."""
        stand = self.stands[folder]
        moved = self._read(folder)
        if peek(folder).get("state") == "done":
            self._end(folder, RunEnd(folder, "done", stand.attempts))
        elif is_held(folder):
            self.queue.append(folder)
            if not stand.waits:
                stand.waits = True
                self._tell("waiting", folder, error="another process executes it")
            elif moved:
                self._tell("progress", folder)
        elif len(self.running) >= self.engine.places:
            self.queue.append(folder)
        else:
            stand.attempts += 1
            try:
                stand.worker, stand.waits = self.engine.start(folder), False
            except OSError as error:
                told = f"`{error.filename or folder}` cannot be used: {error.strerror or error}"
                self._end(folder, RunEnd(folder, "failed", stand.attempts, told))
            else:
                self._tell("started", folder)

    def _look(self, folder: Path) -> None:
        """See how a folder's worker does."""
        stand = self.stands[folder]
        assert stand.worker
        code = stand.worker.code()
        if self._read(folder) and code is None:
            self._tell("progress", folder)
        if code is None:
            return
        stand.worker = None
        if peek(folder).get("state") == "done":
            self._end(folder, RunEnd(folder, "done", stand.attempts))
        elif code == BUSY:
            stand.attempts -= 1
            self.queue.append(folder)
        else:
            self._missed(folder, why(folder, code))

    def _missed(self, folder: Path, error: str) -> None:
        """A worker ended, and its run is not done."""
        stand = self.stands[folder]
        stand.failures = 1 if stand.step > stand.furthest else stand.failures + 1
        stand.furthest = max(stand.step, stand.furthest)
        if stand.failures >= FAILURES:
            self._end(folder, RunEnd(folder, "failed", stand.attempts, error))
        else:
            self.queue.appendleft(folder)
            self._tell("retried", folder, error=error)

    def _read(self, folder: Path) -> bool:
        """Read where the folder's run stands; whether it moved."""
        stand, status = self.stands[folder], peek(folder)
        found = status.get("step", 0), status.get("steps", 0)
        moved = found != (stand.step, stand.steps)
        stand.step, stand.steps = found
        return moved

    def _end(self, folder: Path, end: RunEnd) -> None:
        self.ends[folder] = end
        self._tell("ended", folder, error=end.error, end=end)

    def _tell(self, kind: Any, folder: Path, error: str | None = None, end: RunEnd | None = None) -> None:
        stand = self.stands[folder]
        self.on_event(Event(kind, folder, stand.step, stand.steps, self._tally(), error, end))

    def _tally(self) -> Tally:
        states = [end.state for end in self.ends.values()]
        open_ = [stand for folder, stand in self.stands.items() if folder not in self.ends]
        return Tally(
            runs=len(self.stands),
            done=states.count("done"),
            failed=states.count("failed"),
            running=len(self.running),
            elapsed_s=time.monotonic() - self.began,
            work_left=sum(1 - stand.share for stand in open_),
            work_done=sum(max(stand.share - stand.began_at, 0.0) for stand in self.stands.values()),
        )

    def _stop_all(self) -> None:
        workers = [stand.worker for stand in self.stands.values() if stand.worker]
        for worker in workers:
            worker.stop()
        deadline = time.monotonic() + STOP_PATIENCE_S
        while (
            any(worker.code() is None for worker in workers)
            and time.monotonic() < deadline
            and self.stop.times < 2
        ):
            time.sleep(0.05)
        for worker in workers:
            if worker.code() is None:
                worker.kill()
