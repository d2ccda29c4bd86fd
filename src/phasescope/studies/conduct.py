"""From what exists of a study's runs to what it needs: an engine executes what is missing, everything is condensed into
records, and claims are judged.

A run exists if the study's own records, another study's records, or the folder of runs hold it, in this order.
Further readings need the run's snapshots: if these are gone, the run is computed again. Every step can be repeated:
a study that was killed resumes, and two that run at once share folders and records.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from phasescope.core.config import DIGITS, Tree
from phasescope.core.errors import RunFailed, UserError
from phasescope.core.kinds import source_digests
from phasescope.runs.config import RunConfig
from phasescope.runs.engines.by_name import open_engine
from phasescope.runs.engines.engine import Event, RunEnd
from phasescope.runs.engines.worker import prepare
from phasescope.runs.probing.own_measures import check_known_while_training, load_measures
from phasescope.runs.store.files import write_all_aside
from phasescope.runs.store.folder import Notify
from phasescope.runs.trained.run import Run
from phasescope.runs.training.continuing import changes_of
from phasescope.runs.training.forking import check_equal
from phasescope.studies.claims_file import CLAIMS, RECORDS, read_claims
from phasescope.studies.preregistration import check_preregistered, preregister
from phasescope.studies.recorded_runs import copy_runs, record_run, update_cells, whole_runs
from phasescope.studies.records import Recorded, claims_text, judge, kept, read_rows
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
    """A run that a study needs, with its state."""

    config: RunConfig
    cells: tuple[str, ...]
    state: State

    @cached_property
    def identity(self) -> str:
        """The identity by which a fork names its parent: 16 digits, computed once."""
        return self.config.digest(16)

    @property
    def images(self) -> int:
        """Images that its training sees, without those that the run which it continues had seen."""
        begins = self.config.fork.step if self.config.fork else 0
        return (self.config.training.steps - begins) * self.config.training.batch


@dataclass(frozen=True)
class Survey:
    """The runs that a study needs, and those that exist: `runs` is the folder of runs, `folder` that of its records."""

    study: Study
    runs: Path
    folder: Path
    planned: tuple[PlannedRun, ...]
    is_rehearsal: bool
    others: tuple[Path, ...]
    """records of other studies"""
    unread: tuple[str, ...]
    """why records of others cannot be read, in words"""

    @property
    def to_run(self) -> list[PlannedRun]:
        return [run for run in self.planned if run.state in ("absent", "started")]

    @property
    def finished(self) -> list[Path]:
        """The folders of the runs that are done and still exist."""
        done = [run for run in self.planned if run.state not in ("absent", "started")]
        paths = [self.runs / run.config.folder for run in done]
        return [path for path in paths if (path / "config.yaml").is_file()]

    def waves(self) -> Iterator[list[PlannedRun]]:
        """Yield the runs that are missing: parents before the runs that continue them, and of these first the controls."""
        left = {run.identity: run for run in self.to_run}
        while left:
            ready = [
                run for run in left.values() if run.config.fork is None or run.config.fork.run not in left
            ]
            own, forked = _parted(ready, lambda run: run.config.fork is None)
            controls, changed = _parted(forked, self.is_control)
            if own or controls:
                yield [*own, *controls]
            if changed:
                yield changed
            for run in ready:
                del left[run.identity]

    def is_control(self, run: PlannedRun) -> bool:
        """Return whether a run continues another one and changes nothing."""
        control = self.control_of(run)
        return control is not None and control.identity == run.identity

    def control_of(self, run: PlannedRun) -> PlannedRun | None:
        """Return the control of the fork that a run belongs to; None of a run that continues none."""
        fork = run.config.fork
        return None if fork is None else self._controls.get((fork.run, fork.step))

    def parent_of(self, run: PlannedRun) -> Run | None:
        """Return the run that a run continues; None if it continues none."""
        if run.config.fork is None:
            return None
        return Run(self.runs / self._by_identity[run.config.fork.run].config.folder)

    # A study may plan thousands of forks: what is asked of each is computed of all at once.
    @cached_property
    def _by_identity(self) -> dict[str, PlannedRun]:
        return {run.identity: run for run in self.planned}

    @cached_property
    def _controls(self) -> dict[tuple[str, int], PlannedRun]:
        """The run that changes nothing, by the parent and the step of its fork."""
        trees: dict[str, Tree] = {}
        controls: dict[tuple[str, int], PlannedRun] = {}
        for run in self.planned:
            if (fork := run.config.fork) is None:
                continue
            if fork.run not in trees:
                trees[fork.run] = self._by_identity[fork.run].config.tree()
            if not changes_of(trees[fork.run], run.config.tree()):
                controls[fork.run, fork.step] = run
        return controls

    def cells_of(self, state: State) -> dict[str, tuple[str, ...]]:
        """Return the names of the cells of each run in a state, by the run's digest."""
        return {run.identity[:DIGITS]: run.cells for run in self.planned if run.state == state}


