"""The page of findings, studies/README.md: what the seed paper states and leaves open, with the verdict of the
study that asks it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from phasescope.runs.presets import PRESETS
from phasescope.studies.claim import VERDICTS
from phasescope.studies.records import Judged, RecordedClaim, read_claims
from phasescope.studies.study import Study
from phasescope.views.claim_words import criterion, format_interval, format_number, verdict_words
from phasescope.views.report.study_page import markdown_table, title_of

STATEMENTS = {
    "S1": "Samples pass three phases: A (no or several objects), B (one, in the wrong place), C (one, in the correct place)",
    "S2": "Latents pass three phases: no manifold, an unordered manifold, an ordered one",
    "S3": "Each phase has its own failure",
    "S4": "Order of the latents goes with accuracy",
    "S5": "Denser data and more overlap bring order and accuracy earlier",
    "S6": "x and y are learned together, even if one is sampled more densely",
    "S7": "Combinations that were never seen are generated correctly",
    "Q1": "Is a single object a good proxy for images?",
    "Q2": "What causes the phases; what does depth do?",
    "Q3": "What else drives accuracy?",
    "Q4": "Which inductive biases factorize x and y?",
    "Q5": "Do VAEs and normalizing flows learn alike?",
    "Q6": "What happens with more factors?",
    "Q7": "What happens without a label, or with a hierarchy of them?",
    "Q8": "Do structural losses help?",
    "Q9": "What happens on manifolds of higher dimension?",
    "Q10": "How sensitive is all that?",
}
"""P1's statements (S) and open questions (Q); "P1" is Liang, Liu & Fiete 2024 (arXiv 2402.03305)"""
ASKED = (
    "Liang, Liu & Fiete 2024 (P1, [arXiv 2402.03305](https://arxiv.org/abs/2402.03305)) train a diffusion model to "
    "generate a Gaussian bump at the (x, y) that it is conditioned on. They report three phases of learning: a sample "
    "has no object or several (A), one in the wrong place (B), one in the correct place (C). The studies here test what "
    "P1 and its sequel (P2, [arXiv 2408.13256](https://arxiv.org/abs/2408.13256)) state, and questions that they leave "
    "open, each on several small models that differ in their seed alone. Every claim was written down before its runs, "
    "unless its limits say otherwise."
)
ROWS = (
    "A row shows the headline claim of a study, its number with a 97.5 % interval over runs, and what the number must "
    "be for the claim to hold. A claim is undecided if the interval contains that threshold. `open`: no study asks it yet."
)
P1_SYSTEM = "paper"
"""preset with P1's own ingredients"""
NOTES = ("retired", "realisations")
"""beside the studies, appended: claims that are no longer made, and runs that were computed twice"""


def findings(studies: Sequence[tuple[Study, Path]], page: Path) -> str:
    """Return the page of findings of some studies, whose folders lie beside the page."""
    judged = [
        (study, folder, found) for study, folder in studies if (found := read_claims(folder)) is not None
    ]
    lines = ["# Findings", "", ASKED, "", *_own_system(judged), *_selected(), ""]
    lines += ["## The paper's statements and open questions", "", ROWS, ""]
    rows = [row for key, text in STATEMENTS.items() for row in _rows_of_statement(key, text, judged)]
    lines += markdown_table(
        (
            "",
            "statement or question",
            "verdict",
            "claim that was tested",
            "number",
            "runs",
            "preset",
            "study",
        ),
        rows,
    )
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


def _selected() -> list[str]:
    """Return which presets were selected by their outcome."""
    chosen = [f"`{name}`" for name, preset in PRESETS.items() if preset.chosen_by]
    return [
        "Most runs below use the presets `lean` and `small`. **Both were chosen because their samples pass phases "
        "A, B and C**, as 6 of 38 pilots did. That they pass them is therefore no evidence for P1. The training length of "
        f"{', '.join(chosen)} was chosen by its seeds 0 to 7."
    ]


def _own_system(judged: Sequence[tuple[Study, Path, Judged]]) -> list[str]:
    own = [(study, folder) for study, folder, found in judged if study.base == P1_SYSTEM and found.runs]
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
