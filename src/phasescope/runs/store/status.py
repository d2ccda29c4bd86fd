"""status.json of a run's folder: how far the run is, where it computes, and whether it still does.

It may come from a stranger, so that what each of its keys holds is checked when it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from phasescope.core.errors import UserError
from phasescope.runs.store.files import read_json
from phasescope.runs.store.locks import is_locked


def read_status(folder: Path) -> dict[str, Any]:
    """Return the contents of status.json; `state` is `killed` if it is running there but no process holds the folder.

    Raises:
        UserError: it is no JSON, or holds no state.
        OSError: it cannot be read.
    """
    status = read_json(folder / "status.json")
    if not isinstance(status, dict):
        raise UserError(f"`{folder / 'status.json'}` must hold a run's `state`, and does not")
    for key, holds, rule in STATUS_RULES:
        if key in status and not holds(status[key]):
            value = f"{status[key]!r:.40}"
            raise UserError(f"`{key}` (={value}) in `{folder / 'status.json'}` must be {rule}")
    if "state" not in status:
        raise UserError(f"`{folder / 'status.json'}` must hold a run's `state`, and does not")
    if status["state"] == "running" and not is_held(folder):
        status["state"] = "killed"
    return status


def _is_number(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and abs(value) < 2**63)  # nor NaN


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_time(value: Any) -> bool:
    if value is None:
        return True
    try:
        return datetime.fromisoformat(value) is not None
    except (TypeError, ValueError):
        return False


def _is_summary(value: Any) -> bool:
    """Return whether a value has the form of `training.recorder.summarise`."""
    if not isinstance(value, dict):
        return value is None
    for key, part in value.items():
        if not isinstance(part, dict):
            return False
        if key == "sites" and not all(map(_is_text, part.values())):
            return False
        if "sequence" in part and not (
            isinstance(part["sequence"], list) and all(map(_is_text, part["sequence"]))
        ):
            return False
    return True


STATES = ("prepared", "running", "stopped", "done", "failed")
"""of status.json; a reader adds `killed` and `broken`"""
NUMBERS = (
    "step",
    "steps",
    "images_seen",
    "images",
    "parameters",
    "wall_s",
    "cpu_s",
    "observing_s",
    "cores",
    "pid",
    "threads",
)
STATUS_RULES: list[tuple[str, Callable[[Any], bool], str]] = [
    ("state", lambda value: value in STATES, f"one of {', '.join(STATES)}"),
    *((key, _is_number, "a number") for key in NUMBERS),
    *((key, _is_text, "text") for key in ("error", "host", "cpu", "device", "git_commit")),
    *((key, _is_time, "a time") for key in ("started", "updated")),
    ("summary", _is_summary, "what was read, by reading"),
]
"""keys of status.json, which may come from a stranger: what each must be if it is there"""


def broken_status(why: str) -> dict[str, Any]:
    """Return the status of a run whose files cannot be read."""
    return {"state": "broken", "error": why}


def is_held(folder: Path) -> bool:
    """Return whether some process holds the run's folder for writing."""
    return is_locked(folder / "lock")
