"""What a study says before its first run, in results/<study>/declaration.json: cells, seeds, claims, thresholds.

What changes later is an amendment: the study's code says when and why, and the declaration keeps both with the changes in
words. The SHA-256 of the source is kept too, with the date of each; a source that changes nothing declared is no amendment.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from phasescope.config import explain
from phasescope.errors import UserError
from phasescope.store.files import from_json, read_json, sha256, to_json, write_aside
from phasescope.studies.core.statistics import CONFIDENCE
from phasescope.studies.core.study import Cell, Study

DECLARATION = "declaration.json"


class Amended(BaseModel):
    """An amendment as it was written."""

    date: str
    reason: str
    changed: list[str]
    """in words; empty where what was declared before is not there"""


class Source(BaseModel):
    """The files that a study was written in, from a date on."""

    date: str
    sha256: dict[str, str]


class Named(BaseModel):
    """A cell or a claim: its name, and what else is declared of it."""

    model_config = ConfigDict(extra="allow")

    name: str


class Declaration(BaseModel):
    """What declaration.json must say."""

    date: str
    """of the first, YYYY-MM-DD"""
    recorded: int
    """runs of the study that were there already: its own, another study's, or done and not recorded"""
    study: str
    question: str
    level: float
    """of every interval"""
    looks: dict[str, int]
    """seeds of the first look, and those that the second adds"""
    cells: list[Named]
    claims: list[Named]
    sources: list[Source]
    amended: list[Amended]


def declared(study: Study) -> dict[str, Any]:
    """All that is fixed before the data, as JSON holds it."""
    tree = {
        "study": study.name,
        "question": study.question,
        "level": CONFIDENCE,
        "looks": {"first": study.seeds, "second": study.more},
        "cells": [_cell(study, cell) for cell in study.cells],
        "claims": [claim.declared() for claim in study.claims],
    }
    return from_json(to_json(tree))


def _cell(study: Study, cell: Cell) -> dict[str, Any]:
    return {
        "name": cell.name,
        "preset": cell.preset or study.preset,
        "fields": cell.tree,
        "seeds": study.first(cell),
        "runs": [study.member(cell, seed).config.digest() for seed in range(study.first(cell) + study.more)],
    }


def changes(old: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between what was declared and what is, a line each."""
    found = [
        _differs(name, "", old[name], now[name])
        for name in ("study", "question", "level", "looks")
        if old[name] != now[name]
    ]
    for kind in ("cells", "claims"):
        word = kind.removesuffix("s")
        was, is_now = ({str(one["name"]): one for one in tree[kind]} for tree in (old, now))
        for name in dict.fromkeys(chain(was, is_now)):
            if name not in is_now:
                found.append(f"the {word} `{name}` was declared and is no more")
            elif name not in was:
                found.append(f"the {word} `{name}` was not declared and is now")
            else:
                one, other = was[name], is_now[name]
                found += [
                    _differs(field, f" of the {word} `{name}`", one.get(field), other.get(field))
                    for field in dict.fromkeys(chain(one, other))
                    if one.get(field) != other.get(field)
                ]
    return found


def _differs(field: str, of: str, old: Any, now: Any) -> str:
    return f"`{field}`{of} was {_short(old)} and is {_short(now)}"


def _short(value: Any) -> str:
    text = to_json(value)
    return text if len(text) <= 160 else f"{text[:157]}..."


def amends(study: Study, told: Declaration, path: Path) -> list[str]:
    """What the study's latest amendment changes of its declaration; none where it is as declared.

    Raises:
        UserError: what it declares has changed and it has not one amendment more than its declaration, or that one changes
            nothing.
    """
    changed = changes(told.model_dump(), declared(study))
    before = [(one.date, one.reason) for one in told.amended]
    own = [(one.date, one.reason) for one in study.amendments]
    if own[: len(before)] != before:
        raise UserError(
            f"`amendments` of `{study.name}` must begin with the {len(before)} that `{path}` has: none is taken back"
        )
    added = own[len(before) :]
    if changed and len(added) != 1:
        raise UserError(
            f"`{path}` must be what the study declares: {changed[0]}. A change after the first run is an amendment: "
            f"`amendments` must have one more than the {len(before)} there, with date and reason, and has {len(own)}"
        )
    if added and not changed:
        raise UserError(
            f"`amendments` (={added[0][1]}) of `{study.name}` must change what `{path}` declares, and changes nothing"
        )
    return changed


def declare(study: Study, folder: Path, recorded: int) -> None:
    """Write a study's declaration, or its amendment, or nothing where it is as declared.

    Args:
        recorded: runs of the study that are there already.

    Raises:
        UserError: what it declares has changed without an amendment; what is there is no declaration; it cannot be written.
    """
    path, today = folder / DECLARATION, datetime.datetime.now(datetime.UTC).date().isoformat()
    source = Source(date=today, sha256={name: sha256(file) for name, file in sorted(study.sources.items())})
    told = read_declaration(folder)
    own = [asdict(one) for one in study.amendments]
    tree: dict[str, Any] = {"date": today, "recorded": recorded, "sources": []}
    tree["amended"] = [{**one, "changed": []} for one in own]
    if told is not None:
        changed = amends(study, told, path)
        tree = told.model_dump()
        tree["amended"] += [{**own[-1], "changed": changed}] if changed else []
    if not tree["sources"] or tree["sources"][-1]["sha256"] != source.sha256:
        tree["sources"].append(source.model_dump())
    now = Declaration.model_validate(tree | declared(study))
    if now != told:
        folder.mkdir(parents=True, exist_ok=True)
        write_aside(path, to_json(now.model_dump(), indent=1) + "\n")


def standing(study: Study, folder: Path) -> Declaration | None:
    """A study's declaration, which is what its code declares; None where there is none.

    Raises:
        UserError: it is another one, or none.
    """
    told = read_declaration(folder)
    if told is not None and amends(study, told, folder / DECLARATION):
        raise UserError(
            f"`{folder / DECLARATION}` must have the amendment of {study.amendments[-1].date}: "
            f"phasescope study {study.name} writes it"
        )
    return told


def read_declaration(folder: Path) -> Declaration | None:
    """What declaration.json says; None where there is none.

    Raises:
        UserError: it is none.
    """
    path = folder / DECLARATION
    if not os.path.lexists(path):
        return None
    try:
        return Declaration.model_validate(read_json(path))
    except OSError as error:
        raise UserError(f"`{path}` cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise UserError(f"`{path}` must be a study's declaration: {explain(error, Declaration)}") from None
