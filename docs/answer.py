"""What a study's claims say of each of the paper's statements: answer.md beside the study, from answer.toml and claims.json.

python -m docs.answer [STUDY]       from the repository's root; STUDY is p1 without it

answer.toml holds, for each statement, what the paper says, the claims that test it, each with the verdict that the
conclusion was written for, and the conclusion. If a verdict has become another one, that is an error: rewrite the
conclusion.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

from phasescope.core.errors import UserError
from phasescope.studies import find_study
from phasescope.studies.claims_file import RecordedClaim, read_claims
from phasescope.studies.preregistration import read_preregistration
from phasescope.views.facts.asked import asked
from phasescope.views.facts.numbers import count_cell, format_judged, verdict_cell
from phasescope.views.web.study_page import presets_of

STUDIES = Path(__file__).parents[1] / "studies"
HEADS = ("claim that was tested", "estimate, none, bar", "verdict", "n", "preset", "asked")
HEAD = [f"| {' | '.join(HEADS)} |", "|" + "---|" * len(HEADS)]


def answer(study: str) -> str:
    """Return the answer of a study in Markdown.

    Raises:
        UserError: a claim does not exist, or has another verdict than its conclusion was written for.
    """
    written = tomllib.loads(toml_of(study).read_text())
    statements = tomllib.loads((STUDIES / "asked.toml").read_text())["statements"]
    runs = (STUDIES / study / "story.txt").read_text().splitlines()
    parts = [written["intro"].format(*runs)]
    for part in written["statement"]:
        rows = [_row(study, name, verdict) for name, verdict in part["claims"].items()]
        limits = [
            claim.limits for claim in (judged_claim(name)[1] for name in part["claims"]) if claim.limits
        ]
        parts += [
            f"### {part['key']}. {statements[part['key']]}",
            f"**P1**: {part['says']}",
            "\n".join([*HEAD, *rows]),
            f"**So**: {part['so']}",
            f"**Figure**: {part['figure']}",
            f"**What this does not show**: {part.get('limits', limits[0] if limits else '')}",
        ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def toml_of(study: str) -> Path:
    return STUDIES / study / "answer.toml"


def judged_claim(name: str) -> tuple[Any, RecordedClaim]:
    """Return a claim and its study, by ``study/claim``; UserError if it is not judged."""
    study, folder = find_study(name.partition("/")[0], STUDIES)
    judged = read_claims(folder)
    for claim in judged.claims if judged else ():
        if claim.name == name.partition("/")[2]:
            return study, claim
    raise UserError(f"`claims` (={name}) must be a judged claim, STUDY/CLAIM")


def _row(own: str, name: str, verdict: str) -> str:
    study, claim = judged_claim(name)
    if claim.verdict != verdict:
        raise UserError(
            f"`{name}` is {claim.verdict}, and the conclusion was written for `{verdict}`: rewrite it"
        )
    link = f"#{claim.name}" if study.name == own else f"../{study.name}/README.md#{claim.name}"
    when = asked(claim, read_preregistration(STUDIES / study.name))
    numbers = f"{format_judged(claim)} | {verdict_cell(claim)} | {count_cell(claim)}"
    return f"| [{claim.sentence}]({link}) | {numbers} | {presets_of(study, claim.name)} | {when} |"


if __name__ == "__main__":
    name = (sys.argv[1:] or ["p1"])[0]
    (STUDIES / name / "answer.md").write_text(answer(name))
