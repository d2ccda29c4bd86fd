"""A study's records, and the verdicts that rest on them, on disk: results/<study>/records.parquet and claims.json.

A row's `cells` names the cells of the study that its run belongs to, as a JSON list. claims.json holds the SHA-256 of the
records that its verdicts were computed from, so that a reader, or a test, sees where the two have parted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.errors import UserError
from phasescope.store.files import to_json, write_aside
from phasescope.studies.claim import Verdict
from phasescope.studies.study import Study

if TYPE_CHECKING:
    import pandas as pd

RECORDS, CLAIMS = "records.parquet", "claims.json"


def read_frame(study: Study, folder: Path) -> pd.DataFrame:
    """The study's rows, one for each (run, snapshot) and cell that it belongs to, the cell's name in `cell`.

    Raises:
        UserError: there are no records, or what is there are none of this study.
    """
    from phasescope.store.records import read_records

    path = folder / RECORDS
    if not path.exists():
        raise UserError(
            f"`STUDY` (={study.name}) must have records: there is no `{path}`: phasescope study {study.name}"
        )
    frame = read_records(path)
    if "cells" not in frame:
        raise UserError(f"`{path}` must be the records of a study: it has no column `cells`")
    cells = frame["cells"].map(json.loads)
    frame = frame.copy().assign(cell=cells).explode("cell", ignore_index=True)
    known = {cell.name for cell in study.cells}
    return frame[frame["cell"].isin(known)].reset_index(drop=True)


def some_columns(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """A few columns of some records, without the others; one that is not there is all None.

    Raises:
        UserError: the file is no Parquet.
    """
    import duckdb

    try:
        with duckdb.connect() as connection:
            table = connection.read_parquet(str(path))
            chosen = [f'"{name}"' if name in table.columns else f'NULL AS "{name}"' for name in names]
            columns = table.select(", ".join(chosen)).fetchnumpy()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"`{path}` must be a Parquet file of records: {reason}") from None
    found = {name: np.array(column, dtype=object) for name, column in columns.items()}
    for name, column in columns.items():
        found[name][np.ma.getmaskarray(column)] = None
    return found


def judge(study: Study, frame: pd.DataFrame) -> list[Verdict]:
    """The verdict of each claim."""
    return [claim.judge(frame) for claim in study.claims]


def write_claims(study: Study, folder: Path, frame: pd.DataFrame) -> list[Verdict]:
    """Judge the study's claims and write claims.json; the verdicts."""
    verdicts = judge(study, frame)
    content = {
        "study": study.name,
        "question": study.question,
        "records": {
            "sha256": sha256(folder / RECORDS),
            "runs": int(frame["digest"].nunique()),
            "rows": len(frame.drop_duplicates(["digest", "step"])),
        },
        "claims": [verdict.to_dict() for verdict in verdicts],
    }
    write_aside(folder / CLAIMS, to_json(content, indent=1) + "\n")
    return verdicts


def read_claims(folder: Path) -> dict[str, Any] | None:
    """What claims.json says, with `stale`, whether the records have changed since; None where there is none.

    Raises:
        UserError: it cannot be read.
    """
    path = folder / CLAIMS
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text())
        stale = content["records"]["sha256"] != sha256(folder / RECORDS)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"`{path}` must be a study's claims, beside its records: {error}") from None
    return {**content, "stale": stale}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
