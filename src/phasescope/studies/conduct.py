"""From what exists of a study's runs to what it needs: an engine executes what is missing, everything is condensed
into records.

A run exists if the study's own records, another study's records, or the folder of runs hold it, in this order.
Further readings need the run's snapshots: if these are gone, the run is computed again. Every step can be repeated:
a study that was killed resumes, and two that run at once share folders and records.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from phasescope.core.errors import RunFailed, UserError
from phasescope.runs.engines import Event, RunEnd, open_engine
from phasescope.runs.recording import copy_runs, record_run, update_cells
from phasescope.runs.store import Run
from phasescope.runs.store.files import write_all_aside
from phasescope.runs.worker import prepare
from phasescope.studies.preregistration import preregister
from phasescope.studies.records import CLAIMS, RECORDS, claims_text, judge, kept, read_claims, read_rows
from phasescope.studies.study import Study
from phasescope.studies.survey import State, Survey


def conduct(
    survey: Survey,
    engine: str,
    on_event: Callable[[Event], None],
    workers: int | None = None,
    asked: Mapping[str, str | int] | None = None,
    amend: str = "",
    looked: bool = False,
) -> list[RunEnd]:
    """Preregister a study, run what is missing, record it, judge its claims. Return the runs that are not recorded,
    and why.

    A run is recorded as soon as it is done, or now if it was done before. A run that cannot be recorded in full, or
    whose folder is damaged, is left out and left as it is, so that it does not hold up the others.

    Args:
        engine: local, slurm or ray.
        on_event: is called with what happens to runs.
        workers: runs at a time; as many as the engine has places for by default.
        asked: resources of a cluster, as `engines.OF_CLUSTERS` names them.
        amend, looked: reason of an amendment, and whether runs that it changes had been looked at.

    Raises:
        UserError: the study differs from its preregistration; the engine is unknown; records cannot be read or
            written.
    """
    study, records = survey.study, survey.folder / RECORDS
    present = sum(run.state in ("recorded", "elsewhere", "done") for run in survey.planned)
    preregister(study, survey.folder, present, amend, looked)
    keep = kept(study)
    by_folder = {survey.runs / run.config.folder: run for run in survey.planned}
    folders = {run.config.digest(): path for path, run in by_folder.items()}
    left_out: list[RunEnd] = []

    def leave_out(path: Path, why: object, attempts: int = 0) -> None:
        left_out.append(RunEnd(path, "failed", attempts, " ".join(str(why).split())))

    def record(path: Path, attempts: int = 0) -> None:
        run = by_folder[path]
        readings = {reading.name: reading.read for reading in study.readings_of(run.cells)}
        try:
            record_run(
                records, Run(path), run.config, run.cells, readings, study.columns_for(run.cells), keep
            )
        except (UserError, OSError) as error:
            leave_out(path, error, attempts)

    def follow(event: Event) -> None:
        on_event(event)
        if event.end is not None and event.end.state == "done":
            record(event.folder, event.end.attempts)

    def cells_of(state: State) -> dict[str, tuple[str, ...]]:
        return {run.config.digest(): run.cells for run in survey.planned if run.state == state}

    for digest, why in copy_runs(records, survey.others, cells_of("elsewhere")).items():
        leave_out(folders[digest], why)
    update_cells(records, cells_of("recorded"))
    for digest in cells_of("done"):
        record(folders[digest])
    prepared = []
    for run in survey.to_run:
        survey.runs.mkdir(parents=True, exist_ok=True)
        try:
            prepared.append(prepare(run.config, survey.runs))
        except (UserError, RunFailed) as error:
            leave_out(survey.runs / run.config.folder, error)
    if prepared:
        ends = open_engine(engine, survey.runs, workers, asked).execute(prepared, follow)
        left_out += [end for end in ends.values() if end.state == "failed"]
    judge_records(study, survey.folder, [by_folder[end.folder].config.digest() for end in left_out])
    return left_out


def judge_records(study: Study, folder: Path, failed: Collection[str] | None = None) -> bool:
    """Judge a study's claims by its records and write claims.json. Return whether there are records.

    Args:
        failed: identities of runs that failed for good; those that claims.json names by default.
    """
    if not (folder / RECORDS).exists():
        return False
    if failed is None:
        failed = known.failed if (known := read_claims(folder)) else ()
    write_all_aside({folder / CLAIMS: claims_text(judge(study, folder, read_rows(study, folder), failed))})
    return True


def judge_again(study: Study, folder: Path, amend: str = "", looked: bool = False) -> None:
    """Judge a study by the records that exist, and run nothing.

    Raises:
        UserError: there are no records.
    """
    if amend:
        preregister(study, folder, 0, amend, looked)
    if not judge_records(study, folder):
        raise UserError(f"`--judge` must have records: there is no `{folder / RECORDS}`")
