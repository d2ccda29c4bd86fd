"""Tables for pandas, R, a spreadsheet: of a run its snapshots and what was read in its images; of a study its
records, its tables and its claims."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from phasescope.errors import UserError
from phasescope.store import Run
from phasescope.store.files import write_all_aside
from phasescope.store.flat import as_frame, plain_types, snapshot_rows
from phasescope.store.tables import parquet_bytes
from phasescope.studies.records import Recorded, read_claims, read_rows
from phasescope.studies.study import Study
from phasescope.views.record import Record
from phasescope.views.report.sound import sound_record

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["csv", "parquet"]


def run_tables(run: Run, folder: Path, kind: Kind) -> list[Path]:
    """Write `snapshots` (a row a snapshot: configuration, metrics, costs) and `readings` (a row a painted image,
    with its step) to a folder; their paths.

    Raises:
        UserError: the run recorded nothing yet, or what it recorded is damaged.
    """
    record = sound_record(run)
    if not record.metrics:
        raise UserError(f"`RUN` (={run.name}) must have a snapshot to be exported, and has none yet")
    rows = snapshot_rows(run.identity, record.config, record.status, record.metrics)
    tables = {"snapshots": plain_types(as_frame(rows))}
    if read := _readings(record):
        tables["readings"] = as_frame(
            [dict(zip(read, row, strict=True)) for row in zip(*read.values(), strict=True)]
        )
    return _written(tables, folder, kind)


def _readings(record: Record) -> dict[str, list[Any]]:
    """The columns of what was read in the images of all snapshots, and `step`; none where nothing was."""
    parts = [(one.step, columns) for one in record.snapshots if (columns := record.readings(one))]
    names = dict.fromkeys(name for _, columns in parts for name in columns)
    counts = [(step, columns, len(next(iter(columns.values())))) for step, columns in parts]
    found: dict[str, list[Any]] = {"step": [step for step, _, n in counts for _ in range(n)]} if parts else {}
    for name in names:
        found[name] = [
            value for _, columns, n in counts for value in np.asarray(columns.get(name, [None] * n)).tolist()
        ]
    return found


def study_tables(study: Study, records: Path, folder: Path, kind: Kind) -> list[Path]:
    """Write `records` (a row per snapshot of every run), `claims`, and each of the study's tables to a folder;
    return their paths.

    Raises:
        UserError: there are no records in the folder `records`, or they are invalid.
    """
    rows = read_rows(study, records)
    tables = {"records": rows}
    if judged := read_claims(records):
        tables["claims"] = as_frame([claim.model_dump(exclude={"detail"}) for claim in judged.claims])
    runs = Recorded(study, rows).runs(study.more)
    for number, table in enumerate(study.tables, 1):
        tables[f"table_{number}"] = as_frame(table.rows(runs))
    return _written(tables, folder, kind)


def _written(tables: Mapping[str, pd.DataFrame], folder: Path, kind: Kind) -> list[Path]:
    files: dict[Path, bytes | str] = {
        folder / f"{name}.{kind}": parquet_bytes(frame) if kind == "parquet" else frame.to_csv(index=False)
        for name, frame in tables.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_all_aside(files)
    return list(files)
