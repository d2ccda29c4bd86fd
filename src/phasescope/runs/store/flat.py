"""Runs as flat rows: one row per (run, snapshot), and a column for each number, named by its dotted path.

`config.training.batch`, `outcomes.grid.correct`, `probe_r2.mid.600.baselines.untrained`, `denoising.3.network`. Within a
configuration a list is one value, as JSON text; within metrics its entries are numbered. A row's values are None, bool, int,
float or text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import filter as names_like
from fnmatch import translate
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.core.config import Tree
from phasescope.core.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

COSTS = ("wall_s", "cpu_s", "observing_s")
PROVENANCE = {"host.name": "host", "host.cpu": "cpu", "host.cores": "cores"} | {
    name: name for name in ("threads", "device", "git_commit", "versions", "started", "updated")
}
"""column -> key of status.json, for the machine, the time and the software of a run"""


def run_row(identity: str, config: Tree, status: Mapping[str, Any]) -> Row:
    """Return the columns that all snapshots of a run share: key, configuration, size, provenance."""
    return {
        "digest": identity,
        "name": config.get("name"),
        "seed": config.get("seed"),
        "images": status.get("images"),
        "parameters": status.get("parameters"),
        **config_columns(config),
        **{column: _value(status.get(key)) for column, key in PROVENANCE.items()},
    }


def config_columns(config: Tree) -> Row:
    """Return the leaves of a configuration by column."""
    return _flat(config, "config.", {})


def snapshot_rows(
    identity: str, config: Tree, status: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """Return one row for each entry of a run's metrics; the columns `....estimator` describe how scores were estimated."""
    same = run_row(identity, config, status)
    return [{**same, **numbered(entry)} for entry in metrics]


def as_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Return rows as a table with a type for each column: bool, int or float, with None as missing; all else as text.

    A column without any value has floats.
    """
    import pandas as pd

    columns: dict[str, list[Any]] = {}
    count = 0
    for count, row in enumerate(rows, 1):
        for name, value in row.items():
            values = columns.setdefault(name, [])
            values += [None] * (count - 1 - len(values))
            values.append(value)
    return pd.DataFrame(
        {name: _typed(values + [None] * (count - len(values))) for name, values in columns.items()}
    )


def frame_of(rows: Iterable[Row], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return rows as a table with numpy's types.

    Args:
        columns: names or patterns (`accuracy.*`) of the columns to keep in addition to `run` and `step`; all by default.

    Raises:
        UserError: none of the rows' columns has such a name.
    """
    wanted = re.compile("|".join(map(translate, ("run", "step", *columns)) if columns else ("",)))
    is_wanted = cache(lambda name: wanted.match(name) is not None)
    frame = plain_types(
        as_frame({name: value for name, value in row.items() if is_wanted(name)} for row in rows)
    )
    if len(frame):
        for pattern in columns or ():
            if not names_like(frame.columns, pattern):
                raise UserError(
                    f"`columns` (={pattern}) must be names of columns, or patterns such as accuracy.*: no column matches"
                )
    return frame


def plain_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with numpy's types: integers with missing values become floats with NaN, booleans get None."""
    import pandas as pd

    def plain(column: pd.Series) -> Any:
        missing = column.isna().any()
        if str(column.dtype) == "Int64":
            return column.astype("float64" if missing else "int64")
        if str(column.dtype) != "boolean":
            return column
        truths = [None if value is pd.NA else bool(value) for value in column]
        return np.array(truths, dtype=object if missing else bool)

    return pd.DataFrame({name: plain(column) for name, column in frame.items()}, index=frame.index)


def _typed(values: list[Any]) -> Any:
    import pandas as pd

    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if kinds == {bool}:
        return pd.array(values, dtype="boolean")
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in present):
        return pd.array(values, dtype="Int64")
    if kinds <= {int, float}:
        return np.array([np.nan if value is None else value for value in values], dtype=float)
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pd.array(texts, dtype="str")


def numbered(tree: Mapping[str, Any]) -> Row:
    """Return the leaves of metrics by dotted path, entries of lists by their number."""
    return _flat(tree, "", {}, with_numbers=True)


def _flat(tree: Mapping[str, Any], prefix: str, row: Row, with_numbers: bool = False) -> Row:
    """Add a tree's leaves to `row` by dotted path, and return it; a list is JSON text, or its entries are numbered."""
    for key, value in tree.items():
        if with_numbers and isinstance(value, list):
            value = {str(index): entry for index, entry in enumerate(value)}
        if isinstance(value, dict):
            _flat(value, f"{prefix}{key}.", row, with_numbers)
        else:
            row[f"{prefix}{key}"] = _value(value)
    return row


def _value(leaf: Any) -> Any:
    return json.dumps(leaf, sort_keys=True) if isinstance(leaf, dict | list) else leaf
