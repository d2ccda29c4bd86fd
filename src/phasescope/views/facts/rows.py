"""The row of a run in the table of runs."""

from datetime import datetime
from functools import cache
from typing import Any

import numpy as np

from phasescope.runs.store.flat import config_columns
from phasescope.runs.store.folder import RunFolder, read_or, shown
from phasescope.views.facts.forks import change_words
from phasescope.views.facts.record import Record, score, success_share
from phasescope.views.facts.scores import probe_summary
from phasescope.views.facts.terms import READINGS

ASIDE = ("config.name", "config.seed")
STATUS = (
    "state",
    "error",
    "updated",
    "started",
    "step",
    "steps",
    "images_seen",
    "parameters",
    "wall_s",
    "cpu_s",
)
"""what a row takes from the status"""


def row_of(run: RunFolder, with_settings: bool = True) -> dict[str, Any]:
    """Return what a table shows of `run`; one that cannot be read is `broken`, and its `error` says why."""
    return read_or(run, lambda run: _row(run, with_settings), lambda error: broken_row(run, error))


def _row(run: RunFolder, with_settings: bool) -> dict[str, Any]:
    record = Record(run, last_only=True)
    if record.status["state"] == "broken":
        return broken_row(run, str(record.status.get("error")))
    return {
        **_identity(run),
        "title": str(record.config.get("name", "")),
        "seed": record.config.get("seed"),
        "settings": settings(record.config) if with_settings else {},
        **{key: record.status.get(key) for key in STATUS},
        "eta_s": _eta_s(record.status),
        "tags": run.tags,
        "fork": _fork(run),
        **_learned(record),
    }


def _fork(run: RunFolder) -> dict[str, Any] | None:
    """Return what a fork continues (`parent`: the digest of its folder) and what it changes; None of another run."""
    fork = run.fork
    if fork is None:
        return None
    parent = str(fork["run"])[: len(run.identity)]
    return {"parent": parent, "name": fork["name"], "step": fork["step"], "changed": change_words(run)}


def _identity(run: RunFolder) -> dict[str, Any]:
    name = shown(run.path.name)
    return {"name": name, "digest": name.rpartition("-")[2]}


def broken_row(run: RunFolder, error: str) -> dict[str, Any]:
    """Return the row of a run that cannot be read."""
    return {**_identity(run), "state": "broken", "error": " ".join(error.split())[:400], "settings": {}}


def settings(config: dict[str, Any]) -> dict[str, Any]:
    """Return the fields whose value is not the default, dotted, without the name and the seed."""
    usual = _default_columns()
    columns = config_columns(config).items()
    changed = {name: value for name, value in columns if usual.get(name, "absent") != value}
    return {name.removeprefix("config."): value for name, value in changed.items() if name not in ASIDE}


@cache
def _default_columns() -> dict[str, Any]:
    from phasescope.runs.config import defaults

    return config_columns(defaults())


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
    site = record.phase_site("sheet")
    probed = probe_summary(score(last, "probe_r2", site), record.factors) if site else None
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
