"""Runs as tables in a terminal, or as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from phasescope.measures.learning.gain import floors
from phasescope.places import Place
from phasescope.store import Run
from phasescope.store.folder import shown
from phasescope.store.tags import read_tags
from phasescope.views.explorer.rows import row_of
from phasescope.views.numbers import format_count, format_duration, format_percent, format_score
from phasescope.views.record import Record, number, score
from phasescope.views.scores import probe_r2
from phasescope.views.terminal.printing import open_console, print_json, print_table
from phasescope.views.terms import MEASURES, READINGS, place_words

HEADS = (
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
NUMBERS = ("state", "step", "steps", "images_seen", "success", "probe_r2", "wall_s")
SEQUENCES = ("behaviour", "representation")
"""what a line takes from the explorer's row"""


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
        print_json(rows)
        return
    if not rows:
        print("no runs here")
        return
    lines = [HEADS, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:  # rich takes 10 s to lay out 10,000 lines
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    for row in rows:
        if row["state"] == "broken":
            print(f"{row['run']}: {row['error']}")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["run"],
        row["state"],
        f"{row['step']:,}/{row['steps']:,}" if row["steps"] else "–",
        format_count(row["images_seen"]),
        format_percent(row["success"]),
        "–" if row["probe_r2"] is None else row["probe_r2"]["text"],
        _sequence_words(row["behaviour"]),
        _sequence_words(row["representation"]),
        format_duration(row["wall_s"]),
        "; ".join(row["tags"]),
    )


def _row(run: Run) -> dict[str, Any]:
    """Return a run's line; of a broken run `error` says what is wrong with it."""
    row = row_of(run, with_settings=False)
    phases = row.get("phases") or {}
    return {
        "run": run.name,
        "path": shown(str(run.path)),
        "tags": read_tags(run.path),
        **{key: row.get(key) for key in NUMBERS},
        **{name: phases[name]["sequence"] if name in phases else None for name in SEQUENCES},
        **({"error": row["error"]} if row["state"] == "broken" else {}),
    }


def print_run(run: Run, as_json: bool) -> None:
    """Print one run: state, phases with onsets, snapshots."""
    record = Record(run)
    status, tags = record.status, read_tags(run.path)
    if as_json:
        tree = {"run": run.name, "path": shown(str(run.path)), "status": status, "faults": record.faults}
        tree |= {"tags": tags, "metrics": run.metrics, "about": record.about, "config": record.config}
        print_json(tree)
        return
    console = open_console()
    lines = [f"{run.name}  {status['state']}  step {status.get('step', 0):,}/{status.get('steps', 0):,}"]
    lines += [f"tag: {tag}" for tag in tags] + [f"error: {fault}" for fault in record.faults]
    lines += [record.about["sentence"]] if record.about.get("sentence") else []
    lines += [f"error: {status['error']}"] if "error" in status and status["state"] != "broken" else []
    if "parameters" in status:
        lines.append(
            f"{status['parameters']:,} parameters, {status['images']:,} images; {status['device']}, "
            f"threads: {status['threads']}, {status['cpu']}; {format_duration(status['wall_s'])} wall, of which observing "
            f"{format_duration(status['observing_s'])}; commit {status['git_commit'] or 'unknown'}"
        )
    for line in lines if record.metrics else [*lines, "no snapshots yet"]:
        console.print(line)
    if record.metrics:
        rows = [(words, reading) for kind, words in READINGS.items() if (reading := record.summary.get(kind))]
        print_table(
            ("phases", "sequence", "B from", "C from (images)"),
            (
                (
                    words,
                    _sequence_words(one["sequence"]),
                    *(format_count(one["onsets"][phase]) for phase in "BC"),
                )
                for words, one in rows
            ),
        )
        _print_snapshots(record)


def _print_snapshots(record: Record) -> None:
    """Print a line a snapshot: outcomes of the labels trained on, success on each other split, the probe's R²."""
    place = record.declared_place("representation")
    trained, others = record.splits[:1], record.splits[1:]
    outcomes = [outcome.name for outcome in record.outcomes]
    own = [name for name in record.measures if name not in MEASURES]
    probe = f"probe R² at {place_words(place) if place else '?'}"
    named = outcomes if trained else []
    heads = ("step", "images", "loss", *named, *others, probe, "highest null", "share", "dim", *own, "phases")

    def cells(line: dict[str, Any]) -> tuple[str, ...]:
        shares = line.get("outcomes") or {}
        read = [(split, name) for split in trained for name in outcomes] + [(s, outcomes[-1]) for s in others]
        order, *scores = (
            _score_at(line, name, place) for name in ("order", "label_share", "label_dimension", *own)
        )
        highest = max(
            (one for one in floors(order.get("nulls", {})).values() if one is not None), default=None
        )
        probed = probe_r2(order)
        return (
            *(format_count(line["step"]), format_count(line["images_seen"])),
            "–" if line["loss"] is None else f"{line['loss']:.4f}",
            *(format_percent(shares.get(split, {}).get(name)) for split, name in read),
            *("–" if probed is None else probed.text, format_score(highest)),
            *(format_score(number(one)) for one in scores),
            " ".join(phase[0] if phase != "undecided" else "-" for phase in line["phase"].values()),
        )

    print_table(heads, map(cells, record.metrics))


def _score_at(line: dict[str, Any], measure: str, place: Place | None) -> dict[str, Any]:
    return (score(line, measure, place) if place else None) or {}


def _sequence_words(sequence: list[str] | None) -> str:
    return " ".join(sequence) if sequence else "–"
