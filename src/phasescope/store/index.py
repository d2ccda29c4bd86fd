"""An index over a folder of runs: rows of runs and of snapshots, already read, in SQLite.

    RUNS/index.sqlite      name of a run's folder, part, mark, JSON: the run's row, or a list with a row a snapshot

It is derived, and never the truth: a run whose files have changed since they were read (their mark: inode, size and time) is
read again, and so is every run where the index is missing, torn or cannot be used. Deleting it changes no answer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal

from phasescope.errors import UserError
from phasescope.store.files import to_json
from phasescope.store.flat import Row, run_row, snapshot_rows
from phasescope.store.folder import Run, damage_told, shown

INDEX = "index.sqlite"
Part = Literal["row", "snapshots"]
LAYOUT = 3
"""of the rows; an index of another one is made anew"""
BATCH = 200
"""runs that are read before they are kept: no more than these is lost where reading is interrupted"""
PATIENCE_S = 10.0
FINAL = ("done", "stopped", "failed", "prepared", "broken")
"""states that stay as they are until the files change"""


def run_rows(runs: Path, found: Sequence[Run]) -> list[Row]:
    """A row for each of `found`, runs in the folder `runs`: configuration, status, metrics of the last snapshot."""
    rows = _kept(runs, found, "row")
    for run, row in zip(found, rows, strict=True):
        row["path"] = shown(str(run.path))
        if row["state"] not in FINAL:
            row["state"] = run.status["state"]
    return rows


def rows_of_snapshots(runs: Path, found: Sequence[Run]) -> list[Row]:
    """A row for each snapshot of `found`; none of a run that is broken."""
    return [row for rows in _kept(runs, found, "snapshots") for row in rows]


def _kept(runs: Path, found: Sequence[Run], part: Part) -> list[Any]:
    """A part of what the files of runs say, in their order: kept where nothing changed, read otherwise."""
    known: dict[str, tuple[str, str]] = {}
    marks = {run.name: _mark(run.path) for run in found}
    with suppress(sqlite3.Error), closing(_open(runs / INDEX)) as index:
        query = "SELECT name, mark, text FROM runs WHERE part = ?"
        known = {name: (mark, text) for name, mark, text in index.execute(query, (part,))}
    texts: list[str] = []
    fresh: list[tuple[str, str, str, str]] = []
    for run in found:
        mark, text = known.get(run.name, ("", ""))
        if mark != marks[run.name]:
            text = _read(run, part)
            fresh.append((run.name, part, marks[run.name], text))
        if len(fresh) == BATCH:
            _write(runs / INDEX, fresh, ())
            fresh = []
        texts.append(text)
    gone = [(name,) for name in known.keys() - marks.keys() if not (runs / name).exists()]
    if fresh or gone:
        _write(runs / INDEX, fresh, gone)
    return [json.loads(text) for text in texts]


def _read(run: Run, part: Part) -> str:
    """The part as JSON; of a broken run the row has its name, its state and, as `error`, what is wrong with it."""
    try:
        with damage_told(run):
            return to_json(_row(run) if part == "row" else _snapshots(run))
    except UserError as error:
        broken = {"run": run.name, "state": "broken", "error": str(error)}
        return to_json(broken if part == "row" else [])


def _row(run: Run) -> Row:
    config = cache(lambda: run.config)
    status = run.status_given(config)
    base: Row = {"run": run.name, "state": status["state"]}
    if status["state"] == "broken":
        return {**base, "error": status["error"]}
    metrics = run.read_metrics()
    if metrics.faults:
        base |= {"state": "broken", "error": metrics.faults[0]}
    rows = snapshot_rows(run.identity, config(), status, metrics.entries[-1:])
    last = rows[0] if rows else run_row(run.identity, config(), status)
    stand = ("step", "steps", "images_seen", "wall_s", "cpu_s", "observing_s")
    return {**last, **{key: status.get(key) for key in stand}, **base}


def _snapshots(run: Run) -> list[Row]:
    config = cache(lambda: run.config)
    status = run.status_given(config)
    entries = [] if status["state"] == "broken" else run.metrics
    return [{"run": run.name, **row} for row in snapshot_rows(run.identity, config(), status, entries)]


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
            index.execute(
                "CREATE TABLE runs (name TEXT, part TEXT, mark TEXT, text TEXT, PRIMARY KEY (name, part))"
            )
            index.execute(f"PRAGMA user_version = {LAYOUT}")
            index.execute("COMMIT")
    except BaseException:
        index.close()
        raise
    return index


def _write(path: Path, fresh: Sequence[tuple[str, str, str, str]], gone: Sequence[tuple[str]]) -> None:
    """Keep what was read; where that cannot be, the next one reads again, and an index that is none goes."""
    try:
        with closing(_open(path)) as index:
            index.execute("BEGIN IMMEDIATE")
            index.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", fresh)
            index.executemany("DELETE FROM runs WHERE name = ?", gone)
            index.execute("COMMIT")
    except sqlite3.OperationalError:
        return
    except sqlite3.DatabaseError:
        for end in ("", "-wal", "-shm"):
            with suppress(OSError):
                path.with_name(path.name + end).unlink()
