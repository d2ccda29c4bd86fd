"""Numbers and tables as the page tells them: a median with its range, `>` before what is only a lower limit."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from phasescope.measures import Score

Record = Mapping[str, Any]
Columns = Mapping[str, Callable[[Any], object]]

NUMERIC = re.compile(r"[\d.,%>x\[\]() -]*((to|from) [\d.,]+)?")


def number(value: float | None, digits: int = 3) -> str:
    """A number of so many digits, or of all before its point; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    size = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{max(0, digits - 1 - size)}f}"


def share(value: float | None) -> str:
    """A share from 0 to 1, as "67 %"."""
    return "-" if value is None else f"{100 * value:.0f} %"


def spread(found: Record | None, told: Callable[[float | None], str] = number) -> str:
    """A `timing.summary` in a cell: "17.3 [16.1, 19.0]"."""
    if found is None:
        return "-"
    between = f" [{told(found['low'])}, {told(found['high'])}]" if "low" in found else ""
    return told(found["median"]) + between


def of_score(score: Score) -> str:
    """The value of a median or a ratio of onsets, or "> " and its lower limit where censoring leaves it open."""
    return f"> {number(score.detail['at_least'])}" if math.isnan(score.value) else number(score.value)


def interval(score: Score) -> str:
    """The interval's ends; "from 1,800" where there is no upper one, a dash where too few seeds bound neither."""
    if math.isfinite(score.high):
        return f"{number(score.low)} to {number(score.high)}"
    return f"from {number(score.low)}" if score.low > 0 else "-"


def table(records: Iterable[Any], columns: Columns) -> str:
    """A row a record, or for one that could not be measured its first column and why; numbers are set to the right."""
    first, *others = columns.values()
    rows = [
        [first(record), *["-"] * (len(others) - 1), f"missing: {record['missing']}"]
        if isinstance(record, Mapping) and record.get("missing") is not None
        else [told(record) for told in columns.values()]
        for record in records
    ]
    return markdown(list(columns), rows)


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    rules = ["---:" if all(map(NUMERIC.fullmatch, column)) else "---" for column in zip(*cells, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, rules or ["---"] * len(header), *cells])
