"""What a study says before its first run, in results/<study>/declaration.json: cells, seeds, how they are observed and read,
claims, thresholds, the constants that verdicts rest on, and the rules that all claims share.

What changes later is an amendment: the study's code says when and why, and the declaration keeps both with the changes in
words. The SHA-256 of the source is kept too, with the date of each; a source that changes nothing declared is no amendment,
and pages tell that it has changed.
An older declaration does not hold all fields of `LATER`. What it does not hold cannot be compared: that is no amendment by
itself, and the declaration says from when on it holds them.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from phasescope.config import explain
from phasescope.errors import UserError
from phasescope.store.files import from_json, read_json, sha256, to_json, write_aside
from phasescope.studies.core.constants import constants
from phasescope.studies.core.differing import changes
from phasescope.studies.core.rules import rules
from phasescope.studies.core.sources import digest_of_imports
from phasescope.studies.core.statistics import CONFIDENCE
from phasescope.studies.core.study import Cell, Study

DECLARATION = "declaration.json"
LATER = ("observed", "readings", "rules", "constants")
"""fields that not every declaration holds from its date on"""


class Amended(BaseModel):
    """An amendment as it was written."""

    date: str
    reason: str
    changed: list[str]
    """in words; empty where what was declared before is not there"""
    looked: bool | None = None
    """whether runs of what it changed had been looked at; None where it was not said yet"""


class Source(BaseModel):
    """The files that a study was written in, from a date on."""

    date: str
    sha256: dict[str, str]
    imports: str | None = None
    """SHA-256 of all modules of the package that they rest on, as one; None where it was not asked for yet"""


class Named(BaseModel):
    """A cell or a claim: its name, and what else is declared of it."""

    model_config = ConfigDict(extra="allow")

    name: str


class Observed(BaseModel):
    """How the runs of some cells are observed, all that is usual said."""

    cells: list[str]
    plan: dict[str, Any]


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
    observed: list[Observed] | None = None
    readings: list[Named] | None = None
    """further readings: name, and cells whose runs are read so, all where there is none"""
    rules: dict[str, Any] | None = None
    """that all claims share"""
    constants: dict[str, Any] | None = None
    """that statistics and readings use, by name"""
    since: dict[str, str] = {}
    """of fields that the first declaration did not hold: from which date on this one does"""
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
        "observed": _observed(study),
        "readings": [{"name": one.name, "cells": one.cells} for one in study.readings],
        "rules": rules(),
        "constants": _constants(study),
    }
    return from_json(to_json(tree))


def _constants(study: Study) -> dict[str, Any]:
    functions = [*(one.estimate for one in study.claims), *(one.read for one in study.readings)]
    return constants(functions, study.sources.values())


def _cell(study: Study, cell: Cell) -> dict[str, Any]:
    told: dict[str, Any] = {"anew": list(cell.anew)} if cell.anew else {}
    return told | {
        "name": cell.name,
        "preset": cell.preset or study.preset,
        "fields": cell.tree,
        "seeds": study.first(cell),
        "runs": [study.member(cell, seed).config.digest() for seed in range(study.first(cell) + study.more)],
    }


def _observed(study: Study) -> list[dict[str, Any]]:
    """Cells by the plan that observes them."""
    plans: dict[str, dict[str, Any]] = {}
    for cell in study.cells:
        plan = _plan(study, cell)
        plans.setdefault(to_json(plan), {"cells": [], "plan": plan})["cells"].append(cell.name)
    return list(plans.values())


def _plan(study: Study, cell: Cell) -> dict[str, Any]:
    """How a cell's runs are observed: all that a reading depends on, `usual` where only a built network can say it."""
    config = study.member(cell, 0).config
    plan, taps = config.probing, config.network.taps
    if taps is not None:
        plan = config.plan_of(taps, config.network.usual_taps)
    told = plan.tree() | {"images": plan.images_of(config.world.splits())}
    return {name: value for name, value in told.items() if name != "batch"}


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
    source = _source(study, today)
    told = read_declaration(folder)
    own = [asdict(one) for one in study.amendments]
    tree: dict[str, Any] = {"date": today, "recorded": recorded, "sources": [], "since": {}}
    tree["amended"] = [{**one, "changed": []} for one in own]
    if told is not None:
        changed = amends(study, told, path)
        tree = told.model_dump()
        tree["since"] |= {name: today for name in LATER if tree[name] is None}
        tree["amended"] += [{**own[-1], "changed": changed}] if changed else []
    before = tree["sources"][-1] if tree["sources"] else {}
    if before != source.model_copy(update={"date": before.get("date")}).model_dump():
        tree["sources"].append(source.model_dump())
    now = Declaration.model_validate(tree | declared(study))
    if now != told:
        folder.mkdir(parents=True, exist_ok=True)
        write_aside(path, to_json(now.model_dump(), indent=1) + "\n")


def _source(study: Study, date: str) -> Source:
    files = dict(sorted(study.sources.items()))
    digests = {name: sha256(file) for name, file in files.items()}
    return Source(date=date, sha256=digests, imports=digest_of_imports(files.values()))


def code_changes(study: Study, told: Declaration) -> dict[str, Any]:
    """What of a study's code is not as it was declared.

    `files`: those that it is written in, then or now, which have changed, come or gone; `of`: how many these are in all;
    `imports`: whether the modules that they rest on have changed since `imports_since`, the first date at which a digest of
    them was kept; None where there is none.
    """
    now = _source(study, "")
    first = told.sources[0].sha256
    known = next((one for one in told.sources if one.imports is not None), None)
    names = sorted({*first, *now.sha256})
    return {
        "files": [name for name in names if first.get(name) != now.sha256.get(name)],
        "of": len(names),
        "imports": known and known.imports != now.imports,
        "imports_since": known and known.date,
    }


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
