"""Claims in a terminal: verdict, value, interval, n. Nothing here reads records, or imports pandas or torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phasescope.errors import UserError
from phasescope.store.files import to_json
from phasescope.studies.core.records import read_claims
from phasescope.studies.core.statistics import LEVEL
from phasescope.studies.core.study import Study
from phasescope.views.claim_words import amendment_words, interval, number
from phasescope.views.terminal.tables import open_console


def read_all(studies: Sequence[Study], results: Path) -> list[tuple[Study, dict[str, Any] | None]]:
    """Studies with what their claims.json says; None where there is none, and `error` alone where it is damaged."""

    def told(study: Study) -> dict[str, Any] | None:
        try:
            return read_claims(results / study.name)
        except UserError as error:
            return {"error": str(error)}

    return [(study, told(study)) for study in studies]


def print_claims(found: Sequence[tuple[Study, dict[str, Any] | None]], as_json: bool = False) -> None:
    """Every claim of some studies: verdict, statistic, interval, n; `found` as `read_all` gives it."""
    if as_json:
        told = [{"study": study.name, "claims": None, **(content or {})} for study, content in found]
        print(to_json(told, indent=1))
        return
    from rich.table import Table

    console = open_console()
    totals: Counter[str] = Counter()
    for study, content in found:
        if content is None:
            console.print(f"\n{study.name}: no records yet: phasescope study {study.name}")
            continue
        if "error" in content:
            console.print(f"\n{study.name}: {content['error']}")
            continue
        stale = " (its records have changed since: run the study again)" if content["stale"] else ""
        console.print(f"\n{study.name}, {content['records']['runs']} runs{stale}: {content['question']}")
        for words in amendment_words((content["declaration"] or {}).get("amended", []), counted=True):
            console.print(f"amended {words}")
        table = Table(
            "claim", "verdict", "value", f"{LEVEL} interval", "holds if", "n", "look", "sentence", box=None
        )
        for claim in content["claims"]:
            totals[claim["verdict"]] += 1
            table.add_row(
                claim["name"],
                claim["verdict"],
                number(claim["value"]),
                interval(claim),
                f"{'>' if claim['direction'] == 'above' else '<'} {claim['threshold']:g}",
                str(claim["n"]),
                str(claim["look"]),
                claim["sentence"],
            )
        console.print(table)
    if totals:
        console.print(
            "\n"
            + ", ".join(f"{totals[verdict]} {verdict}" for verdict in ("supported", "refuted", "undecided"))
        )
