"""A process of its own that asks a query, whoever wrote it, within bounds of memory and time: DuckDB's own reach neither a
text of 4 GB nor a list of a billion numbers. Run as a file: it imports DuckDB and nothing of this package.

    python condition.py runs.parquet CPU_S < query        prints the rows, or {"error": ...}, or null for too much
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

MEMORY_MB, CPU_S, WALL_S = 1024, 10, 60


def ask(query: str, connection: duckdb.DuckDBPyConnection) -> list[list[Any]]:
    """The rows that the query finds in what `connection` has as `runs`; it can read nothing else, and write nothing.

    Raises:
        ValueError: it is no query, or more than one; or it takes more than there is for it.
    """
    with tempfile.TemporaryDirectory() as folder:
        connection.table("runs").write_parquet(f"{folder}/runs.parquet")
        command = [sys.executable, "-P", __file__, f"{folder}/runs.parquet", str(CPU_S)]
        try:
            end = subprocess.run(
                command, input=query, capture_output=True, text=True, timeout=WALL_S, check=False
            )
            told = json.loads(end.stdout)
        except (subprocess.TimeoutExpired, ValueError):
            told = None
    if told is None:
        raise ValueError(f"it takes more than {MEMORY_MB} MB or {CPU_S} s")
    if isinstance(told, dict):
        raise ValueError(told["error"])
    return told


def _answer(file: Path, query: str) -> Any:
    import duckdb

    settings: dict[str, Any] = {"threads": 1, "memory_limit": f"{MEMORY_MB // 2}MB", "temp_directory": ""}
    with duckdb.connect(config=settings) as connection:
        connection.read_parquet(str(file)).create("runs")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            if len(connection.extract_statements(query)) != 1:
                return {"error": "it is more than one statement"}
            return connection.execute(query).fetchall()
        except duckdb.Error as error:
            if isinstance(error, duckdb.OutOfMemoryException):
                return None
            return {"error": " ".join(str(error).partition("\n\n")[0].split())}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB * 2**20,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]),) * 2)
    json.dump(_answer(Path(sys.argv[1]), sys.stdin.read()), sys.stdout)
