"""How an object shows itself in a notebook: a title above a table, as plain HTML that follows the page's colours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

MOST_ROWS = 40
"""of a table; how many more there are is said below it"""


def html_table(title: str, rows: Iterable[Sequence[Any]], head: Sequence[str] = ()) -> str:
    """An HTML table, its title escaped as everything in it; the first column is each row's name."""
    rows = list(rows)
    lines = [f"<tr><th>{'</th><th>'.join(map(_cell, head))}</th></tr>"] if head else []
    for name, *cells in rows[:MOST_ROWS]:
        lines.append(
            f'<tr><th style="text-align:left">{_cell(name)}</th>'
            + "".join(f'<td style="text-align:left">{_cell(cell)}</td>' for cell in cells)
            + "</tr>"
        )
    left = len(rows) - MOST_ROWS
    more = f"<div>and {left} rows more</div>" if left > 0 else ""
    return f"<div><strong>{escape(title)}</strong><table>{''.join(lines)}</table>{more}</div>"


def rounded(number: float | None) -> str:
    """Three digits; a dash for what is not known."""
    return "–" if number is None or not math.isfinite(number) else f"{number:.3g}"


def _cell(content: Any) -> str:
    return escape(rounded(content) if isinstance(content, float) else str(content))
