"""Columns as Parquet, by DuckDB; named arrays as safetensors."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phasescope.core.errors import reading
from phasescope.core.plain_files import check_plain

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


def write_parquet(path: Path, columns: dict[str, np.ndarray]) -> None:
    """Write equally long columns.

    Raises:
        OSError: the file cannot be written.
    """
    import duckdb

    table = {
        name: column.astype(object) if column.dtype.kind == "U" else column
        for name, column in columns.items()
    }
    try:
        with duckdb.connect() as connection:
            connection.register("columns", table)
            connection.sql("SELECT * FROM columns").write_parquet(str(path))
    except duckdb.IOException as error:
        raise OSError(errno.EIO, " ".join(str(error).split()), str(path)) from None


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """Return a frame as a Parquet file; one thread writes the same bytes each time."""
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("frame", frame)
        return query_bytes(connection, "SELECT * FROM frame")


def query_bytes(connection: duckdb.DuckDBPyConnection, query: str) -> bytes:
    """Return the result of a query as a compressed Parquet file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        return path.read_bytes()


def read_parquet(path: Path) -> dict[str, np.ndarray]:
    """Return the columns of a Parquet file; missing numbers are NaN.

    Raises:
        UserError: it is none, or not whole.
    """
    import duckdb

    with reading(path), duckdb.connect() as connection:
        check_plain(path)
        columns = connection.read_parquet(str(path)).fetchnumpy()
    return {name: np.ma.filled(column, np.nan) for name, column in columns.items()}


def safetensors_bytes(arrays: dict[str, np.ndarray], metadata: dict[str, str] | None = None) -> bytes:
    """A safetensors file, which knows no strides: each array's memory is written as it lies, so it is laid out first."""
    from safetensors.numpy import save

    return save({name: np.asarray(array, order="C") for name, array in arrays.items()}, metadata=metadata)
