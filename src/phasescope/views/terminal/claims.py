"""Claims in a terminal: their verdicts, and how they do on simulated data. Nothing here reads records or imports
torch."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phasescope.errors import UserError
from phasescope.measures.over_runs.resampling import LEVEL
from phasescope.store.files import to_json
from phasescope.studies.claim import POWER, WRONG
from phasescope.studies.records import read_claims
from phasescope.studies.study import Study
from phasescope.views.claim_words import criterion, format_interval, format_number, verdict_words
from phasescope.views.terminal.tables import open_console


def print_claims(studies: Sequence[tuple[Study, Path]], as_json: bool = False) -> None:
    """Print every claim of some studies; a study whose claims.json is invalid is one line with its error.

    Raises:
        UserError: the last such error, after everything is printed.
    """
    from rich.table import Table

    console, totals, told = open_console(), Counter[str](), list[dict[str, Any]]()
    heads = ("claim", "verdict", "value", f"{LEVEL} interval", "needed", "n", "power", "sentence")
    failure: UserError | None = None
    for study, folder in studies:
        try:
            judged = read_claims(folder)
        except UserError as error:
            failure = error
            told.append({"study": study.name, "error": str(error)})
            continue
        told.append({"study": study.name, "claims": None} if judged is None else judged.model_dump())
        if as_json:
            continue
        if judged is None:
            console.print(f"\n{study.name}: no records yet: phasescope study {study.name}")
            continue
        stale = " (the records have changed since: --judge judges them)" if judged.stale else ""
        console.print(f"\n{study.name}, {judged.runs} runs{stale}: {study.question}")
        table = Table(*heads, box=None)
        for claim in judged.claims:
            totals[verdict_words(claim)] += 1
            numbers = (format_number(claim.value), format_interval(claim), criterion(claim), str(claim.n))
            table.add_row(
                claim.name,
                verdict_words(claim),
                *numbers,
                format_number(claim.observed_power),
                claim.sentence,
            )
        console.print(table)
    if as_json:
        print(to_json(told, indent=1))
    elif totals:
        console.print("\n" + ", ".join(f"{count} {verdict}" for verdict, count in totals.most_common()))
    if failure:
        raise failure


def tried(studies: Sequence[tuple[Study, Path]], trials: int) -> list[dict[str, Any]]:
    """Return the power of every claim on simulated runs of its own design, with a line of progress on standard
    error."""
    claims = [(study, claim) for study, _ in studies for claim in study.claims]
    found = []
    for done, (study, claim) in enumerate(claims):
        print(
            f"{done}/{len(claims)} claims tried, now {study.name}: {claim.name}", file=sys.stderr, flush=True
        )
        power = claim.power(study.design_of(claim), trials=trials)
        found.append(
            {
                "study": study.name,
                "name": claim.name,
                "times": trials,
                "power_supported": power.supported,
                "power_refuted": power.refuted,
                "wrong": power.wrong,
                "cannot": claim.unreachable,
            }
        )
    return found


def print_controls(found: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Print a line per claim: power on either side, and how often it is decided with the truth at its threshold."""
    if as_json:
        print(to_json(list(found), indent=1))
        return
    from rich.table import Table

    table = Table("study", "claim", "supported", "refuted", "wrong", "trials", "", box=None)
    for row in found:
        numbers = (format_number(row[name]) for name in ("power_supported", "power_refuted", "wrong"))
        table.add_row(row["study"], row["name"], *numbers, str(row["times"]), row["cannot"])
    console = open_console()
    console.print(table)
    console.print(
        f"\n{len(found)} claims. supported, refuted: how often a simulated study is judged so if the truth lies at the "
        f"claim's effect from the threshold, on its side or on the other; both {POWER:g} at least. wrong: how often it is "
        f"decided if the truth lies at the threshold, {WRONG:g} at most."
    )
