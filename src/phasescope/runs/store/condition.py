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
