"""A run's metrics.jsonl: a line a snapshot, by ascending step; what of it is none is told, and left out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from phasescope.errors import UserError
from phasescope.store.files import from_json, read_bytes

Entry = dict[str, Any]
NUMBERS = (
    "images_seen", "loss", "learning_rate", "gradient_norm", "epochs", "wall_s", "cpu_s", "observing_s",
)  # fmt: skip
"""of an entry, beside its step"""
MOST_OF_A_LINE = 2**22
"""bytes, where the last line alone is read"""


class Metrics(NamedTuple):
    """What metrics.jsonl holds.

    Attributes:
        entries: one a snapshot, by ascending step.
        faults: why a line is none of them, each in words.
        torn: whether the last line has no end: it was being written, or was cut.
    """

    entries: list[Entry]
    faults: list[str]
    torn: bool


def read_metrics(path: Path) -> Metrics:
    """The whole lines of metrics.jsonl; a file that is not there has none."""
    try:
        *lines, rest = read_bytes(path).split(b"\n")
    except FileNotFoundError:
        return Metrics([], [], torn=False)
    except (OSError, UserError) as error:
        return Metrics([], [f"metrics.jsonl cannot be read: {error}"], torn=False)
    entries: list[Entry] = []
    faults = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(_entry(line, entries[-1]["step"] if entries else -1))
        except (ValueError, RecursionError) as error:
            faults.append(f"line {number} of metrics.jsonl is none: {error}")
    return Metrics(entries, faults, torn=bool(rest))


def read_last(path: Path) -> Entry:
    """The last whole line of metrics.jsonl, without reading the others; empty where there is none, or it is no entry."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - MOST_OF_A_LINE, 0))
            *_, line, _ = (b"\n" + file.read(MOST_OF_A_LINE)).split(b"\n")
        return _entry(line, -1)
    except (OSError, ValueError, RecursionError):
        return {}


def _entry(line: bytes, last: int) -> Entry:
    """The entry in a line that follows that of step `last`.

    Raises:
        ValueError: it is none.
    """
    entry = from_json(line)
    if fault := fault_of(entry):
        raise ValueError(fault)
    if entry["step"] <= last:
        raise ValueError(f"its step {entry['step']} follows step {last}")
    return entry


def fault_of(entry: Any) -> str | None:
    """What makes a JSON value no entry of the metrics: a head that is missing, or text where a number belongs."""
    if not isinstance(entry, dict):
        return "it is no object"
    step = entry.get("step")
    if isinstance(step, bool) or not isinstance(step, int) or step < 0:
        return f"`step` is {_told(step)}"
    for name in NUMBERS:
        may_be_unknown = name != "images_seen"
        if name not in entry and may_be_unknown:
            continue
        value = entry.get(name)
        if not (is_number(value) or (value is None and may_be_unknown)):
            return f"`{name}` is {_told(value)}"
    for name in ("phase", "outcomes"):
        if not isinstance(entry.get(name, {}), dict | None):
            return f"`{name}` is {_told(entry[name])}"
    return None


def rung_of(told: Entry) -> str | None:
    """On which rung of the ladder a network stands by one of an entry's `ladder`; None on none: where r^2 is not above 0 its
    answer is as far from each as images are from their mean."""
    return told["rung"] if is_number(told["r2"]) and told["r2"] > 0 else None


def is_number(value: Any) -> bool:
    """Whether a value of a JSON text is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _told(value: Any) -> str:
    text = repr(value)
    return f"{text[:40]}..." if len(text) > 43 else text
