"""The commands for studies, claims and reports; what they do is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import phasescope
from phasescope.cli import arguments as arg
from phasescope.core.errors import UserError
from phasescope.views.terminal.printing import Result

if TYPE_CHECKING:
    from phasescope.studies.conduct import Survey
    from phasescope.views.monitors import Logs


def report(
    target: arg.Target,
    /,
    *,
    out: arg.File = None,
    runs: arg.Runs = Path("runs"),
    studies: arg.Studies = None,
    notify: arg.Notify,
) -> Result:
    """Write the report of a run, of a study or a sweep: one self-contained page.

    Args:
        out: file to write; by default report.html in the run's or the study's folder
    """
    from phasescope.studies.sweep import study_or_sweep
    from phasescope.views.web.report import write_report
    from phasescope.views.web.study_page import write_html

    if study := study_or_sweep(target, studies):
        return Result([write_html(*study, out)])
    return Result([write_report(phasescope.find_run(target, runs), out)])


def study(
    name: arg.StudyName,
    /,
    *,
    final: bool = False,
    seeds: arg.Whole | None = None,
    engine: arg.Engine = "local",
    workers: arg.Workers = None,
    dry_run: arg.DryRun = False,
    judge: bool = False,
    amend: str = "",
    looked: bool = False,
    tensorboard: arg.TensorBoard = None,
    wandb: arg.WandB = None,
    runs: arg.Runs = Path("runs"),
    studies: arg.Studies = None,
    json: arg.Json = False,
    notify: arg.Notify,
) -> Result:
    """Preregister a study, run what is missing, judge its claims and write its page; the same command resumes it.

    Args:
        name: a study of the folder of studies, or the path of a study's folder or file; `claims` lists them
        final: add the seeds of the final analysis to the cells of claims that the first left open
        seeds: runs per cell, if fewer than the study's own are wanted: a rehearsal, which decides no claim
        judge: judge by the records that exist and write the page, and run nothing
        amend: reason for a change of what was preregistered
        looked: with --amend, say that runs which the change concerns had been looked at
    """
    from phasescope.studies.conduct import judge_records, survey
    from phasescope.studies.finding import find_study
    from phasescope.studies.preregistration import check_preregistered, preregister
    from phasescope.views.monitors import Logs
    from phasescope.views.terminal.studies import judged, needed
    from phasescope.views.web.study_page import write_study_page

    if looked and not amend:
        raise UserError("`--looked` (=True) must be given with --amend: it says what was known at that time")
    if dry_run and (amend or judge):
        raise UserError("`--dry-run` (=True) must be left out with --amend and --judge, which write files")
    if json and not dry_run:
        raise UserError(
            "`--json` (=True) must be given with --dry-run; `claims --study NAME --json` prints the verdicts"
        )
    logs = Logs(tensorboard, wandb)
    if judge and (final or seeds is not None or engine != "local" or workers is not None or logs.monitors()):
        raise UserError(
            "`--judge` (=True) must be given without --final, --seeds, --engine, --workers, --tensorboard and --wandb: "
            "it runs nothing"
        )
    chosen = find_study(name, studies)
    if judge:
        if amend:
            preregister(*chosen, 0, amend, looked)
        else:
            check_preregistered(*chosen)
        judge_records(*chosen, notify=notify)
        write_study_page(*chosen)
        return judged(*chosen)
    surveyed = survey(*chosen, runs, seeds, final)
    if dry_run:
        return needed(surveyed, notify).to(json)
    return _conducted(surveyed, judged, notify, engine, logs, workers=workers, amend=amend, looked=looked)


def _conducted(
    survey: Survey, ended: Callable[..., Result], notify: arg.Notify, engine: str, logs: Logs, **how: Any
) -> Result:
    """Run what a survey says is missing, logged as it goes, and write the page; return how it ended."""
    from phasescope.studies.claims_file import RECORDS
    from phasescope.studies.conduct import conduct
    from phasescope.views.terminal.studies import reporter, sums
    from phasescope.views.web.study_page import write_study_page

    logs.check()
    Result(sums(survey)).show()
    logs.add_missing([phasescope.Run(path) for path in survey.finished], notify)
    failed = conduct(survey, engine, reporter(notify), notify=notify, options=logs.options(), **how)
    if (survey.folder / RECORDS).exists():
        write_study_page(survey.study, survey.folder)
    return ended(survey.study, survey.folder, failed)


def sweep(
    *overrides: arg.OtherOverrides,
    name: str | None = None,
    draw: arg.Whole | None = None,
    drawing: arg.Drawing = "sobol",
    engine: arg.Engine = "local",
    partition: str | None = None,
    minutes: arg.Whole | None = None,
    gpus: arg.Whole | None = None,
    workers: arg.Workers = None,
    tensorboard: arg.TensorBoard = None,
    wandb: arg.WandB = None,
    dry_run: arg.DryRun = False,
    runs: arg.Runs = Path("runs"),
    sweeps: arg.Sweeps = Path("sweeps"),
    json: arg.Json = False,
    notify: arg.Notify,
) -> Result:
    """Run every combination of some fields' values, or points that are drawn; the same command resumes it.

    Args:
        overrides: as of `train`; several values as in world.design.dx=0.5,1,2 or training.steps=500..2000:4 seed=0..3, also
            "training.optimiser.momentum=.9,.95 if training.optimiser.kind=muon"; with --draw intervals, as in 1e-4..1e-1:log
        name: of the sweep's folder; by default sweep-HASH of its cells
        draw: points that are drawn, instead of every combination; a power of 2 for Sobol's sequence
        drawing: how they are drawn; the same points each time
        partition: SLURM's partition
        minutes: time limit of a SLURM job; a run that reaches it is resumed by another job
        gpus: GPUs per run, with SLURM or Ray
    """
    from phasescope.runs.engines.by_name import check_options
    from phasescope.studies.conduct import survey
    from phasescope.studies.sweep import check_own, sweep_of
    from phasescope.views.monitors import Logs
    from phasescope.views.terminal.studies import needed, swept

    if json and not dry_run:
        raise UserError(
            "`--json` (=True) must be given with --dry-run; `export NAME --tables FOLDER` writes what came out"
        )
    resources = {"partition": partition, "minutes": minutes, "gpus": gpus}
    asked = {resource: value for resource, value in resources.items() if value is not None}
    check_options(engine, asked)
    study = sweep_of(overrides, name, drawn=draw, drawing=drawing)
    folder = sweeps / study.name
    check_own(study, folder)
    surveyed = survey(study, folder, runs)
    if dry_run:
        return needed(surveyed, notify).to(json)
    logs = Logs(tensorboard, wandb)
    return _conducted(surveyed, swept, notify, engine, logs, workers=workers, asked=asked)


def claims(
    *,
    studies: arg.Studies = None,
    study: str | None = None,
    page: arg.File = None,
    controls: bool = False,
    trials: arg.Trials = 200,
    json: arg.Json = False,
    notify: arg.Notify,
) -> Result:
    """Print a line for every claim of the studies: verdict, value, interval, n; or its power on simulated runs.

    Args:
        study: of this study only, a name or a path; with its question, what each claim says, and amendments
        page: file for the page of findings, beside the studies' folders
        controls: judge each claim on simulated runs of which it is true, false, or at its threshold
        trials: how often each is simulated and judged
    """
    from phasescope.studies.finding import find_studies, find_study, studies_folder, study_names
    from phasescope.views.terminal import claims as views

    folder = studies_folder(studies)
    names = study_names(folder)
    if not study and not names:
        raise UserError(f"`--studies` (={studies or 'studies'}) must be a folder of studies, NAME/study.py")
    if page and study:
        raise UserError(f"`--study` (={study}) must be left out with --page: the page is of all studies")

    if controls:
        chosen = [find_study(study, studies)] if study else find_studies(studies)
        return views.controls(chosen, trials, notify).to(json)
    if page:
        from phasescope.runs.store.files import write_all_aside
        from phasescope.views.web.findings import finding_pages

        write_all_aside(finding_pages(find_studies(studies), page))
    if study:
        described, records = find_study(study, studies)
        return views.verdicts([(described.name, records)], in_full=True).to(json)
    return views.verdicts([(name, folder / name) for name in names]).to(json)
