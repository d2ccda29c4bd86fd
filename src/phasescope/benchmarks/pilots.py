"""Pilots: single trainings by which designs were tried, one line each in `pilots.jsonl`.

    {"name", "question", "words": [...], "seed", "parameters", "steps", "batch", "cpu_s", "threads", "cpu",
     "curve": [[step, [none, multiple, malformed, misplaced], cpu_s, accuracy_on_grid, accuracy_off_grid, mean_loss], ...]}

A pilot is n = 1: it says where to look, and is no claim. It is there, as a contender is, from where on each point of its
curve is accurate; order is not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phasescope.benchmarks.criterion import CRITERION
from phasescope.errors import UserError
from phasescope.measures.phases import onset
from phasescope.store.files import read_json_lines

FIELDS = ("name", "question", "words", "seed", "parameters", "batch", "cpu_s", "threads", "cpu", "curve")


@dataclass(frozen=True)
class Outcome:
    """What became of a pilot.

    Attributes:
        reached: whether it became accurate, for good.
        images, cpu_s: spent until then; else in all.
        accuracy, off_grid: shares of correct images at the end, for labels of the grid and off it.
    """

    reached: bool
    images: int
    cpu_s: float
    accuracy: float
    off_grid: float


def outcome(pilot: dict[str, Any], accuracy: float = CRITERION.accuracy) -> Outcome:
    """Of a line of the file."""
    curve = [(step * pilot["batch"], cpu_s, *shares) for step, _, cpu_s, *shares in pilot["curve"]]
    found = onset([images for images, *_ in curve], [on_grid >= accuracy for _, _, on_grid, *_ in curve])
    last = curve[-1]
    images, cpu_s, *_ = next((point for point in curve if point[0] == found), last)
    return Outcome(found is not None, images, cpu_s, last[2], last[3])


def read_pilots(path: Path) -> list[dict[str, Any]]:
    """The lines of the file; none where there is no file.

    Raises:
        UserError: a line lacks a field, or its curve has no point.
    """
    pilots = read_json_lines(path)
    for pilot in pilots:
        missing = next((field for field in FIELDS if pilot.get(field) is None), None)
        if missing or not pilot["curve"]:
            raise UserError(
                f"`{path}` (pilot {pilot.get('name')}) must have `{missing or 'curve'}`, as each pilot has"
            )
    return pilots
