"""A study's page: README.md in its folder, from its records, claims.json and preregistration.json; the same as one
HTML file."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from phasescope.errors import UserError
from phasescope.store.files import write_all_aside, write_aside
from phasescope.studies.preregistration import changed_sources, check_preregistered
from phasescope.studies.records import Judged, Recorded, RecordedClaim, read_claims, read_rows
from phasescope.studies.runs_table import Runs
from phasescope.studies.study import Study
from phasescope.views.claim_words import (
    amendment_lines,
    criterion,
    format_cell,
    format_interval,
    format_number,
    power_words,
    verdict_words,
)
from phasescope.views.figures.studies import draw_png

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
    return [*lines, *(f"| {' | '.join(map(format_cell, row))} |" for row in rows), ""]


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
    rows = [
        (
            f"[{claim.sentence}](#{claim.name})",
            verdict_words(claim),
            claim.value,
            format_interval(claim),
            criterion(claim),
            claim.n,
            claim.observed_power,
        )
        for claim in judged.claims
    ]
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
