"""A study's records, and the verdicts that rest on them, on disk: results/<study>/records.parquet and claims.json, and its
tables.

A row's `cells` names the cells of the study that its run belongs to, as a JSON list. claims.json holds the SHA-256 of the
records that its verdicts were computed from, so that a reader, or a test, sees where the two have parted; the identities of
runs that failed for good, until they are recorded; and when the study was declared, with its amendments.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ValidationError

from phasescope.config import explain
from phasescope.errors import UserError
from phasescope.store.files import read_json, sha256, to_json
from phasescope.store.folder import damage_told_of
from phasescope.studies.core.claim import Outcome
from phasescope.studies.core.declaration import Amended, standing
from phasescope.studies.core.looks import judge
from phasescope.studies.core.study import RECORDS, Study

if TYPE_CHECKING:
    import pandas as pd

CLAIMS, TABLES = "claims.json", "tables.json"


class ToldClaim(BaseModel):
    """A claim as claims.json says it, and as its pages print it; a number that is not finite is its name."""

    name: str
    verdict: Outcome
    why: str
    sentence: str
    source: str
    statistic: str
    threshold: float
    direction: Literal["above", "below"]
    minimum_n: int
    figure: str
    does_not_show: str
    cells: list[str]
    family: str
    system: str
    look: Literal[0, 1, 2]
    value: float | None
    low: float | None
    high: float | None
    n: int
    detail: dict[str, float | None]


class ToldRecords(BaseModel):
    """Of which records claims.json says it."""

    sha256: str
    runs: int


class ToldDeclaration(BaseModel):
    """When a study was declared, and what was amended since."""

    date: str
    amended: list[Amended]


class Told(BaseModel):
    """What claims.json must say."""

    records: ToldRecords
    declaration: ToldDeclaration | None
    failed: list[str]
    claims: list[ToldClaim]


def read_frame(study: Study, folder: Path) -> pd.DataFrame:
    """The study's rows, one for each (run, snapshot) and cell that it belongs to, the cell's name in `cell`.

    A row counts where its run has the identity that the study gives that cell and seed: what was recorded under another
    configuration is not taken for it.

    Raises:
        UserError: there are no records, or what is there are none of this study.
    """
    from phasescope.store.records import HEAD, KEY, read_records

    path = folder / RECORDS
    if not path.exists():
        raise UserError(
            f"`STUDY` (={study.name}) must have records: there is no `{path}`: phasescope study {study.name}"
        )
    frame = read_records(path)
    if missing := {"cells", *KEY, *HEAD} - {*frame}:
        raise UserError(f"`{path}` must be the records of a study: it has no column `{min(missing)}`")
    with damage_told_of(path, "a study's records"):
        return _rows_of_cells(study, frame)


def _rows_of_cells(study: Study, frame: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

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


def judged(
    study: Study, folder: Path, frame: pd.DataFrame, failed: Collection[str] | None = None
) -> dict[Path, str]:
    """What claims.json, and tables.json where the study has tables, are to hold by its records; by path.

    Args:
        failed: identities of runs that failed for good; those that claims.json tells of where None.

    Raises:
        UserError: the records are damaged; the study declares otherwise than its declaration.
    """
    declaration = standing(study, folder)
    lost = sorted({*(_failed_before(folder) if failed is None else failed)} - {*frame["digest"]})
    with damage_told_of(folder / RECORDS, "a study's records"):
        content = {
            "study": study.name,
            "question": study.question,
            "records": {
                "sha256": sha256(folder / RECORDS),
                "runs": int(frame["digest"].nunique()),
                "rows": len(frame.drop_duplicates(["digest", "step"])),
            },
            "declaration": declaration and declaration.model_dump(include={"date", "amended"}),
            "failed": lost,
            "claims": [verdict.to_dict() for verdict in judge(study, frame, lost)],
        }
        tables = {table.name: [dict(row) for row in table.rows(frame)] for table in study.tables}
    told = {CLAIMS: content} | ({TABLES: tables} if study.tables else {})
    return {folder / name: to_json(tree, indent=1) + "\n" for name, tree in told.items()}


def _failed_before(folder: Path) -> list[str]:
    """Runs that failed as claims.json tells; none where it cannot be read: it is about to be written."""
    with suppress(UserError):
        return list((read_claims(folder) or {}).get("failed", []))
    return []


def read_claims(folder: Path) -> dict[str, Any] | None:
    """What claims.json says, with `stale`, whether the records have changed since; None where there is none.

    Raises:
        UserError: it is none, or its records cannot be read.
    """
    path = folder / CLAIMS
    if not os.path.lexists(path):
        return None
    try:
        content = read_json(path)
    except OSError as error:
        raise UserError(f"`{path}` cannot be read: {error.strerror}") from None
    return with_staleness(content, folder)


def with_staleness(content: Any, folder: Path) -> dict[str, Any]:
    """What a claims.json says, with `stale`: whether the records beside it are other ones.

    Raises:
        UserError: it says no claims, or the records cannot be read.
    """
    path = folder / CLAIMS
    try:
        told = Told.model_validate(content)
    except ValidationError as error:
        raise UserError(f"`{path}` must hold a study's claims: {explain(error, Told)}") from None
    try:
        return {**content, "stale": told.records.sha256 != sha256(folder / RECORDS)}
    except OSError as error:
        raise UserError(
            f"`{path}` must be a study's claims, beside its records: `{folder / RECORDS}` cannot be read: {error.strerror}"
        ) from None
