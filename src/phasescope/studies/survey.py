"""Which runs a study needs, where each of them stands, and what the missing ones will cost."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from phasescope.errors import UserError
from phasescope.kinds import source_digests
from phasescope.runs.config import RunConfig, over_defaults
from phasescope.runs.presets import PRESETS
from phasescope.runs.recording import whole_runs
from phasescope.store import Run
from phasescope.store.flat import Row, config_columns
from phasescope.store.records import some_columns
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
    """A run that a study needs: what it is, where it stands, and what it costs."""

    config: RunConfig
    cells: tuple[str, ...]
    state: State
    cpu_s: float | None
    """None if no record states it"""

    @property
    def images(self) -> int:
        """Images that its training sees."""
        return self.config.training.steps * self.config.training.batch


@dataclass(frozen=True)
class Survey:
    """What a study needs, and what exists of it."""

    study: Study
    runs: Path
    """folder of runs"""
    folder: Path
    """of its records"""
    planned: tuple[PlannedRun, ...]
    others: tuple[Path, ...]
    """records of other studies"""
    unread: tuple[str, ...]
    """why records of others cannot be read, in words"""

    @property
    def to_run(self) -> list[PlannedRun]:
        return [run for run in self.planned if run.state in ("absent", "started")]

    @property
    def cpu_s(self) -> float | None:
        """CPU-seconds of the runs that are to be run; None if the cost of one is unknown."""
        costs = [run.cpu_s for run in self.to_run]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


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

    cost = Costs([folder / RECORDS, *others])
    planned = (PlannedRun(c, tuple(cells[d]), state(d, c), cost.cpu_s(c)) for d, c in configs.items())
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


class Costs:
    """CPU-seconds of runs on one core: per image seen and per snapshot as recorded of the same network, or as presets
    state."""

    def __init__(self, paths: Iterable[Path]):
        import pandas as pd

        columns = ("digest", "step", "images_seen", "cpu_s", "observing_s", "wall_s")
        frames = []
        for path in filter(Path.exists, paths):
            networks = [name for name in some_columns(path, None) if name.startswith("config.network.")]
            rows = pd.DataFrame(some_columns(path, (*columns, *networks))).sort_values("step")
            runs = rows.groupby("digest")
            frames.append(runs.last().assign(snapshots=runs.size()).dropna(subset=list(columns[2:])))
        self.runs = pd.concat(frames) if frames else pd.DataFrame()
        self.rates: dict[str, tuple[float, float] | None] = {}

    def cpu_s(self, config: RunConfig) -> float | None:
        """Return what a run costs; None if it is unknown."""
        steps, due = config.training.steps, config.probing.snapshots.due
        network = config_columns({"network": config.tree()["network"]})
        key = json.dumps(network, sort_keys=True)
        if key not in self.rates:
            self.rates[key] = self._rate(network)
        if (rate := self.rates[key]) is None:
            return None
        snapshots = sum(due(step, steps) for step in range(steps + 1))
        return rate[0] * steps * config.training.batch + rate[1] * snapshots

    def _rate(self, network: Row) -> tuple[float, float] | None:
        """Return the CPU-seconds per image seen and per snapshot."""
        alike = np.ones(len(self.runs), dtype=bool)
        for name in [name for name in map(str, self.runs) if name.startswith("config.network.")]:
            # A column that the records lack for a run belongs to another kind of network, or to a later version.
            alike &= (self.runs[name].isna() | (self.runs[name] == network.get(name))).to_numpy()
        if alike.any():
            names = ["cpu_s", "observing_s", "wall_s", "images_seen", "snapshots"]
            cpu, observing, wall, images, snapshots = self.runs.loc[alike, names].astype(float).sum()
            observed = min(observing / wall, 1.0)  # both are wall time, which other processes lengthen alike
            return cpu * (1 - observed) / images, cpu * observed / snapshots
        for preset in PRESETS.values():
            config = over_defaults(preset.fields, preset.studied)
            if preset.study_cpu_s and config_columns({"network": config.tree()["network"]}) == network:
                return preset.study_cpu_s / (config.training.steps * config.training.batch), 0.0
        return None
