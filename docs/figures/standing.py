"""How studies stand, in the pages of docs, from their records.

Wherever a page has `<!-- studies: NAME NAME -->`, a table; wherever it has `<!-- figures: NAME NAME -->`, each figure of
theirs with its caption and the verdicts that it shows.

python -m docs.figures.standing
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from phasescope.studies import studies
from phasescope.studies.core.declaration import read_declaration
from phasescope.studies.core.records import read_claims, read_frame
from phasescope.studies.core.study import Figure, Study
from phasescope.views.report.study_page import entry

DOCS = Path(__file__).parents[1]
RESULTS = DOCS.parent / "results"
BLOCK = re.compile(r"(<!-- (studies|figures): ([\w ]+) -->\n).*?(<!-- /\2 -->)", re.DOTALL)
ORDER = ("supported", "refuted", "undecided")


def verdicts(name: str) -> str:
    """How many claims of a study came out how, and of how many of its runs, where some are to come; that it is declared
    alone where it has no records."""
    told = read_claims(RESULTS / name)
    if not told or not told["claims"]:
        return "declared, not run"
    found = Counter(claim["verdict"] for claim in told["claims"])
    counts = ", ".join(f"{found[outcome]} {outcome}" for outcome in ORDER if found[outcome])
    runs, declared = told["records"]["runs"], len(studies()[name].configs())
    return counts if runs >= declared else f"{counts}; {runs} of {declared} runs"


def row(name: str) -> str:
    page = f"[{name}](results/{name}.md)" if (DOCS / "results" / f"{name}.md").exists() else f"`{name}`"
    return f"| {page} | {studies()[name].question} | {verdicts(name)} |"


def table(names: str) -> str:
    """Lines of a page's table: a study, what it asks, how its claims came out."""
    return "\n".join(["| study | asks | claims |", "|---|---|---|", *map(row, names.split())]) + "\n"


def figure(study: Study, one: Figure, caption: str) -> str:
    """A figure, and under it its caption and the verdicts that it shows."""
    told, declared = read_claims(RESULTS / study.name), read_declaration(RESULTS / study.name)
    claims = told["claims"] if told else ()
    shown = [entry(study, declared, claim) for claim in claims if claim["figure"] == one.name]
    lines = [f"![{one.title}](../results/{study.name}/{one.name}.png)\n\n{caption}"]
    for claim in shown:
        numbers = (
            f"{claim['value_text']} {claim['interval_text']}, holds if {claim['rule']}, n = {claim['n']}"
        )
        link = f"results/{study.name}.md#{claim['name']}"
        lines.append(
            f"- {claim['symbol']} {claim['verdict']}{claim['mark']}: [{claim['sentence']}]({link}) {numbers}"
        )
    return "\n\n".join([lines[0], "\n".join(lines[1:])] if shown else lines) + "\n\n"


def pictured(name: str) -> str:
    """A study's question and its figures; one line where it was not run."""
    study = studies()[name]
    head = f"### {study.question}\n\n"
    if not (DOCS / "results" / f"{name}.md").exists():
        return head + f"`{name}`: {verdicts(name)}.\n\n"
    frame = read_frame(study, RESULTS / name)
    return head + "".join(figure(study, one, one.caption(frame)) for one in study.figures)


def figures(names: str) -> str:
    """Of each study its question, its figures and the verdicts that they show."""
    return "\n" + "".join(map(pictured, names.split()))


FILLS = {"studies": table, "figures": figures}


def filled(text: str) -> str:
    """A page with its tables and figures as records have it."""
    return BLOCK.sub(lambda found: found[1] + FILLS[found[2]](found[3]) + found[4], text)


def main() -> int:
    """Fill the tables of every page."""
    for page in sorted(DOCS.glob("*.md")):
        if (text := page.read_text()) != (now := filled(text)):
            page.write_text(now)
            print(page.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
