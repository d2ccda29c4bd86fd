"""The condensed records of many runs: one Parquet file with one row per (run, snapshot), keyed by `digest` and `step`.

A study needs only its records, without the runs' folders: configurations, all metrics, costs, provenance, and later readings
of snapshots. A run's rows are bitwise the same wherever it is computed, except for the columns of cost and provenance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.core.errors import UserError
from phasescope.runs.store.files import write_aside
from phasescope.runs.store.flat import COSTS, PROVENANCE, Row, as_frame, plain_types, snapshot_rows
from phasescope.runs.store.folder import RunFolder
from phasescope.runs.store.locks import locked
from phasescope.runs.store.tables import query_bytes

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

KEY = ("digest", "step")
HEAD = ("digest", "name", "seed", "step", "images_seen", "epochs", "loss")
COST_COLUMNS = frozenset(COSTS)
"""costs of a run up to the snapshot; also the last word of a further reading's column"""


def is_result(column: str) -> bool:
    """Return whether a column must be bitwise the same wherever a run is computed."""
    return column not in PROVENANCE and column.rpartition(".")[2] not in COST_COLUMNS


def condense(run: RunFolder) -> list[Row]:
    """Return the rows of a finished run, one per snapshot, by ascending step.

    Raises:
        UserError: the run is not done, has no snapshot, or its metrics are damaged.
    """
    status = run.status
    if status["state"] != "done":
        raise UserError(f"`run` (={run.name}) must be done to be recorded: it is {status['state']}")
    rows = snapshot_rows(run.identity, run.config, status, run.metrics)
    if not rows or rows[-1]["step"] != status.get("step"):
        raise UserError(f"`run` (={run.name}) must have the metrics of all its snapshots: some are missing")
    return rows


def merge_records(path: Path, rows: Iterable[Row]) -> None:
    """Merge rows into the file of records, which is created if it does not exist.

    Rows are keyed by `digest` and `step`. A row's values replace those of the same columns and leave all others, so that the
    columns of a further reading can be merged alone. `....estimator` texts are left out. Processes that merge at the same
    time wait for one another, the file is always complete, and merging the same rows again changes no byte.

    Raises:
        ValueError: a row lacks its key, or belongs to a run that is not recorded and has no `images_seen`.
        UserError: the file exists and is no Parquet file of records.
        OSError: it cannot be written.
    """
    by_key: dict[tuple[Any, Any], Row] = {}
    for row in rows:
        if any(row.get(name) is None for name in KEY):
            raise ValueError("`rows` must have `digest` and `step`: they are the key of a record")
        values = {name: value for name, value in row.items() if name.rpartition(".")[2] != "estimator"}
        by_key.setdefault((row["digest"], row["step"]), {}).update(values)

    if not by_key:
        return

    path.parent.mkdir(parents=True, exist_ok=True)
    frame = as_frame(by_key.values())

    # A lock belongs to a file, and each merge replaces the file of records: it needs one beside it.
    with locked(path.with_name(f".{path.name}.lock")):
        for aside in path.parent.glob(f".{path.name}.*.aside"):
            aside.unlink()

        content = _merged(path, frame)
        # An unchanged file keeps its time, by which readers that cache it would read it again.
        if not path.exists() or path.read_bytes() != content:
            write_aside(path, content)


def read_records(path: Path) -> pd.DataFrame:
    """Return the records, by digest and step; empty if there is no file.

    A column of integers with missing values has floats, as missing values are NaN.

    Raises:
        UserError: the file exists and is no Parquet file.
    """
    import pandas as pd

    if not path.exists():
        return pd.DataFrame({name: [] for name in HEAD})
    with _opened(path) as connection:
        return plain_types(connection.execute("SELECT * FROM records").df())


def some_columns(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return a few columns of a file of records without reading the others; a missing column has only None.

    Raises:
        UserError: the file is no Parquet file.
    """
    with _opened(path) as connection:
        table = connection.view("records")
        chosen = [f"{'' if name in table.columns else 'NULL AS '}{_quoted(name)}" for name in names]
        columns = table.select(", ".join(chosen)).fetchnumpy()
    arrays = {name: np.array(column, dtype=object) for name, column in columns.items()}
    for name, column in columns.items():
        arrays[name][np.ma.getmaskarray(column)] = None
    return arrays


@contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection in which the file is the view `records`.

    Raises:
        UserError: the file exists and holds no records.
    """
    import duckdb

    # One thread writes the same bytes each time.
    with duckdb.connect(config={"threads": 1}) as connection:
        try:
            if path.exists():
                connection.read_parquet(str(path)).create_view("records")
            yield connection
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"`{path}` must be a Parquet file of records: {reason}") from None


def _merged(path: Path, frame: pd.DataFrame) -> bytes:
    """Return the file's rows, merged with those of `frame`, as a Parquet file."""
    with _opened(path) as connection:
        connection.register("given", frame)
        if not path.exists():
            connection.execute("CREATE VIEW records AS SELECT digest, step FROM given WHERE false")
        there, given = _types(connection, "records"), _types(connection, "given")

        columns = sorted({*there, *given} - {*KEY}, key=_place)
        chosen = [_either(connection, name, there.get(name), given.get(name)) for name in columns]
        connection.execute(
            f"CREATE TABLE merged AS SELECT {', '.join([*KEY, *chosen])} "
            "FROM records FULL JOIN given USING (digest, step)"
        )

        known = "images_seen IS NOT NULL" if "images_seen" in columns else "false"
        stray = connection.execute(f"SELECT digest, step FROM merged WHERE NOT ({known}) LIMIT 1").fetchone()
        if stray:
            raise ValueError(
                f"`rows` (={stray[0]}, step {stray[1]}) must be of a recorded run: its own rows are merged first"
            )

        ordered = ", ".join(_quoted(name) for name in sorted([*KEY, *columns], key=_place))
        return query_bytes(connection, f"SELECT {ordered} FROM merged ORDER BY digest, step")


def _types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    relation = connection.query(f"FROM {table}")
    return dict(zip(relation.columns, map(str, relation.types), strict=True))


def _either(connection: duckdb.DuckDBPyConnection, name: str, there: str | None, given: str | None) -> str:
    """Return SQL for a column's value: the given one, or else the recorded one, in a type that holds both."""
    column = _quoted(name)
    if there is None or given is None:
        return f"{'given' if there is None else 'records'}.{column} AS {column}"
    kind = there
    if there != given:
        held = [
            type_name
            for table, type_name in (("records", there), ("given", given))
            if connection.execute(f"SELECT count({column}) FROM {table}").fetchone() != (0,)
        ]
        mixed = "DOUBLE" if {*held} == {"BIGINT", "DOUBLE"} else "VARCHAR"
        kind = mixed if len(held) == 2 else (held or [given])[0]
    return f"coalesce(TRY_CAST(given.{column} AS {kind}), TRY_CAST(records.{column} AS {kind})) AS {column}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _place(column: str) -> tuple[int, int, list[tuple[int, str]]]:
    """Return a sort key: key and head first, then configuration, results, costs and provenance; numbers by their value."""
    head = HEAD.index(column) if column in HEAD else len(HEAD)
    group = 0 if column.startswith("config.") else 1 if is_result(column) else 2
    words = [(int(word), "") if word.isdigit() else (-1, word) for word in column.split(".")]
    return head, group, words
