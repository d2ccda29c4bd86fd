"""The last line of a run's metrics.jsonl, which has a line a snapshot; and what is read in a line."""

import json
import math
from pathlib import Path
from typing import Any

Entry = dict[str, Any]
# The last line is found in so many bytes of the end of metrics.jsonl; more are read if a line is longer.
FIRST_READ = 2**16


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
                    return json.loads(lines[-1]) if lines else None
                size *= 8
    except FileNotFoundError:
        return None


def rung_of(level: Entry) -> str | None:
    """Return the closest reference denoiser by one of an entry's `ladder`; None if r^2 is not above 0: its answer is
    then as far from each as images are from their mean."""
    return level["rung"] if is_number(level["r2"]) and level["r2"] > 0 else None


def is_number(value: Any) -> bool:
    """Whether a value of a JSON text is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
