"""What a study fixes before its first run, in preregistration.json beside its study.py: its data as JSON, the
SHA-256 of every file that its numbers come from, and the commit. What changes later is an entry of `amendments` in that
file, with its reason:

    phasescope study NAME --amend "REASON"

The code of its numbers is its own files and all that they import of what studies share (`phasescope.studies.sources`). A
file of these that changes without changing the data is noted with its date, and the study's page and `phasescope claims`
name it. The sources of classes and functions that cells name (a loss, a world) count as data: runs made with another version
of them are not this study's.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from phasescope.core.errors import UserError, reading
from phasescope.core.git import commit_of
from phasescope.core.kinds import source_digests
from phasescope.runs.store.files import read_json, to_json, write_aside
from phasescope.studies.finding import located, named_on_command_line
from phasescope.studies.sources import digests_of_sources

if TYPE_CHECKING:
    from phasescope.studies.study import Study

PREREGISTRATION = "preregistration.json"


class Amendment(BaseModel):
    """A change of what was preregistered."""

    date: str
    reason: str
    looked: bool | None = None
    """whether runs that it concerns had been looked at; None if that was not recorded"""
    changed: list[str] = []
    """in words, one line each"""
    commit: str = ""


class Sources(BaseModel):
    """The files that a study's numbers come from, from a date on."""

    date: str
    commit: str
    sha256: dict[str, str]
    reason: str = ""
    """why they are recorded again, if that needs a word"""


class Preregistration(BaseModel):
    """The contents of preregistration.json."""

    date: str
    """of the first, YYYY-MM-DD"""
    recorded: int
    """runs that existed already, finished or not"""
    study: dict[str, Any]
    """the study's data, as amended"""
    kinds: dict[str, str] = {}
    """SHA-256 of the sources that cells name"""
    sources: list[Sources]
    amendments: list[Amendment] = []


def read_preregistration(folder: Path) -> Preregistration | None:
    """Return what a study's folder holds; None if it has no preregistration. UserError if it cannot be read."""
    path = folder / PREREGISTRATION
    with reading(path):
        return Preregistration.model_validate(read_json(path)) if path.exists() else None


def data_of(study: Study) -> dict[str, Any]:
    """Return all of a study that is fixed before its first run, as it comes back from JSON."""
    data = {name: value for name, value in describe(study).items() if name != "is"}
    cells = [{k: v for k, v in cell.items() if v not in ({}, [], "", None)} for cell in data["cells"]]
    return json.loads(to_json(data | {"cells": cells}))


def describe(value: Any) -> Any:
    """Return a part of a study as plain data: functions by name, with their bound arguments."""
    if isinstance(value, partial):
        bound = {"arguments": describe(value.args)} if value.args else {}
        return {"function": describe(value.func), **bound, **describe(value.keywords)}
    if is_dataclass(value) and not isinstance(value, type):
        fixed = [field.name for field in fields(value) if field.metadata.get("data", True)]
        return {"is": type(value).__name__, **{name: describe(getattr(value, name)) for name in fixed}}
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [describe(item) for item in value]
    if callable(value):
        return getattr(value, "__qualname__", type(value).__name__)
    return value if isinstance(value, str | int | float | None) else type(value).__name__


def sources_of_cells(study: Study) -> dict[str, str]:
    """Return the SHA-256 of every source that a cell names, by its reference.

    Raises:
        UserError: a source is missing.
    """
    trees = [study.config(cell, 0).tree() for cell in study.cells]
    return {name: digest for tree in trees for name, digest in source_digests(tree).items()}


def preregister(
    study: Study, folder: Path, recorded: int, reason: str = "", looked: bool = False
) -> Preregistration:
    """Write a study's preregistration before its first run, or check that the study is as preregistered, or amend it.

    Args:
        recorded: runs of the study that exist already, finished or not.
        reason: of an amendment; empty if there is none.
        looked: whether runs of what the amendment changes had been looked at.

    Raises:
        UserError: the study differs from its preregistration without a reason, or a reason is given and nothing differs.
    """
    study = located(study, folder)
    known = read_preregistration(folder) if reason else check_preregistered(study, folder)
    changed = changes_since(known, study) if known else []
    if reason and not changed:
        state = "is as preregistered" if known else "is not preregistered yet"
        raise UserError(f"`--amend` (={reason[:60]}) must change something: `{study.name}` {state}")

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    sources = Sources(
        date=today,
        commit=commit_of(folder if folder.is_dir() else Path()),
        sha256=digests_of_sources(study.file),
    )
    data, kinds = data_of(study), sources_of_cells(study)
    now = known or Preregistration(date=today, recorded=recorded, sources=[sources], study=data, kinds=kinds)

    if changed:
        amendment = Amendment(
            date=today, reason=reason, looked=looked, changed=changed, commit=sources.commit
        )
        now = now.model_copy(
            update={"study": data, "kinds": kinds, "amendments": [*now.amendments, amendment]}
        )

    if now.sources[-1].sha256 != sources.sha256:
        now = now.model_copy(update={"sources": [*now.sources, sources]})
    if now is not known:
        folder.mkdir(parents=True, exist_ok=True)
        write_aside(folder / PREREGISTRATION, to_json(now.model_dump(), indent=1) + "\n")

    return now


def check_preregistered(study: Study, folder: Path) -> Preregistration | None:
    """Return a study's preregistration, None if there is none.

    Raises:
        UserError: the study differs from it.
    """
    known = read_preregistration(folder)
    if known and (changed := changes_since(known, study)):
        more = f" (and {len(changed) - 1} more changes)" if len(changed) > 1 else ""
        raise UserError(
            f"`{study.name}` must be as preregistered on {known.date}: {changed[0]}{more}; to change it, give the reason: "
            f'phasescope study {named_on_command_line(study)} --amend "REASON"'
        )
    return known


def changed_sources(file: Path | None, known: Preregistration) -> list[str]:
    """Return the names of those files behind the numbers of the study in `file` that differ from their first record.

    Studies that were preregistered before December 2026 recorded their own files at first and shared ones in a later entry.
    """
    first = {name: digest for entry in reversed(known.sources) for name, digest in entry.sha256.items()}
    now = digests_of_sources(file)
    return sorted(name for name in {*first, *now} if first.get(name) != now.get(name))


def changes_since(known: Preregistration, study: Study) -> list[str]:
    """Return what differs between a preregistration and a study, one line each."""
    data, kinds = data_of(study), sources_of_cells(study)
    if "headline" not in known.study:  # until December 2026 it was none of a study's preregistered data
        del data["headline"]
    lines = list(_changes("", known.study, data))
    changed = [name for name in sorted({*kinds} & {*known.kinds}) if kinds[name] != known.kinds[name]]
    return lines + [f"the source `{name}` has changed" for name in changed]


def _changes(path: str, old: Any, new: Any) -> Iterator[str]:
    """Yield a line per value that differs; parts of lists that have names are compared by name."""
    old, new = _by_name(old), _by_name(new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            where = f"{path}.{key}" if path else str(key)
            if key not in new:
                yield f"`{where}` was {_short(old[key])} and is gone"
            elif key not in old:
                yield f"`{where}` is new: {_short(new[key])}"
            else:
                yield from _changes(where, old[key], new[key])
    elif old != new:
        yield f"`{path}` was {_short(old)} and is {_short(new)}"


def _by_name(value: Any) -> Any:
    named = isinstance(value, list) and all(isinstance(item, Mapping) and "name" in item for item in value)
    return {item["name"]: item for item in value} if value and named else value


def _short(value: Any) -> str:
    text = to_json(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
