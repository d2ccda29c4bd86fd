"""A study's runs, from what is there to what is wanted: an engine executes what is missing, the rest is condensed.

A run counts as there where the study's own records, another study's, or the folder of runs hold it, in this order. Further
readings need the run's snapshots: where these are gone, the run is computed again. Every step can be repeated: a study
that was killed goes on where it was, and two that run at once share folders and records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from phasescope.engines import Event, RunEnd, open_engine, prepare
from phasescope.errors import UserError
from phasescope.runs.config import RunConfig
from phasescope.runs.presets import PRESETS
from phasescope.store import Run
from phasescope.store.flat import Row
from phasescope.store.records import (
    condense,
    merge_records,
    read_estimators,
    read_records,
    recorded,
    some_columns,
)
from phasescope.studies.core.records import RECORDS, read_frame, write_claims, write_tables
from phasescope.studies.core.study import Study

if TYPE_CHECKING:
    import pandas as pd

State = Literal["recorded", "elsewhere", "done", "started", "absent"]
STATES: dict[State, str] = {
    "recorded": "in this study's records",
    "elsewhere": "in another study's records",
    "done": "done, to be recorded",
    "started": "begun, to be resumed",
    "absent": "to be run",
}

READINGS = "readings"
"""column: names of the further readings that were taken of a run, as a JSON list"""


@dataclass(frozen=True)
class Standing:
    """A run of a study: what it is, where it stands."""

    config: RunConfig
    cells: tuple[str, ...]
    state: State

    @property
    def digest(self) -> str:
        return self.config.digest()

    @property
    def images(self) -> int:
        """Images that training takes."""
        return self.config.training.steps * self.config.training.batch


@dataclass(frozen=True)
class Survey:
    """What a study needs and what is there of it."""

    study: Study
    seeds: int | None
    runs: Path
    results: Path
    """folder of all studies' results"""
    folder: Path
    """this study's"""
    standings: tuple[Standing, ...]
    cpu_s: dict[str, float]
    """of a run, by its preset's name, where it is known"""

    @property
    def to_run(self) -> list[Standing]:
        return [standing for standing in self.standings if standing.state in ("absent", "started")]

    def cost_s(self, standings: Iterable[Standing]) -> float | None:
        """CPU-seconds of all; None where a preset's cost is not known."""
        known = [self.cpu_s.get(standing.config.name) for standing in standings]
        return None if None in known else float(sum(s for s in known if s is not None))


def survey(study: Study, seeds: int | None, preset: str | None, runs: Path, results: Path) -> Survey:
    """See what a study needs and what is there of it.

    Args:
        seeds: runs a cell; the study's own number by default.
        preset: of all cells; their own by default. Its results have a folder of their own.
        runs: folder of runs.
        results: folder of studies' results.

    Raises:
        UserError: `seeds` is less than 1; the preset is none, or does not go with a cell; records cannot be read.
    """
    if seeds is not None and seeds < 1:
        raise UserError(f"`--seeds` (={seeds}) must be at least 1: runs a cell")
    study = study.under(preset)
    folder = results / study.name
    own = recorded(folder / RECORDS)
    if study.readings and own:
        own &= _read_already(study, folder)
    elsewhere: set[str] = set()
    if not study.readings:
        elsewhere = set().union(*(recorded(path) for path in results.glob(f"*/{RECORDS}"))) - own
    cells: dict[str, list[str]] = {}
    configs: dict[str, RunConfig] = {}
    for member in study.members(seeds):
        digest = member.config.digest()
        configs[digest] = member.config
        cells.setdefault(digest, []).append(member.cell.name)
    standings = []
    for digest, config in configs.items():
        state: State = (
            "recorded"
            if digest in own
            else "elsewhere"
            if digest in elsewhere
            else _state(runs / config.folder)
        )
        standings.append(Standing(config, tuple(cells[digest]), state))
    return Survey(study, seeds, runs, results, folder, tuple(standings), _costs(results))


def _state(folder: Path) -> State:
    if not (folder / "config.yaml").is_file():
        return "absent"
    status = Run(folder).status
    if status["state"] == "done":
        return "done"
    return "started" if status.get("step") else "absent"


def _read_already(study: Study, folder: Path) -> set[str]:
    """Runs of which the records hold every reading."""
    wanted = {reading.name for reading in study.readings}
    told = some_columns(folder / RECORDS, ("digest", READINGS))
    held = [isinstance(text, str) and wanted <= set(json.loads(text)) for text in told[READINGS]]
    return set(told["digest"][np.array(held, dtype=bool)].tolist())


def _costs(results: Path) -> dict[str, float]:
    """CPU-seconds of a run by its preset's name: the mean over all records, or what presets declare."""
    of_runs: dict[str, dict[str, float]] = {}
    for path in results.glob(f"*/{RECORDS}"):
        told = some_columns(path, ("name", "digest", "cpu_s"))
        for name, digest, cpu_s in zip(told["name"], told["digest"], told["cpu_s"], strict=True):
            if isinstance(name, str) and cpu_s is not None and cpu_s == cpu_s:
                runs = of_runs.setdefault(name, {})
                runs[str(digest)] = max(float(cpu_s), runs.get(str(digest), 0.0))
    declared = {name: one.study_cpu_s for name, one in PRESETS.items() if one.study_cpu_s is not None}
    return declared | {name: sum(runs.values()) / len(runs) for name, runs in of_runs.items()}


