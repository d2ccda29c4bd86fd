"""Listing and selecting runs by a condition.

A condition is SQL (DuckDB's) on one row per run: its configuration (`training.batch`), its status (`state`, `step`,
`wall_s`) and its last snapshot's metrics (`outcomes.grid.correct`, `probe_r2.mid.600.value`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Sequence
from functools import cache
from os.path import isfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from phasescope.core.errors import UserError, reading
from phasescope.runs.store.folder import Notify, Run, shown

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
Row = dict[str, Any]
# Quoted words and dotted names outside of comments and strings may be columns.
TOKEN = re.compile(
    r"""--[^\n]*|\$\$.*?\$\$|'(?:[^']|'')*'|"(?P<quoted>[^"]+)"|(?<![\w.])(?P<name>[a-z_]\w*+(?:\.\w+)*+)""",
    re.IGNORECASE | re.DOTALL,
)


def open_run(path: Path | str) -> Run:
    """Return the run in the folder `path`.

    Raises:
        UserError: there is no such run.
    """
    path = Path(path)
    if not is_run(path):
        raise UserError(f"`{path}` must be a run's folder: it has no config.yaml")
    return Run(path)


def list_runs(runs: Path | str = "runs", where: str | None = None, notify: Notify | None = None) -> list[Run]:
    """Return the runs in a folder by name: all of them, or those that meet the condition `where`.

    While rows are read for a condition, `notify` is called with the number of rows read, and of all.

    Raises:
        UserError: `runs` exists and cannot be listed; the condition is invalid.
    """
    runs = Path(runs)
    try:
        entries = sorted(runs.iterdir()) if runs.exists() else []
    except OSError as error:
        raise UserError(f"`{runs}` cannot be listed: {error.strerror}") from None
    # Names with a dot belong to folders that are still being written.
    listed = [Run(path) for path in entries if is_run(path) and not path.name.startswith(".")]
    return _meeting(listed, where, notify or (lambda *_: None)) if where is not None and listed else listed


