"""Numbers as the page tells them: never alone, but with range, n and unit.

A summary has `median` and `n` (of a ratio, of each of the two), and its range as `low` and `high` or as `range`; where
`exact` is False the median is a lower limit, and a range whose upper end is None has none.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

Summary = Mapping[str, Any]

DIGITS = 3
NUMERIC = re.compile(r"[\d.,%>x\[\]() -]*((to|from) [\d.,]+)?")


def number(value: float | None, digits: int = DIGITS) -> str:
    """A number of so many digits, or of all before its point; a dash where there is none."""
    if value is None:
        return "-"
    size = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{max(0, digits - 1 - size)}f}"


def share(value: float) -> str:
    """A share from 0 to 1, as "67 %"."""
    return f"{100 * value:.0f} %"


def of_median(found: Summary | None, unit: str = "") -> str:
    """The median, "> " before it where it is a lower limit."""
    if found is None:
        return "-"
    return f"{'' if found.get('exact', True) else '> '}{number(found['median'])} {unit}".strip()


def span(low: float, high: float | None, told: Callable[[float], str] = number) -> str:
    """Two ends; "from 1,800" where there is no upper one."""
    return f"from {told(low)}" if high is None else f"{told(low)} to {told(high)}"


def ends(found: Summary) -> tuple[float, float | None] | None:
    """The range of what a summary sums up; None where it does not tell."""
    low, high = found.get("range") or (found.get("low"), found.get("high"))
    return None if low is None else (low, high)


def spread(found: Summary | None, unit: str = "", of: str = "") -> str:
    """ "17.3 s (16.1 to 19.0, n = 10 seeds)"; `of` in the plural."""
    return "an unknown number" if found is None else f"{of_median(found, unit)} ({_around(found, of)})"


def percent(found: Summary, of: str) -> str:
    """ "13 % (11 % to 16 %, n = 5 seeds)", of shares from 0 to 1."""
    return f"{share(found['median'])} ({_around(found, of, share)})"


def in_brackets(found: Summary | None) -> str:
    """For a cell of a table: "17.3 [16.1, 19.0]"."""
    if found is None:
        return "-"
    between = ends(found)
    return of_median(found) + (f" [{number(between[0])}, {number(between[1])}]" if between else "")


def told_n(n: int | Sequence[int], of: str = "") -> str:
    """How many, or how many of each of two."""
    if isinstance(n, int):
        return f"{n} {of.removesuffix('s') if n == 1 else of}".strip()
    return f"{' and '.join(map(str, n))} {of}".strip()


def counted(texts: Iterable[str]) -> str:
    """ "A B C in 4 of 5, A C in 1 of 5"."""
    counts = Counter(texts)
    return ", ".join(f"{text or 'nothing'} in {n} of {counts.total()}" for text, n in counts.most_common())


def plain(values: Sequence[float]) -> dict[str, Any]:
    """The summary of values that are all known."""
    return {"n": len(values), "median": median(values), "range": [min(values), max(values)]}


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; columns of numbers are set to the right."""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    rules = ["---:" if all(map(NUMERIC.fullmatch, column)) else "---" for column in zip(*cells, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, rules or ["---"] * len(header), *cells])


def _around(found: Summary, of: str, told: Callable[[float], str] = number) -> str:
    between = ends(found)
    return f"{f'{span(*between, told)}, ' if between else ''}n = {told_n(found['n'], of)}"
