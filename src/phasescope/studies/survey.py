"""Which runs a study needs, and where each of them stands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from phasescope.core.errors import UserError
from phasescope.core.kinds import source_digests
from phasescope.runs.config import RunConfig
from phasescope.runs.recording import whole_runs
from phasescope.runs.store import Run
from phasescope.studies.records import RECORDS, Recorded, read_rows
from phasescope.studies.study import Study

State = Literal["recorded", "elsewhere", "done", "started", "absent"]
STATES: dict[State, str] = {
    "recorded": "in this study's records",
    "elsewhere": "in another study's records",
    "done": "finished, to be recorded",
    "started": "started, to be resumed",
    "absent": "to be run",
}


@dataclass(frozen=True)
class PlannedRun:
    """A run that a study needs: what it is, and where it stands."""

    config: RunConfig
    cells: tuple[str, ...]
    state: State

    @property
    def images(self) -> int:
        """Images that its training sees."""
        return self.config.training.steps * self.config.training.batch


@dataclass(frozen=True)
class Survey:
    """What a study needs, and what exists of it: `runs` is the folder of runs, `folder` that of its records."""

    study: Study
    runs: Path
    folder: Path
    planned: tuple[PlannedRun, ...]
    others: tuple[Path, ...]
    """records of other studies"""
    unread: tuple[str, ...]
    """why records of others cannot be read, in words"""

    @property
    def to_run(self) -> list[PlannedRun]:
        return [run for run in self.planned if run.state in ("absent", "started")]


def survey(study: Study, folder: Path, runs: Path, seeds: int | None = None, final: bool = False) -> Survey:
    """Return what a study needs and what exists of it.

    Args:
        folder: of its records.
        runs: folder of runs.
        seeds: runs per cell, if fewer than the study's own are wanted: a rehearsal.
        final: add the seeds of the final analysis to the cells of claims that the first leaves undecided.

    Raises:
        UserError: `seeds` is out of range; there is no final analysis, or not yet; records cannot be read.
    """
    if seeds is not None and seeds < 1:
        raise UserError(f"`--seeds` (={seeds}) must be at least 1: runs per cell")
    study.check_columns()
    configs: dict[str, RunConfig] = {}
    cells: dict[str, list[str]] = {}
    for cell, seed in study.members(seeds, _cells_of_final_analysis(study, folder, seeds) if final else ()):
        config = study.observed(cell, seed)
        configs[config.digest()] = config
        cells.setdefault(config.digest(), []).append(cell.name)
    columns = {digest: study.columns_for(names) for digest, names in cells.items()}
    sources = {d: json.dumps(source_digests(c.tree()), sort_keys=True) for d, c in configs.items()}
    due = {digest: [reading.name for reading in study.readings_of(names)] for digest, names in cells.items()}
    own = whole_runs(folder / RECORDS, due, sources, columns)
    elsewhere: set[str] = set()
    others, unread = [], []
    for path in sorted(folder.parent.glob(f"*/{RECORDS}")):
        if path.parent != folder:
            try:
                elsewhere |= whole_runs(path, None, sources, columns)
                others.append(path)
            except UserError as error:
                unread.append(str(error))

    def state(digest: str, config: RunConfig) -> State:
        if digest in own:
            return "recorded"
        return "elsewhere" if digest in elsewhere and not due[digest] else _state(runs / config.folder)

    planned = (PlannedRun(c, tuple(cells[d]), state(d, c)) for d, c in configs.items())
    return Survey(study, runs, folder, tuple(planned), tuple(others), tuple(unread))


def _cells_of_final_analysis(study: Study, folder: Path, seeds: int | None) -> set[str]:
    """Return the names of the cells to which the final analysis adds seeds.

    Raises:
        UserError: there is none, or the first is incomplete, or has decided every claim.
    """
    if seeds is not None:
        raise UserError(f"`--seeds` (={seeds}) must be left out with --final: its seeds are preregistered")
    if not study.more:
        raise UserError(f"`--final` must be left out: `{study.name}` has one analysis (more=0)")
    recorded = Recorded(study, read_rows(study, folder))
    for claim in study.claims:
        if lacking := recorded.missing(claim):
            raise UserError(f"`--final` must wait for the first analysis: {lacking}")
    if not (cells := recorded.undecided_cells()):
        raise UserError(
            f"`--final` must be left out: the first analysis has decided every claim of `{study.name}`"
        )
    return cells


def _state(folder: Path) -> State:
    if not (folder / "config.yaml").is_file():
        return "absent"
    status = Run(folder).status
    return "done" if status["state"] == "done" else "started" if status.get("step") else "absent"
