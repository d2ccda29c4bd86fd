"""How studies stand, in the pages of docs: a table wherever a page has `<!-- studies: NAME NAME -->`, from their records.

python -m docs.figures.standing
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from phasescope.studies import studies
from phasescope.studies.core.records import read_claims

DOCS = Path(__file__).parents[1]
RESULTS = DOCS.parent / "results"
BLOCK = re.compile(r"(<!-- studies: ([\w ]+) -->\n).*?(<!-- /studies -->)", re.DOTALL)
ORDER = ("supported", "refuted", "undecided")


def verdicts(name: str) -> str:
    """How many claims of a study came out how; that it is declared alone where it has no records."""
    told = read_claims(RESULTS / name)
    if not told or not told["claims"]:
        return "declared, not run"
    found = Counter(claim["verdict"] for claim in told["claims"])
    return ", ".join(f"{found[outcome]} {outcome}" for outcome in ORDER if found[outcome])


def row(name: str) -> str:
    page = f"[{name}](results/{name}.md)" if (DOCS / "results" / f"{name}.md").exists() else f"`{name}`"
    return f"| {page} | {studies()[name].question} | {verdicts(name)} |"


def table(names: str) -> str:
    """Lines of a page's table: a study, what it asks, how its claims came out."""
    return "\n".join(["| study | asks | claims |", "|---|---|---|", *map(row, names.split())]) + "\n"


def filled(text: str) -> str:
    """A page with its tables as records have it."""
    return BLOCK.sub(lambda found: found[1] + table(found[2]) + found[3], text)


def main() -> int:
    """Fill the tables of every page."""
    for page in sorted(DOCS.glob("*.md")):
        if (text := page.read_text()) != (now := filled(text)):
            page.write_text(now)
            print(page.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
