"""Numbers in the prose of results: written as placeholders, and filled from what studies recorded.

    {STUDY/CLAIM}                       a claim's estimate and interval, as in .19 [.03, .49]
    {STUDY/CLAIM:PART}                  PART is value, low, high, interval, n, bar, power, detectable, count (of a share)
    {STUDY > TABLE > ROW > COLUMN}      a cell of a table on the study's page
    {... > COLUMN:PART}                 PART as above; n is the number of runs of which the cell is, if it says so
    {-...}                              the number with the other sign, as in "lower by"
    {...:3}                             three decimals instead of two
    {fixed: 0.5}                        a number that no run decides: a size, a threshold, a date
    {line 1 of STUDY/FILE}              a line of a text beside the study: of which runs its figure is

A table is named by its title, a row by what stands before its number of runs (`zeros, False, 1`), a column by its heading;
the beginning of a title or a heading is enough if no other begins so. Every other number is typed by hand
(`typed_by_hand`), and prose that has one is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from phasescope.core.errors import UserError
from phasescope.core.formats import NOTHING
from phasescope.studies.claims_file import RecordedClaim, read_claims
from phasescope.views.web.markdown import PAGE

Rows = Sequence[Mapping[str, str]]
"""the rows of a table as its page shows them: text by heading"""

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
FIXED = re.compile(r"fixed: (.+)", re.DOTALL)
LINE = re.compile(r"line (\d+) of (\S+)")
SUFFIX = re.compile(r":(value|low|high|interval|n|count|bar|power|detectable|\d)$")
CELL = re.compile(
    r"(?P<value>[^ ]+)(?: \[(?P<low>[^,]+(?:,\d{3})*), (?P<high>[^\]]+)\])?(?: \((?P<n>\d+) of \d+ runs\))?"
)
RANGE = re.compile(r"(?P<low>[^ ]+) to (?P<high>[^ ]+)(?: \((?P<n>\d+) of \d+ runs\))?")
TABLE = re.compile(r"^## (.+)\n\n((?:\|.*\n)+)", re.MULTILINE)
RUNS = "runs"
"""heading of the number of runs, which follows what names a row"""
ALL = "all"
"""name of the only row of a table of all runs"""

NUMBER = re.compile(r"(?<![\w.])[-−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[-–]?(?=\d))?(?![\w])")
WORDS = "three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
COUNT = re.compile(rf"\b(?:{WORDS}) (?:of|runs|systems)\b", re.IGNORECASE)
CONSTANT = re.compile(
    r"\b(?:sigma|t|s|B|f) (?:= )?[\d.]*\d"  # a width, a noise level, a weight
    r"|[\d.]*\d(?: |-)px\b"
    r"|\b\d+ x \d+\b"
    r"|[\d.]+ % (?=intervals?)|intervals? of (?:a )?[\d.]+ %"
    r"|\b\d{4}-\d\d-\d\d\b"
)
"""numbers that no run decides, by the words beside them: sizes, noise levels, levels of intervals, dates"""


@dataclass(frozen=True)
class Prose:
    """Fills the placeholders of prose. Each file is read once by an object: another one reads it again.

    Args:
        studies: folder of the studies.
        pages: tables by title of studies whose page is just being written, by the study's name.

    Example:
        >>> Prose(Path("studies")).filled("{ancestral/samples_abc} of {ancestral/samples_abc:n} runs")
        '.19 [.03, .49] of 16 runs'
    """

    studies: Path
    pages: Mapping[str, Mapping[str, Rows]] = field(default_factory=dict)

    def filled(self, text: str) -> str:
        """Return a text with its numbers.

        Raises:
            UserError: a placeholder names no judged claim, no cell of a table or no part of either; or a number is typed by
                hand.
        """
        typed = typed_by_hand(text)
        if typed:
            raise UserError(
                f"`{typed[0]}` must be a placeholder such as {{STUDY/CLAIM}}, or {{fixed: {typed[0].strip()}}} if no run "
                f"decides it: in {_beginning(text)}"
            )
        return PLACEHOLDER.sub(lambda name: self.number(name[1]), text)

    def number(self, name: str) -> str:
        """Return what stands in the place of a placeholder, without its braces."""
        if fixed := FIXED.fullmatch(name):
            return fixed[1]
        if line := LINE.fullmatch(name):
            return self._line(int(line[1]), line[2])

        sign, rest, parts = -1 if name.startswith("-") else 1, name.removeprefix("-"), []
        while suffix := SUFFIX.search(rest):
            parts.append(suffix[1])
            rest = rest[: suffix.start()]
        decimals = next((int(part) for part in parts if part.isdigit()), 2)
        part = next((part for part in parts if not part.isdigit()), "")

        is_cell = " > " in rest
        values = self._cell(rest) if is_cell else _values(self.claim(rest))
        return _shown(values, part, sign, decimals, name)

    def claim(self, name: str) -> RecordedClaim:
        """Return a judged claim by STUDY/CLAIM.

        Raises:
            UserError: there is none of that name.
        """
        study, _, own = name.partition("/")
        claims = self._claims(study) if re.fullmatch(r"\w+", study) else {}
        if own not in claims:
            raise UserError(f"`{name}` must be a judged claim, STUDY/CLAIM{_nearest(own, claims)}")
        return claims[own]

    def _cell(self, name: str) -> dict[str, float]:
        study, *keys = name.split(" > ")
        if len(keys) != 3:
            raise UserError(f"`{{{name}}}` must be STUDY > TABLE > ROW > COLUMN")
        title, row, column = keys
        tables = self.pages[study] if study in self.pages else self._tables(study)
        rows = tables[_named(title, tables, f"table of {study}")]
        by_name = {_row_name(each): each for each in rows}
        cells = by_name[_named(row, by_name, f"row of `{title}` of {study}")]
        heading = _named(column, cells, f"column of `{title}` of {study}")
        return _parsed(cells[heading], cells)

    def _claims(self, study: str) -> dict[str, RecordedClaim]:
        if study not in self._read_claims:
            judged = read_claims(self.studies / study)
            self._read_claims[study] = {claim.name: claim for claim in judged.claims} if judged else {}
        return self._read_claims[study]

    def _tables(self, study: str) -> dict[str, Rows]:
        if study not in self._read_tables:
            page = self.studies / study / PAGE
            if not page.is_file():
                raise UserError(
                    f"`{study}` must be a study with a page: phasescope study NAME --judge writes it"
                )
            self._read_tables[study] = tables_of(page.read_text())
        return self._read_tables[study]

    @cached_property
    def _read_claims(self) -> dict[str, dict[str, RecordedClaim]]:
        return {}

    @cached_property
    def _read_tables(self) -> dict[str, dict[str, Rows]]:
        return {}

    def _line(self, number: int, file: str) -> str:
        path = self.studies / file
        lines = path.read_text().splitlines() if path.is_file() else []
        if not 1 <= number <= len(lines):
            raise UserError(f"`{file}` must be a file beside a study with a line {number}")
        return lines[number - 1]


def typed_by_hand(text: str) -> list[str]:
    """Return the numbers of a text that stand in no placeholder and are no constants by `CONSTANT`: digits, and words such
    as "three of" and "seven runs". Code, targets of links and names with digits (S1, 2D, down3) are not looked at."""
    text = PLACEHOLDER.sub("{}", text)
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|arXiv [\d.]*\d", "`", text)
    text = CONSTANT.sub("", text)
    return [match[0] for pattern in (NUMBER, COUNT) for match in pattern.finditer(text)]


def tables_of(page: str) -> dict[str, Rows]:
    """Return the tables of a study's page in Markdown, by the heading right above each."""
    tables: dict[str, Rows] = {}
    for title, body in TABLE.findall(page):
        heads, _, *rows = (
            line.removeprefix("| ").removesuffix(" |").split(" | ") for line in body.splitlines()
        )
        tables[title] = [dict(zip(heads, row, strict=True)) for row in rows]
    return tables


