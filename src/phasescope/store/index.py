"""An index over a folder of runs: what their files say, already read, in SQLite.

    RUNS/index.sqlite      name of a run's folder, mark, document

It is derived, and never the truth: a run whose files have changed since they were read (their mark: inode, size and time) is
read again, and so is every run where the index is missing, torn or cannot be used. Deleting it changes no answer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from phasescope.errors import UserError
from phasescope.store.files import to_json
from phasescope.store.flat import Row, run_row, snapshot_rows
from phasescope.store.folder import Run, damage_told, shown

INDEX = "index.sqlite"
LAYOUT = 2
"""of the documents; an index of another one is made anew"""
PATIENCE_S = 10.0
FINAL = ("done", "stopped", "failed", "prepared", "broken")
"""states that stay as they are until the files change"""

Document = dict[str, Any]
"""`run`: a row; `snapshots`: rows"""


def documents(runs: Path, found: Sequence[Run]) -> list[Document]:
    """What the files of `found`, runs in the folder `runs`, say, in their order."""
    known: dict[str, tuple[str, str]] = {}
    marks = {run.name: _mark(run.path) for run in found}
    with suppress(sqlite3.Error), closing(_open(runs / INDEX)) as index:
        known = {name: (mark, text) for name, mark, text in index.execute("SELECT * FROM runs")}
    there: dict[str, Document] = {}
    fresh: list[tuple[str, str, str]] = []
    for run in found:
        name = run.name
        mark, text = known.get(name, ("", ""))
        if mark != marks[name]:
            text = to_json(_read(run))
            fresh.append((name, marks[name], text))
        there[name] = json.loads(text)
    gone = [(name,) for name in known.keys() - there.keys() if not (runs / name).exists()]
    if fresh or gone:
        _write(runs / INDEX, fresh, gone)
    for run in found:
        row = there[run.name]["run"]
        row["path"] = shown(str(run.path))
        if row["state"] not in FINAL:
            row["state"] = run.status["state"]
    return list(there.values())


def _read(run: Run) -> Document:
    """The run's files as flat rows; one that is broken has its name, its state and, as `error`, what is wrong with it."""
    try:
        with damage_told(run):
            return _rows(run)
    except UserError as error:
        return {"run": {"run": run.name, "state": "broken", "error": str(error)}, "snapshots": []}


def _rows(run: Run) -> Document:
    status = run.status
    base: Row = {"run": run.name, "state": status["state"]}
    if status["state"] == "broken":
        return {"run": {**base, "error": status["error"]}, "snapshots": []}
    config, metrics = run.config, run.read_metrics()
    if metrics.faults:
        base |= {"state": "broken", "error": metrics.faults[0]}
    rows = snapshot_rows(run.identity, config, status, metrics.entries)
    last = rows[-1] if rows else run_row(run.identity, config, status)
    stand = {
        key: status.get(key) for key in ("step", "steps", "images_seen", "wall_s", "cpu_s", "observing_s")
    }
    document = {
        "run": {**last, **stand, **base},
        "snapshots": [{"run": run.name, **row} for row in rows],
    }
    to_json(document)  # what cannot be kept is broken too
    return document


def _mark(path: Path) -> str:
    """What changes when one of a run's files is replaced or grows."""
    marks = []
    for name in ("config.yaml", "status.json", "metrics.jsonl"):
        try:
            stat = (path / name).stat()
        except OSError:
            marks.append("-")
        else:
            marks.append(f"{stat.st_ino} {stat.st_size} {stat.st_mtime_ns}")
    return ", ".join(marks)


def _open(path: Path) -> sqlite3.Connection:
    index = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
    try:
        index.execute("PRAGMA journal_mode = WAL")
        index.execute("PRAGMA synchronous = NORMAL")
        if index.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:
            index.execute("BEGIN IMMEDIATE")
            index.execute("DROP TABLE IF EXISTS runs")
            index.execute("CREATE TABLE runs (name TEXT PRIMARY KEY, mark TEXT, document TEXT)")
            index.execute(f"PRAGMA user_version = {LAYOUT}")
            index.execute("COMMIT")
    except BaseException:
        index.close()
        raise
    return index


def _write(path: Path, fresh: Sequence[tuple[str, str, str]], gone: Sequence[tuple[str]]) -> None:
    """Keep what was read; where that cannot be, the next one reads again, and an index that is none goes."""
    try:
        with closing(_open(path)) as index:
            index.execute("BEGIN IMMEDIATE")
            index.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", fresh)
            index.executemany("DELETE FROM runs WHERE name = ?", gone)
            index.execute("COMMIT")
    except sqlite3.OperationalError:
        return
    except sqlite3.DatabaseError:
        for end in ("", "-wal", "-shm"):
            with suppress(OSError):
                path.with_name(path.name + end).unlink()
