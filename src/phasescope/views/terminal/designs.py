"""What a design trains on and tests, as tables in a terminal, or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from phasescope.store.files import to_json
from phasescope.views.terminal.prediction import copiers
from phasescope.views.terminal.tables import open_console

if TYPE_CHECKING:
    from phasescope.runs.predicting import Designed


def print_design(found: Designed, as_json: bool) -> None:
    """How many labels are trained on and tested; how images hang together; what copiers get right."""
    if as_json:
        labels = {name: some.tolist() for name, some in found.labels.items()}
        print(to_json({"name": found.name, **found.told, "labels": labels}, indent=1))
        return
    told, console = found.told, open_console()
    console.print(f"{found.name}: {told['sentence']}")
    table = Table("labels", "number", box=None)
    for name, number in told["splits"].items():
        table.add_row(name.replace("_", " "), f"{number:,}")
    console.print(table)
    if told["percolation"]:
        console.print(_percolation(told["percolation"]))
    if told["copier"]:
        console.print(copiers(told["copier"]))


def _percolation(found: list[dict[str, Any]]) -> Table:
    table = Table("images overlap by", "in the largest component", "trained on", "critical share", box=None)
    for one in found:
        critical, most = one["critical_share"], "at most " if one["critical_is_at_most"] else ""
        table.add_row(
            f"{one['threshold']:g}",
            f"{one['largest']:.3f}",
            f"{one['trained_share']:.3f}",
            "none" if critical != critical else f"{most}{critical:.3f}",
        )
    return table
