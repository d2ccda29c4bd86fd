"""The runs of a folder, seen live: each is read when it appears and again when its files change.

A reader never waits for a writer: files are looked at by their time and size, and what is torn or half-written is told in
the run's row. Nothing outside the folder is read: a run is found by its name among the entries of the folder, never by a
path, and one that leads elsewhere by a symbolic link is shown as broken.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from phasescope.errors import UserError
from phasescope.store.catalogue import is_run
from phasescope.store.folder import Run, is_held
from phasescope.views.explorer.rows import broken_row, row_of
from phasescope.views.record import Record

FILES = ("config.yaml", "status.json", "metrics.jsonl", "references.json", "about.json", "snapshots")
"""by whose times a run is seen to change"""

Stamp = tuple[Any, ...]
CONFIG = 1
"""where a stamp tells of config.yaml"""


class Unknown(LookupError):
    """There is nothing of that name."""


class KnownRun(Run):
    """A run whose configuration is read once: it never changes, and reading YAML is most of what reading a run takes."""

    @cached_property
    def _config(self) -> dict[str, Any]:
        return super().config

    @property
    def config(self) -> dict[str, Any]:
        return self._config


@dataclass
class Entry:
    """A run, as it was last read."""

    run: Run
    stamp: Stamp
    version: int = 0
    row: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def record(self) -> Record:
        """Its files as arrays, read once for this state of the run."""
        return Record(self.run)


class Library:
    """All runs in the folder `runs`, which may not be there yet.

    `version` grows with every change; `pending` is how many runs wait to be read.
    """

    def __init__(self, runs: Path):
        self.folder = runs
        self.version, self.pending = 0, 0
        self._entries: dict[str, Entry] = {}
        self._gone: dict[str, int] = {}
        self._lock = threading.Lock()

    def refresh(self, within_s: float = float("inf")) -> bool:
        """Look at the folder, and read what changed, the latest first, until `within_s` have passed; whether anything did.

        At least one run is read if one has changed, so calling again comes to an end.
        """
        with self._lock:
            until = time.monotonic() + within_s
            before = self.version
            there = {path.name: self._stamp(path) for path in run_folders(self.folder)}
            for name in [name for name in self._entries if name not in there]:
                del self._entries[name]
                self.version += 1
                self._gone[name] = self.version
            changed = [name for name, stamp in there.items() if self._differs(name, stamp)]
            changed.sort(key=lambda name: there[name][0], reverse=True)
            for done, name in enumerate(changed, 1):
                self._read(name, there[name])
                self.pending = len(changed) - done
                if time.monotonic() > until:
                    break
            else:
                self.pending = 0
            return self.version != before

    def rows(self, since: int = 0) -> dict[str, Any]:
        """The rows that changed after version `since`, the names that went, and the version that this brings one to."""
        version = self.version
        changed = [entry.row for entry in list(self._entries.values()) if entry.version > since]
        gone = [name for name, at in list(self._gone.items()) if at > since]
        return {"version": version, "pending": self.pending, "rows": changed, "gone": gone}

    def entry(self, name: str) -> Entry:
        """The run of that name, read now where it was not yet, or has changed since.

        Raises:
            Unknown: the folder holds none.
            UserError: it leads out of the folder.
        """
        known = self._entries.get(name)
        path = (
            known.run.path if known else next((p for p in run_folders(self.folder) if p.name == name), None)
        )
        if path is None:
            raise Unknown(f"there is no run {name!r} here")
        if self._differs(name, self._stamp(path)):
            with self._lock:
                stamp = self._stamp(path)
                if self._differs(name, stamp):
                    self._read(name, stamp)
        entry = self._entries[name]
        if leads_out(entry.run.path, self.folder):
            raise UserError(f"`{name}` must lie inside the runs folder: it leads out of it by a link")
        return entry

    def _stamp(self, path: Path) -> Stamp:
        """The lock is looked at, which a writer may notice, only where a run has not come to its end."""
        known = self._entries.get(path.name)
        ended = known is not None and known.row["state"] in ("done", "broken")
        return (*stamp_of(path), not ended and is_held(path))

    def _differs(self, name: str, stamp: Stamp) -> bool:
        return name not in self._entries or self._entries[name].stamp != stamp

    def _read(self, name: str, stamp: Stamp) -> None:
        known = self._entries.get(name)
        # a changed config.yaml, or one that could not be read, is read again
        same = known is not None and known.stamp[CONFIG] == stamp[CONFIG] and known.row["state"] != "broken"
        run = known.run if known is not None and same else KnownRun(self.folder / name)
        if leads_out(run.path, self.folder):
            row = broken_row(run, "it leads out of the runs folder by a link, and is not read")
        else:
            row = row_of(run)
        self.version += 1
        row["version"] = self.version
        self._entries[name] = Entry(run, stamp, self.version, row)
        self._gone.pop(name, None)


def run_folders(runs: Path) -> list[Path]:
    """The entries of `runs` that are a run's folder, whole or not."""
    try:
        with os.scandir(runs) as entries:
            paths = [Path(entry.path) for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return []
    return [path for path in paths if is_run(path) or (path / "status.json").is_file()]


def stamp_of(path: Path) -> Stamp:
    """What changes when the run does: the latest of its files' times, then each file's time, size and identity."""
    seen: list[tuple[int, int, int] | None] = []
    for name in FILES:
        try:
            stat = os.stat(path / name)
            seen.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        except OSError:
            seen.append(None)
    latest = max((stat[0] for stat in seen if stat), default=0)
    return (latest, *seen)


def leads_out(path: Path, folder: Path) -> bool:
    """Whether the run folder `path`, or a file that is read in it, is a link to a place outside `folder`."""
    home = Path(os.path.realpath(folder))
    links = [path, *(path / name for name in FILES)]
    for inner in (path / "snapshots", *_subfolders(path / "snapshots")):
        try:
            with os.scandir(inner) as entries:
                links += [Path(entry.path) for entry in entries if entry.is_symlink()]
        except OSError:
            continue
    outside = (
        link for link in links if link.is_symlink() and home not in Path(os.path.realpath(link)).parents
    )
    return next(outside, None) is not None


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
