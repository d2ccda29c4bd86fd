"""A study in a terminal: what is to be run, how far it is, and the claims at its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from phasescope.engines import Event, RunEnd, Tally
from phasescope.store.files import to_json
from phasescope.studies.records import RECORDS, Recorded, read_rows
from phasescope.studies.study import Study
from phasescope.studies.survey import STATES, Survey
from phasescope.views.claim_words import format_cell
from phasescope.views.terminal.claims import print_claims
from phasescope.views.terminal.tables import open_console

PROGRESS_EVERY_S = 10.0
LONG_S = 36_000.0
"""CPU-seconds from which they are told in hours too"""


def print_survey(survey: Survey, as_json: bool = False, whole: bool = True) -> None:
    """Print each run of a study, where it stands and what it costs, then the sums; or only these."""
    if not whole:
        _print_summary(survey)
        return
    from rich.table import Table

    rows = [
        {
            "run": run.config.folder,
            "cells": list(run.cells),
            "seed": run.config.seed,
            "state": run.state,
            "steps": run.config.training.steps,
            "images": run.images,
            "cpu_s": run.cpu_s,
        }
        for run in survey.planned
    ]
    to_run = survey.to_run
    total = {
        "study": survey.study.name,
        "runs": len(rows),
        "to_run": len(to_run),
        "cpu_s": survey.cpu_s,
        "images": sum(run.images for run in to_run),
        "unread": list(survey.unread),
    }
    if as_json:
        print(to_json({**total, "planned": rows}, indent=1))
        return
    table = Table("run", "cell", "seed", "state", "steps", "images", "CPU s", box=None)
    for row in rows:
        table.add_row(
            row["run"],
            "; ".join(row["cells"]),
            str(row["seed"]),
            STATES[row["state"]],
            f"{row['steps']:,}",
            f"{row['images']:,}",
            seconds(row["cpu_s"]),
        )
    console = open_console()
    console.print(table)
    _print_summary(survey)


def _print_summary(survey: Survey) -> None:
    console = open_console()
    console.print(summary_line(survey))
    for why in survey.unread:
        console.print(f"cannot be read: {why}")


def summary_line(survey: Survey) -> str:
    counts = Counter(run.state for run in survey.planned)
    listed = ", ".join(f"{counts[state]} {words}" for state, words in STATES.items() if counts[state])
    to_run = survey.to_run
    cost = (
        ""
        if not to_run
        else (f"; to run: {cost_of(survey.cpu_s)}, {sum(run.images for run in to_run):,} images")
    )
    return f"{survey.study.name}: {len(survey.planned)} runs: {listed}{cost}"


def hours(value: float | None) -> str:
    """Return the hours in words if seconds are many, else nothing."""
    return f" ({value / 3600:,.0f} hours)" if value is not None and value >= LONG_S else ""


def cost_of(value: float | None) -> str:
    """Return CPU-seconds in words."""
    if value is None:
        return "at a cost that no record states"
    return f"about {seconds(value)} CPU-seconds of one core{hours(value)}"


def seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


class Progress:
    """Lines that tell how far a study is: at each run's start and end, and from time to time."""

    def __init__(self) -> None:
        self.console = open_console()
        self.due = 0.0

    def __call__(self, event: Event) -> None:
        name = event.folder.name
        if event.kind == "progress":
            if time.monotonic() >= self.due:
                self._say(f"{name} at step {event.step:,}/{event.steps:,}", event.tally)
            return
        words = {
            "started": f"{name} starts" if event.step == 0 else f"{name} resumes from step {event.step:,}",
            "waiting": f"{name} {event.error}",
            "retried": f"{name} is tried again: {event.error}",
            "ended": f"{name} failed: {event.error}"
            if event.end and event.end.state == "failed"
            else f"{name} done",
        }
        self._say(words[event.kind], event.tally)

    def _say(self, what: str, tally: Tally) -> None:
        eta = "" if tally.eta_s is None else f", ETA {clock(tally.eta_s)}"
        failed = f", {tally.failed} failed" if tally.failed else ""
        self.console.print(
            f"{clock(tally.elapsed_s):>8}  {tally.done}/{tally.runs} done{failed}, {tally.running} running{eta}  {what}"
        )
        self.due = time.monotonic() + PROGRESS_EVERY_S


def clock(value: float) -> str:
    """``1:02:03``."""
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def print_recorded(name: str) -> None:
    open_console().print(f"          {name} recorded")


def print_ends(study: Study, folder: Path, failed: Sequence[RunEnd]) -> None:
    """Print what a study's claims say, where its records lie, and which runs are not recorded, and why."""
    console = open_console()
    if (folder / RECORDS).exists():
        print_claims([(study, folder)])
        console.print(f"\n{folder}")
    _print_failed(failed)


def print_swept(study: Study, folder: Path, failed: Sequence[RunEnd]) -> None:
    """Print where a sweep's runs end, a line per cell; where its records lie, and which runs are not recorded, and
    why."""
    from rich.table import Table

    console = open_console()
    if (folder / RECORDS).exists():
        rows = study.tables[0].rows(Recorded(study, read_rows(study, folder)).runs())
        table = Table(*rows[0], box=None)
        for row in rows:
            table.add_row(*map(format_cell, row.values()))
        console.print(table)
        console.print(f"\n{folder}")
    _print_failed(failed)


def _print_failed(failed: Sequence[RunEnd]) -> None:
    console = open_console()
    for end in failed:
        what = f"failed after {end.attempts} attempts" if end.attempts else "left out"
        console.print(f"{what}: {end.folder}: {end.error}")
