"""What a study fixes before its first run, in preregistration.json beside its study.py: its data as JSON, the
SHA-256 of every file that it is written in, and the commit. What changes later is an entry of `amendments` in that
file, with its reason:

    phasescope study NAME --amend "REASON"

A source that changes without changing the data is noted with its date, and the study's page says so. The sources of
classes and functions that cells name (a loss, a world) count as data: runs made with another version of them are
not this study's.
"""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from phasescope.config import explain
from phasescope.errors import UserError
from phasescope.kinds import source_digests
from phasescope.store.files import from_json, read_json, sha256, to_json, write_aside
from phasescope.studies.study import Study

PREREGISTRATION = "preregistration.json"


class Amendment(BaseModel):
    """A change of what was preregistered."""

    date: str
    reason: str
    looked: bool | None = None
    """whether runs of what it changes had been looked at; None where that was not recorded"""
    changed: list[str] = []
    """in words, one line each"""
    commit: str = ""


class Sources(BaseModel):
    """The files that a study is written in, from a date on."""

    date: str
    commit: str
    sha256: dict[str, str]


class Preregistration(BaseModel):
    """What preregistration.json holds."""

    date: str
    """of the first, YYYY-MM-DD"""
    recorded: int
    """runs that existed already"""
    study: dict[str, Any]
    """the study's data, as amended"""
    kinds: dict[str, str] = {}
    """SHA-256 of the sources that cells name"""
    sources: list[Sources]
    amendments: list[Amendment] = []


def read_preregistration(folder: Path) -> Preregistration | None:
    """Return what a study's folder holds; None if it has no preregistration.

    Raises:
        UserError: the file is invalid.
    """
    path = folder / PREREGISTRATION
    if not path.exists():
        return None
    try:
        return Preregistration.model_validate(read_json(path))
    except ValidationError as error:
        raise UserError(
            f"`{path}` must be a study's preregistration: {explain(error, Preregistration)}"
        ) from None


def data_of(study: Study) -> dict[str, Any]:
    """Return a study's data as it comes back from JSON."""
    return from_json(to_json(study.data()))


def kinds_of(study: Study) -> dict[str, str]:
    """Return the SHA-256 of every source that a cell names, by its reference.

    Raises:
        UserError: a source is missing.
    """
    trees = [study.member(cell, 0).config.tree() for cell in study.cells]
    return {name: digest for tree in trees for name, digest in source_digests(tree).items()}


def preregister(
    study: Study, folder: Path, recorded: int, reason: str = "", looked: bool = False
) -> Preregistration:
    """Write a study's preregistration before its first run, or check that the study is as preregistered, or amend it.

    Args:
        recorded: runs of the study that exist already.
        reason: of an amendment; empty if there is none.
        looked: whether runs of what the amendment changes had been looked at.

    Raises:
        UserError: the study differs from its preregistration and no reason is given, or a reason is given and
            nothing differs.
    """
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    known, data, kinds = read_preregistration(folder), data_of(study), kinds_of(study)
    sources = Sources(date=today, commit=_commit(folder), sha256=_sources(study))
    if known is None:
        if reason:
            raise UserError(
                f"`--amend` (={reason[:60]}) must be left out: `{study.name}` is not preregistered yet"
            )
        now = Preregistration(date=today, recorded=recorded, study=data, kinds=kinds, sources=[sources])
    else:
        changed = differences(known, data, kinds)
        if changed and not reason:
            raise UserError(
                f"`{study.name}` must be as preregistered on {known.date}: {changed[0]}"
                f"{f' (and {len(changed) - 1} more changes)' if len(changed) > 1 else ''}; to change it, give the reason: "
                f'phasescope study {study.name} --amend "REASON"'
            )
        if reason and not changed:
            raise UserError(
                f"`--amend` (={reason[:60]}) must change something: `{study.name}` is as preregistered"
            )
        now = known.model_copy(deep=True)
        if changed:
            now.amendments.append(
                Amendment(date=today, reason=reason, looked=looked, changed=changed, commit=sources.commit)
            )
            now.study, now.kinds = data, kinds
        if now.sources[-1].sha256 != sources.sha256:
            now.sources.append(sources)
    if now != known:
        folder.mkdir(parents=True, exist_ok=True)
        write_aside(folder / PREREGISTRATION, to_json(now.model_dump(), indent=1) + "\n")
    return now


def check_preregistered(study: Study, folder: Path) -> Preregistration | None:
    """Return a study's preregistration, None if there is none.

    Raises:
        UserError: the study differs from it.
    """
    known = read_preregistration(folder)
    if known and (changed := differences(known, data_of(study), kinds_of(study))):
        raise UserError(
            f"`{study.name}` must be as preregistered on {known.date}: {changed[0]}; see `--amend`"
        )
    return known


def changed_sources(study: Study, known: Preregistration) -> list[str]:
    """Return the names of the study's files that have changed since they were first recorded."""
    first, now = known.sources[0].sha256, _sources(study)
    return sorted(name for name in {*first, *now} if first.get(name) != now.get(name))


def differences(known: Preregistration, data: Mapping[str, Any], kinds: Mapping[str, str]) -> list[str]:
    """Return what differs between a preregistration and a study's data and kinds, one line each."""
    lines: list[str] = []
    _differ("", known.study, data, lines)
    lines += [
        f"the source `{name}` has changed"
        for name in sorted({*kinds} & {*known.kinds})
        if kinds[name] != known.kinds[name]
    ]
    return lines


def _differ(path: str, old: Any, new: Any, lines: list[str]) -> None:
    """Add a line per value that differs; parts of lists that have names are compared by name."""
    old, new = _named(old), _named(new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            where = f"{path}.{key}" if path else str(key)
            if key not in new:
                lines.append(f"`{where}` was {_short(old[key])} and is gone")
            elif key not in old:
                lines.append(f"`{where}` is new: {_short(new[key])}")
            else:
                _differ(where, old[key], new[key], lines)
    elif old != new:
        lines.append(f"`{path}` was {_short(old)} and is {_short(new)}")


def _named(value: Any) -> Any:
    if (
        isinstance(value, list)
        and value
        and all(isinstance(item, Mapping) and "name" in item for item in value)
    ):
        return {item["name"]: item for item in value}
    return value


def _short(value: Any) -> str:
    text = to_json(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _sources(study: Study) -> dict[str, str]:
    """Return the SHA-256 of the Python files in the study's folder, or of its single file."""
    if study.file is None:
        return {}
    files = sorted(study.file.parent.glob("*.py")) if study.file.name == "study.py" else [study.file]
    return {file.name: sha256(file) for file in files}


def _commit(folder: Path) -> str:
    """Return the commit that is checked out, with a `+` if files differ from it; empty outside of git."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=folder if folder.is_dir() else ".",
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        return git("rev-parse", "--short=12", "HEAD") + (
            "+" if git("status", "--porcelain", "--", "*.py") else ""
        )
    except OSError:  # no git on this machine
        return ""
