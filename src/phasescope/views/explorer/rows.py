"""A run in a line: what the table of runs shows of it."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np

from phasescope.runs.store.catalogue import read_or
from phasescope.runs.store.flat import config_columns, numbered
from phasescope.runs.store.folder import Run, shown
from phasescope.runs.store.metrics import is_number
from phasescope.runs.store.tags import read_tags
from phasescope.views.record import Record, score, success_share
from phasescope.views.scores import probe_r2
from phasescope.views.terms import READINGS

MOST_POINTS = 48
"""of a small timeline"""
ASIDE = re.compile(r"(^|\.)(n|low|high)$|\.detail\.")
"""names of numbers that are no columns"""
STATUS = (
    "state", "error", "updated", "started", "step", "steps", "images_seen", "parameters", "wall_s", "cpu_s",
)  # fmt: skip
"""what a row takes from the status"""


def row_of(run: Run, with_settings: bool = True) -> dict[str, Any]:
    """Return what a table shows of `run`; one that cannot be read is `broken`, and its `error` says why."""
    return read_or(run, lambda run: _row(run, with_settings), lambda error: _broken(run, error))


def _row(run: Run, with_settings: bool) -> dict[str, Any]:
    record = Record(run, last_only=True)
    if record.faults:
        return _broken(run, record.faults[0])
    return {
        **_identity(run),
        "title": str(record.config.get("name", "")),
        "seed": record.config.get("seed"),
        "settings": settings(record.config) if with_settings else {},
        "tags": read_tags(run.path),
        **{key: record.status.get(key) for key in STATUS},
        "eta_s": _eta_s(record.status),
        **_learned(record),
    }


def _identity(run: Run) -> dict[str, Any]:
    name = shown(run.path.name)
    return {"name": name, "digest": name.rpartition("-")[2]}


def _broken(run: Run, error: str) -> dict[str, Any]:
    return {**_identity(run), "state": "broken", "error": " ".join(error.split())[:400], "settings": {}}


def settings(config: dict[str, Any]) -> dict[str, Any]:
    """Return the fields whose value is not the default, dotted, without the name and the seed."""
    usual = default_fields()
    return {name: value for name, value in _fields(config).items() if usual.get(name, "absent") != value}


@cache
def default_fields() -> dict[str, Any]:
    """Return the fields of a configuration with their defaults, dotted, without the name and the seed."""
    from phasescope.runs.config import defaults

    return _fields(defaults())


def _fields(config: dict[str, Any]) -> dict[str, Any]:
    columns = {name.removeprefix("config."): value for name, value in config_columns(config).items()}
    return {name: value for name, value in columns.items() if name not in ("name", "seed")}


def last_numbers(run: Run) -> dict[str, float]:
    """Return the numbers of the run's last snapshot, by dotted names; of a score its value and its baselines."""
    numbers = numbered(run.last_metrics or {}).items()
    return {name: value for name, value in numbers if is_number(value) and not ASIDE.search(name)}


def _eta_s(status: dict[str, Any]) -> float | None:
    """Return the seconds that a running run still takes, at its speed so far."""
    step, steps, spent = (status.get(key) or 0 for key in ("step", "steps", "wall_s"))
    if status["state"] != "running" or not step or not spent:
        return None
    updated = datetime.fromisoformat(status["updated"]) if status.get("updated") else datetime.now()
    since_s = (datetime.now(updated.tzinfo) - updated).total_seconds()
    return max(spent / step * (steps - step) - max(since_s, 0.0), 0.0)


def _learned(record: Record) -> dict[str, Any]:
    """Return the phases so far with their onsets, and the numbers of the last snapshot."""
    last = record.metrics[-1] if record.metrics else {}
    stated = {reading: record.summary[reading] for reading in READINGS if reading in record.summary}
    place = record.declared_place("representation")
    probed = probe_r2(score(last, "order", place)) if place else None
    success = success_share(last)
    return {
        "phases": {
            reading: {**summary, "last": (last.get("phase") or {}).get(reading)}
            for reading, summary in stated.items()
            if summary["sequence"] or record.phases(reading)[-1:]
        },
        "success": None if np.isnan(success) else success,
        "probe_r2": {**probed._asdict(), "text": probed.text} if probed else None,
    }


def timeline(run: Run) -> dict[str, list]:
    """Return at most `MOST_POINTS` snapshots: images seen, share of success, probe R², phases of images and of latents."""
    record = Record(run)
    place = record.declared_place("representation")
    order = record.series("order", place) if place else np.full(len(record.metrics), np.nan)
    success = np.array([success_share(line) for line in record.metrics])
    kept = np.unique(np.linspace(0, len(success) - 1, min(MOST_POINTS, len(success))).round().astype(int))
    phases = {name: record.phases(name) for name in ("behaviour", "representation")}
    return {
        "images_seen": record.images_seen[kept].astype(int).tolist(),
        "success": success[kept].round(4).tolist(),
        "order": order[kept].round(4).tolist(),
        **{name: [each[index] for index in kept] for name, each in phases.items()},
    }
