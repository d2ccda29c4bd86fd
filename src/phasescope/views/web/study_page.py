"""A study's page: README.md in its folder, from its records, claims.json and preregistration.json, also as one HTML file;
and the page of findings, studies/README.md: what the seed paper states and leaves open, with the study that asks it."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from phasescope.core.errors import UserError
from phasescope.runs.store.files import write_all_aside, write_aside
from phasescope.studies.claim import Claim
from phasescope.studies.claims_file import Judged, RecordedClaim, read_claims
from phasescope.studies.observing import RETIRED
from phasescope.studies.preregistration import (
    Preregistration,
    changed_sources,
    check_preregistered,
    read_preregistration,
)
from phasescope.studies.records import Recorded, read_rows
from phasescope.studies.study import Study
from phasescope.views.facts import numbers
from phasescope.views.facts.asked import BEFORE, asked
from phasescope.views.facts.verdicts import count_words, shown_verdict
from phasescope.views.figures.axes import figure_bytes
from phasescope.views.figures.studies import draw
from phasescope.views.web.inlined import environment
from phasescope.views.web.markdown import PAGE, markdown_page

ASKED = "asked.toml"
"""beside the studies: what was asked, of which statements, tested by which further claims, and P1's own presets"""
FIRST = ("summary.md", "answer.md")
"""beside a study, shown first: what came out of it, and what it says of each of the paper's statements"""
NOTES = ("retired", "realisations")
"""beside the studies, appended: claims that are no longer made, and runs that were computed twice"""
CLAIM_HEADS = ("claim", *numbers.CLAIM_HEADS, "preset", "asked")


def study_page(study: Study, folder: Path) -> dict[Path, str | bytes]:
    """Return the files of a study's page, README.md and its figures, by path.

    Raises:
        UserError: there are no records, or claims.json was not computed from them.
    """
    judged = read_claims(folder)
    if judged is None or judged.stale:
        raise UserError(
            f"`{folder}` must hold a claims.json of its records: phasescope study {study.name} --judge writes it"
        )

    runs = Recorded(study, read_rows(study, folder)).runs(study.more)
    known = check_preregistered(study, folder)
    drawn = [(plot, panels) for plot in study.plots if (panels := plot.panels(runs))]

    text = _markdown(
        "study.md.j2",
        study=study,
        first=[(folder / name).read_text() for name in FIRST if (folder / name).exists()],
        judged=judged,
        runs=runs,
        plots=[plot for plot, _ in drawn],
        heads=CLAIM_HEADS,
        rows=[(f"[{c.sentence}](#{c.name})", *_claim_cells(study, c, known)) for c in judged.claims],
        retired=by_retired_rule(study),
        known=known,
        changed=changed_sources(study, known) if known else (),
        amended=numbers.amendment_lines(known) if known else (),
    )

    figures = {f"{plot.name}.png": figure_bytes(draw(panels), "png", dpi=130) for plot, panels in drawn}
    return {folder / PAGE: text} | {folder / name: content for name, content in figures.items()}


def presets_of(study: Study, claim: str) -> str:
    """Return the presets of the runs that a claim reads, by its name."""
    where = next((own.where for own in study.claims if own.name == claim), {})
    return ", ".join(sorted({cell.base or study.base for cell in study.cells_of(where)}))


def _claim_cells(study: Study, claim: RecordedClaim, known: Preregistration | None) -> tuple[object, ...]:
    return (*numbers.claim_cells(claim), presets_of(study, claim.name), asked(claim, known))


def _claim_rows(study: Study, folder: Path, claims: Sequence[RecordedClaim]) -> list[tuple[object, ...]]:
    """Return a row of `CLAIM_HEADS` for each claim of a study, which links to it on the study's page."""
    known = read_preregistration(folder)
    return [(_link(study, folder, claim), *_claim_cells(study, claim, known)) for claim in claims]


def by_retired_rule(study: Study) -> list[str]:
    """Return the names of the claims that read a phase by a rule that is retired."""
    if RETIRED not in study.columns:
        return []
    return [claim.name for claim in study.claims if RETIRED in claim.columns_read()]


def _markdown(template: str, **shown: Any) -> str:
    """Return a page in Markdown; blocks stand apart by one empty line."""
    pages = environment()
    pages.filters |= {
        "cell": lambda value: numbers.format_cell(value).replace("|", "\\|"),
        "values": dict.values,
        "judged": numbers.format_judged,
        "over_all": numbers.format_over_all,
        "verdict": shown_verdict,
        "power": numbers.power_words,
        "why": numbers.why_words,
    }
    text = pages.get_template(template).render(**shown)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def write_study_page(study: Study, folder: Path) -> list[Path]:
    """Write README.md and the figures of a study's folder; return their paths."""
    files = study_page(study, folder)
    write_all_aside(files)
    return list(files)


def write_html(study: Study, folder: Path, out: Path | None = None) -> Path:
    """Write a study's page as one self-contained HTML file to `out`, by default report.html in its folder."""
    files = study_page(study, folder)
    images = {path.name: path.read_bytes() for path in folder.glob("*.png")}
    images |= {path.name: content for path, content in files.items() if isinstance(content, bytes)}
    path = out or folder / "report.html"
    write_aside(path, markdown_page(str(files[folder / PAGE]), study.name, images))
    return path


