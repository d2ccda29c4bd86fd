"""Runs as tables in a terminal, or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from phasescope.measures.learning.gain import floors
from phasescope.places import Place
from phasescope.store import Run
from phasescope.store.catalogue import read_or
from phasescope.store.files import to_json
from phasescope.store.folder import shown
from phasescope.store.tags import read_tags
from phasescope.views.names import MEASURES, READINGS, place_words
from phasescope.views.probe_r2 import ProbeR2, probe_r2
from phasescope.views.record import Record, score, success_share


def rows_of(runs: list[Run], tell: Callable[[int, int], None]) -> list[dict[str, Any]]:
    """Return what a table shows of each run; `tell` is called with how many of how many are read."""
    rows = []
    for done, run in enumerate(runs):
        tell(done, len(runs))
        rows.append(_row(run))
    return rows


def print_runs(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print rows of runs, a line each."""
    if as_json:
        print(to_json(rows, indent=1))
        return
    if not rows:
        print("no runs here")
        return
    lines = [
        (
            "run",
            "state",
            "step",
            "images",
            "success %",
            "probe R²",
            "behaviour",
            "representation",
            "wall",
            "tags",
        )
    ]
    lines += [
        (
            row["run"],
            row["state"],
            f"{row['step']:,}/{row['steps']:,}" if row["steps"] else "-",
            _number(row["images_seen"]),
            _percent(row["success"]),
            "-" if row["probe_r2"] is None else ProbeR2(**row["probe_r2"]).text,
            _path(row["behaviour"]),
            _path(row["representation"]),
            _seconds(row["wall_s"]),
            "; ".join(row["tags"]),
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:  # rich takes 10 s to lay out 10,000 lines
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    for row in rows:
        if row["state"] == "broken":
            print(f"{row['run']}: {row['error']}")


def print_run(run: Run, as_json: bool) -> None:
    """One run: state, phases with onsets, snapshots."""
    record = Record(run)
    status, metrics, faults = record.status, record.metrics, record.faults
    if as_json:
        whole = {
            "run": run.name,
            "path": shown(str(run.path)),
            "status": status,
            "faults": faults,
            "tags": read_tags(run.path),
            "metrics": run.metrics,
            "about": record.about,
            "config": record.config,
        }
        print(to_json(whole, indent=1))
        return
    console = open_console()
    console.print(f"{run.name}  {status['state']}  step {status.get('step', 0):,}/{status.get('steps', 0):,}")
    for tag in read_tags(run.path):
        console.print(f"tag: {tag}")
    for fault in faults:
        console.print(f"error: {fault}")
    if sentence := record.about.get("sentence"):
        console.print(sentence)
    if "error" in status and status["state"] != "broken":
        console.print(f"error: {status['error']}")
    if "parameters" in status:
        console.print(
            f"{status['parameters']:,} parameters, {status['images']:,} images; {status['device']}, "
            f"threads: {status['threads']}, {status['cpu']}; {_seconds(status['wall_s'])} wall, of which observing "
            f"{_seconds(status['observing_s'])}; commit {status['git_commit'] or 'unknown'}"
        )
    if not metrics:
        console.print("no snapshots yet")
        return
    phases = Table("phases", "sequence", "B from", "C from (images)", box=None)
    for kind, words in READINGS.items():
        found = record.summary.get(kind)
        if found:
            onsets = found["onsets"]
            phases.add_row(words, _path(found["sequence"]), _number(onsets["B"]), _number(onsets["C"]))
    console.print(phases)
    console.print(_snapshots(record))


def _snapshots(record: Record) -> Table:
    """A line a snapshot: the outcomes of what is trained on, success on each further split, the probe's R² and its nulls."""
    place = record.declared_place("representation")
    trained, others = record.splits[:1], record.splits[1:]
    table = Table("step", "images", "loss", box=None)
    for outcome in record.outcomes if trained else ():
        table.add_column(outcome.name)
    for heading in (
        *others,
        f"probe R² at {place_words(place) if place else '?'}",
        "highest null",
        "share",
        "dim",
    ):
        table.add_column(heading)
    own = [name for name in record.measures if name not in MEASURES]
    for heading in (*own, "phases"):
        table.add_column(heading)
    for entry in record.metrics:
        read = entry.get("outcomes") or {}
        shares = [
            _percent(read.get(split, {}).get(outcome.name))
            for split in trained
            for outcome in record.outcomes
        ]
        success = [_percent(read.get(split, {}).get(record.outcomes[-1].name)) for split in others]
        order, *rest = (_at(entry, name, place) for name in ("order", "label_share", "label_dimension", *own))
        known = [level for level in floors(order.get("nulls", {})).values() if level is not None]
        table.add_row(
            f"{entry['step']:,}",
            f"{entry['images_seen']:,}",
            "-" if entry["loss"] is None else f"{entry['loss']:.4f}",
            *shares,
            *success,
            "-" if (found := probe_r2(order)) is None else found.text,
            _score(max(known, default=None)),
            *(_score(one.get("value")) for one in rest),
            " ".join(phase[0] if phase != "undecided" else "-" for phase in entry["phase"].values()),
        )
    return table


COLUMNS = (
    "run", "path", "tags", "state", "step", "steps", "images_seen", "success", "probe_r2", "behaviour", "representation",
    "wall_s",
)  # fmt: skip


def _row(run: Run) -> dict[str, Any]:
    """A run's line; of one that is broken its `error` says what is wrong with it."""
    told = {"run": run.name, "path": shown(str(run.path)), "tags": read_tags(run.path)}
    return read_or(
        run,
        lambda run: told | _read(run),
        lambda error: dict.fromkeys(COLUMNS) | told | {"state": "broken", "error": error},
    )


def _read(run: Run) -> dict[str, Any]:
    record = Record(run, last_only=True)
    status, metrics, faults, summary = record.status, record.metrics, record.faults, record.summary
    order = _at(metrics[-1], "order", record.declared_place("representation")) if metrics else {}
    return {
        "state": "broken" if faults else status["state"],
        "step": status.get("step", 0),
        "steps": status.get("steps", 0),
        "images_seen": status.get("images_seen"),
        "success": success_share(metrics[-1]) if metrics else None,
        "probe_r2": None if (found := probe_r2(order)) is None else found._asdict(),
        **{name: _sequence(summary, name) for name in ("behaviour", "representation")},
        "wall_s": status.get("wall_s"),
        **({"error": faults[0]} if faults else {}),
    }


def _sequence(summary: dict[str, Any], name: str) -> list[str] | None:
    found = summary.get(name, {}).get("sequence")
    return None if found is None else [str(phase) for phase in found]


def open_console() -> Console:
    """What goes into a file or a pipe is not cut to a terminal's width."""
    wide = None if sys.stdout.isatty() else 200
    return Console(highlight=False, markup=False, width=wide)


def _at(entry: dict[str, Any], measure: str, place: Place | None) -> dict[str, Any]:
    return (score(entry, measure, place) if place else None) or {}


def _percent(share: float | None) -> str:
    return "-" if share is None or share != share else f"{100 * share:.0f}"


def _path(sequence: list[str] | None) -> str:
    return " ".join(sequence) if sequence else "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,}"


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"
