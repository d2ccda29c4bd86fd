"""A study's page: README.md in its folder, from its records, claims.json and preregistration.json, also as one HTML file;
and the page of findings, studies/README.md: what the seed paper states and leaves open, with the study that asks it."""

from __future__ import annotations

import base64
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from phasescope.errors import UserError
from phasescope.store.files import write_all_aside, write_aside
from phasescope.studies.claim import VERDICTS
from phasescope.studies.preregistration import changed_sources, check_preregistered
from phasescope.studies.records import Judged, Recorded, RecordedClaim, read_claims, read_rows
from phasescope.studies.runs_table import Runs
from phasescope.studies.study import Study
from phasescope.views.claim_words import (
    amendment_lines,
    claim_cells,
    criterion,
    format_interval,
    power_words,
    verdict_words,
)
from phasescope.views.figures.studies import draw_png
from phasescope.views.numbers import format_cell, format_number

PAGE = "README.md"
CSS = (
    "body{max-width:60rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif;color-scheme:light dark}"
    "table{border-collapse:collapse;display:block;overflow-x:auto}td,th{padding:.2rem .6rem;text-align:left;"
    "border-bottom:1px solid #8884;vertical-align:top}img{max-width:100%;background:#fff}"
)


def title_of(study: str) -> str:
    return study.replace("_", " ").capitalize()


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return [
        *lines,
        *(f"| {' | '.join(map(_cell, row))} |" for row in rows),
        "",
    ]


def _cell(value: Any) -> str:
    return format_cell(value).replace("|", "\\|")


def table_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return (
        markdown_table(list(rows[0]), [list(row.values()) for row in rows])
        if rows
        else ["No run is recorded yet.", ""]
    )


def claim_lines(claim: RecordedClaim) -> list[str]:
    """Return all that a page says of one claim."""
    said = [
        f"### {claim.name}",
        "",
        f"{claim.sentence} ({claim.source})",
        "",
        f"**{verdict_words(claim).capitalize()}**: {format_number(claim.value)} {format_interval(claim)}, needed "
        f"{criterion(claim)}, n = {claim.n}{', final analysis' if claim.analysis == 2 else ''}; "
        f"{claim.why}. {power_words(claim)}",
        "",
    ]
    if claim.unreachable:
        said += [f"Not reachable with power 0.8: {claim.unreachable}", ""]
    return [*said, *([f"What it does not show: {claim.limits}", ""] if claim.limits else [])]


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
    figures = {plot.name: draw_png(plot, runs) for plot in study.plots}
    lines = [*_head(study, judged), *_figures(study, runs)]
    for table in study.tables:
        lines += [
            f"## {table.title}",
            "",
            *table_lines(table.rows(runs)),
            *([table.note, ""] if table.note else []),
        ]
    lines += ["## Claims in full", ""] * bool(judged.claims)
    lines += [*(line for claim in judged.claims for line in claim_lines(claim))]
    lines += _preregistered(study, folder)
    return {folder / PAGE: "\n".join(lines).rstrip() + "\n"} | {
        folder / f"{name}.png": png for name, png in figures.items()
    }


def _head(study: Study, judged: Judged) -> list[str]:
    heads = ("claim", "verdict", "value", "interval", "needed", "n", "power")
    rows = [(f"[{claim.sentence}](#{claim.name})", *claim_cells(claim)) for claim in judged.claims]
    processors = ", ".join(judged.processors) or "unknown processors"
    cost = f"{judged.runs} runs, {judged.core_minutes:.0f} core-minutes on {processors}."
    answers = f" Answers {study.answers}." if study.answers else ""
    summary = [study.summary, ""] if study.summary else []
    return [
        f"# {title_of(study.name)}",
        "",
        f"{study.question}{answers} {cost}",
        "",
        *summary,
        *(markdown_table(heads, rows) if rows else []),
    ]


def _figures(study: Study, runs: Runs) -> list[str]:
    lines = []
    for plot in study.plots:
        lines += [f"## {plot.title}", "", f"![{plot.title}]({plot.name}.png)", "", plot.caption(runs), ""]
    return lines


def _preregistered(study: Study, folder: Path) -> list[str]:
    known = check_preregistered(study, folder)
    if known is None:
        return []
    existing = f", when {known.recorded} of its runs existed" if known.recorded else ", before its first run"
    source = known.sources[0]
    lines = [
        "## Preregistration",
        "",
        f"Preregistered on {known.date}{existing}, at commit {source.commit or 'unknown'}.",
    ]
    if changed := changed_sources(study, known):
        lines.append(f"Source files that have changed since: {', '.join(changed)} (see the log).")
    amended = amendment_lines(known)
    return [*lines, "", *(["Amendments:", "", *(f"- {line}" for line in amended), ""] if amended else [])]


def write_study_page(study: Study, folder: Path) -> list[Path]:
    """Write README.md and the figures of a study's folder; return their paths."""
    files = study_page(study, folder)
    write_all_aside(files)
    return list(files)


def as_html(markdown: str, title: str, images: Mapping[str, bytes]) -> str:
    """Return a page in Markdown as one self-contained HTML file, with its images inlined."""
    from html import escape

    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    body = re.sub(r"<h3>(.*?)</h3>", r'<h3 id="\1">\1</h3>', body)
    for name, png in images.items():
        body = body.replace(f'src="{name}"', f'src="data:image/png;base64,{base64.b64encode(png).decode()}"')
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{CSS}</style><main>{body}</main></html>\n"
    )


def write_html(study: Study, folder: Path, out: Path | None = None) -> Path:
    """Write a study's page as HTML to `out`, by default report.html in its folder."""
    files = study_page(study, folder)
    images = {path.name: content for path, content in files.items() if isinstance(content, bytes)}
    path = out or folder / "report.html"
    write_aside(path, as_html(str(files[folder / PAGE]), title_of(study.name), images))
    return path


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
    return (link, *claim_cells(claim))


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
