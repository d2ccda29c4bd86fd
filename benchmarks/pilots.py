"""Pilots: single trainings by which designs were tried, one line each in `pilots.jsonl`.

    {"name", "question", "words": [...], "seed", "parameters", "steps", "batch", "cpu_s", "threads", "cpu",
     "curve": [[step, [none, multiple, malformed, misplaced], cpu_s, accuracy_on_grid, accuracy_off_grid, mean_loss], ...]}

A pilot is n = 1: it says where to look, and is no claim. It is there, as a contender is, from where on each point of its
curve is accurate; order is not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.criterion import ACCURACY
from phasescope.measures import onset


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


def outcome(pilot: dict[str, Any]) -> Outcome:
    """Of a line of the file."""
    curve = [(step * pilot["batch"], cpu_s, *shares) for step, _, cpu_s, *shares in pilot["curve"]]
    found = onset([images for images, *_ in curve], [on_grid >= ACCURACY for _, _, on_grid, *_ in curve])
    last = curve[-1]
    images, cpu_s, *_ = next((point for point in curve if point[0] == found), last)
    return Outcome(found is not None, images, cpu_s, last[2], last[3])
