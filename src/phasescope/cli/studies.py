"""The commands for studies, claims and reports; what they do is elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

import phasescope
from phasescope.cli.arguments import DryRun, Engine, Json, Runs, Studies, Target, Words, Workers
from phasescope.errors import UserError

if TYPE_CHECKING:
    from phasescope.studies import Study
    from phasescope.studies.survey import Survey


def report(
    target: Target,
    /,
    out: Path | None = None,
    pictures: Path | None = None,
    runs: Runs = Path("runs"),
    studies: Studies = None,
) -> int:
    """Write the report of a run, of a study or a sweep: one self-contained page.

    Args:
        out: file to write; report.html in the run's or the study's folder without it
        pictures: folder for the figures of a run's report as PNG files; none without it
    """
    from phasescope.views.terminal.progress import counting

    if of_study := study_of(target, studies):
        from phasescope.views.report.study_page import write_html

        with counting("writing the report"):
            path = write_html(*of_study, out)
        print(path)
        return 0
    from phasescope.views.export import run_files
    from phasescope.views.report.page import write_report

    found = phasescope.find_run(target, runs)
    left_out: list[str] = []
    with counting("writing the report"):
        written = [write_report(found, out, left_out.append)]
        written += run_files(found, pictures, "png", on_left_out=left_out.append)
    for path in written:
        print(path)
    if left_out:
        print(f"phasescope: {' '.join(left_out)}", file=sys.stderr)
    return 0


def study_of(target: str, folder: Path | None) -> tuple[Study, Path] | None:
    """Return the study or sweep that a word names, with the folder of its records; None if it names neither."""
    from phasescope.studies.finding import STUDY_FILE, find_study, studies_folder, study_names
    from phasescope.studies.sweep import sweep_in

    known = studies_folder(folder)
    if target in study_names(known) or ".py" in target or (Path(target) / STUDY_FILE).is_file():
        return find_study(target, folder)
    for path in (Path(target), known / target, Path("sweeps") / target):
        if path.is_dir() and (sweep := sweep_in(path)):
            return sweep, path
    return None


def study(
    name: Positional[Annotated[str, arg(metavar="NAME|PATH")]],
    /,
    final: bool = False,
    seeds: int | None = None,
    base: str | None = None,
    engine: Engine = "local",
    workers: Workers = None,
    dry_run: DryRun = False,
    judge: bool = False,
    amend: str = "",
    looked: bool = False,
    runs: Runs = Path("runs"),
    studies: Studies = None,
    json: Json = False,
) -> int:
    """Preregister a study, run what is missing, judge its claims and write its page; the same command resumes it.

    Args:
        name: a study of the folder of studies, or the path of a study's folder or file; `claims` lists them
        final: add the seeds of the final analysis to the cells of claims that the first left undecided
        seeds: runs per cell, if fewer than the study's own are wanted: a rehearsal, which decides no claim
        base: another preset for all cells; a study of its own, in a folder of its own
        judge: judge by the records that exist and write the page, and run nothing
        amend: reason for a change of what was preregistered
        looked: with --amend, say that runs which the change concerns had been looked at
    """
    from phasescope.runs.presets import preset
    from phasescope.studies.conduct import judge_records
    from phasescope.studies.finding import find_study
    from phasescope.studies.preregistration import preregister
    from phasescope.studies.records import RECORDS
    from phasescope.studies.survey import survey
    from phasescope.views.report.study_page import write_study_page
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.studies import print_ends

    _check_workers(workers)
    if looked and not amend:
        raise UserError("`--looked` (=True) must go with --amend: it says what was known at that time")
    found, folder = find_study(name, studies)
    if base is not None:
        preset(base)
        cells = [replace(cell, base="") for cell in found.cells]
        found = replace(found, name=f"{found.name}-{base}", base=base, cells=cells)
        folder = folder.with_name(f"{folder.name}-{base}")
    if judge:
        if amend:
            preregister(found, folder, 0, amend, looked)
        if not judge_records(found, folder):
            raise UserError(f"`--judge` must have records: there is no `{folder / RECORDS}`")
        write_study_page(found, folder)
        print_ends(found, folder, ())
        return 0
    with counting("looking for runs"):
        surveyed = survey(found, folder, runs, seeds, final)
    return _conducted(
        surveyed, print_ends, dry_run, json, engine=engine, workers=workers, amend=amend, looked=looked
    )


def _conducted(
    surveyed: Survey, print_end: Callable[..., None], dry_run: bool, json: bool, **how: Any
) -> int:
    """Run what a survey says is missing, write the page, and print how it ended; the exit code."""
    from phasescope.studies.conduct import conduct
    from phasescope.studies.records import RECORDS
    from phasescope.views.report.study_page import write_study_page
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.studies import Progress, print_recorded, print_survey

    print_survey(surveyed, as_json=json, whole=dry_run)
    if dry_run:
        return 0
    failed = conduct(surveyed, on_event=Progress(), on_recorded=print_recorded, **how)
    if (surveyed.folder / RECORDS).exists():
        with counting("writing the page"):
            write_study_page(surveyed.study, surveyed.folder)
    print_end(surveyed.study, surveyed.folder, failed)
    return 1 if failed else 0


def sweep(
    words: Words = (),
    /,
    zip: bool = False,
    name: str | None = None,
    engine: Engine = "local",
    partition: str | None = None,
    minutes: int | None = None,
    gpus: int | None = None,
    workers: Workers = None,
    dry_run: DryRun = False,
    runs: Runs = Path("runs"),
    sweeps: Path = Path("sweeps"),
    json: Json = False,
) -> int:
    """Run every combination of some fields' values: a study without claims; the same command resumes it.

    Args:
        words: as `train` takes them; several values as in world.design.dx=0.5,1,2 or training.steps=500..2000:4 seed=0..3
        zip: take the values in step, instead of every combination
        name: of its folder; sweep-HASH of its cells without it
        partition: of SLURM
        minutes: time limit of a job of SLURM; a run that meets it is resumed by another job
        gpus: of each run, with SLURM or Ray
        sweeps: folder of sweeps
    """
    from phasescope.engines import check_asked
    from phasescope.studies.survey import survey
    from phasescope.studies.sweep import check_own, sweep_of
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.studies import print_swept

    _check_workers(workers)
    resources = {"partition": partition, "minutes": minutes, "gpus": gpus}
    asked = {what: value for what, value in resources.items() if value is not None}
    check_asked(engine, asked)
    found = sweep_of(words, zip, name)
    folder = sweeps / found.name
    check_own(found, folder)
    with counting("looking for runs"):
        surveyed = survey(found, folder, runs)
    return _conducted(surveyed, print_swept, dry_run, json, engine=engine, workers=workers, asked=asked)


def claims(
    studies: Studies = None,
    study: str | None = None,
    page: Path | None = None,
    controls: bool = False,
    trials: int = 200,
    json: Json = False,
) -> int:
    """Print every claim of the studies: verdict, value, interval, n; or its power on simulated runs of known truth.

    Args:
        study: of this study only: a name or a path
        page: file for the page of findings, beside the studies' folders
        controls: judge each claim on simulated runs of which it is true, false, or at its threshold
        trials: how often each is simulated and judged
    """
    from phasescope.studies.finding import find_studies, find_study
    from phasescope.views.terminal.studies import print_claims, print_controls, tried

    if trials < 1:
        raise UserError(f"`--trials` (={trials}) must be at least 1")
    found = [find_study(study, studies)] if study else find_studies(studies)
    if not found:
        raise UserError(
            f"`--studies` (={studies or 'studies'}) must be a folder of studies, NAME/study.py in each"
        )
    if controls:
        print_controls(tried(found, trials), as_json=json)
        return 0
    if page:
        if study:
            raise UserError(f"`--study` (={study}) must be left out with --page: the page is of all studies")
        from phasescope.store.files import write_aside
        from phasescope.views.report.study_page import findings

        write_aside(page, findings(found, page))
    print_claims(found, as_json=json)
    return 0


def _check_workers(workers: int | None) -> None:
    if workers is not None and workers < 1:
        raise UserError(f"`--workers` (={workers}) must be at least 1: runs at a time")
