"""The runs of a folder, seen live: each is read when it appears and again when its files change.

A reader never waits for a writer: it looks at the times and sizes of files. Each run is read once for each state of its
files. A run is identified by its name among the entries of the folder, never by a path.
"""

import os
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from phasescope.core.errors import UserError
from phasescope.runs.store.folder import RunFolder, is_run, shown
from phasescope.runs.store.layout import names
from phasescope.runs.store.status import is_held
from phasescope.views.facts.record import Record
from phasescope.views.facts.rows import row_of

Stamp = tuple[Any, ...]


class Unknown(UserError):
    """No run or study has this name."""


@dataclass
class Entry:
    """A run in the state in which it was last read."""

    run: RunFolder
    stamp: Stamp
    version: int = 0
    row: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def record(self) -> Record:
        """The run's files as arrays, read once for this state of the run."""
        return Record(self.run)


class Library:
    """All runs in the folder `runs`, which may not exist yet. `version` grows with every change."""

    def __init__(self, runs: Path):
        self.folder = runs
        self.version = 0
        self._entries: dict[str, Entry] = {}
        self._unread: list[tuple[str, Path]] = []
        self._gone: dict[str, int] = {}
        self._lock = threading.Lock()

    def refresh(self, within_s: float = float("inf")) -> bool:
        """Forget the runs that are gone and read those that have changed, unless new ones are still unread; then read new
        ones until `within_s` have passed. Return whether there were any of these.

        Raises:
            UserError: the folder exists and cannot be listed; what is known of it stays.
        """
        with self._lock:
            before = self.version
            if not self._unread:
                paths = {shown(path.name): path for path in run_folders(self.folder)}
                for name in self._entries.keys() - paths.keys():
                    del self._entries[name]
                    self._gone[name] = self.version + 1
                    self.version += 1
                for name in self._entries:
                    self._read_if_changed(name, paths[name])
                self._unread = [(name, path) for name, path in paths.items() if name not in self._entries]

            until = time.monotonic() + within_s
            while self._unread:
                self._read_if_changed(*self._unread.pop())
                if time.monotonic() >= until:
                    break

            return self.version != before

    def rows(self, since: int = 0) -> dict[str, Any]:
        """Return the rows that changed after version `since`, the names that went, and the version with these."""
        # Read first: a run that changes meanwhile is then sent once more, and never left out.
        version = self.version
        changed = [entry.row for entry in list(self._entries.values()) if entry.version > since]
        gone = [name for name, at in list(self._gone.items()) if at > since]
        return {"version": version, "unread": len(self._unread), "rows": changed, "gone": gone}

    def entry(self, name: str) -> Entry:
        """Return the run of that name, read now if it was not yet, or has changed since.

        Raises:
            Unknown: the folder holds none.
            UserError: the folder cannot be listed.
        """
        known = self._entries.get(name)
        paths = [known.run.path] if known else run_folders(self.folder)
        path = next((path for path in paths if shown(path.name) == name and is_run_folder(path)), None)
        if path is None:
            raise Unknown(f"there is no run {name!r} here")
        if self._differs(name, self._stamp(name, path)):
            with self._lock:
                self._read_if_changed(name, path)
        return self._entries[name]

    def _stamp(self, name: str, path: Path) -> Stamp:
        """Return the run's stamp; its lock, where a writer may notice a look, counts only until the run has ended."""
        known = self._entries.get(name)
        ended = known is not None and known.row["state"] in ("done", "broken")
        return (*stamp_of(path), not ended and is_held(path))

    def _differs(self, name: str, stamp: Stamp) -> bool:
        return name not in self._entries or self._entries[name].stamp != stamp

    def _read_if_changed(self, name: str, path: Path) -> None:
        stamp = self._stamp(name, path)
        if not self._differs(name, stamp):
            return
        run, version = RunFolder(path), self.version + 1
        self._entries[name] = Entry(run, stamp, version, {**row_of(run), "version": version})
        self._gone.pop(name, None)
        # last: whoever asks for what changed since a version must have had what came with it
        self.version = version


def run_folders(runs: Path) -> list[Path]:
    """Return the entries of `runs` that are a run's folder, whole or not; none if there is no such folder.

    Raises:
        UserError: it exists and cannot be listed.
    """
    try:
        names = os.listdir(runs)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"`--runs` (={runs}) cannot be listed: {error.strerror}") from None
    return [runs / name for name in names if not name.startswith(".") and is_run_folder(runs / name)]


def is_run_folder(path: Path) -> bool:
    return is_run(path) or os.path.isfile(path / "status.json")


def stamp_of(path: Path) -> Stamp:
    """Return what changes when the run does: the latest of its files' times, then each file's time, size and identity."""
    stats = [_stat(path / name) for name in names(lambda part: part.is_watched)]
    return (max((stat[0] for stat in stats if stat), default=0), *stats)


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
