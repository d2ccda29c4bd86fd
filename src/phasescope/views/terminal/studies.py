"""Studies in a terminal: missing runs, progress and results. Nothing here imports torch."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from phasescope.runs.engines.cost import costs
from phasescope.runs.engines.engine import Event, RunEnd
from phasescope.studies.claims_file import CLAIMS, RECORDS
from phasescope.studies.conduct import STATES, Survey
from phasescope.studies.records import Recorded, read_rows
from phasescope.studies.study import Study
from phasescope.views.facts.numbers import format_cell, format_clock, format_count
from phasescope.views.terminal.claims import verdicts
from phasescope.views.terminal.printing import Result, Table, printable

LONG_S = 36_000.0
"""CPU-seconds from which they are written in hours too"""


def needed(survey: Survey, notify: Callable[[int, int], None]) -> Result:
    """Return each run of a study, its state and its cost, then the sums."""
    estimates = costs([run.config for run in survey.to_run], notify)
    total = None if None in estimates.values() else sum(cost or 0.0 for cost in estimates.values())

    tree = {
        "study": survey.study.name,
        "runs": len(survey.planned),
        "to_run": len(survey.to_run),
        "cpu_s": total,
        "images": sum(run.images for run in survey.to_run),
        "unread": list(survey.unread),
        "planned": [],
    }

    rows = []
    for run in survey.planned:
        config, steps, cpu_s = run.config, run.config.training.steps, estimates.get(run.config.digest())
        line = {"run": config.folder, "cells": list(run.cells), "seed": config.seed, "state": run.state}
        tree["planned"].append(line | {"steps": steps, "images": run.images, "cpu_s": cpu_s})
        numbers = map(format_count, (steps, run.images, cpu_s))
        rows.append((config.folder, "; ".join(run.cells), f"{config.seed}", STATES[run.state], *numbers))

    heads = ("run", "cell", "seed", "state", "steps", "images", "CPU s")
    return Result([Table(heads, rows), *sums(survey, cost_of(total))], lambda: tree)


def study_summary(study: Study) -> Result:
    """Return a study's question and its claims: their verdicts, where these are recorded beside it, else what they say."""
    size = f"{len(study.cells)} cells, {study.seeds} runs each, base {study.base}"
    head = f"{study.name}: {study.question} ({size})"
    if study.file is not None and (study.file.parent / CLAIMS).is_file():
        judged = verdicts([(study.name, study.file.parent)])
        return replace(judged, blocks=[head, *judged.blocks])
    claims = [(claim.name, claim.sentence) for claim in study.claims]
    return Result([head, Table(("claim", "says"), claims)])


def sums(survey: Survey, cost: str = "") -> Iterator[str]:
    """Yield how many runs are in which state and what is missing, in a line; then what could not be read."""
    counts = Counter(run.state for run in survey.planned)
    listed = ", ".join(f"{counts[state]} {words}" for state, words in STATES.items() if counts[state])
    images = sum(run.images for run in survey.to_run)
    missing = f"; to run: {cost}{format_count(images)} images" if survey.to_run else ""
    yield f"{survey.study.name}: {len(survey.planned)} runs: {listed}{missing}"
    yield from (f"cannot be read: {why}" for why in survey.unread)


def cost_of(cpu_s: float | None) -> str:
    """Return CPU-seconds in words."""
    if cpu_s is None:
        return "at an unknown cost, as their device is not available here, "
    hours = f" ({format_count(cpu_s / 3600)} hours)" if cpu_s >= LONG_S else ""
    return f"about {format_count(cpu_s)} CPU-seconds of one core{hours}, "


def reporter(notify: Callable[[int, int], None]) -> Callable[[Event], None]:
    """Return a callback that prints a line for each event, and gives `notify` the numbers of finished runs and of all."""

    def report(event: Event) -> None:
        name = event.folder.name
        notify(event.done, event.runs)

        failed = event.end and event.end.state == "failed"
        resumes = f"resumes from step {format_count(event.step)}"
        messages = {
            "started": f"{name} {resumes if event.step else 'starts'}",
            "waiting": f"{name} {event.error}",
            "running": f"{name} at step {format_count(event.step)}",
            "retried": f"{name} is tried again: {event.error}",
            "ended": f"{name} failed: {event.error}" if failed else f"{name} done",
        }

        if event.kind in messages:
            failures = f", {event.failed} failed" if event.failed else ""
            counts = f"{event.done}/{event.runs} done{failures}, {event.running} running"
            line = f"{format_clock(event.elapsed_s):>8}  {counts}  {messages[event.kind]}"
            print(printable(line), flush=True)

    return report


def judged(study: Study, folder: Path, failed: Sequence[RunEnd] = ()) -> Result:
    """Return how a study ended: its claims, the folder of its records, and which runs are not recorded, and why."""
    known = (folder / RECORDS).exists()
    return _ended([*verdicts([(study.name, folder)], in_full=True).blocks] if known else [], folder, failed)


def swept(study: Study, folder: Path, failed: Sequence[RunEnd] = ()) -> Result:
    """Return how a sweep ended: its results, a line per cell; the rest as of a study."""
    if not (folder / RECORDS).exists():
        return _ended([], folder, failed)
    rows = study.tables[0].rows(Recorded(study, read_rows(study, folder)).runs(), counted=True)
    return _ended([Table(list(rows[0]), (map(format_cell, row.values()) for row in rows))], folder, failed)


def _ended(blocks: list[str | Path | Table], folder: Path, failed: Sequence[RunEnd]) -> Result:
    blocks += [f"\n{folder}"] if blocks else []
    for end in failed:
        reason = f"failed after {end.attempts} attempts" if end.attempts else "left out"
        blocks.append(f"{reason}: {end.folder}: {end.error}")
    return Result(blocks, code=1 if failed else 0)
