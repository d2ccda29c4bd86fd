"""Studies in a terminal: what is to be run, how far it is, and their claims: verdicts, and how they do on simulated data.

Nothing here imports torch.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phasescope.engines import Event, RunEnd, Tally
from phasescope.errors import UserError
from phasescope.measures.over_runs.resampling import LEVEL
from phasescope.studies.claim import POWER, WRONG
from phasescope.studies.records import RECORDS, Recorded, read_claims, read_rows
from phasescope.studies.study import Study
from phasescope.studies.survey import STATES, Survey
from phasescope.views.numbers import claim_cells, format_cell, format_clock, format_count, format_number
from phasescope.views.terminal.printing import open_console, print_json, print_table

PROGRESS_EVERY_S = 10.0
LONG_S = 36_000.0
"""CPU-seconds from which they are written in hours too"""


def print_survey(survey: Survey, as_json: bool = False, whole: bool = True) -> None:
    """Print each run of a study, its state and its cost, then the sums; or only these."""
    if as_json and whole:
        print_json(_tree(survey))
        return
    if whole:
        print_table(
            ("run", "cell", "seed", "state", "steps", "images", "CPU s"),
            (
                (
                    *(run.config.folder, "; ".join(run.cells), str(run.config.seed), STATES[run.state]),
                    *map(format_count, (run.config.training.steps, run.images, run.cpu_s)),
                )
                for run in survey.planned
            ),
        )
    for line in (summary_line(survey), *(f"cannot be read: {why}" for why in survey.unread)):
        open_console().print(line)


def _tree(survey: Survey) -> dict:
    planned = [
        {"run": run.config.folder, "cells": list(run.cells), "seed": run.config.seed, "state": run.state}
        | {"steps": run.config.training.steps, "images": run.images, "cpu_s": run.cpu_s}
        for run in survey.planned
    ]
    return {
        "study": survey.study.name,
        "runs": len(planned),
        "to_run": len(survey.to_run),
        "cpu_s": survey.cpu_s,
        "images": sum(run.images for run in survey.to_run),
        "unread": list(survey.unread),
        "planned": planned,
    }


def summary_line(survey: Survey) -> str:
    counts = Counter(run.state for run in survey.planned)
    listed = ", ".join(f"{counts[state]} {words}" for state, words in STATES.items() if counts[state])
    images = sum(run.images for run in survey.to_run)
    cost = f"; to run: {cost_of(survey.cpu_s)}, {images:,} images" if survey.to_run else ""
    return f"{survey.study.name}: {len(survey.planned)} runs: {listed}{cost}"


def cost_of(cpu_s: float | None) -> str:
    """Return CPU-seconds in words."""
    if cpu_s is None:
        return "at a cost that no record states"
    hours = f" ({cpu_s / 3600:,.0f} hours)" if cpu_s >= LONG_S else ""
    return f"about {format_count(cpu_s)} CPU-seconds of one core{hours}"


class Progress:
    """Lines that say how far a study is: at each run's start and end, and from time to time."""

    def __init__(self) -> None:
        self.console = open_console()
        self.due = 0.0

    def __call__(self, event: Event) -> None:
        name = event.folder.name
        if event.kind == "progress":
            if time.monotonic() >= self.due:
                self._say(f"{name} at step {event.step:,}/{event.steps:,}", event.tally)
            return
        failed = event.end and event.end.state == "failed"
        words = {
            "started": f"{name} starts" if event.step == 0 else f"{name} resumes from step {event.step:,}",
            "waiting": f"{name} {event.error}",
            "retried": f"{name} is tried again: {event.error}",
            "ended": f"{name} failed: {event.error}" if failed else f"{name} done",
        }
        self._say(words[event.kind], event.tally)

    def _say(self, message: str, tally: Tally) -> None:
        eta = "" if tally.eta_s is None else f", ETA {format_clock(tally.eta_s)}"
        failed = f", {tally.failed} failed" if tally.failed else ""
        counts = f"{tally.done}/{tally.runs} done{failed}, {tally.running} running{eta}"
        self.console.print(f"{format_clock(tally.elapsed_s):>8}  {counts}  {message}")
        self.due = time.monotonic() + PROGRESS_EVERY_S


