"""A study's page: README.md in its folder, from its records, claims.json and preregistration.json, also as one HTML file."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from phasescope.core.errors import UserError
from phasescope.runs.store.files import write_all_aside, write_aside
from phasescope.studies.claim import Claim
from phasescope.studies.claims_file import RecordedClaim, read_claims
from phasescope.studies.finding import located, named_on_command_line
from phasescope.studies.observing import RETIRED
from phasescope.studies.plots import BasePlot, Panel
from phasescope.studies.preregistration import changed_sources, check_preregistered
from phasescope.studies.records import Recorded, read_rows
from phasescope.studies.runs_table import Runs
from phasescope.studies.study import Study
from phasescope.views.facts import numbers
from phasescope.views.facts.verdicts import shown_verdict
from phasescope.views.figures.axes import figure_bytes
from phasescope.views.figures.studies import draw
from phasescope.views.web.inlined import environment
from phasescope.views.web.markdown import PAGE, anchor, markdown_page
from phasescope.views.web.prose import Prose, Rows

SUMMARY = "summary.md"
"""beside a study: what came out of it, with its numbers as placeholders"""
CLAIM_HEADS = ("claim", *numbers.CLAIM_HEADS, "preset", "asked")
SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z`])")


def study_page(study: Study, folder: Path) -> dict[Path, str | bytes]:
    """Return the files of a study's page, README.md and its figures, by path.

    Raises:
        UserError: there are no records, or claims.json was not computed from them; or the summary names a number that no
            study has, or has one that is typed by hand.
    """
    text, drawn = page_text(study, folder)
    figures = {f"{plot.name}.png": figure_bytes(draw(panels), "png", dpi=130) for plot, panels in drawn}
    return {folder / PAGE: text} | {folder / name: content for name, content in figures.items()}


def page_text(study: Study, folder: Path) -> tuple[str, list[tuple[BasePlot, list[Panel]]]]:
    """Return README.md of a study's folder, and the plots that it shows with what they draw; errors as of `study_page`."""
    study = located(study, folder)
    judged = read_claims(folder)
    if judged is None or judged.stale:
        raise UserError(
            f"`{folder}` must hold a claims.json of its records: "
            f"phasescope study {named_on_command_line(study)} --judge writes it"
        )

    runs = Recorded(study, read_rows(study, folder)).runs(study.more)
    known = check_preregistered(study, folder)
    drawn = [(plot, panels) for plot in study.plots if (panels := plot.panels(runs))]
    tables = _tables(study, runs)
    headline = next((c for c in judged.claims if c.name == study.headline), None)

    text = in_markdown(
        "study.md.j2",
        study=study,
        summary=_summary(folder, {study.name: tables}),
        judged=judged,
        plots=[(plot, plot.caption(runs)) for plot, _ in drawn],
        tables=[(part, tables[part.title]) for part in study.tables],
        heads=CLAIM_HEADS,
        headline=_linked_row(study, headline) if headline else None,
        rows=[_linked_row(study, claim) for claim in judged.claims],
        limits=_limits(judged.claims),
        retired=by_retired_rule(study),
        known=known,
        changed=changed_sources(study.file, known) if known else (),
        amended=numbers.amendment_lines(known) if known else (),
    )
    return text, drawn


def _tables(study: Study, runs: Runs) -> dict[str, Rows]:
    """Return the tables of a study as its page shows them, by title."""
    return {
        part.title: [
            {head: numbers.format_cell(value) for head, value in row.items()} for row in part.rows(runs, True)
        ]
        for part in study.tables
    }


def _summary(folder: Path, tables: Mapping[str, Mapping[str, Rows]]) -> str:
    """Return what came out of a study, with its numbers; empty if nobody wrote it."""
    path = folder / SUMMARY
    return Prose(folder.parent, tables).filled(path.read_text()) if path.exists() else ""


def _linked_row(study: Study, claim: RecordedClaim) -> tuple[object, ...]:
    return (f"[{claim.sentence}](#{anchor(claim.name)})", *claim_row(study, claim))


def claim_row(study: Study, claim: RecordedClaim) -> tuple[object, ...]:
    """Return the cells of `CLAIM_HEADS` of a claim without the first, which links to it."""
    return (*numbers.claim_cells(claim), presets_of(study, claim.name), asked_words(claim))


def asked_words(claim: Claim | RecordedClaim) -> str:
    """Return when a claim was asked, relative to looks at runs, in words; a claims.json of former times does not say it."""
    return claim.asked.value if claim.asked else "not recorded"


def _limits(claims: Sequence[RecordedClaim]) -> list[tuple[str, list[str]]]:
    """Return why claims could be wrong: sentences of their limits, each once, with the names of the claims that have it; no
    names if all have it."""
    having: dict[str, list[str]] = {}
    for claim in claims:
        for sentence in dict.fromkeys(SENTENCE_END.split(claim.limits)) if claim.limits else ():
            having.setdefault(sentence, []).append(claim.name)

    together: dict[tuple[str, ...], list[str]] = {}
    for sentence, names in having.items():
        together.setdefault(tuple(names), []).append(sentence)
    by_number = sorted(together.items(), key=lambda each: -len(each[0]))
    return [
        (" ".join(sentences), [] if len(names) == len(claims) else list(names))
        for names, sentences in by_number
    ]


def presets_of(study: Study, claim: str) -> str:
    """Return the presets of the runs that a claim reads, by its name."""
    where = next((own.where for own in study.claims if own.name == claim), {})
    return ", ".join(sorted({cell.base or study.base for cell in study.cells_of(where)}))


def by_retired_rule(study: Study) -> list[str]:
    """Return the names of the claims that read a phase by a rule that is retired."""
    if RETIRED not in study.columns:
        return []
    return [claim.name for claim in study.claims if RETIRED in claim.columns_read()]


def in_markdown(template: str, **shown: Any) -> str:
    """Return a page of a template in Markdown; blocks stand apart by one empty line."""
    pages = environment()
    pages.filters |= {
        "cell": lambda value: numbers.format_cell(value).replace("|", "\\|"),
        "values": dict.values,
        "judged": numbers.format_judged,
        "over_all": numbers.format_over_all,
        "summary": summary_line,
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


def summary_line(said: Mapping[str, str]) -> str:
    """Return the row of a statement on the page of findings: HTML, since Markdown is not read within a `summary`."""
    from html import escape

    row = re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(said["row"], quote=False))
    word = said["word"] or said["answer"]
    running = " (a study is running)" if said["running"] else ""
    return f"<b>{said['key']}</b> <em>{escape(word, quote=False)}{running}</em>: {row}"