def short_number(value: float, decimals: int = 2) -> str:
    """Return a number as prose has it: .19, 1.03, 16, 1,520; counts and numbers from 100 on without decimals."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return re.sub(r"^(-?)0\.", r"\1.", f"{value:z.{decimals}f}")


def _values(claim: RecordedClaim) -> dict[str, float]:
    """Return the numbers of a claim by part; of the logarithm of a ratio, the ratio's."""

    def shown(value: float | None) -> float | None:
        return math.exp(value) if claim.log and value is not None else value

    known = {
        "value": shown(claim.value),
        "low": shown(claim.low),
        "high": shown(claim.high),
        "bar": shown(claim.threshold),
        "power": claim.observed_power,
        "detectable": shown(claim.detectable),
        "n": claim.n,
    }
    values = {
        part: float(value) for part, value in known.items() if value is not None and not math.isnan(value)
    }
    runs = claim.detail.get("runs")
    if runs is not None or "value" in values:
        values["count"] = runs if runs is not None else round(values["value"] * claim.n)
    return values


def _parsed(cell: str, row: Mapping[str, str]) -> dict[str, float]:
    """Return the numbers of a cell by part, as in ``0.589 [0.483, 0.69] (15 of 16 runs)``."""
    match = RANGE.fullmatch(cell) or CELL.fullmatch(cell)
    try:
        known = {part: _as_number(text) for part, text in match.groupdict().items() if text} if match else {}
    except ValueError:
        known = {}
    if not known:
        raise UserError(f"`{cell}` must be a number, to stand in prose")

    runs = row.get(RUNS, "").replace(",", "")
    if "n" not in known and runs.isdigit():
        known["n"] = float(runs)
    if "value" in known and "n" in known:
        known["count"] = round(known["value"] * known["n"])
    return known