def print_recorded(name: str) -> None:
    open_console().print(f"          {name} recorded")


def print_ends(study: Study, folder: Path, failed: Sequence[RunEnd]) -> None:
    """Print a study's claims, the folder of its records, and which runs are not recorded, and why."""
    if (folder / RECORDS).exists():
        print_claims([(study, folder)])
    _print_end(folder, failed)


def print_swept(study: Study, folder: Path, failed: Sequence[RunEnd]) -> None:
    """Print the results of a sweep, a line per cell; the folder of its records, and which runs are not recorded, and why."""
    if (folder / RECORDS).exists():
        rows = study.tables[0].rows(Recorded(study, read_rows(study, folder)).runs())
        print_table(list(rows[0]), (tuple(map(format_cell, row.values())) for row in rows))
    _print_end(folder, failed)


def _print_end(folder: Path, failed: Sequence[RunEnd]) -> None:
    console = open_console()
    if (folder / RECORDS).exists():
        console.print(f"\n{folder}")
    for end in failed:
        reason = f"failed after {end.attempts} attempts" if end.attempts else "left out"
        console.print(f"{reason}: {end.folder}: {end.error}")


def print_claims(studies: Sequence[tuple[Study, Path]], as_json: bool = False) -> None:
    """Print every claim of some studies; a study whose claims.json is invalid is one line with its error.

    Raises:
        UserError: the last such error, after everything is printed.
    """
    console, totals, tree = open_console(), Counter[str](), list[dict[str, Any]]()
    heads = ("claim", "verdict", "value", f"{LEVEL} interval", "needed", "n", "power", "sentence")
    failure: UserError | None = None
    for study, folder in studies:
        try:
            judged = read_claims(folder)
        except UserError as error:
            failure = error
            tree.append({"study": study.name, "error": str(error)})
            continue
        tree.append({"study": study.name, "claims": None} if judged is None else judged.model_dump())
        if as_json:
            continue
        if judged is None:
            console.print(f"\n{study.name}: no records yet: phasescope study {study.name}")
            continue
        stale = " (the records have changed since: --judge judges them)" if judged.stale else ""
        console.print(f"\n{study.name}, {judged.runs} runs{stale}: {study.question}")
        cells = [tuple(map(format_cell, claim_cells(claim))) for claim in judged.claims]
        totals.update(verdict for verdict, *_ in cells)
        rows = ((one.name, *row, one.sentence) for one, row in zip(judged.claims, cells, strict=True))
        print_table(heads, rows, console)
    if as_json:
        print_json(tree)
    elif totals:
        console.print("\n" + ", ".join(f"{count} {verdict}" for verdict, count in totals.most_common()))
    if failure:
        raise failure


def tried(studies: Sequence[tuple[Study, Path]], trials: int) -> list[dict[str, Any]]:
    """Return the power of every claim on simulated runs of its own design; progress goes to standard error."""
    claims = [(study, claim) for study, _ in studies for claim in study.claims]
    rows = []
    for done, (study, claim) in enumerate(claims):
        line = f"{done}/{len(claims)} claims tried, now {study.name}: {claim.name}"
        print(line, file=sys.stderr, flush=True)
        power = claim.power(study.design_of(claim), trials=trials)
        row = {"study": study.name, "name": claim.name, "times": trials, "power_supported": power.supported}
        row |= {"power_refuted": power.refuted, "wrong": power.wrong, "cannot": claim.unreachable}
        rows.append(row)
    return rows


def print_controls(controls: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Print a line per claim: power on either side, and how often it is decided with the truth at its threshold."""
    if as_json:
        print_json(list(controls))
        return
    numbers = ("power_supported", "power_refuted", "wrong")
    print_table(
        ("study", "claim", "supported", "refuted", "wrong", "trials", ""),
        (
            (
                row["study"],
                row["name"],
                *(format_number(row[name]) for name in numbers),
                str(row["times"]),
                row["cannot"],
            )
            for row in controls
        ),
    )
    open_console().print(
        f"\n{len(controls)} claims. supported, refuted: how often a simulated study is judged so if the truth lies at the "
        f"claim's effect from the threshold, on its side or on the other; both {POWER:g} at least. wrong: how often it is "
        f"decided if the truth lies at the threshold, {WRONG:g} at most."
    )