def _parted(
    runs: Iterable[PlannedRun], condition: Callable[[PlannedRun], bool]
) -> tuple[list[PlannedRun], list[PlannedRun]]:
    """Return the runs for which a condition holds, and the others."""
    parts: tuple[list[PlannedRun], list[PlannedRun]] = [], []
    for run in runs:
        parts[0 if condition(run) else 1].append(run)
    return parts


def survey(study: Study, folder: Path, runs: Path, seeds: int | None = None, final: bool = False) -> Survey:
    """Return the runs that a study needs, with the state of each.

    Args:
        folder: of its records.
        runs: folder of runs.
        seeds: runs per cell, if fewer than the study's own are wanted: a rehearsal.
        final: add the seeds of the final analysis to the cells of claims that the first leaves undecided.

    Raises:
        UserError: a measure cannot be taken; `seeds` is out of range; cells that are one run observe it differently; there
            is no final analysis, or not yet; records cannot be read.
    """
    study.check_columns()
    configs: dict[str, RunConfig] = {}
    cells: dict[str, list[str]] = {}
    for cell, seed in study.members(seeds, _cells_of_final_analysis(study, folder, seeds) if final else ()):
        config = study.observed(cell, seed)
        digest = config.digest()
        if configs.setdefault(digest, config) != config:
            raise UserError(f"`cells` (={cell.name}) of `{study.name}` must observe the same run alike")
        cells.setdefault(digest, []).append(cell.name)

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

    def state(digest: str, path: Path) -> State:
        if digest in own:
            return "recorded"
        if digest in elsewhere and not due[digest]:
            return "elsewhere"
        if not (path / "config.yaml").is_file():
            return "absent"
        status = Run(path).status
        if status["state"] == "done":
            return "done"
        return "started" if status.get("step") else "absent"

    planned = [PlannedRun(c, tuple(cells[d]), state(d, runs / c.folder)) for d, c in configs.items()]
    planned = _with_parents(planned, runs)
    _check_measures(run.config for run in planned if run.state in ("absent", "started"))

    # A claim whose cells are complete is judged: then this is no rehearsal.
    parts = [study.cells_of(claim.where) for claim in study.claims] or [study.cells]
    fewer = seeds is not None and all(any(seeds < study.first(cell) for cell in part) for part in parts)
    return Survey(
        study,
        runs,
        folder=folder,
        planned=tuple(planned),
        is_rehearsal=fewer,
        others=tuple(others),
        unread=tuple(unread),
    )


def _check_measures(configs: Iterable[RunConfig]) -> None:
    """Raise an error if a measure that runs name cannot be taken of them: before a study is preregistered.

    Raises:
        UserError: a measure is none, or compares with the final network.
        SourceFailed: the import of its file fails.
    """
    for names in dict.fromkeys(tuple(config.probing.measures) for config in configs):
        check_known_while_training(load_measures(names))


def _with_parents(planned: Sequence[PlannedRun], runs: Path) -> list[PlannedRun]:
    """Return planned runs of which those are to be run again that are recorded, whose folder is gone, and whose state a
    missing run continues."""
    continued = {run.config.fork.run for run in planned if run.state == "absent" and run.config.fork}

    def is_gone(run: PlannedRun) -> bool:
        return (
            run.state in ("recorded", "elsewhere")
            and run.identity in continued
            and not (runs / run.config.folder / "config.yaml").is_file()
        )

    return [replace(run, state="absent") if is_gone(run) else run for run in planned]


def _cells_of_final_analysis(study: Study, folder: Path, seeds: int | None) -> set[str]:
    """Return the names of the cells to which the final analysis adds seeds; UserError if there is none, or not yet."""
    if seeds is not None:
        raise UserError(f"`--seeds` (={seeds}) must be left out with --final: its seeds are preregistered")
    recorded = Recorded(study, read_rows(study, folder))
    lacking = [lack for claim in study.claims if (lack := recorded.missing(claim))]
    if lacking:
        raise UserError(f"`--final` must wait for the first analysis: {lacking[0]}")
    cells = recorded.undecided_cells() if study.more else set()
    if not cells:
        why = "its first analysis has decided every claim" if study.more else "it has one analysis (more=0)"
        raise UserError(f"`--final` must be left out of `{study.name}`: {why}")
    # Further children continue further parents, each beside its control.
    return {cell.name for cell in study.with_origins(study.cells_of({"cell": sorted(cells)}))}


