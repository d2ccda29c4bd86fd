"""How every command prints: one console, one table, one way to write JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from phasescope.store.files import to_json

if TYPE_CHECKING:
    from rich.console import Console


def print_json(tree: Any) -> None:
    print(to_json(tree, indent=1))


def open_console() -> Console:
    """Return a console that does not cut lines that go into a file or a pipe to a terminal's width."""
    from rich.console import Console

    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200)


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]], console: Console | None = None) -> None:
    """Print rows of text under their headings; without headings, the rows alone."""
    from rich.table import Table

    table = Table(*heads, box=None, show_header=bool(heads))
    for row in rows:
        table.add_row(*row)
    (console or open_console()).print(table)