def conduct(
    surveyed: Survey,
    engine: str,
    on_event: Callable[[Event], None],
    on_recorded: Callable[[str], None] = lambda _: None,
) -> list[RunEnd]:
    """Run what is missing of a study, record it, judge its claims, compute its tables; the runs that failed.

    Args, raises: as `execute`.
    """
    failed = execute(surveyed, engine, on_event, on_recorded)
    judge_records(surveyed.study, surveyed.folder)
    return failed


def judge_records(study: Study, folder: Path) -> bool:
    """Judge a study's claims by its records and compute its tables; whether there are records."""
    if not (folder / RECORDS).exists():
        return False
    frame = read_frame(study, folder)
    write_claims(study, folder, frame)
    write_tables(study, folder, frame)
    return True


def execute(
    surveyed: Survey,
    engine: str,
    on_event: Callable[[Event], None],
    on_recorded: Callable[[str], None] = lambda _: None,
) -> list[RunEnd]:
    """Have what is missing run, and merge all into the study's records; the runs that failed.

    Each run is recorded as soon as it is done. Where it was done before, another process did it, or the study was killed
    in between, it is recorded now.

    Args:
        engine: local, slurm or ray.
        on_event: told what happens to runs.
        on_recorded: told the name of each run that is newly recorded.

    Raises:
        UserError: the engine is none, a run's folder holds another configuration, records cannot be read or written.
    """
    _copy(surveyed)
    by_folder = {surveyed.runs / s.config.folder: s for s in surveyed.standings}
    for path, standing in by_folder.items():
        if standing.state == "done":
            _record(surveyed.study, surveyed.folder, Run(path), standing, on_recorded)
    folders = [prepare(standing.config, surveyed.runs) for standing in surveyed.to_run]
    if not folders:
        return []

    def follow(event: Event) -> None:
        on_event(event)
        if event.end is not None and event.end.state == "done":
            _record(surveyed.study, surveyed.folder, Run(event.folder), by_folder[event.folder], on_recorded)

    ends = open_engine(engine, surveyed.runs).execute(folders, follow)
    return [end for end in ends.values() if end.state == "failed"]


def _record(
    study: Study, folder: Path, run: Run, standing: Standing, on_recorded: Callable[[str], None]
) -> None:
    """Condense a run, take the study's further readings of it, merge both into the records, all at once."""
    from threadpoolctl import threadpool_limits

    same = {"cells": json.dumps(standing.cells), READINGS: json.dumps([one.name for one in study.readings])}
    rows = {row["step"]: {**row, **same} for row in condense(run)}
    with threadpool_limits(limits=1, user_api="blas"):
        for reading in study.readings:
            for found in reading.read(run):
                told = {f"{reading.name}.{name}": value for name, value in found.items() if name != "step"}
                rows[found["step"]] |= told
    merge_records(folder / RECORDS, rows.values())
    on_recorded(run.name)


def _copy(surveyed: Survey) -> None:
    """Copy what other studies' records hold, but for their further readings; tell the cells of what is recorded."""
    wanted = {s.digest: s for s in surveyed.standings if s.state == "elsewhere"}
    path = surveyed.folder / RECORDS
    for other in sorted(surveyed.results.glob(f"*/{RECORDS}")):
        if not wanted or other == path:
            continue
        frame = read_records(other)
        chosen = frame[frame["digest"].isin(list(wanted))]
        if not len(chosen):
            continue
        foreign = _beginnings(_readings_of(frame))
        own = chosen[[name for name in chosen if name != READINGS and not str(name).startswith(foreign)]]
        rows: list[Row] = []
        for row in own.to_dict("records"):
            told = {str(name): value if value == value else None for name, value in row.items()}
            rows.append({**told, "cells": json.dumps(wanted[row["digest"]].cells)})
        key = {name: rows[0][name] for name in ("digest", "step")}
        texts = [
            {**key, f"{name}.estimator": text}
            for name, several in read_estimators(other).items()
            if not name.startswith(foreign)
            for text in several
        ]
        merge_records(path, [*rows, *texts])
        for digest in set(chosen["digest"]):
            wanted.pop(digest)
    _tell_cells(path, [s for s in surveyed.standings if s.state == "recorded"])


def _readings_of(frame: pd.DataFrame) -> set[str]:
    """The names of all further readings in some records."""
    told = frame[READINGS].dropna().unique() if READINGS in frame else []
    return {name for text in told for name in json.loads(text)}


def _beginnings(readings: Iterable[str]) -> tuple[str, ...]:
    """Of the columns of further readings, which belong to the study that took them."""
    return tuple(f"{name}." for name in readings)


def _tell_cells(path: Path, standings: Sequence[Standing]) -> None:
    """Rows that were recorded with fewer seeds may by now belong to more cells."""
    if not standings:
        return
    frame = read_records(path)
    by_digest = {s.digest: json.dumps(s.cells) for s in standings}
    cells = frame["digest"].map(by_digest)
    changed = cells.notna() & (cells != frame["cells"])
    merge_records(
        path,
        [
            {"digest": digest, "step": int(step), "cells": text}
            for digest, step, text in zip(
                frame["digest"][changed], frame["step"][changed], cells[changed], strict=True
            )
        ],
    )
