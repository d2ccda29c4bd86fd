"""How studies stand, in the pages of docs, from their records.

Wherever a page has `<!-- studies: NAME NAME -->`, a table; wherever it has `<!-- figures: NAME NAME -->`, each
study's figures with their captions, then its claims with their verdicts.

python -m docs.figures.standing
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from phasescope.studies import Study, find_study
from phasescope.studies.claims_file import read_claims
from phasescope.studies.records import Recorded, read_rows
from phasescope.views.facts.numbers import count_cell, format_judged, verdict_cell
from phasescope.views.facts.verdicts import count_words

DOCS = Path(__file__).parents[1]
STUDIES = DOCS.parent / "studies"
BLOCK = re.compile(r"(<!-- (studies|figures): ([\w ]+) -->\n).*?(<!-- /\2 -->)", re.DOTALL)


def verdicts(name: str) -> str:
    """Return how many claims of a study have which verdict; that it is preregistered only if it has no records."""
    judged = read_claims(STUDIES / name)
    if judged is None or not judged.claims:
        return "no claims" if judged else "preregistered, not run"
    return count_words(judged.claims)


def table(names: str) -> str:
    """Return the lines of a page's table: a study, what it asks, how its claims came out."""
    found = [find_study(name, STUDIES)[0] for name in names.split()]
    rows = [
        f"| [{s.name}](../studies/{s.name}/README.md) | {s.question} | {verdicts(s.name)} |" for s in found
    ]
    return "\n".join(["| study | asks | claims |", "|---|---|---|", *rows]) + "\n"


def pictured(study: Study, folder: Path) -> str:
    """Return a study's question, its figures with captions, and its claims with their verdicts."""
    parts = [f"### {study.question}"]
    if (judged := read_claims(folder)) is None:
        return f"{parts[0]}\n\n`{study.name}`: {verdicts(study.name)}.\n\n"
    runs = Recorded(study, read_rows(study, folder)).runs(study.more)
    for plot in study.plots:
        parts.append(f"![{plot.title}](../studies/{study.name}/{plot.name}.png)\n\n{plot.caption(runs)}")
    lines = [
        f"- [{c.sentence}](../studies/{study.name}/README.md#{c.name}) "
        f"{format_judged(c)}: *{verdict_cell(c)}*, n = {count_cell(c)}"
        for c in judged.claims
    ]
    return "\n\n".join([*parts, "\n".join(lines)]) + "\n\n"


def figures(names: str) -> str:
    return "\n" + "".join(pictured(*find_study(name, STUDIES)) for name in names.split())


FILLS = {"studies": table, "figures": figures}


def filled(text: str) -> str:
    """Return a page with its tables and figures as records have them."""
    return BLOCK.sub(lambda block: block[1] + FILLS[block[2]](block[3]) + block[4], text)


def main() -> int:
    """Fill the blocks of every page."""
    for page in sorted(DOCS.glob("*.md")):
        if (text := page.read_text()) != (now := filled(text)):
            page.write_text(now)
            print(page.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