def _as_number(text: str) -> float:
    return float(text.replace(",", ""))


def _shown(values: Mapping[str, float], part: str, sign: int, decimals: int, name: str) -> str:
    """Return the part of a number; without a part, estimate and interval, or the estimate alone if there is no interval."""

    def short(key: str, direction: int = sign) -> str:
        return short_number(direction * values[key], decimals) if key in values else NOTHING

    ends = ("low", "high") if sign > 0 else ("high", "low")
    interval = f"[{short(ends[0])}, {short(ends[1])}]"
    if not part and "value" not in values:
        return f"{short(ends[0])} to {short(ends[1])}"
    if not part:
        return f"{short('value')} {interval}" if "low" in values else short("value")
    if part == "interval" and "low" in values:
        return interval
    if part not in values:
        raise UserError(f"`{{{name}}}` has no `{part}`: it has {', '.join(sorted(values))}")
    return short(part, 1 if part in ("n", "count", "power", "detectable") else sign)


def _named(asked: str, names: Mapping[str, object], kind: str) -> str:
    """Return the name that is asked for, or the only one that begins so."""
    begin = [name for name in names if name.startswith(asked)]
    if asked in names:
        return asked
    if len(begin) != 1:
        raise UserError(f"`{asked}` must be a {kind}{_nearest(asked, names)}")
    return begin[0]


def _row_name(row: Mapping[str, str]) -> str:
    heads = list(row)
    return ", ".join(row[head] for head in heads[: heads.index(RUNS) if RUNS in heads else 1]) or ALL


def _nearest(name: str, names: Mapping[str, object]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, list(names), n=3, cutoff=0.4)
    return f"; the nearest are {', '.join(f'`{each}`' for each in near)}" if near else ""


def _beginning(text: str) -> str:
    return f'"{" ".join(text.split()[:8])} ..."'
