"""A study's page: README.md in its folder, from its records, claims.json and preregistration.json, also as one HTML file;
and the page of findings, studies/README.md: what the seed paper states and leaves open, with the study that asks it."""

import re
import tomllib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from phasescope.core.errors import UserError
from phasescope.runs.store.files import write_all_aside, write_aside
from phasescope.studies.claims_file import VERDICTS, RecordedClaim, read_claims
from phasescope.studies.observing import RETIRED
from phasescope.studies.preregistration import changed_sources, check_preregistered
from phasescope.studies.records import Recorded, read_rows
from phasescope.studies.study import Study
from phasescope.views.facts import numbers
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
        rows=[(f"[{claim.sentence}](#{claim.name})", *numbers.claim_cells(claim)) for claim in judged.claims],
        retired=by_retired_rule(study),
        known=known,
        changed=changed_sources(study, known) if known else (),
        amended=numbers.amendment_lines(known) if known else (),
    )

    figures = {f"{plot.name}.png": figure_bytes(draw(panels), "png", dpi=130) for plot, panels in drawn}
    return {folder / PAGE: text} | {folder / name: content for name, content in figures.items()}


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
        "verdict": numbers.verdict_words,
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


def findings(studies: Sequence[tuple[Study, Path]], page: Path) -> str:
    """Return the page of findings of some studies, whose folders lie beside the page."""
    every = [(study, folder, read_claims(folder)) for study, folder in studies]
    every.sort(key=lambda each: each[2] is None)
    judged = [(study, folder, known) for study, folder, known in every if known]

    path = page.parent / ASKED
    asked = tomllib.loads(path.read_text()) if path.exists() else {"statements": {}, "own_systems": ()}
    own, also = asked["own_systems"], asked.get("also", {})

    names = {f"{study.name}/{claim.name}" for study, _ in studies for claim in study.claims}
    if wrong := {*also, *chain(*also.values())} - names - set(asked["statements"]):
        raise UserError(f"`also` (={min(wrong)}) in {path} must name a statement, and claims as study/claim")

    return _markdown(
        "findings.md.j2",
        asked=asked if path.exists() else None,
        own=[_link(study, folder) for study, folder, known in judged if study.base in own and known.runs],
        rows=[row for key in asked["statements"] for row in _rows(key, asked, every)],
        counts=_counts([claim for _, _, known in judged for claim in known.claims]),
        judged=[
            (
                study,
                _link(study, folder),
                [(_link(study, folder, claim), *numbers.claim_cells(claim)) for claim in known.claims],
                known.runs,
            )
            for study, folder, known in judged
        ],
        notes=[note.read_text() for name in NOTES if (note := page.parent / f"{name}.md").exists()],
    )


def _link(study: Study, folder: Path, claim: RecordedClaim | None = None, text: str = "") -> str:
    text = text or (claim.sentence if claim else f"`{study.name}`")
    page = PAGE if (folder / PAGE).exists() else "study.py"
    return f"[{text}]({folder.name}/{page}{f'#{claim.name}' if claim else ''})"


def _rows(key: str, asked: Any, every: Sequence[tuple[Study, Path, Any]]) -> list[tuple[object, ...]]:
    """Return a row for the main claim of every study that tests a statement, and for the claims that `also` names as
    `study/claim`; the statement's text stands in the first."""
    rows: list[tuple[object, ...]] = []
    text, also = asked["statements"][key], asked.get("also", {}).get(key, ())
    for study, folder, known in every:
        claims: Sequence[Any] = known.claims if known else study.claims
        main = study.headline if key == study.answers else None
        for claim in (c for c in claims if c.name == main or f"{study.name}/{c.name}" in also):
            verdict, number, n = "not run yet", "", 0
            if known:
                missing = "" if claim.analysis else f" ({claim.why.removeprefix('first analysis: ')})"
                verdict, number = numbers.verdict_words(claim) + missing, numbers.format_judged(claim)
                n = claim.n
            link = _link(study, folder, claim if known else None, f"`{study.name}`")
            rows.append((key, "" if rows else text, verdict, claim.sentence, number, n, study.base, link))
    return rows or [(key, text, "open", "", "", "", "", "")]


def _counts(claims: Sequence[RecordedClaim]) -> str:
    verdicts = [claim.verdict for claim in claims if not claim.check]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in VERDICTS)
    weak = sum(c.observed_power is not None and c.observed_power < 0.8 for c in claims)
    return (
        f"{len(claims)} claims: {counts}; {len(claims) - len(verdicts)} are known answers, which check the instrument. "
        "Intervals are of 97.5 %; of a claim with several readings, which must all agree, it covers those of all. At the "
        f"spread that was observed between runs, {weak} claims have a power below 0.8 for the effect they ask about."
    )