def runs_frame(
    runs: Path | str = "runs", where: str | None = None, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return one row per run, by name: `run`, `path`, `state`, `step`, `config.training.batch`, ..., and the metrics of its
    last snapshot. If a run cannot be read, its `state` is broken and `error` says why.

    Args:
        columns: names of columns, or patterns such as `accuracy.*`, to keep in addition to `run` and `step`; all by default.

    Raises:
        UserError: as `list_runs`; or no column has a name in `columns`.
    """
    from phasescope.runs.store.flat import frame_of

    return frame_of(map(row_of, list_runs(runs, where)), columns)


def snapshots_frame(
    runs: Path | str = "runs", where: str | None = None, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return one row per snapshot of each run that meets `where`, done or not: `run`, and the columns of `Run.to_frame`.

    Args:
        columns: as for `runs_frame`; all of them are about two thousand.

    Raises:
        UserError: as `runs_frame`.
    """
    from phasescope.runs.store.flat import frame_of, snapshot_rows

    def rows_of(run: Run) -> list[Row]:
        same: Row = {"run": run.name}
        return [same | row for row in snapshot_rows(run.identity, run.config, run.status, run.metrics)]

    several = (read_or(run, rows_of, lambda _: []) for run in list_runs(runs, where))
    return frame_of((row for rows in several for row in rows), columns)


def row_of(run: Run, groups: Collection[str] | None = None) -> Row:
    """Return the row of a run in `runs_frame`: its configuration, its status, the metrics of its last snapshot.

    Args:
        groups: first words of the metrics that are wanted, in lower case; all by default. A line has hundreds of numbers.
    """
    from phasescope.runs.store.flat import numbered, run_row

    def read(run: Run) -> Row:
        status = run.status
        stand = ("state", "step", "steps", "images_seen", "wall_s", "cpu_s", "observing_s", "error")
        standing = {key: status.get(key) for key in stand if key != "error" or key in status}
        head = {**same, **run_row(run.identity, run.config, status), **standing}
        last = run.last_metrics or {}
        if groups is not None:
            last = {name: value for name, value in last.items() if name.lower() in groups}
        # The head comes first, and its values override metrics of the same name.
        return {**head, **numbered(last), **head}

    same: Row = {"run": run.name, "path": shown(str(run.path))}
    return read_or(run, read, lambda error: {**same, "state": "broken", "error": error})


def read_or(run: Run, read: Callable[[Run], T], broken: Callable[[str], T]) -> T:
    """Return `read(run)`, or `broken(reason)` if the run's files cannot be read."""
    try:
        with reading(run.path):
            return read(run)
    except UserError as error:
        return broken(str(error))


def _meeting(runs: list[Run], where: str, notify: Notify) -> list[Run]:
    """Return the runs whose rows meet the condition.

    Raises:
        UserError: the condition is invalid.
    """
    import duckdb

    from phasescope.runs.store.flat import as_frame

    named = {(match["quoted"] or match["name"] or "").lower() for match in TOKEN.finditer(where)}
    named |= {f"config.{name}" for name in named} | {"run"}
    is_named = cache(lambda name: name.lower() in named)
    groups = {name.partition(".")[0] for name in named}
    columns, rows = Row(), list[Row]()
    for number, run in enumerate(runs, 1):
        row = row_of(run, groups)
        columns |= row
        # Keep only the columns that the condition names: all columns of 10,000 runs fill a gigabyte.
        rows.append({name: value for name, value in row.items() if is_named(name)})
        notify(number, len(runs))
    known = {name.lower().removeprefix("config."): name for name in columns}

    def quoted(match: re.Match[str]) -> str:
        # Quotes are needed, since DuckDB would split `probe_r2.mid.600.n` at its dots; `config.` may be left out.
        name = (match["name"] or "").lower().removeprefix("config.")
        return f'"{known[name]}"' if name in known else match[0]

    def chosen(rows: Sequence[Row]) -> set[str]:
        with duckdb.connect() as connection:
            connection.register("frame", as_frame(rows))
            # A condition may be copied from anywhere: it computes with these rows, and reads no file.
            connection.execute("CREATE TABLE runs AS FROM frame; SET enable_external_access = false")
            condition = f"SELECT run FROM runs WHERE (\n{TOKEN.sub(quoted, where)}\n) AND true"
            return {name for (name,) in connection.execute(condition).fetchall()}

    try:
        try:
            names = chosen(rows)
        except duckdb.Error:
            # A text in one run, where others have numbers, makes the column text, which no number can be compared with.
            if (numbers := _without_stray_texts(rows)) == rows:
                raise
            names = chosen(numbers)
    except duckdb.Error as error:
        every = {name.lower().removeprefix("config.") for run in runs for name in row_of(run)}
        near = [
            difflib.get_close_matches(name, every, n=1) for name in named if name not in every and "." in name
        ]
        # DuckDB takes the part before a dot for a table and reports it missing, which would not help the user.
        hint = f"; `{near[0][0]}` is near" if near and near[0] else ""
        why = " ".join(str(error).partition("\n\n")[0].split())[:300]
        rule = "must be a condition, as in \"training.batch = 32 and state = 'done'\""
        raise UserError(f"`--where` (={' '.join(where.split())[:200]}) {rule}: {why}{hint}") from None
    return [run for run in runs if run.name in names]


def _without_stray_texts(rows: Sequence[Row]) -> list[Row]:
    """Return rows in which a column that has numbers has no texts: these are missing instead."""
    numeric = {name for row in rows for name, value in row.items() if isinstance(value, int | float)}
    return [
        {name: None if name in numeric and isinstance(value, str) else value for name, value in row.items()}
        for row in rows
    ]


def as_run(run: Run | str | Path) -> Run:
    """Return a run as it is, or the run in the folder `runs` that a word names (`find_run`)."""
    return run if isinstance(run, Run) else find_run(str(run))


def find_run(word: str, runs: Path | str = "runs") -> Run:
    """Return the run that `word` names: by its folder, or in `runs` by its name or the beginning of its name or hash.

    Raises:
        UserError: `word` names no run, or several.
    """
    if is_run(Path(word)):
        return Run(Path(word))
    known = list_runs(runs)
    # A complete name precedes the beginning of one: `base` is base-1a2b3c4d even if base2-5e6f7a8b exists.
    exact = [run for run in known if word in (run.name, run.name.rpartition("-")[0])]
    hits = exact or [
        run for run in known if run.name.startswith(word) or run.name.rpartition("-")[2].startswith(word)
    ]
    if len(hits) == 1:
        return hits[0]
    if not hits:
        raise UserError(f"`RUN` (={word}) must name a run: of {len(known)} in `{runs}` none has that name")
    names = ", ".join(run.name for run in hits[:5])
    raise UserError(f"`RUN` (={word}) must name one run: it could be {names}")


def is_run(path: Path) -> bool:
    """Return whether there is a run's folder at `path`."""
    return isfile(path / "config.yaml")
