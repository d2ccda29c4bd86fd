"""Recording finished runs in a file of records: each run completely, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasescope.core.arithmetic import one_thread
from phasescope.core.errors import UserError
from phasescope.core.sources import failing
from phasescope.runs.config import RunConfig
from phasescope.runs.config.probing_config import SnapshotPlanConfig
from phasescope.runs.store.files import plain_number
from phasescope.runs.store.records import condense, merge_records, read_records, some_columns
from phasescope.runs.store.writer import differences
from phasescope.runs.trained.run import Run
from phasescope.runs.training.completeness import check_whole

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.runs.store.flat import Row

Readings = Mapping[str, Callable[[Run], list[dict[str, Any]]]]
"""further measures of a finished run by name: each returns a mapping per snapshot, with `step`"""
READINGS, SOURCES, CELLS = "readings", "sources", "cells"
"""columns, as JSON: the further readings that were taken, SHA-256 of the sources that were executed, cells of a study"""
SNAPSHOTS = ("dense_every", "dense_until", "every")
PLAN = (*(f"config.probing.snapshots.{name}" for name in SNAPSHOTS), "config.training.steps")
"""columns that say at which steps a run has a row"""


def whole_runs(
    path: Path,
    readings: Mapping[str, Iterable[str]] | None = None,
    sources: Mapping[str, str] | None = None,
    columns: Mapping[str, Collection[str]] | None = None,
) -> set[str]:
    """Return the runs that a file of records holds completely: every row that is due, every reading, every column.

    Args:
        readings: names of the further readings that a run needs, by its digest.
        sources: what the column `SOURCES` must be, by digest; runs of other sources are left out.
        columns: those that must have a value, by digest, as other studies may observe less; other runs are left out.

    Raises:
        UserError: the file is no file of records.
    """
    if not path.exists():
        return set()
    import pandas as pd

    needed = {digest: [*{*names} - {"digest", "step", *PLAN}] for digest, names in (columns or {}).items()}
    read = {name for names in needed.values() for name in names}
    frame = pd.DataFrame(some_columns(path, ("digest", "step", *PLAN, READINGS, SOURCES, *sorted(read))))
    frame = frame.fillna({READINGS: "", SOURCES: ""})  # NaN where only later rows have the column
    complete = set()
    for key, rows in frame.groupby("digest"):
        digest = str(key)
        if columns is not None and digest not in columns:
            continue
        is_complete = (
            _has_steps(rows)
            and _has_columns(rows, needed.get(digest, []))
            and _has_readings(rows, (readings or {}).get(digest, ()))
            and _has_sources(rows, (sources or {}).get(digest))
        )
        if is_complete:
            complete.add(digest)
    return complete


def _has_steps(rows: pd.DataFrame) -> bool:
    """Return whether a run has a row at every step at which its own plan takes a snapshot."""
    first = rows.iloc[0]
    if first[list(PLAN)].isna().any():
        return False

    *names, training_steps = PLAN
    plan = [int(first[name]) for name in names]
    steps = int(first[training_steps])
    snapshots = SnapshotPlanConfig(**dict(zip(SNAPSHOTS, plan, strict=True)))
    due = {step for step in range(steps + 1) if snapshots.due(step, steps)}
    return due <= set(rows["step"])


def _has_columns(rows: pd.DataFrame, names: list[str]) -> bool:
    """Return whether each of these columns has a value in some row."""
    return not rows[names].isna().all().any()


def _has_readings(rows: pd.DataFrame, names: Iterable[str]) -> bool:
    taken = json.loads(rows.iloc[0][READINGS] or "{}")  # older records lack the column
    return {*names} <= {*taken}


def _has_sources(rows: pd.DataFrame, sources: str | None) -> bool:
    """Return whether a run executed these sources; None for whichever it executed."""
    return sources is None or (rows.iloc[0][SOURCES] or "{}") == sources


def record_run(
    path: Path,
    run: Run,
    config: RunConfig,
    cells: Sequence[str],
    readings: Readings,
    columns: Collection[str] = (),
    keep: Callable[[str], bool] = lambda column: True,
) -> None:
    """Merge a finished run into a file of records, with further readings of it.

    Args:
        columns: that the run must have a value of.
        keep: whether a column is recorded.

    Raises:
        UserError: the folder holds another configuration or sources, is incomplete, or observed too little; a reading
            fails or gives nothing.
        OSError: the folder cannot be read.
    """
    from threadpoolctl import threadpool_limits

    # A run may be observed in another way than planned.
    for name, old, new in differences(run.config | {"probing": None}, config.tree() | {"probing": None}):
        raise UserError(f"`{run.path}/config.yaml` must be as planned: `{name}` is {old} there, {new} here")
    run.check_sources()
    check_whole(run, config.training.steps)

    texts = {CELLS: list(cells), READINGS: list(readings), SOURCES: run.sources}
    same = {column: json.dumps(value, sort_keys=True) for column, value in texts.items()}
    rows: dict[int, Row] = {row["step"]: {**row, **same} for row in condense(run)}
    for column in sorted(columns):
        if all(row.get(column) is None for row in rows.values()):
            raise UserError(
                f"`{run.path}` must have observed `{column}`: it was run for a study that reads less (remove the folder to "
                "run it again), or nothing that it measures is called so"
            )

    # One thread: the bits of a reading must not depend on the machine's load.
    with threadpool_limits(limits=1, user_api="blas"):
        for name, read in readings.items():
            for step, values in _values_of(run, name, read, rows.keys()).items():
                rows[step] |= values
    merge_records(path, ({name: row[name] for name in row if keep(name)} for row in rows.values()))


def _values_of(
    run: Run, name: str, read: Callable[[Run], list[dict[str, Any]]], steps: Collection[int]
) -> dict[int, Row]:
    """Return the columns of a further reading by step.

    Raises:
        UserError: it fails, reads other snapshots than the run has, or gives no value.
    """
    with one_thread(), failing(f"the reading `{name}` of `{run.path}`"):
        by_step = {row["step"]: row for row in read(run)}
        if unknown := {*by_step} - {*steps}:
            raise UserError(f"`{name}` (=step {min(unknown)}) must read snapshots that `{run.path}` has")

    values = {
        step: {f"{name}.{key}": plain_number(value) for key, value in row.items() if key != "step"}
        for step, row in by_step.items()
    }
    if all(value is None or value != value for row in values.values() for value in row.values()):
        raise UserError(f"`{run.path}` must give a value by the reading `{name}`, and gives none")
    return values


def copy_runs(path: Path, others: Iterable[Path], cells: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Copy runs from other files of records, without their further readings. Return why some cannot be copied, by digest.

    Args:
        cells: of each wanted run, by its digest.
    """
    left = dict.fromkeys(cells, "no records hold it any more")
    for other in others:
        frame = read_records(other)
        chosen = frame[frame["digest"].isin(list(left))]
        if not len(chosen):
            continue
        taken = frame[READINGS].dropna().unique() if READINGS in frame else []
        foreign = tuple(f"{name}." for text in taken for name in json.loads(text))
        columns = [n for n in chosen if n != READINGS and not str(n).startswith(foreign)]
        own = [json.dumps(list(cells[digest])) for digest in chosen["digest"]]
        rows = chosen[columns].assign(**{CELLS: own}).to_dict("records")
        merge_records(path, [{str(k): v for k, v in row.items() if v == v} for row in rows])
        left = {digest: why for digest, why in left.items() if digest not in set(chosen["digest"])}
    return left


def update_cells(path: Path, cells: Mapping[str, Sequence[str]]) -> None:
    """Rewrite which cells recorded runs belong to: with more seeds or cells they may belong to more."""
    if cells:
        there = zip(*some_columns(path, ("digest", "step", CELLS)).values(), strict=True)
        texts = {digest: json.dumps(list(names)) for digest, names in cells.items()}
        changed = [(digest, step) for digest, step, old in there if texts.get(digest, old) != old]
        merge_records(path, [{"digest": d, "step": s, CELLS: texts[d]} for d, s in changed])
