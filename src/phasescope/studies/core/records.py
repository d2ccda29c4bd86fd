"""A study's records, and the verdicts that rest on them, on disk: results/<study>/records.parquet and claims.json, and its
tables.

A row's `cells` names the cells of the study that its run belongs to, as a JSON list. claims.json holds the SHA-256 of the
records that its verdicts were computed from, so that a reader, or a test, sees where the two have parted.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasescope.errors import UserError
from phasescope.store.files import to_json, write_aside
from phasescope.studies.core.claim import Verdict
from phasescope.studies.core.study import Study

if TYPE_CHECKING:
    import pandas as pd

RECORDS, CLAIMS, TABLES = "records.parquet", "claims.json", "tables.json"


def read_frame(study: Study, folder: Path) -> pd.DataFrame:
    """The study's rows, one for each (run, snapshot) and cell that it belongs to, the cell's name in `cell`.

    A row counts where its run has the identity that the study gives that cell and seed: what was recorded under another
    configuration is not taken for it.

    Raises:
        UserError: there are no records, or what is there are none of this study.
    """
    import pandas as pd

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
    cells = {cell.name: cell for cell in study.cells}
    there = frame[["cell", "seed"]].drop_duplicates()
    own = {
        (name, seed): study.member(cells[name], int(seed)).config.digest()
        for name, seed in there.itertuples(index=False)
        if name in cells
    }
    expected = [own.get(key) for key in frame[["cell", "seed"]].itertuples(index=False, name=None)]
    return frame[frame["digest"] == pd.Series(expected, index=frame.index)].reset_index(drop=True)


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


def write_tables(study: Study, folder: Path, frame: pd.DataFrame) -> None:
    """Compute the study's tables and write tables.json: by name the rows; nothing where it has none."""
    if study.tables:
        rows = {table.name: [dict(row) for row in table.rows(frame)] for table in study.tables}
        write_aside(folder / TABLES, to_json(rows, indent=1) + "\n")


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
