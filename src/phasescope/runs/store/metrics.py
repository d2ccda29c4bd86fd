"""Reading the last line of a run's metrics.jsonl, which has a line per snapshot, and values in a line."""

import json
from pathlib import Path
from typing import Any

from phasescope.core.plain_files import open_plain

Entry = dict[str, Any]
# Bytes read from the end of metrics.jsonl to find the last line; more are read if the line is longer.
FIRST_READ = 2**16


def read_last(path: Path) -> Entry | None:
    """Return the last complete line of metrics.jsonl without reading the others; None if there is no line.

    Raises:
        OSError, ValueError: the line cannot be read.
    """
    try:
        with open_plain(path) as file:
            end, size = file.seek(0, 2), FIRST_READ
            while True:
                file.seek(max(end - size, 0))
                *lines, _ = file.read(size).rsplit(b"\n", 2)
                if len(lines) == 2 or size >= end:
                    return json.loads(lines[-1]) if lines else None
                size *= 8
    except FileNotFoundError:
        return None


def nearest_of(level: Entry) -> str | None:
    """Return the name of the closest reference denoiser in an item of `closest_reference`; None if r^2 is not above 0: the
    network is then as far from every reference as images are from their mean."""
    return level["reference"] if (level["r2"] or 0) > 0 else None
