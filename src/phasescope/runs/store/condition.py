"""Selecting runs by a condition.

A condition is SQL (DuckDB's) on one row per run: its configuration (`training.batch`), its status (`state`, `step`,
`wall_s`) and its last snapshot's metrics (`outcomes.grid.correct`, `probe_r2.mid.600.value`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence
from functools import cache
from typing import TypeVar

from phasescope.core.errors import UserError
from phasescope.runs.store.flat import Row, as_frame, numbered, run_row
from phasescope.runs.store.folder import Notify, RunFolder, read_or, shown

R = TypeVar("R", bound=RunFolder)
STATUS = ("state", "step", "steps", "images_seen", "wall_s", "cpu_s", "observing_s", "error")
"""keys of a run's status that are columns of its row"""
# Quoted words and dotted names outside of comments and strings may be columns.
TOKEN = re.compile(
    r"""--[^\n]*|\$\$.*?\$\$|'(?:[^']|'')*'|"(?P<quoted>[^"]+)"|(?<![\w.])(?P<name>[a-z_]\w*+(?:\.\w+)*+)""",
    re.IGNORECASE | re.DOTALL,
)


def row_of(run: RunFolder, groups: Collection[str] | None = None) -> Row:
    """Return the row of a run in `runs_frame`: its configuration, its status, the metrics of its last snapshot.

    Args:
        groups: first words of the metrics that are wanted, in lower case; all by default. A line has hundreds of numbers.
    """

    def read(run: RunFolder) -> Row:
        status = run.status
        standing = {key: status.get(key) for key in STATUS if key != "error" or key in status}
        head = {**same, **run_row(run.identity, run.config, status), **standing}
        last = run.last_metrics or {}
        if groups is not None:
            last = {name: value for name, value in last.items() if name.lower() in groups}
        # The head comes first, and its values override metrics of the same name.
        return {**head, **numbered(last), **head}

    same: Row = {"run": run.name, "path": shown(str(run.path))}
    return read_or(run, read, lambda error: {**same, "state": "broken", "error": error})


def meeting(runs: Sequence[R], where: str, notify: Notify) -> list[R]:
    """Return the runs whose rows meet the condition.

    Raises:
        UserError: the condition is invalid.
    """
    import duckdb

    named = _names_in(where)
    rows, columns = _rows_with(runs, named, notify)
    try:
        chosen = _chosen(rows, _with_quotes(where, columns))
    except duckdb.Error as error:
        why = " ".join(str(error).partition("\n\n")[0].split())[:300] + _hint(runs, named)
        rule = "must be a condition, as in \"training.batch = 32 and state = 'done'\""
        raise UserError(f"`--where` (={' '.join(where.split())[:200]}) {rule}: {why}") from None
    return [run for run in runs if run.name in chosen]


def _names_in(where: str) -> set[str]:
    """Return the names in a condition that may be columns, in lower case."""
    return {(match["quoted"] or match["name"] or "").lower() for match in TOKEN.finditer(where)}


def _rows_with(runs: Sequence[RunFolder], named: set[str], notify: Notify) -> tuple[list[Row], list[str]]:
    """Return a row for each run with the columns that a condition names, and the names of all columns that were read.

    All columns of 10,000 runs would fill a gigabyte.
    """
    kept = named | {f"config.{name}" for name in named} | {"run"}
    is_kept = cache(lambda name: name.lower() in kept)
    groups = {name.partition(".")[0] for name in kept}

    columns: dict[str, None] = {}
    rows: list[Row] = []
    for number, run in enumerate(runs, 1):
        row = row_of(run, groups)
        columns |= dict.fromkeys(row)
        rows.append({name: value for name, value in row.items() if is_kept(name)})
        notify(number, len(runs))
    return rows, list(columns)


def _with_quotes(where: str, columns: Sequence[str]) -> str:
    """Return a condition with its columns quoted; `config.` may be left out.

    DuckDB would split `probe_r2.mid.600.n` at its dots, and 600 is no name in SQL, so that nested columns cannot serve.
    """
    known = {name.lower().removeprefix("config."): name for name in columns}

    def quoted(match: re.Match[str]) -> str:
        name = (match["name"] or "").lower().removeprefix("config.")
        return f'"{known[name]}"' if name in known else match[0]

    return TOKEN.sub(quoted, where)


def _chosen(rows: Sequence[Row], condition: str) -> set[str]:
    """Return the names of the runs that meet a condition; duckdb.Error if it is invalid."""
    import duckdb

    try:
        return _selected(rows, condition)
    except duckdb.Error:
        # A text in one run, where others have numbers, makes the column text, which no number can be compared with.
        numbers = _without_stray_texts(rows)
        if numbers == rows:
            raise
        return _selected(numbers, condition)


def _selected(rows: Sequence[Row], condition: str) -> set[str]:
    import duckdb

    with duckdb.connect() as connection:
        connection.register("frame", as_frame(rows))
        # A condition may be copied from anywhere: it computes with these rows, and reads no file.
        connection.execute("CREATE TABLE runs AS FROM frame; SET enable_external_access = false")
        query = f"SELECT run FROM runs WHERE (\n{condition}\n) AND true"
        return {name for (name,) in connection.execute(query).fetchall()}


def _hint(runs: Sequence[RunFolder], named: set[str]) -> str:
    """Return the column that a missing name is near, if there is one.

    DuckDB takes the part before a dot for a table and reports it missing, which would not help the user.
    """
    every = {name.lower().removeprefix("config.") for run in runs for name in row_of(run)}
    missing = sorted(name for name in named if name not in every and "." in name)
    near = [match for name in missing for match in difflib.get_close_matches(name, every, n=1)]
    return f"; `{near[0]}` is near" if near else ""


def _without_stray_texts(rows: Sequence[Row]) -> list[Row]:
    """Return rows in which a column that has numbers has no texts: these are missing instead."""
    numeric = {name for row in rows for name, value in row.items() if isinstance(value, int | float)}
    return [
        {name: None if name in numeric and isinstance(value, str) else value for name, value in row.items()}
        for row in rows
    ]
