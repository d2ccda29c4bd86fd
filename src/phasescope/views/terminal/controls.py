"""Controls of claims in a terminal and in a file: how often each claim is decided as it should be."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phasescope.errors import UserError
from phasescope.store.files import read_json, to_json, write_aside
from phasescope.studies.core.controls import POWER, WRONG, digest, entry
from phasescope.studies.core.study import Study
from phasescope.views.claim_words import number
from phasescope.views.terminal.tables import open_console

KEY = ("study", "name", "times", "declared")
"""of a trial: where one differs it is another"""


def try_all(studies: Sequence[Study], times: int, out: Path | None = None) -> list[dict[str, Any]]:
    """The controls of all claims of some studies, one after the other, with a line of progress on standard error.

    Args:
        out: file to write as well; what it tells of other studies stays. What is tried is kept beside it until all is,
            so that a trial that was stopped goes on.

    Raises:
        UserError: the file is none of controls, or cannot be written.
    """
    claims = [(study, claim) for study in studies for claim in study.claims]
    kept = _controls_of_others(out, studies) if out else []
    part = out.with_name(f"{out.name}.part") if out else None
    before = _read_controls(part) if part else []
    tried = {tuple(one.get(key) for key in KEY): one for one in before}
    found = []
    for done, (study, claim) in enumerate(claims):
        if part:
            _write_controls([*tried.values()], part)
        there = tried.get((study.name, claim.name, times, digest(study, claim)))
        if there is None:
            words = f"{done}/{len(claims)} claims tried, now {study.name}: {claim.name}"
            print(words, file=sys.stderr, flush=True)
            there = entry(study, claim, times)
            tried[tuple(there[key] for key in KEY)] = there
        found.append(there)
    if out and part:
        _write_controls([*kept, *found], out)
        part.unlink(missing_ok=True)
    return found


def print_controls(found: Sequence[dict[str, Any]], as_json: bool) -> None:
    """A line a claim: power on either side, and how often it is decided where the truth lies at its threshold."""
    if as_json:
        print(to_json(list(found), indent=1))
        return
    from rich.table import Table

    table = Table("study", "claim", "supported", "refuted", "wrong", "times", "", box=None)
    for one in found:
        untold = one["power_supported"] is None
        table.add_row(
            one["study"],
            one["name"],
            *(number(one[name]) for name in ("power_supported", "power_refuted", "wrong")),
            str(one["times"]),
            "no controls" if untold else one["cannot"],
        )
    console = open_console()
    console.print(table)
    tried = sum(one["power_supported"] is not None for one in found)
    console.print(
        f"\n{tried} of {len(found)} claims have controls. supported: share of positive controls; refuted: share of negative "
        f"ones; both {POWER:g} at least. wrong: share decided where the truth lies at the threshold, {WRONG:g} at most."
    )


def _controls_of_others(path: Path, studies: Sequence[Study]) -> list[dict[str, Any]]:
    """What a file of controls tells of other studies than these."""
    return [one for one in _read_controls(path) if one["study"] not in {study.name for study in studies}]


def _read_controls(path: Path) -> list[dict[str, Any]]:
    """What a file of controls tells; nothing where it is not there.

    Raises:
        UserError: what is there is no such file.
    """
    there = read_json(path) if path.exists() else []
    if not isinstance(there, list) or not all(isinstance(one, dict) and "study" in one for one in there):
        raise UserError(f"`--out` (={path}) must be a file of controls, or not be there")
    return there


def _write_controls(found: Sequence[dict[str, Any]], path: Path) -> None:
    """Write what controls gave.

    Raises:
        UserError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_aside(path, to_json(list(found), indent=1) + "\n")
    except OSError as error:
        raise UserError(f"`--out` (={path}) cannot be written: {error.strerror}") from None
