"""The verbs of studies, claims and reports; what they do is elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from phasescope.cli.arguments import Runs, Words
from phasescope.errors import UserError

if TYPE_CHECKING:
    from phasescope.studies.core import Study


def report(
    target: Annotated[str, arg(metavar="RUN|STUDY")],
    /,
    out: Path | None = None,
    pictures: Path | None = None,
    runs: Runs = Path("runs"),
    results: Runs = Path("results"),
) -> int:
    """Write the report of a run, of a study or a sweep: one self-contained page.

    Args:
        target: a run's folder, name or hash; or a study's name, or that of a folder of results
        out: file to write; without it report.html in the run's folder, or in the study's results
        pictures: folder for the figures of a run's report as PNG files; none without it
        runs: folder of runs
        results: folder of studies' results
    """
    from phasescope.views.terminal.progress import counting

    if of_study := results_of(target, results):
        from phasescope.views.report.study_page import write_html

        with counting("writing the report"):
            path = write_html(*of_study, out)
        print(path)
        return 0
    from phasescope.store import find_run
    from phasescope.views.report.page import write_report
    from phasescope.views.report.pictures import write_pictures

    found = find_run(target, runs)
    left_out: list[str] = []
    with counting("writing the report"):
        written = [write_report(found, out, left_out.append)]
        written += write_pictures(found, pictures, on_left_out=left_out.append) if pictures else []
    for path in written:
        print(path)
    if left_out:
        print(f"phasescope: {' '.join(left_out)}", file=sys.stderr)
    return 0


def results_of(target: str, results: Path) -> tuple[Study, Path] | None:
    """The study or sweep that is meant, and its folder of results; of what is neither, nothing."""
    from phasescope.studies import find_study, of_results, studies
    from phasescope.studies.core.swept import swept_in

    one = find_study(target) if target.endswith(".py") else of_results(target)
    if one and (one.name in studies() or (results / one.name).is_dir()):
        return one, results / one.name
    there = not one and "/" not in target and (results / target / "records.parquet").is_file()
    swept = swept_in(results / target) if there else None
    return (swept, results / target) if swept else None


def study(
    name: Positional[Annotated[str, arg(metavar="NAME|FILE.py")]],
    /,
    look: Literal[1, 2] = 1,
    seeds: int | None = None,
    preset: str | None = None,
    engine: Literal["local", "slurm", "ray"] = "local",
    workers: int | None = None,
    dry_run: bool = False,
    runs: Runs = Path("runs"),
    results: Runs = Path("results"),
    json: bool = False,
) -> int:
    """Run what is missing of a study, judge its claims, draw its figures; the same command goes on where it stopped.

    Args:
        name: one of ours, or a file of your own that holds STUDY; `claims` lists ours
        look: 2 adds the second look's seeds to the cells of claims that the first left undecided
        seeds: runs a cell, where fewer than the study's own are wanted: a rehearsal, which decides no claim
        preset: of all cells, in place of their own; its results have a folder of their own
        engine: what executes runs
        workers: runs at a time; as many as the engine finds places for without it
        dry_run: print the runs, their cost and what is there, and run nothing
        runs: folder of runs
        results: folder of studies' results
        json: JSON instead of a table, for --dry-run
    """
    from phasescope.studies import find_study
    from phasescope.studies.core.running import conduct, survey
    from phasescope.views.figures.studies import write_figures
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.studies import Progress, print_ends, print_recorded, print_survey

    _check_workers(workers)
    with counting("looking for runs"):
        found = survey(find_study(name), seeds, preset, runs, results, look)
    print_survey(found, as_json=json, whole=dry_run)
    if dry_run:
        return 0
    failed = conduct(found, engine, Progress(), print_recorded, workers)
    with counting("drawing"):
        write_figures(found.study, found.folder)
    print_ends(found, failed)
    return 1 if failed else 0


def sweep(
    words: Words = (),
    /,
    zip: bool = False,
    name: str | None = None,
    engine: Literal["local", "slurm", "ray"] = "local",
    partition: str | None = None,
    minutes: int | None = None,
    gpus: int | None = None,
    workers: int | None = None,
    dry_run: bool = False,
    runs: Runs = Path("runs"),
    results: Runs = Path("results"),
    json: bool = False,
) -> int:
    """Run every combination of some fields' values: a study without claims; the same command goes on where it stopped.

    Args:
        words: as `train` takes them; several values as in world.design.dx=0.5,1,2 or training.steps=500..2000:4 seed=0..3
        zip: the fields' values go in step, instead of every combination
        name: of its folder of results; sweep-HASH of its cells without it
        engine: what executes runs
        partition: of SLURM
        minutes: time limit of a job of SLURM; a run that meets it is resumed by another job
        gpus: of each run, with SLURM or Ray
        workers: runs at a time; as many as the engine finds places for without it
        dry_run: print the runs, their cost and what is there, and run nothing
        runs: folder of runs
        results: folder of studies' results
        json: JSON instead of a table, for --dry-run
    """
    from phasescope.studies import of_results
    from phasescope.studies.core.running import conduct, survey
    from phasescope.studies.core.sweeping import asked_of, check_own, sweep_of, with_costs
    from phasescope.views.figures.studies import write_figures
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.studies import Progress, print_recorded, print_survey, print_swept

    _check_workers(workers)
    asked = asked_of(engine, partition=partition, minutes=minutes, gpus=gpus)
    study = sweep_of(words, zip, name)
    if of_results(study.name):
        raise UserError(f"`--name` (={study.name}) must be another: a study of ours has its results there")
    check_own(study, results / study.name)
    with counting("looking for runs"):
        found = with_costs(survey(study, None, None, runs, results))
    print_survey(found, as_json=json, whole=dry_run)
    if dry_run:
        return 0
    failed = conduct(found, engine, Progress(), print_recorded, workers, asked)
    with counting("drawing"):
        write_figures(found.study, found.folder)
    print_swept(found, failed)
    return 1 if failed else 0


def claims(
    results: Runs = Path("results"),
    page: Path | None = None,
    judge: bool = False,
    study: str | None = None,
    controls: bool = False,
    times: int = 200,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Print every claim of the studies: verdict, statistic, interval, n; or how it does on its controls.

    Args:
        results: folder of studies' results
        page: file to write as well: the page of results, with all figures drawn anew
        judge: judge all claims anew, by the records that are there
        study: of this study alone, one of ours or a file of your own; a page is of all
        controls: judge each claim on made data of which it is true, false, or neither
        times: how often each control is made and judged
        out: file to write as well, of what the controls gave; what it tells of other studies stays
        json: JSON instead of tables
    """
    from phasescope.studies import find_study, studies
    from phasescope.views.terminal.claims import print_claims, read_all

    ours = [find_study(study)] if study else list(studies().values())
    if times < 1:
        raise UserError(f"`--times` (={times}) must be at least 1")
    if controls:
        from phasescope.views.terminal.controls import print_controls, try_all

        print_controls(try_all(ours, times, out), as_json=json)
        return 0
    if out:
        raise UserError(f"`--out` (={out}) must go with --controls: it is for what they gave")
    if page and study:
        raise UserError(
            f"`--study` (={study}) must be left out with --page: the page of results is of all studies"
        )
    if not results.is_dir():
        raise UserError(f"`--results` (={results}) must be a folder of studies' results, as `study` makes it")
    if page or judge:
        from phasescope.views.report.results import write_results
        from phasescope.views.terminal.progress import counting

        with counting("judging" if judge else "drawing") as tell:
            write_results(ours, results, page, judge, tell)
    print_claims(found := read_all(ours, results), as_json=json)
    for _, told in found:
        if told and "error" in told:
            raise UserError(told["error"])
    return 0


def _check_workers(workers: int | None) -> None:
    if workers is not None and workers < 1:
        raise UserError(f"`--workers` (={workers}) must be at least 1: runs at a time")
