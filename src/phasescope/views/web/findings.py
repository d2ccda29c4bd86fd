"""The pages of findings, beside the studies: README.md, a row for each statement of the seed paper and each question that it
leaves open; statements.md, what is known of each in full; claims.md, every claim in one table."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from phasescope.core.errors import UserError
from phasescope.studies.claim import Claim
from phasescope.studies.claims_file import Judged, RecordedClaim, read_claims
from phasescope.studies.study import Study
from phasescope.views.facts import multiplicity, numbers
from phasescope.views.facts.verdicts import BEYOND, NOT_RUN, SHORT, count_words, shown_verdict
from phasescope.views.web.markdown import PAGE, anchor
from phasescope.views.web.prose import Prose
from phasescope.views.web.study_page import CLAIM_HEADS, asked_words, claim_row, in_markdown, presets_of

ASKED = "asked.toml"
"""beside the studies: what was asked, what is said of each statement, and P1's own presets"""
NOTES = ("retired", "realisations")
"""beside the studies, appended to the claims: those that are no longer made, and runs that were computed twice"""
CLAIMS_PAGE, DETAILS_PAGE = "claims.md", "statements.md"

KEY = re.compile(r"[SQ]\d+")
"""of P1's statements and of the questions that it leaves open"""
AGREES, AGAINST, SILENT, UNASKED = "agrees with P1", "against P1", "does not tell", "not asked"
"""words of a statement; `word_of` says which follows from its claims"""
MOST_WORDS, MOST_ANSWER_WORDS = 25, 12
"""of a row and of the answer to a question, numbers not counted"""
FIELDS = ("text", "row", "saw", "else", "not", "detail", "picture", "claims")


@dataclass(frozen=True)
class Asking:
    """What the pages of findings ask, with the studies that answer: those with records come first."""

    page: Mapping[str, Any]
    """the contents of `ASKED`; empty where there is no such file"""
    every: Sequence[tuple[Study, Path, Judged | None]]

    @property
    def statements(self) -> Mapping[str, str]:
        """Return the text of each statement and question, by its key."""
        return {key: self.page[key]["text"] for key in self.page if KEY.fullmatch(key)}

    @property
    def own_systems(self) -> Sequence[str]:
        """Return the presets with the paper's own ingredients."""
        return self.page.get("own_systems", ())

    @property
    def judged(self) -> list[tuple[Study, Path, Judged]]:
        return [(study, folder, known) for study, folder, known in self.every if known]

    def preset_of(self, name: str) -> str:
        """Return the preset of a claim's runs by STUDY/CLAIM, judged or not; empty if there is no such claim."""
        study_name, _, own = name.partition("/")
        for study, _, _ in self.every:
            if study.name == study_name and any(claim.name == own for claim in study.claims):
                return presets_of(study, own)
        return ""

    def deciding(self, key: str) -> dict[str, bool]:
        """Return the claims that decide a statement: those that it names whose runs are on the paper's own ingredients, each
        with whether it says what the paper says (`for`) or the opposite (`opposed`)."""
        named = {name: side == "for" for side in ("for", "opposed") for name in self.page[key].get(side, ())}
        return {name: is_p1s for name, is_p1s in named.items() if self.preset_of(name) in self.own_systems}

    def claim(self, name: str) -> tuple[Study, Path, RecordedClaim] | None:
        """Return a judged claim by STUDY/CLAIM; None if it is not judged."""
        study_name, _, own = name.partition("/")
        for study, folder, known in self.judged:
            for claim in known.claims if study.name == study_name else ():
                if claim.name == own:
                    return study, folder, claim
        return None


def read_asking(studies: Sequence[tuple[Study, Path]], results: Path) -> Asking:
    """Return what is asked of some studies, from `ASKED` in the folder `results`, in which theirs lie.

    Raises:
        UserError: a statement names what is no claim, or lacks a field.
    """
    every = [(study, folder, read_claims(folder)) for study, folder in studies]
    every.sort(key=lambda each: each[2] is None)

    path = results / ASKED
    page = tomllib.loads(path.read_text()) if path.exists() else {}
    names = {f"{study.name}/{claim.name}" for study, _ in studies for claim in study.claims}
    for key, said in page.items():
        if not KEY.fullmatch(key):
            continue
        named = chain(
            said.get("also", ()), said.get("for", ()), said.get("opposed", ()), said.get("claims", ())
        )
        if wrong := set(named) - names:
            raise UserError(f"`{key}` (={min(wrong)}) in {path} must name claims as study/claim")
        if lacking := [name for name in FIELDS if name not in said]:
            raise UserError(
                f"`{key}` in {path} must have `{lacking[0]}`: a statement has {', '.join(FIELDS)}"
            )
    return Asking(page, every)


