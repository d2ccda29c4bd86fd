"""A run's metrics.jsonl: a line a snapshot, by ascending step. A last line without its end is being written, and ignored."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

Entry = dict[str, Any]
NUMBERS = (
    "images_seen", "loss", "learning_rate", "gradient_norm", "epochs", "wall_s", "cpu_s", "observing_s",
)  # fmt: skip
"""of an entry, beside its step"""
FIRST_READ = 2**16
"""bytes of the end of metrics.jsonl that are read to find its last line; more if a line is longer"""


class Metrics(NamedTuple):
    """What metrics.jsonl holds.

    Attributes:
        entries: one a snapshot, by ascending step.
        faults: why a line is left out, each in words.
        torn: whether the last line has no end: it was being written, or was cut.
    """

    entries: list[Entry]
    faults: list[str]
    torn: bool


def read_metrics(path: Path) -> Metrics:
    """Return the whole lines of metrics.jsonl; a file that is not there has none.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        *lines, rest = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return Metrics([], [], torn=False)
    entries: list[Entry] = []
    faults = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            if entries and entry["step"] <= entries[-1]["step"]:
                raise ValueError(f"its step {entry['step']} follows step {entries[-1]['step']}")
            entry["images_seen"] + entry["step"]
            entries.append(entry)
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            faults.append(f"line {number} of metrics.jsonl cannot be read: {type(error).__name__}: {error}")
    return Metrics(entries, faults, torn=bool(rest))


def read_last(path: Path) -> Entry | None:
    """Return the last whole line of metrics.jsonl without reading the others; None if there is no line.

    Raises:
        OSError, ValueError: the line cannot be read.
    """
    try:
        with open(path, "rb") as file:
            end, size = file.seek(0, 2), FIRST_READ
            while True:
                file.seek(max(end - size, 0))
                *lines, _ = file.read(size).rsplit(b"\n", 2)
                if len(lines) == 2 or size >= end:
                    break
                size *= 8
    except FileNotFoundError:
        return None
    if not lines:
        return None
    entry = json.loads(lines[-1])
    if "step" not in entry:
        raise ValueError("the last line of metrics.jsonl holds no `step`")
    return entry


def check_entry(entry: Entry) -> None:
    """Check what is about to be appended: an entry may hold numbers that somebody's own loop gave.

    Raises:
        ValueError: names the field and its value.
    """
    step = entry.get("step")
    if isinstance(step, bool) or not isinstance(step, int) or step < 0:
        raise ValueError(f"`step` is {step!r:.40}")
    for name in NUMBERS:
        value = entry.get(name)
        if not is_number(value) and (value is not None or name == "images_seen"):
            raise ValueError(f"`{name}` is {value!r:.40}")


def rung_of(told: Entry) -> str | None:
    """On which rung of the ladder a network stands by one of an entry's `ladder`; None on none: where r^2 is not above 0 its
    answer is as far from each as images are from their mean."""
    return told["rung"] if is_number(told["r2"]) and told["r2"] > 0 else None


def is_number(value: Any) -> bool:
    """Whether a value of a JSON text is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
