"""Results of commands and their printing: lines and tables for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from unicodedata import category

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

MOST_ROWS = 500


@dataclass(frozen=True)
class Table:
    """Rows of text under their headings.

    Attributes:
        fixed: first columns that a narrow terminal does not wrap.
    """

    heads: Sequence[str]
    rows: Iterable[Iterable[str]]
    fixed: int = 0


@dataclass(frozen=True)
class Result:
    """The result of a command.

    Attributes:
        blocks: lines, tables and paths of files that were written, for people.
        to_dict: the same for programs, which becomes JSON; None of a command that only writes files.
        figure: draws it.
        notes: what could not be done, a line each, for standard error.
        code: the command's exit code.
        verbatim: whether lines are printed as they are, even if a terminal is narrower.
        as_json: whether JSON is printed instead of `blocks`.
    """

    blocks: Iterable[str | Path | Table]
    to_dict: Callable[[], Any] | None = None
    figure: Callable[[], Figure] | None = None
    notes: Sequence[str] = ()
    code: int = 0
    verbatim: bool = False
    as_json: bool = False

    def to(self, as_json: bool, file: Path | None = None) -> Self:
        """Return the result as `--json` asks for it; draw its figure to `file`, if there is one."""
        if file is None or self.figure is None:
            return replace(self, as_json=as_json)
        from phasescope.views.figures.axes import write_figure

        write_figure(self.figure(), file)
        return replace(self, as_json=as_json, blocks=[*self.blocks, f"picture: {file}"])

    def show(self) -> int:
        """Print it; return the command's exit code."""
        if self.as_json and self.to_dict:
            from phasescope.runs.store.files import to_json

            print(to_json(self.to_dict(), indent=1))
        else:
            from rich.console import Console

            # Lines that go into a file or a pipe are not cut to a terminal's width.
            terminal = sys.stdout.isatty()
            console = Console(highlight=False, markup=False, width=None if terminal else 200)
            for block in self.blocks:
                if isinstance(block, Table):
                    _print_table(block, console)
                else:
                    wrapped = self.verbatim or not terminal or isinstance(block, Path)
                    console.print(printable(str(block)), soft_wrap=wrapped)
        for note in self.notes:
            print(f"phasescope: {printable(' '.join(note.split()))}", file=sys.stderr)
        return self.code

    def _repr_html_(self) -> str:
        """Return it as a notebook shows it."""
        return "\n".join(
            _table_html(block) if isinstance(block, Table) else f"<div>{escape(printable(str(block)))}</div>"
            for block in self.blocks
        )


def _table_html(table: Table) -> str:
    heads = "".join(f"<th>{escape(printable(head))}</th>" for head in table.heads)
    rows = ("".join(f"<td>{escape(printable(cell))}</td>" for cell in row) for row in table.rows)
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table>"


def printable(text: str) -> str:
    """Return a text with control characters escaped, all but the end of a line: others may command a terminal."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter == "\n" or category(letter)[0] != "C" else ascii(letter)[1:-1] for letter in text
    )


def _print_table(table: Table, console: Console) -> None:
    heads, *rows = [tuple(map(printable, line)) for line in (table.heads, *table.rows)]
    if len(rows) > MOST_ROWS:  # rich takes a second for 1,000 lines
        lines = [heads, *rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
            console.file.write("  ".join(padded).rstrip() + "\n")
        return
    from rich.table import Table as RichTable

    rich_table = RichTable(*heads, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in rich_table.columns[: table.fixed]:
        column.no_wrap = True
    for row in rows:
        rich_table.add_row(*row)
    console.print(rich_table)