def claims_about(key: str, asking: Asking) -> Iterator[tuple[Study, Path, Claim | RecordedClaim]]:
    """Yield the main claim of every study that tests a statement, the claims that decide it, and those that its `also`
    names, each as it was judged or, without records, as its study has it."""
    also = {*asking.page[key].get("also", ()), *asking.deciding(key)}
    for study, folder, known in asking.every:
        main = study.headline if key == study.answers else None
        claims: Sequence[Claim | RecordedClaim] = known.claims if known else study.claims
        for claim in claims:
            if claim.name == main or f"{study.name}/{claim.name}" in also:
                yield study, folder, claim


def word_of(key: str, asking: Asking) -> str:
    """Return what the runs say of one of P1's statements, by one rule for all statements.

    The runs agree with P1 if each deciding claim (`Asking.deciding`) lies on P1's side of its bar, with its whole interval;
    they are against P1 if each lies on the other side; otherwise they do not tell, as while one has not been run. A
    statement without a deciding claim is not asked.
    """
    deciding = asking.deciding(key)
    if not deciding:
        return UNASKED

    words = {_word_of_claim(asking.claim(name), is_p1s) for name, is_p1s in deciding.items()}
    return words.pop() if len(words) == 1 else SILENT


def _word_of_claim(judged: tuple[Study, Path, RecordedClaim] | None, is_p1s: bool) -> str:
    """Return the word that would follow from one claim alone; of a claim that says the opposite of P1, the opposite word.

    A claim that is open, uninformative or not run does not tell.
    """
    words = shown_verdict(judged[2]) if judged else NOT_RUN
    if words in BEYOND.values():
        return AGREES if is_p1s else AGAINST
    if words.startswith(SHORT):
        return AGAINST if is_p1s else AGREES
    return SILENT


def finding_pages(studies: Sequence[tuple[Study, Path]], page: Path) -> dict[Path, str]:
    """Return the pages of findings of some studies, whose folders lie beside them, by path: `page`, the page of all claims
    and, if there is an `ASKED`, that of the statements in full.

    Raises:
        UserError: prose names a number that no study has, or has one that is typed by hand; the word of a statement does not
            follow from its claims; or a claim has another verdict than the prose was written for.
    """
    asking = read_asking(studies, page.parent)
    judged = asking.judged
    claims = [claim for _, _, known in judged for claim in known.claims]
    rows = [
        (study.answers, study.name, *_row(study, folder, claim))
        for study, folder, known in judged
        for claim in known.claims
    ]

    pages = {
        page: in_markdown(
            "findings.md.j2",
            asked=_filled(asking, page.parent),
            rows=[] if asking.statements else _studies_without_statements(asking),
            multiple=multiplicity.decisions_words(claims),
            shared=_shared_runs(asking),
        ),
        page.parent / CLAIMS_PAGE: in_markdown(
            "claims.md.j2",
            heads=("asks", "study", *CLAIM_HEADS),
            rows=rows,
            counts=_counts(claims),
            notes=[note.read_text() for name in NOTES if (note := page.parent / f"{name}.md").exists()],
        ),
    }
    if asking.statements:
        pages[page.parent / DETAILS_PAGE] = in_markdown(
            "statements.md.j2", asked=_filled(asking, page.parent)
        )
    return pages


def _filled(asking: Asking, results: Path) -> dict[str, Any] | None:
    """Return `ASKED` with its numbers, and of each statement its rows of claims; None without statements."""
    if not asking.statements:
        return None
    prose = Prose(results)
    page: dict[str, Any] = {
        name: prose.filled(text) for name, text in asking.page.items() if isinstance(text, str)
    }
    running = asking.page.get("running_statements", ())
    statements = []
    for key in asking.statements:
        said = asking.page[key]
        _check(key, asking)
        texts = {name: prose.filled(text) for name, text in said.items() if isinstance(text, str)}
        statements.append(
            {"key": key, "running": key in running, "word": "", "answer": "", "caption": "", "says": ""}
            | {"limits": "", "figure": "", "heads": STATEMENT_HEADS, "rows": _claims_of(key, asking)}
            | texts
        )
    return page | {"statements": statements}


