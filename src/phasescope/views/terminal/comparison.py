"""Runs side by side in a terminal, or as JSON."""

from __future__ import annotations

from phasescope.store.files import to_json
from phasescope.views.comparison import Comparison, Row
from phasescope.views.terminal.tables import open_console


def print_comparison(found: Comparison, as_json: bool) -> None:
    """One table, a column a run: what differs in configuration, then where each stands."""
    if as_json:
        told = {
            "runs": found.names,
            **{part: {row.name: row.values for row in rows} for part, rows in parts(found).items()},
            "notes": found.notes,
        }
        print(to_json(told, indent=1))
        return
    from rich.table import Table

    table = Table("", *found.names, box=None)
    for rows in parts(found).values():
        for row in rows:
            table.add_row(row.label, *row.texts)
        table.add_section()
    console = open_console()
    console.print(table)
    for note in found.notes:
        console.print(note)


def parts(found: Comparison) -> dict[str, list[Row]]:
    """The rows by what they tell."""
    return {"differs": found.differs, "stands": found.stands}
