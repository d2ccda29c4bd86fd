"""Runs in a terminal: a folder of them, and one in full."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from phasescope.core.formats import NOTHING
from phasescope.runs.store import RunFolder
from phasescope.runs.store.flat import config_columns
from phasescope.runs.store.folder import read_or, shown
from phasescope.views.facts.forks import change_words
from phasescope.views.facts.meter import meter_sentences
from phasescope.views.facts.numbers import format_clock, format_count, format_percent, format_score
from phasescope.views.facts.record import Record, score
from phasescope.views.facts.rows import broken_row, row_of
from phasescope.views.facts.scores import probe_summary
from phasescope.views.facts.terms import (
    OTHER_READINGS,
    READINGS,
    phase_words,
    probed,
    sequence_words,
    site_words,
    split_words,
)
from phasescope.views.facts.words import subject, verdict
from phasescope.views.terminal.forks import state_words
from phasescope.views.terminal.printing import Result, Table

HEADS = ("run", "state", "step", "images", "success %", "probe R²", *READINGS.values(), "wall")
MOST_FIELDS = 3
"""that are named of those in which runs of one title differ"""
BRANCH = "  "
"""before the name of a fork, once for each run above it"""
NUMBERS = ("state", "step", "steps", "images_seen", "success", "probe_r2", "wall_s")
"""what a line takes from the explorer's row"""


