"""When a contender is there, and what several seeds of it say together.

A snapshot passes where the images are right (outcome correct on grid labels) and the latents are in order: the lower end
of order's interval lies above each null that is no ceiling. A contender is there at the first snapshot from which on each
one passes. A seed that never came there is censored: it took more than what it had spent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from phasescope import measures
from phasescope.measures.gain import floors
from phasescope.runs.store.sites import Site

Record = Mapping[str, Any]

QUANTITIES = {"wall_s": "s", "cpu_s": "CPU s", "images_seen": "images"}
"""What is spent until a contender is there, and its unit."""
ACCURACY = 0.95
"""least share of images, painted for labels of the training grid, that are correct: within 1 px in x and in y"""
BASELINES = ("untrained", "pixels", "permuted")
"""what order must at least be compared with"""


def condense(line: Record, site: Site) -> dict[str, Any]:
    """What is kept of a line of `metrics.jsonl`: cost, accuracy, order with its nulls, and the phase of behaviour.

    Args:
        line: a snapshot's metrics.
        site: where order is read.

    Raises:
        ValueError: order lacks a null that the criterion asks for.
    """
    score = line["probe_r2"][str(site)]
    missing = [null for null in BASELINES if null not in score["baselines"]]
    if missing:
        raise ValueError(f"`order` (baselines={list(score['baselines'])}) must have the null `{missing[0]}`")
    return {
        "step": line["step"],
        **{quantity: line[quantity] for quantity in QUANTITIES},
        "accuracy": line["outcomes"]["grid"]["correct"],
        "probe_r2": {
            "value": _number(score["value"]),
            "low": _number(score["low"]),
            "baselines": {null: _number(level) for null, level in score["baselines"].items()},
        },
        "phase": line["phase"]["behaviour"],
    }


def passes(snapshot: Record) -> bool:
    """Whether a snapshot, as `condense` gives it, is accurate and in order."""
    order = snapshot["probe_r2"]
    in_order = all(order["low"] > null for null in floors(order["baselines"]).values())
    return snapshot["accuracy"] >= ACCURACY and in_order


def reached(snapshots: Sequence[Record]) -> dict[str, float] | None:
    """The cost at the first snapshot from which on each one passes; None where there is none."""
    seen = [snapshot["images_seen"] for snapshot in snapshots]
    return _cost_at(snapshots, measures.onset(seen, [passes(snapshot) for snapshot in snapshots]))


def reached_phase_c(snapshots: Sequence[Record]) -> dict[str, float] | None:
    """The cost at the onset of phase C of behaviour; None where there is none."""
    seen = [snapshot["images_seen"] for snapshot in snapshots]
    onsets = measures.phase_onsets(seen, [snapshot["phase"] for snapshot in snapshots])
    return _cost_at(snapshots, onsets["C"])


def _cost_at(snapshots: Sequence[Record], images_seen: int | None) -> dict[str, float] | None:
    """Step and cost of the snapshot at `images_seen`."""
    if images_seen is None:
        return None
    found = next(snapshot for snapshot in snapshots if snapshot["images_seen"] == images_seen)
    return {key: found[key] for key in ("step", *QUANTITIES)}


def _number(value: float | None) -> float:
    """A number as JSON has it, where one that is not finite is null: NaN, which is above nothing."""
    return math.nan if value is None else value
