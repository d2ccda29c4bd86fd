"""The page of findings, studies/README.md: what the seed paper states and leaves open, with the verdict of the
study that asks it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phasescope.studies.claim import VERDICTS
from phasescope.studies.records import Judged, RecordedClaim, read_claims
from phasescope.studies.study import Study
from phasescope.views.claim_words import criterion, format_interval, format_number, verdict_words
from phasescope.views.report.study_page import markdown_table, title_of

ROWS = (
    "A row shows the headline claim of a study, its number with a 97.5 % interval over runs, and what the number must "
    "be for the claim to hold. The threshold is ours, chosen before the runs. A claim is supported if the interval lies on "
    "the needed side of it, refuted if it lies on the other side, undecided if it contains the threshold or if runs are "
    "missing, and not reached if too many runs ended before it could be judged. `open`: no study asks it yet."
)
ASKED = "asked.toml"
"""beside the studies: what was asked, statements and questions, and the presets with the paper's own ingredients"""
NOTES = ("retired", "realisations")
"""beside the studies, appended: claims that are no longer made, and runs that were computed twice"""


def findings(studies: Sequence[tuple[Study, Path]], page: Path) -> str:
    """Return the page of findings of some studies, whose folders lie beside the page."""
    judged = [
        (study, folder, found) for study, folder in studies if (found := read_claims(folder)) is not None
    ]
    lines = ["# Findings", ""]
    if (path := page.parent / ASKED).exists():
        lines += _asked(tomllib.loads(path.read_text()), judged)
    lines += ["## Every claim", "", _counts([claim for _, _, found in judged for claim in found.claims]), ""]
    for study, folder, found in judged:
        if found.claims:
            lines += [
                f"### [{title_of(study.name)}]({folder.name}/README.md)",
                "",
                f"{study.question} {found.runs} runs.",
                "",
            ]
            lines += markdown_table(
                ("claim", "verdict", "value", "interval", "needed", "n", "power at the observed spread"),
                [_row_of_claim(claim, folder) for claim in found.claims],
            )
    notes = [path.read_text() for name in NOTES if (path := page.parent / f"{name}.md").exists()]
    return "\n".join([*lines, *notes]).rstrip() + "\n"


def _asked(asked: dict[str, Any], judged: Sequence[tuple[Study, Path, Judged]]) -> list[str]:
    """Return what was asked and of which systems, and a row for every statement and the study that tests it."""
    statements = asked["statements"].items()
    rows = [row for key, text in statements for row in _rows_of_statement(key, text, judged)]
    head = (
        "",
        "statement or question",
        "verdict",
        "claim that was tested",
        "number",
        "runs",
        "preset",
        "study",
    )
    return [
        *(asked["asked"], "", *_own_system(asked["own_systems"], judged), asked["selected"], ""),
        *("## The paper's statements and open questions", "", ROWS, ""),
        *markdown_table(head, rows),
    ]


def _own_system(systems: Sequence[str], judged: Sequence[tuple[Study, Path, Judged]]) -> list[str]:
    own = [(study, folder) for study, folder, found in judged if study.base in systems and found.runs]
    if not own:
        return ["**P1's own system (its objective, network and sampler together) has not been run yet.**"]
    links = ", ".join(f"[{title_of(study.name)}]({folder.name}/README.md)" for study, folder in own)
    return [f"P1's own system (its objective, network and sampler together) is in {links}."]


def _rows_of_statement(
    key: str, text: str, judged: Sequence[tuple[Study, Path, Judged]]
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for study, folder, found in judged:
        if key != study.answers or not study.headline:
            continue
        claim = next(claim for claim in found.claims if claim.name == study.headline)
        number = f"{format_number(claim.value)} {format_interval(claim)}, needed {criterion(claim)}"
        link = f"[{title_of(study.name)}]({folder.name}/README.md#{claim.name})"
        text_of_row = text if not rows else ""
        rows.append(
            (key, text_of_row, verdict_words(claim), claim.sentence, number, claim.n, study.base, link)
        )
    return rows or [(key, text, "open", "", "", "", "", "")]


def _row_of_claim(claim: RecordedClaim, folder: Path) -> tuple[object, ...]:
    link = f"[{claim.sentence}]({folder.name}/README.md#{claim.name})"
    return (
        link,
        verdict_words(claim),
        claim.value,
        format_interval(claim),
        criterion(claim),
        claim.n,
        claim.observed_power,
    )


def _counts(claims: Sequence[RecordedClaim]) -> str:
    counts = ", ".join(
        f"{sum(c.verdict == verdict and not c.check for c in claims)} {verdict}" for verdict in VERDICTS
    )
    weak = sum(c.observed_power is not None and c.observed_power < 0.8 for c in claims)
    checks = sum(c.check for c in claims)
    return (
        f"{len(claims)} claims: {counts}; {checks} are known answers, which check the instrument. Intervals are of 97.5 %. "
        f"At the spread that was observed between runs, {weak} of them have a power below 0.8 for the effect they ask about."
    )