def runs_table(runs: Sequence[RunFolder], notify: Callable[[int, int], None], left_out: int = 0) -> Result:
    """Return a row for each run; `notify` is called with the number of runs that are read, and of all; each is
    read twice, and counts half each time.

    Args:
        left_out: how many runs do not meet the condition by which these were chosen.
    """
    rows, lines = [], []
    differs = _differences(runs, lambda done: notify(done // 2, len(runs)))
    for done, (run, depth) in enumerate(in_tree(runs)):
        notify((len(runs) + done) // 2, len(runs))
        row, (name, *cells) = _line(run)
        rows.append(row)
        lines.append((f"{BRANCH * depth}{name}", *([differs.get(run.name, "")] if differs else []), *cells))
    broken = [f"{row['run']}: {row['error']}" for row in rows if row["state"] == "broken"]
    kept = [f"{run.name}: {state_words(run)}" for run in runs if run.states]
    if not rows:
        count = "1 run" if left_out == 1 else f"{left_out:,} runs"
        return Result([f"of {count} here, none meets --where" if left_out else "no runs here"], lambda: rows)
    first, *others = HEADS
    heads = (first, *(["differs in"] if differs else []), *others)
    return Result([Table(heads, lines), *broken, *kept], lambda: rows)


def _differences(runs: Sequence[RunFolder], notify: Callable[[int], None]) -> dict[str, str]:
    """Return by run's name in what it differs from others of the same title, whose names differ in the hash alone."""
    groups: dict[str, dict[str, dict[str, Any]]] = {}
    for done, run in enumerate(runs):
        notify(done)
        fields = read_or(run, lambda run: config_columns(run.config), lambda error: {})
        title = fields.pop("config.name", None)
        if fields:
            groups.setdefault(str(title), {})[run.name] = fields

    return {name: words for group in groups.values() for name, words in _differing_fields(group).items()}


def _differing_fields(group: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return by run, of those of one title, the fields in which they differ: the seed first, a few at most."""
    names = dict.fromkeys(name for fields in group.values() for name in fields)
    differing = [name for name in names if len({str(fields.get(name)) for fields in group.values()}) > 1]
    differing.sort(key=lambda name: name != "config.seed")
    more = ["..."] if len(differing) > MOST_FIELDS else []

    def words(fields: Mapping[str, Any]) -> str:
        # A configuration of an earlier version lacks the fields that came later.
        known = [
            (name.removeprefix("config."), fields.get(name, "default")) for name in differing[:MOST_FIELDS]
        ]
        return " ".join([*(f"{name}={value}" for name, value in known), *more])

    return {run: words(fields) for run, fields in group.items()} if differing else {}


def in_tree(runs: Sequence[RunFolder]) -> Iterator[tuple[RunFolder, int]]:
    """Yield runs with their depth: forks after the run that they continue, if that is among them, else in their order."""
    known = {run.identity for run in runs}
    children: dict[str, list[RunFolder]] = {}
    roots: list[RunFolder] = []
    for run in runs:
        parent = _parent_of(run)
        if parent in known and parent != run.identity:
            children.setdefault(parent, []).append(run)
        else:
            roots.append(run)

    # A stack, the next run last: forks of forks may be many.
    left = [(run, 0) for run in reversed(roots)]
    while left:
        run, depth = left.pop()
        yield run, depth
        left += [(child, depth + 1) for child in reversed(children.pop(run.identity, []))]
    # Files that name each other as parents are nobody's children.
    yield from ((run, 0) for runs_left in children.values() for run in runs_left)


def _parent_of(run: RunFolder) -> str:
    """Return the identity, as folders' names have it, of the run that a run continues; empty if it continues none."""
    fork = read_or(run, lambda run: run.fork, lambda error: None)
    return str(fork["run"])[: len(run.identity)] if fork else ""


def _line(run: RunFolder) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a run's row and its cells; those of a broken run if a value is none that a table can show."""

    def read(run: RunFolder) -> tuple[dict[str, Any], tuple[str, ...]]:
        row = _row(run, row_of(run, with_settings=False))
        return row, _cells(row)

    def broken(error: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        row = _row(run, broken_row(run, error))
        return row, _cells(row)

    return read_or(run, read, broken)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        "; ".join((row["run"], *row["tags"])),
        row["state"],
        f"{format_count(row['step'])}/{format_count(row['steps'])}" if row["steps"] else NOTHING,
        format_count(row["images_seen"]),
        format_percent(row["success"]),
        NOTHING if row["probe_r2"] is None else row["probe_r2"]["text"],
        *(sequence_words(row[reading]) for reading in READINGS),
        format_clock(row["wall_s"]),
    )


def _row(run: RunFolder, row: dict[str, Any]) -> dict[str, Any]:
    """Return a run's line from its row in the explorer; of a broken run `error` says what is wrong with it."""
    phases = row.get("phases") or {}
    return {
        "run": run.name,
        "path": shown(str(run.path)),
        "tags": row.get("tags", []),
        **{key: row.get(key) for key in NUMBERS},
        **{name: phases[name]["sequence"] if name in phases else None for name in READINGS},
        **({"error": row["error"]} if row["state"] == "broken" else {}),
    }


def run_summary(run: RunFolder) -> Result:
    """Return one run: state, phases with onsets, snapshots."""
    record = Record(run)

    def to_dict() -> dict[str, Any]:
        tree = {"run": run.name, "path": shown(str(run.path)), "status": record.status, "tags": run.tags}
        return tree | {"metrics": run.metrics, "about": record.about, "config": record.config}

    return Result(_run_blocks(run, record), to_dict)


def _run_blocks(run: RunFolder, record: Record) -> Iterator[str | Table]:
    status = record.status
    step, steps = (format_count(status.get(name, 0)) for name in ("step", "steps"))
    yield f"{run.name}  {status['state']}  step {step}/{steps}"
    if fork := run.fork:
        yield f"forked from {fork['name']} at step {format_count(fork['step'])}; changed: {change_words(run)}"
    if run.states:
        yield state_words(run)
    yield from (f"tag: {tag}" for tag in run.tags)
    if "error" in status:
        yield f"error: {status['error']}"
    if status["state"] != "broken":
        yield subject(record)

    if not record.metrics:
        yield "no snapshots yet"
        return

    yield from verdict(record)
    yield from meter_sentences(record)
    yield _snapshots(record)


def _snapshots(record: Record) -> Table:
    """Return a row for each snapshot: the share of each outcome, the probe's R², the phases of samples and
    activations, and those by other readings."""
    site = record.phase_site("sheet")
    columns = [(split, outcome.name) for split in record.splits for outcome in record.outcomes]
    # of labels that are not trained on, success alone
    columns = [(s, name) for s, name in columns if s == record.splits[0] or name == record.outcomes[-1].name]
    names = [
        f"{name} %" if split == record.splits[0] else f"{name} %, {split_words(split)}"
        for split, name in columns
    ]
    probe = f"{probed('probe R²', record.factors)} at {site_words(site) if site else '?'}"
    others = {name: words for name, words in OTHER_READINGS.items() if any(record.phases(name))}
    heads = (*READINGS.values(), *(f"other: {words}" for words in others.values()))

    def cells(line: dict[str, Any]) -> Iterator[str]:
        yield from (format_count(line["step"]), format_count(line["images_seen"]))
        yield format_score(record.loss(line), 4)
        shares = line.get("outcomes") or {}
        yield from (format_percent((shares.get(split) or {}).get(name)) for split, name in columns)
        summary = probe_summary(score(line, "probe_r2", site), record.factors) if site else None
        yield NOTHING if summary is None else summary.text
        yield from (phase_words(line["phase"].get(reading)) for reading in (*READINGS, *others))

    return Table(("step", "images", "loss", *names, probe, *heads), map(cells, record.metrics))
