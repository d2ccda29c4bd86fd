"""A run in a line: what the table of runs shows of it."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

import numpy as np

from phasescope.store.folder import Run
from phasescope.views.names import READINGS
from phasescope.views.record import Record, number, success_share

MOST_POINTS = 48
"""of a small timeline"""

UNREADABLE = (AttributeError, KeyError, TypeError, ValueError, IndexError, OSError)
"""what reading a file of another form can raise"""


def row_of(run: Run) -> dict[str, Any]:
    """What the table shows of `run`; one that cannot be read is `broken`, and its `error` says why."""
    record = Record(run)
    try:
        if record.faults:
            return broken_row(run, record.faults[0])
        status = record.status
        return {
            **_identity(run),
            "title": str(record.config.get("name", "")),
            "seed": record.config.get("seed"),
            "settings": settings(record.config),
            **{key: status.get(key) for key in ("state", "error", "step", "steps", "images_seen", "updated")},
            **{key: status.get(key) for key in ("parameters", "wall_s", "cpu_s", "started")},
            "eta_s": _eta_s(status),
            "snapshots": len(record.metrics),
            **_learnt(record),
        }
    except UNREADABLE as error:
        return broken_row(run, f"its files cannot be read: {type(error).__name__}: {error}")


def broken_row(run: Run, error: str) -> dict[str, Any]:
    """The row of a run of which no more is known than that it is broken, and why."""
    return {**_identity(run), "state": "broken", "error": " ".join(error.split()), "settings": {}}


def settings(config: dict[str, Any]) -> dict[str, Any]:
    """The fields whose value is not the default, dotted, but for the name and the seed."""
    defaults = _defaults()
    return {
        name: value
        for name, value in leaves(config).items()
        if name not in ("name", "seed") and defaults.get(name, "absent") != value
    }


def leaves(tree: Any, prefix: str = "") -> dict[str, Any]:
    """The leaves of nested dicts by dotted name."""
    if not isinstance(tree, dict) or not tree:
        return {prefix: tree} if prefix else {}
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= leaves(value, f"{prefix}.{key}" if prefix else str(key))
    return found


@cache
def _defaults() -> dict[str, Any]:
    from phasescope.runs.config import RunConfig

    return leaves(RunConfig().tree())


def _identity(run: Run) -> dict[str, Any]:
    return {"name": run.path.name, "digest": run.path.name.rpartition("-")[2]}


def _eta_s(status: dict[str, Any]) -> float | None:
    """Seconds that a running run still takes, if it goes on as fast as it went."""
    step, steps, spent = (status.get(key) or 0 for key in ("step", "steps", "wall_s"))
    if status["state"] != "running" or not step or not spent:
        return None
    since_s = 0.0
    if status.get("updated"):
        updated = datetime.fromisoformat(status["updated"])
        since_s = max((datetime.now(updated.tzinfo) - updated).total_seconds(), 0.0)
    return max(spent / step * (steps - step) - since_s, 0.0)


def _learnt(record: Record) -> dict[str, Any]:
    """The phases so far with their onsets, the last numbers, and the small timeline."""
    phases = {
        reading: {
            "sequence": record.sequence(reading),
            "onsets": record.onsets(reading),
            "last": next((phase for phase in reversed(record.phases(reading)) if phase), None),
        }
        for reading in READINGS
        if any(record.phases(reading))
    }
    place = record.declared_place("representation")
    order = record.series("order", place) if place else np.full(len(record.metrics), np.nan)
    success = np.array([success_share(line) for line in record.metrics])
    return {
        "phases": phases,
        "success": number(success[-1]) if len(success) else None,
        "order": number(order[-1]) if len(order) else None,
        "timeline": _timeline(record, success, order),
    }


def _timeline(record: Record, success: np.ndarray, order: np.ndarray) -> dict[str, list]:
    """At most `MOST_POINTS` snapshots: images seen, share of success, order, phase of behaviour and representation."""
    kept = np.unique(np.linspace(0, len(success) - 1, min(MOST_POINTS, len(success))).round().astype(int))
    behaviour, representation = record.phases("behaviour"), record.phases("representation")
    return {
        "images_seen": record.images_seen[kept].astype(int).tolist(),
        "success": success[kept].round(4).tolist(),
        "order": order[kept].round(4).tolist(),
        "behaviour": [behaviour[index] for index in kept],
        "representation": [representation[index] for index in kept],
    }
