"""Runs in a study's records: each whole and as what it is, or not at all.

What a run's folder holds is recorded where its configuration is the study's, everything due is there, and each further
reading of the study gives rows. What records hold, of other studies too, counts where they have every row that is due.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phasescope.errors import UserError
from phasescope.probing.config import SnapshotPlanConfig
from phasescope.runs.config import RunConfig
from phasescope.runs.whole import check_whole
from phasescope.store import Run
from phasescope.store.flat import Row
from phasescope.store.folder import damage_told, damage_told_of
from phasescope.store.holding import differences
from phasescope.store.records import (
    condense,
    merge_records,
    read_estimators,
    read_records,
    some_columns,
)
from phasescope.store.writer import OR_ANEW
from phasescope.studies.core.study import Reading, Study

if TYPE_CHECKING:
    import pandas as pd

READINGS = "readings"
"""column: names of the further readings that were taken of a run, as a JSON list"""
PLAN = (
    *(f"config.probing.snapshots.{name}" for name in ("dense_every", "dense_until", "every")),
    "config.training.steps",
)
"""columns that say at which steps a run's records must have a row"""


def rows_of(study: Study, run: Run, config: RunConfig, cells: Sequence[str]) -> list[Row]:
    """The rows of a run that is done and is `config`'s, with the study's further readings of it.

    Raises:
        UserError: the folder holds another configuration, or not all that is due, or something that is not whole; a reading
            cannot be taken, or gives nothing.
        OSError: the folder cannot be read.
    """
    from threadpoolctl import threadpool_limits

    with damage_told(run):
        for field, old, new in differences(run.config, config.tree()):
            raise UserError(
                f"`{run.path}/config.yaml` must be what the study has there: `{field}` is {old} there and {new} in the "
                f"study; {OR_ANEW}"
            )
        run.check_sources()
        rows = {row["step"]: {**row, "cells": json.dumps(cells)} for row in condense(run)}
        check_whole(run, config.training.steps)
        with threadpool_limits(limits=1, user_api="blas"):
            readings = study.readings_of(cells)
            for reading in readings:
                found = {one["step"]: one for one in reading.read(run)}
                if not any(
                    _known(value for name, value in one.items() if name != "step") for one in found.values()
                ):
                    raise UserError(f"`{run.path}` must give a reading by `{reading.name}`, and gives none")
                for step, one in found.items():
                    rows[step] |= {f"{reading.name}.{name}": one[name] for name in one if name != "step"}
        told = json.dumps([reading.name for reading in readings])
    return [{**row, READINGS: told} for row in rows.values()]


def whole_in(path: Path, due: Mapping[str, Sequence[Reading]] | None = None) -> set[str]:
    """The runs that some records hold whole: every row that is due by a run's own configuration, and each reading.

    Args:
        due: readings that a run must have, by its digest; none where it is not there.

    Raises:
        UserError: the file is there and none of records.
    """
    if not path.exists():
        return set()
    readings = {reading.name for of_run in (due or {}).values() for reading in of_run}
    names = some_columns(path, None) if readings else {}
    of_reading = {one: [name for name in names if name.startswith(f"{one}.")] for one in readings}
    told = some_columns(path, ("digest", "step", *PLAN, READINGS, *chain(*of_reading.values())))
    with damage_told_of(path, "records"):
        return {
            digest
            for digest, own in _by_digest(told)
            if _due(*(own[name][0] for name in PLAN)) <= set(own["step"].tolist())
            and all(
                reading.name in json.loads(own[READINGS][0] or "[]")
                and any(_known(own[name]) for name in of_reading[reading.name])
                for reading in (due or {}).get(digest, ())
            )
        }


def _by_digest(told: Mapping[str, np.ndarray]) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    order = np.argsort(told["digest"].astype(str), kind="stable")
    digests, begins = np.unique(told["digest"].astype(str)[order], return_index=True)
    for digest, rows in zip(digests.tolist(), np.split(order, begins[1:]), strict=True):
        yield digest, {name: column[rows] for name, column in told.items()}


@cache
def _due(*said: int | None) -> frozenset[int]:
    """Steps of which a run's records must have a row, by what they say of `PLAN`; none where that is not said."""
    known = [int(one) for one in said if one is not None]
    if len(known) < len(PLAN):
        return frozenset()
    *every, steps = known
    plan = SnapshotPlanConfig(**dict(zip(("dense_every", "dense_until", "every"), every, strict=True)))
    return frozenset(step for step in range(steps + 1) if plan.due(step, steps))


def _known(values: Iterable[object]) -> bool:
    """Whether any of some values is there."""
    return any(value is not None and value == value for value in values)


def copy_records(path: Path, others: Iterable[Path], wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Copy runs from other studies' records, but for their further readings; of those that cannot be copied, why.

    Args:
        path: of the study's own records.
        others: of other studies' records.
        wanted: cells by digest.
    """
    left = dict.fromkeys(wanted, "no records hold it any more")
    for other in others:
        try:
            frame = read_records(other)
            chosen = frame[frame["digest"].isin(list(left))]
            if not len(chosen):
                continue
            with damage_told_of(other, "records"):
                rows = _rows_without_readings(other, frame, chosen, wanted)
        except UserError as error:
            left = dict.fromkeys(left, str(error))
            continue
        merge_records(path, rows)
        for digest in set(chosen["digest"]):
            del left[digest]
    return left


def _rows_without_readings(
    path: Path, frame: pd.DataFrame, chosen: pd.DataFrame, cells: Mapping[str, Sequence[str]]
) -> list[Row]:
    """Rows of some runs, and the texts of their scores' estimators, as `merge_records` takes them."""
    told = frame[READINGS].dropna().unique() if READINGS in frame else []
    foreign = tuple(f"{name}." for text in told for name in json.loads(text))
    own = chosen[[name for name in chosen if name != READINGS and not str(name).startswith(foreign)]]
    rows: list[Row] = []
    for row in own.to_dict("records"):
        known = {str(name): value if value == value else None for name, value in row.items()}
        rows.append({**known, "cells": json.dumps(cells[row["digest"]])})
    key = {name: rows[0][name] for name in ("digest", "step")}
    texts = [
        {**key, f"{name}.estimator": text}
        for name, several in read_estimators(path).items()
        if not name.startswith(foreign)
        for text in several
    ]
    return [*rows, *texts]


def tell_cells(path: Path, cells: Mapping[str, Sequence[str]]) -> None:
    """Rows that were recorded with fewer seeds may by now belong to more cells; `cells` by digest."""
    if not cells:
        return
    frame = read_records(path)
    told = frame["digest"].map({digest: json.dumps(names) for digest, names in cells.items()})
    changed = told.notna() & (told != frame["cells"])
    merge_records(
        path,
        [
            {"digest": digest, "step": int(step), "cells": text}
            for digest, step, text in zip(
                frame["digest"][changed], frame["step"][changed], told[changed], strict=True
            )
        ],
    )