@dataclass(frozen=True)
class Asking:
    """What the page of findings asks, with the studies that answer: those with records come first."""

    page: Mapping[str, Any]
    """the contents of `ASKED`; without statements where there is no such file"""
    every: Sequence[tuple[Study, Path, Judged | None]]

    @property
    def statements(self) -> Mapping[str, str]:
        """Return the text of each statement and question, by its key."""
        return self.page["statements"]

    @property
    def judged(self) -> list[tuple[Study, Path, Judged]]:
        return [(study, folder, known) for study, folder, known in self.every if known]


def read_asking(studies: Sequence[tuple[Study, Path]], results: Path) -> Asking:
    """Return what is asked of some studies, from `ASKED` in the folder `results`, in which theirs lie.

    Raises:
        UserError: `also` names what is no statement, or no claim.
    """
    every = [(study, folder, read_claims(folder)) for study, folder in studies]
    every.sort(key=lambda each: each[2] is None)

    path = results / ASKED
    page = tomllib.loads(path.read_text()) if path.exists() else {"statements": {}, "own_systems": ()}
    also = page.get("also", {})
    names = {f"{study.name}/{claim.name}" for study, _ in studies for claim in study.claims}
    if wrong := {*also, *chain(*also.values())} - names - set(page["statements"]):
        raise UserError(f"`also` (={min(wrong)}) in {path} must name a statement, and claims as study/claim")
    return Asking(page, every)


def claims_about(key: str, asking: Asking) -> Iterator[tuple[Study, Path, Claim | RecordedClaim]]:
    """Yield the main claim of every study that tests a statement, and the claims that `also` names, each as it was judged
    or, without records, as its study has it."""
    also = asking.page.get("also", {}).get(key, ())
    for study, folder, known in asking.every:
        main = study.headline if key == study.answers else None
        claims: Sequence[Claim | RecordedClaim] = known.claims if known else study.claims
        for claim in claims:
            if claim.name == main or f"{study.name}/{claim.name}" in also:
                yield study, folder, claim


def findings(studies: Sequence[tuple[Study, Path]], page: Path) -> str:
    """Return the page of findings of some studies, whose folders lie beside the page."""
    asking = read_asking(studies, page.parent)
    own, judged = asking.page["own_systems"], asking.judged

    return _markdown(
        "findings.md.j2",
        asked=asking.page if asking.statements else None,
        own=[_link(study, folder) for study, folder, known in judged if study.base in own and known.runs],
        statement_heads=STATEMENT_HEADS,
        rows=[row for key in asking.statements for row in _rows(key, asking)],
        heads=CLAIM_HEADS,
        counts=_counts([claim for _, _, known in judged for claim in known.claims]),
        judged=[
            (study, _link(study, folder), _claim_rows(study, folder, known.claims), known.runs)
            for study, folder, known in judged
        ],
        notes=[note.read_text() for name in NOTES if (note := page.parent / f"{name}.md").exists()],
    )


def _link(study: Study, folder: Path, claim: RecordedClaim | None = None, text: str = "") -> str:
    text = text or (claim.sentence if claim else f"`{study.name}`")
    page = PAGE if (folder / PAGE).exists() else "study.py"
    return f"[{text}]({folder.name}/{page}{f'#{claim.name}' if claim else ''})"


STATEMENT_HEADS = (
    "",
    "statement or question",
    "claim that was tested",
    "estimate and 97.5 % interval",
    "none",
    "bar",
    "verdict",
    "n",
    "preset",
    "asked",
    "study",
)


def _rows(key: str, asking: Asking) -> list[tuple[object, ...]]:
    """Return a row of `STATEMENT_HEADS` for each claim about a statement, whose text stands in the first."""
    text, units = asking.statements[key], asking.page.get("units", {})
    rows: list[tuple[object, ...]] = []
    for study, folder, claim in claims_about(key, asking):
        statement, preset = "" if rows else text, presets_of(study, claim.name)
        if not isinstance(claim, RecordedClaim):
            unknown = ("", "", "", "not run yet", 0)
            link = _link(study, folder, text=f"`{study.name}`")
            rows.append((key, statement, claim.sentence, *unknown, preset, BEFORE, link))
            continue

        estimate = f"{numbers.format_value(claim)} {numbers.format_interval(claim)}"
        missing = "" if claim.analysis else f" ({claim.why.removeprefix('first analysis: ')})"
        unit = units.get(f"{study.name}/{claim.name}")
        judged = (
            estimate,
            numbers.format_none(claim),
            numbers.criterion(claim),
            numbers.verdict_cell(claim) + missing,
            f"{unit}, {claim.n} runs" if unit else numbers.count_cell(claim),
        )
        when = asked(claim, read_preregistration(folder))
        link = _link(study, folder, claim, f"`{study.name}`")
        rows.append((key, statement, claim.sentence, *judged, preset, when, link))
    return rows or [(key, text, "", "", "", "", "not asked yet", "", "", "", "")]


def _counts(claims: Sequence[RecordedClaim]) -> str:
    weak = sum(c.observed_power is not None and c.observed_power < 0.8 for c in claims)
    return (
        f"{len(claims)} claims: {count_words(claims)}. A check has a known answer, and tests the instrument. "
        "Intervals are of 97.5 %; of a claim with several readings, which must all agree, it covers those of all. At the "
        f"spread that was observed between runs, {weak} claims have a power below 0.8 for the effect they ask about."
    )
