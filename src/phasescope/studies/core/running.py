"""A study's runs, from what is there to what is wanted: an engine executes what is missing, the rest is condensed.

A run counts as there where the study's own records, another study's, or the folder of runs hold it, in this order. Further
readings need the run's snapshots: where these are gone, the run is computed again. Every step can be repeated: a study
that was killed goes on where it was, and two that run at once share folders and records.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple

from phasescope.engines import Event, RunEnd, open_engine, prepare
from phasescope.errors import RunFailed, UserError
from phasescope.runs.config import RunConfig
from phasescope.runs.presets import PRESETS
from phasescope.store import Run
from phasescope.store.files import write_all_aside
from phasescope.store.records import merge_records, some_columns
from phasescope.studies.core.declaration import declare
from phasescope.studies.core.looks import undecided_cells
from phasescope.studies.core.recording import copy_records, rows_of, tell_cells, whole_in
from phasescope.studies.core.records import RECORDS, judged, read_frame
from phasescope.studies.core.study import Member, Study

State = Literal["recorded", "elsewhere", "done", "started", "absent"]
STATES: dict[State, str] = {
    "recorded": "in this study's records",
    "elsewhere": "in another study's records",
    "done": "done, to be recorded",
    "started": "begun, to be resumed",
    "absent": "to be run",
}


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
    look: int
    runs: Path
    folder: Path
    """of its results"""
    standings: tuple[Standing, ...]
    others: tuple[Path, ...]
    """other studies' records"""
    unread: tuple[str, ...]
    """why records of others cannot be read, each in words"""
    cpu_s: dict[str, float]
    """of a run, by its digest or its preset's name, where it is known"""

    def cost_of(self, standing: Standing) -> float | None:
        """CPU-seconds of a run; None where they are not known."""
        return self.cpu_s.get(standing.digest, self.cpu_s.get(standing.config.name))

    @property
    def to_run(self) -> list[Standing]:
        return [standing for standing in self.standings if standing.state in ("absent", "started")]

    def cost_s(self, standings: Iterable[Standing]) -> float | None:
        """CPU-seconds of all; None where a preset's cost is not known."""
        known = [self.cost_of(standing) for standing in standings]
        return None if None in known else float(sum(s for s in known if s is not None))


def survey(
    study: Study, seeds: int | None, preset: str | None, runs: Path, results: Path, look: int = 1
) -> Survey:
    """See what a study needs and what is there of it.

    Args:
        seeds: runs a cell, where fewer than the study's own are wanted.
        preset: of all cells; their own by default. Its results have a folder of their own.
        runs: folder of runs.
        results: folder of studies' results.
        look: 2 adds the second look's seeds to the cells of claims that the first left undecided.

    Raises:
        UserError: `seeds` is less than 1 or more than the study's; there is no second look, or not yet; the preset is none,
            or does not go with a cell; records cannot be read.
    """
    if seeds is not None and seeds < 1:
        raise UserError(f"`--seeds` (={seeds}) must be at least 1: runs a cell")
    study = study.under(preset)
    folder = results / study.name
    there, unread = _read_all(results, folder)
    second = _second_look(study, folder, seeds) if look == 2 else ()
    configs, cells = _wanted(study.members(seeds, second))
    due = {digest: study.readings_of(names) for digest, names in cells.items()}
    own = whole_in(folder / RECORDS, due)
    elsewhere = set().union(*(one.runs for one in there.values())) - {run for run in due if due[run]}
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
    others = tuple(path for path in there if path.parent != folder)
    return Survey(study, seeds, look, runs, folder, tuple(standings), others, unread, _costs(there.values()))


def _wanted(members: Iterable[Member]) -> tuple[dict[str, RunConfig], dict[str, list[str]]]:
    """Configurations, and names of cells, by digest."""
    configs: dict[str, RunConfig] = {}
    cells: dict[str, list[str]] = {}
    for member in members:
        digest = member.config.digest()
        configs[digest] = member.config
        cells.setdefault(digest, []).append(member.cell.name)
    return configs, cells


def _second_look(study: Study, folder: Path, seeds: int | None) -> set[str]:
    """Names of the cells that a second look adds seeds to.

    Raises:
        UserError: there is none, or the first look is not whole, or has decided all.
    """
    if seeds is not None:
        raise UserError(f"`--seeds` (={seeds}) must be left out with `--look 2`: its seeds are declared")
    if not study.more:
        raise UserError(f"`--look` (=2) must be 1: `{study.name}` declares no second look")
    _, cells = _wanted(study.members())
    first = set(cells)
    own = whole_in(folder / RECORDS, {digest: study.readings_of(names) for digest, names in cells.items()})
    if first - own:
        raise UserError(
            f"`--look` (=2) must wait for the first: {len(first & own)} of {len(first)} runs are recorded"
        )
    undecided = undecided_cells(study, read_frame(study, folder))
    if not undecided:
        raise UserError(f"`--look` (=2) must be 1: the first look has decided every claim of `{study.name}`")
    return undecided


def _state(folder: Path) -> State:
    if not (folder / "config.yaml").is_file():
        return "absent"
    status = Run(folder).status
    if status["state"] == "done":
        return "done"
    return "started" if status.get("step") else "absent"


class _There(NamedTuple):
    """What a file of records holds: runs that are whole, and a row's preset's name, digest and CPU-seconds."""

    runs: set[str]
    costs: list[tuple[Any, ...]]


