"""Which runs a study needs, where each of them stands, and what the missing ones will cost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from phasescope.errors import UserError
from phasescope.kinds import source_digests
from phasescope.runs.config import RunConfig, over_defaults
from phasescope.runs.presets import PRESETS
from phasescope.runs.recording import whole_runs
from phasescope.store import Run
from phasescope.store.flat import config_columns
from phasescope.store.records import some_columns
from phasescope.studies.records import (
    RECORDS,
    Recorded,
    read_rows,
)
from phasescope.studies.study import Member, Study

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
    def digest(self) -> str:
        return self.config.digest()

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
    rates: Mapping[str, Rate]
    """of costs, by network"""

    @property
    def to_run(self) -> list[PlannedRun]:
        return [run for run in self.planned if run.state in ("absent", "started")]

    def cpu_s(self, planned: Iterable[PlannedRun]) -> float | None:
        """Return the CPU-seconds that runs take; None if the cost of one is unknown."""
        costs = [
            rate.cpu_s(run.config) if (rate := self.rates.get(_network(run.config))) else None
            for run in planned
        ]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


@dataclass(frozen=True)
class Rate:
    """What runs of one network cost on one core."""

    training: float
    """CPU-seconds per image seen"""
    observing: float
    """CPU-seconds per snapshot"""

    def cpu_s(self, config: RunConfig) -> float:
        return self.training * _images(config) + self.observing * _snapshots(config)


def _images(config: RunConfig) -> int:
    """Return the images that a run's training sees."""
    return config.training.steps * config.training.batch


def _snapshots(config: RunConfig) -> int:
    steps = config.training.steps
    return sum(config.probing.snapshots.due(step, steps) for step in range(steps + 1))


def _network(config: RunConfig) -> str:
    """Return what the cost of an image depends on first: the network and the shape of the images."""
    return json.dumps(
        [config_columns({"network": config.tree()["network"]}), config.world.shape], sort_keys=True
    )


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
    added = _cells_of_final_analysis(study, folder, seeds) if final else ()
    configs, cells = _wanted(study, study.members(seeds, added))
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

    planned = tuple(PlannedRun(c, tuple(cells[d]), state(d, c)) for d, c in configs.items())
    rates = _rates([folder / RECORDS, *others], {_network(c): c for c in configs.values()})
    return Survey(study, runs, folder, planned, tuple(others), tuple(unread), rates)


def _wanted(study: Study, members: Iterable[Member]) -> tuple[dict[str, RunConfig], dict[str, list[str]]]:
    """Return configurations, and names of cells, by digest."""
    configs: dict[str, RunConfig] = {}
    cells: dict[str, list[str]] = {}
    for member in members:
        digest = member.config.digest()
        configs[digest] = study.observed(member)
        cells.setdefault(digest, []).append(member.cell.name)
    return configs, cells


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


def _rates(paths: Iterable[Path], networks: Mapping[str, RunConfig]) -> dict[str, Rate]:
    """Return what runs of these networks cost: the mean over recorded runs of the same, or what presets state."""
    import pandas as pd

    presets = [(over_defaults(p.fields, p.studied), p.study_cpu_s) for p in PRESETS.values() if p.study_cpu_s]
    rates = {_network(config): Rate(cpu_s / _images(config), 0.0) for config, cpu_s in presets}
    spent: dict[str, list[pd.DataFrame]] = {}
    for path in filter(Path.exists, paths):
        names = [name for name in some_columns(path, None) if name.startswith("config.network.")]
        runs = pd.DataFrame(
            some_columns(path, ("digest", "step", "images_seen", "cpu_s", "observing_s", *names))
        )
        runs = runs.sort_values("step").groupby("digest")
        runs = runs.last().assign(snapshots=runs.size()).dropna(subset=["cpu_s", "observing_s"])
        for key, config in networks.items():
            # A column that the records lack for a run belongs to another kind of network, or to a later version.
            own = config_columns({"network": config.tree()["network"]})
            alike = [runs[name].isna() | (runs[name] == own.get(name)) for name in names]
            spent.setdefault(key, []).append(runs[pd.concat(alike, axis=1).all(axis=1)])
    for key, parts in spent.items():
        total = pd.concat(parts)[["cpu_s", "observing_s", "images_seen", "snapshots"]].astype(float).sum()
        if total["images_seen"]:
            training = (total["cpu_s"] - total["observing_s"]) / total["images_seen"]
            rates[key] = Rate(training, total["observing_s"] / total["snapshots"])
    return rates