def conduct(
    survey: Survey,
    engine: str,
    on_event: Callable[[Event], None],
    workers: int | None = None,
    asked: Mapping[str, str | int] | None = None,
    options: Sequence[str] = (),
    amend: str = "",
    looked: bool = False,
    notify: Notify = lambda *_: None,
) -> list[RunEnd]:
    """Preregister a study, unless this is a rehearsal; run what is missing, record it, judge its claims. Return the
    runs that are not recorded, and why.

    A run is recorded as soon as it is done, or now if it was done before. A run that cannot be recorded completely, or
    whose folder is damaged, is skipped and not changed, so that it does not hold up the others.

    Args:
        engine: local, slurm or ray.
        on_event: is called with the events of runs.
        workers: runs at a time; as many as the engine has places for by default.
        asked: resources of a cluster, as `by_name.OPTIONS` names them.
        options: further arguments of `phasescope exec`, which executes each run.
        amend, looked: reason of an amendment, and whether runs that it changes had been looked at.
        notify: is called with the number of runs that are recorded, and of all; then as by `judge_records`.

    Raises:
        UserError: the study differs from its preregistration; the engine is unknown; records cannot be read or written.
    """
    study, records = survey.study, survey.folder / RECORDS
    if survey.is_rehearsal and not amend:
        check_preregistered(study, survey.folder)
    else:
        present = sum(run.state != "absent" for run in survey.planned)
        preregister(study, survey.folder, recorded=present, reason=amend, looked=looked)

    recording = _Recording(survey)
    for digest, why in copy_runs(records, survey.others, survey.cells_of("elsewhere")).items():
        recording.leave_out(recording.folders[digest], why)
    update_cells(records, survey.cells_of("recorded"))

    # Readings may take as long as runs, and would keep the engine from starting the next one.
    with ThreadPoolExecutor(max_workers=1) as recorder:
        done_before = survey.cells_of("done")
        recorded = [recorder.submit(recording.record, recording.folders[digest]) for digest in done_before]

        def follow(event: Event) -> None:
            on_event(event)
            if event.end is not None and event.end.state == "done":
                recorded.append(recorder.submit(recording.record, event.folder, event.end.attempts))

        try:
            # A run that continues another one begins when that one is done.
            for wave in survey.waves():
                if prepared := recording.prepare(wave):
                    executing = open_engine(engine, survey.runs, workers, asked, options=options)
                    ends = executing.execute(prepared, follow)
                    recording.left_out += [end for end in ends.values() if end.state == "failed"]
            for done, future in enumerate(recorded):
                notify(done, len(recorded))
                future.result()
        except BaseException:
            recorder.shutdown(wait=False, cancel_futures=True)
            raise

    if records.exists():
        failed = [recording.by_folder[end.folder].identity[:DIGITS] for end in recording.left_out]
        judge_records(study, survey.folder, failed, notify)
    return recording.left_out


class _Recording:
    """The runs of a study that are recorded one after another, and those that are left out with the reason."""

    def __init__(self, survey: Survey):
        self.survey = survey
        self.by_folder = {survey.runs / run.config.folder: run for run in survey.planned}
        self.folders = {run.identity[:DIGITS]: path for path, run in self.by_folder.items()}
        self.keep = kept(survey.study)
        self.left_out: list[RunEnd] = []

    def leave_out(self, path: Path, why: object, attempts: int = 0) -> None:
        self.left_out.append(RunEnd(path, "failed", attempts, " ".join(str(why).split())))

    def record(self, path: Path, attempts: int = 0) -> None:
        run, study = self.by_folder[path], self.survey.study
        try:
            self._check_control(run, path)
            record_run(
                self.survey.folder / RECORDS,
                Run(path),
                config=run.config,
                cells=run.cells,
                readings={reading.name: reading.read for reading in study.readings_of(run.cells)},
                columns=study.columns_for(run.cells),
                keep=self.keep,
            )
        except (UserError, RunFailed, OSError) as error:
            self.leave_out(path, error, attempts)

    def _check_control(self, run: PlannedRun, path: Path) -> None:
        """Raise RunFailed if a run is the unchanged child of a fork and not bitwise equal to its parent, or if that child of
        its fork was left out."""
        parent, control = self.survey.parent_of(run), self.survey.control_of(run)
        if parent is None or control is None or run.config.fork is None:
            return
        if control is run:
            check_equal(parent, Run(path), since=run.config.fork.step)
        elif any(end.folder == self.survey.runs / control.config.folder for end in self.left_out):
            raise RunFailed(f"its control `{control.config.folder}` was left out")

    def prepare(self, missing: Sequence[PlannedRun]) -> list[Path]:
        """Make the folders of runs that are missing; return them."""
        folders = []
        for run in missing:
            self.survey.runs.mkdir(parents=True, exist_ok=True)
            try:
                folders.append(prepare(run.config, self.survey.runs, self.survey.parent_of(run)))
            except (UserError, RunFailed) as error:
                self.leave_out(self.survey.runs / run.config.folder, error)
        return folders


def judge_records(
    study: Study, folder: Path, failed: Collection[str] | None = None, notify: Notify = lambda *_: None
) -> None:
    """Judge a study's claims by its records and write claims.json; UserError if there are no records.

    Args:
        failed: identities of runs that failed for good; those that claims.json names by default.
        notify: is called with the number of claims that are judged, and of all.
    """
    rows = read_rows(study, folder)
    if failed is None:
        failed = known.failed if (known := read_claims(folder)) else ()
    write_all_aside({folder / CLAIMS: claims_text(judge(study, folder, rows, failed, notify=notify))})
