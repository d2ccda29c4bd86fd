"""Runs as tables in a terminal, or as JSON."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from phasescope.measures.phases import OUTCOMES, floors
from phasescope.store import Run
from phasescope.store.files import to_json

READINGS = {
    "behaviour": "behaviour (grid images)",
    "representation": "representation (ridge)",
    "representation_p1": "representation (P1's reading)",
}


def print_runs(runs: list[Run], as_json: bool) -> None:
    """All runs, a line each."""
    if as_json:
        print(to_json([_row(run) for run in runs], indent=1))
        return
    table = Table(
        "run", "state", "step", "images", "correct %", "behaviour", "representation", "wall", box=None
    )
    for run in runs:
        row = _row(run)
        table.add_row(
            row["run"],
            row["state"],
            f"{row['step']:,}/{row['steps']:,}" if row["steps"] else "-",
            _number(row["images_seen"]),
            "-" if row["correct"] is None else f"{100 * row['correct']:.0f}",
            _path(row["behaviour"]),
            _path(row["representation"]),
            _seconds(row["wall_s"]),
        )
    open_console().print(table if runs else "no runs here")


def print_run(run: Run, as_json: bool) -> None:
    """One run: state, phases with onsets, snapshots."""
    status, metrics = run.status, run.metrics
    if as_json:
        whole = {
            "run": run.name,
            "path": str(run.path),
            "status": status,
            "metrics": metrics,
            "config": run.config,
        }
        print(to_json(whole, indent=1))
        return
    console = open_console()
    console.print(f"{run.name}  {status['state']}  step {status.get('step', 0):,}/{status.get('steps', 0):,}")
    if "error" in status:
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
        found = status.get("summary", {}).get(kind)
        if found:
            onsets = found["onsets"]
            phases.add_row(words, _path(found["sequence"]), _number(onsets["B"]), _number(onsets["C"]))
    console.print(phases)
    console.print(_snapshots(metrics, status.get("summary", {}).get("places", {}).get("representation")))


def _snapshots(metrics: list[dict[str, Any]], place: dict[str, Any] | None) -> Table:
    read = f"{place['tap']}, t={place['timestep']}" if place else "?"
    table = Table("step", "images", "loss", "none", "multi", "malf", "mispl", "correct", "off-grid", box=None)
    for heading in (f"order ({read})", "highest null", "share", "dim", "phases"):
        table.add_column(heading)
    for entry in metrics:
        shares = entry["outcomes"]["grid"]
        percent = [f"{100 * shares[name]:.0f}" for name in OUTCOMES]
        order, share, dimension = (
            _at(entry, name, place) for name in ("order", "label_share", "label_dimension")
        )
        known = [level for level in floors(order.get("nulls", {})).values() if level is not None]
        table.add_row(
            f"{entry['step']:,}",
            f"{entry['images_seen']:,}",
            "-" if entry["loss"] is None else f"{entry['loss']:.4f}",
            *percent,
            f"{100 * entry['outcomes']['off_grid']['correct']:.0f}",
            _score(order.get("value")),
            _score(max(known, default=None)),
            _score(share.get("value")),
            _score(dimension.get("value")),
            " ".join(phase[0] if phase != "undecided" else "-" for phase in entry["phase"].values()),
        )
    return table


def _row(run: Run) -> dict[str, Any]:
    status, metrics = run.status, run.metrics
    summary = status.get("summary", {})
    return {
        "run": run.name,
        "path": str(run.path),
        "state": status["state"],
        "step": status.get("step", 0),
        "steps": status.get("steps", 0),
        "images_seen": status.get("images_seen"),
        "correct": metrics[-1]["outcomes"]["grid"]["correct"] if metrics else None,
        "behaviour": summary.get("behaviour", {}).get("sequence"),
        "representation": summary.get("representation", {}).get("sequence"),
        "wall_s": status.get("wall_s"),
    }


def open_console() -> Console:
    """What goes into a file or a pipe is not cut to a terminal's width."""
    wide = None if sys.stdout.isatty() else 200
    return Console(highlight=False, markup=False, width=wide)


def _at(entry: dict[str, Any], measure: str, place: dict[str, Any] | None) -> dict[str, Any]:
    return entry[measure][place["tap"]][str(place["timestep"])] if place else {}


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