def _check(key: str, asking: Asking) -> None:
    """Raise UserError if a statement's word, or its prose, was written for other verdicts than are recorded."""
    said = asking.page[key]
    if key.startswith("S") and said.get("word") != (word := word_of(key, asking)):
        raise UserError(
            f"`word` (={said.get('word')}) of {key} must be {word}, which follows from its claims"
        )
    for name, verdict in said["claims"].items():
        known = asking.claim(name)
        if known is None or known[2].verdict != verdict:
            now = known[2].verdict if known else "not judged"
            raise UserError(f"`{name}` is {now}, and {key} was written for `{verdict}`: rewrite it")


def _studies_without_statements(asking: Asking) -> list[tuple[str, str, str]]:
    """Return a row for each study: its link, its question, how its claims came out."""
    return [
        (_link(study, folder), study.question, count_words(known.claims) if known else NOT_RUN)
        for study, folder, known in asking.every
    ]


def _row(study: Study, folder: Path, claim: RecordedClaim) -> tuple[object, ...]:
    """Return a row of `CLAIM_HEADS`, which links to the claim on its study's page."""
    return (_link(study, folder, claim), *claim_row(study, claim))


def _link(study: Study, folder: Path, claim: RecordedClaim | None = None, text: str = "") -> str:
    text = text or (claim.sentence if claim else f"`{study.name}`")
    page = PAGE if (folder / PAGE).exists() else "study.py"
    return f"[{text}]({folder.name}/{page}{f'#{anchor(claim.name)}' if claim else ''})"


STATEMENT_HEADS = ("claim", "estimate, no effect, bar", "verdict", "n", "preset", "asked")


def _claims_of(key: str, asking: Asking) -> list[tuple[object, ...]]:
    """Return a row of `STATEMENT_HEADS` for each claim that a statement names, and for the main claim of each further study
    that asks it."""
    rows: list[tuple[object, ...]] = []
    deciding = asking.deciding(key)
    for study, folder, claim in _shown_claims(key, asking):
        preset, when = presets_of(study, claim.name), asked_words(claim)
        mark = " (*decides*)" if f"{study.name}/{claim.name}" in deciding else ""
        if not isinstance(claim, RecordedClaim):
            link = _link(study, folder, text=claim.sentence) + mark
            rows.append((link, "", NOT_RUN, 0, preset, when))
            continue

        missing = "" if claim.analysis else f" ({numbers.why_words(claim.why)})"
        rows.append(
            (
                _link(study, folder, claim) + mark,
                numbers.format_judged(claim),
                numbers.verdict_cell(claim) + missing,
                numbers.count_cell(claim),
                preset,
                when,
            )
        )
    return rows


def _shown_claims(key: str, asking: Asking) -> Iterator[tuple[Study, Path, Claim | RecordedClaim]]:
    named = asking.page[key]["claims"]
    for name in named:
        if known := asking.claim(name):
            yield known
    for study, folder, claim in claims_about(key, asking):
        if f"{study.name}/{claim.name}" not in named:
            yield study, folder, claim


def _counts(claims: Sequence[RecordedClaim]) -> str:
    weak = sum(c.observed_power is not None and c.observed_power < 0.8 for c in claims)
    return (
        f"{len(claims)} claims: {count_words(claims)}. A check has a known answer, and tests the instrument. "
        "Intervals are of 97.5 %; of a claim with several readings, which must all agree, it covers those of all. At the "
        f"spread that was observed between runs, {weak} claims have a power below 0.8 for the effect they ask about."
    )


def _shared_runs(asking: Asking) -> str:
    """Return a sentence on how many claims on the paper's ingredients rest on the same runs; empty if there is none."""
    readers: Counter[str] = Counter()
    total = 0
    for study, _, known in asking.judged:
        for claim in study.claims:
            judged = any(own.name == claim.name and own.analysis for own in known.claims)
            if not judged or presets_of(study, claim.name) not in asking.own_systems:
                continue
            total += 1
            cells = study.cells_of(claim.where)
            readers.update({study.digest(cell, seed) for cell in cells for seed in range(study.first(cell))})

    if not total:
        return ""
    most = max(readers.values())
    runs = sum(count == most for count in readers.values())
    own = ", ".join(f"`{name}`" for name in asking.own_systems)
    return f"Of the {total} judged claims on P1's ingredients ({own}), {most} rest on the same {runs} runs."