def _read_all(results: Path, own: Path) -> tuple[dict[Path, _There], tuple[str, ...]]:
    """What the records of all studies hold, by their path; and of others' that cannot be read, why.

    Raises:
        UserError: the study's own cannot be read.
    """
    there, unread = {}, []
    for path in sorted(results.glob(f"*/{RECORDS}")):
        try:
            told = some_columns(path, ("name", "digest", "cpu_s"))
            there[path] = _There(whole_in(path), list(zip(*told.values(), strict=True)))
        except UserError as error:
            if path.parent == own:
                raise
            unread.append(str(error))
    return there, tuple(unread)


def _costs(there: Iterable[_There]) -> dict[str, float]:
    """CPU-seconds of a run by its preset's name: the mean over all records, or what presets declare."""
    of_runs: dict[str, dict[str, float]] = {}
    for name, digest, cpu_s in chain.from_iterable(one.costs for one in there):
        if isinstance(name, str) and isinstance(cpu_s, int | float) and cpu_s == cpu_s:
            runs = of_runs.setdefault(name, {})
            runs[str(digest)] = max(float(cpu_s), runs.get(str(digest), 0.0))
    declared = {name: one.study_cpu_s for name, one in PRESETS.items() if one.study_cpu_s is not None}
    return declared | {name: sum(runs.values()) / len(runs) for name, runs in of_runs.items()}


def conduct(
    surveyed: Survey,
    engine: str,
    on_event: Callable[[Event], None],
    on_recorded: Callable[[str], None] = lambda _: None,
    workers: int | None = None,
    asked: Mapping[str, str | int] | None = None,
) -> list[RunEnd]:
    """Declare a study, run what is missing of it, record it, judge its claims, compute its tables; the runs that are not
    recorded.

    Args: as `execute`.

    Raises:
        UserError: as `execute`; or the study declares otherwise than before, and no amendment says why.
    """
    there = [one for one in surveyed.standings if one.state in ("recorded", "elsewhere", "done")]
    declare(surveyed.study, surveyed.folder, len(there))
    failed = execute(surveyed, engine, on_event, on_recorded, workers, asked)
    digests = {surveyed.runs / one.config.folder: one.digest for one in surveyed.standings}
    judge_records(surveyed.study, surveyed.folder, [digests[end.folder] for end in failed])
    return failed


def judge_records(study: Study, folder: Path, failed: Collection[str] | None = None) -> bool:
    """Judge a study's claims by its records and compute its tables; whether there are records.

    Args:
        failed: identities of runs that failed for good; those that claims.json tells of where None.
    """
    if not (folder / RECORDS).exists():
        return False
    write_all_aside(judged(study, folder, read_frame(study, folder), failed))
    return True


def execute(
    surveyed: Survey,
    engine: str,
    on_event: Callable[[Event], None],
    on_recorded: Callable[[str], None] = lambda _: None,
    workers: int | None = None,
    asked: Mapping[str, str | int] | None = None,
) -> list[RunEnd]:
    """Have what is missing run, and merge all into the study's records; the runs that are not recorded, and why.

    Each run is recorded as soon as it is done. Where it was done before, another process did it, or the study was killed
    in between, it is recorded now. A run that cannot be recorded whole and as what it is, or whose folder is damaged, is
    left out and left as it is: the others are not kept waiting.

    Args:
        engine: local, slurm or ray.
        on_event: told what happens to runs.
        on_recorded: told the name of each run that is newly recorded.
        workers: runs at a time; without it as many as the engine finds places.
        asked: of an engine beyond this machine, as `engines.OF_CLUSTERS` names it.

    Raises:
        UserError: the engine is none, or the study's own records cannot be read or written.
    """
    by_folder = {surveyed.runs / s.config.folder: s for s in surveyed.standings}
    left_out: list[RunEnd] = []

    def of_state(state: State) -> dict[str, Standing]:
        return {s.digest: s for s in surveyed.standings if s.state == state}

    def leave_out(path: Path, why: object, attempts: int = 0) -> None:
        left_out.append(RunEnd(path, "failed", attempts, " ".join(str(why).split())))

    def record(path: Path, attempts: int = 0) -> None:
        standing = by_folder[path]
        try:
            rows = rows_of(surveyed.study, Run(path), standing.config, standing.cells)
        except (UserError, OSError) as error:
            leave_out(path, error, attempts)
        else:
            merge_records(surveyed.folder / RECORDS, rows)
            on_recorded(path.name)

    def follow(event: Event) -> None:
        on_event(event)
        if event.end is not None and event.end.state == "done":
            record(event.folder, event.end.attempts)

    elsewhere = of_state("elsewhere")
    cells = {digest: standing.cells for digest, standing in elsewhere.items()}
    for digest, why in copy_records(surveyed.folder / RECORDS, surveyed.others, cells).items():
        leave_out(surveyed.runs / elsewhere[digest].config.folder, why)
    tell_cells(surveyed.folder / RECORDS, {digest: s.cells for digest, s in of_state("recorded").items()})
    for standing in of_state("done").values():
        record(surveyed.runs / standing.config.folder)
    folders = []
    for standing in surveyed.to_run:
        surveyed.runs.mkdir(parents=True, exist_ok=True)
        try:
            folders.append(prepare(standing.config, surveyed.runs))
        except (UserError, RunFailed) as error:
            leave_out(surveyed.runs / standing.config.folder, error)
    if folders:
        ends = open_engine(engine, surveyed.runs, workers, asked).execute(folders, follow)
        left_out += [end for end in ends.values() if end.state == "failed"]
    return left_out
