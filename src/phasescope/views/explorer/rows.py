"""A run in a line: what the table of runs shows of it."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np

from phasescope.store.catalogue import read_or
from phasescope.store.flat import numbered
from phasescope.store.folder import Run, shown
from phasescope.store.metrics import is_number
from phasescope.store.tags import read_tags
from phasescope.views.names import READINGS
from phasescope.views.probe_r2 import probe_r2
from phasescope.views.record import Record, score, success_share

MOST_POINTS = 48
"""of a small timeline"""

ASIDE = re.compile(r"(^|\.)(n|low|high)$|\.detail\.")
"""names of numbers that are no columns"""
TEXTS = ("error", "updated", "started")
NUMBERS = ("step", "steps", "images_seen", "parameters", "wall_s", "cpu_s")
"""what a row takes from the status"""


def row_of(run: Run) -> dict[str, Any]:
    """What the table shows of `run`; one that cannot be read is `broken`, and its `error` says why."""
    return read_or(run, _row, lambda error: _broken(run, error))


def _row(run: Run) -> dict[str, Any]:
    record = Record(run, last_only=True)
    if record.faults:
        return _broken(run, record.faults[0])
    status = record.status
    return {
        **_identity(run),
        "title": str(record.config.get("name", "")),
        "seed": record.config.get("seed"),
        "settings": settings(record.config),
        "tags": read_tags(run.path),
        **{key: status.get(key) for key in ("state", *TEXTS, *NUMBERS)},
        "eta_s": _eta_s(status),
        **_learnt(record),
    }


def _broken(run: Run, error: str) -> dict[str, Any]:
    return {**_identity(run), "state": "broken", "error": " ".join(error.split())[:400], "settings": {}}


def settings(config: dict[str, Any]) -> dict[str, Any]:
    """The fields whose value is not the default, dotted, but for the name and the seed."""
    defaults = _defaults()
    return {
        name: value
        for name, value in leaves(config).items()
        if name not in ("name", "seed") and defaults.get(name, "absent") != value
    }


def default_fields() -> dict[str, Any]:
    """The fields of a configuration with their defaults, dotted, but for the name and the seed."""
    return {name: value for name, value in _defaults().items() if name not in ("name", "seed")}


def last_numbers(run: Run) -> dict[str, float]:
    """The numbers of the run's last snapshot, by dotted names; of a score its value and its nulls."""
    entry = run.last_metrics or {}
    return {
        name: value for name, value in numbered(entry).items() if is_number(value) and not ASIDE.search(name)
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
    from phasescope.runs.config import defaults

    return leaves(defaults())


def _identity(run: Run) -> dict[str, Any]:
    name = shown(run.path.name)
    return {"name": name, "digest": name.rpartition("-")[2]}


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
    """The phases so far with their onsets, and the numbers of the last snapshot."""
    last = record.metrics[-1] if record.metrics else {}
    phases = {
        reading: {**record.summary[reading], "last": (last.get("phase") or {}).get(reading)}
        for reading in READINGS
        if reading in record.summary and (record.summary[reading]["sequence"] or record.phases(reading)[-1:])
    }
    place = record.declared_place("representation")
    order = score(last, "order", place) if place else None
    probed = probe_r2(order)
    success = success_share(last)
    return {
        "phases": phases,
        "success": None if np.isnan(success) else success,
        "order": None if order is None else order.get("value"),
        "order_untrained": probed.untrained if probed else None,
        "probe_r2": probed.text if probed else None,
    }


def timeline(run: Run) -> dict[str, list]:
    """At most `MOST_POINTS` snapshots: images seen, share of success, order, phase of behaviour and representation."""
    record = Record(run)
    place = record.declared_place("representation")
    order = record.series("order", place) if place else np.full(len(record.metrics), np.nan)
    success = np.array([success_share(line) for line in record.metrics])
    kept = np.unique(np.linspace(0, len(success) - 1, min(MOST_POINTS, len(success))).round().astype(int))
    behaviour, representation = record.phases("behaviour"), record.phases("representation")
    return {
        "images_seen": record.images_seen[kept].astype(int).tolist(),
        "success": success[kept].round(4).tolist(),
        "order": order[kept].round(4).tolist(),
        "behaviour": [behaviour[index] for index in kept],
        "representation": [representation[index] for index in kept],
    }
