"""What studies found, as a page: each figure, then the claims that rest on it.

The same content is written in Markdown for all studies (docs/results.md, figures beside the records), and as one
self-contained HTML file for one study. All of it comes from records and from claims.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasescope.errors import UserError
from phasescope.store.files import from_json, write_all_aside, write_aside
from phasescope.store.folder import damage_told_of
from phasescope.studies.core.records import CLAIMS, RECORDS, judged, read_claims, read_frame, with_staleness
from phasescope.studies.core.statistics import LEVEL
from phasescope.studies.core.study import Study, Table
from phasescope.views.claim_words import amendment_words, interval, number
from phasescope.views.figures.studies import draw, drawn

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = ("refuted", "supported", "undecided")


def page_of(
    study: Study, folder: Path, frame: pd.DataFrame, content: dict[str, Any] | None
) -> dict[str, Any]:
    """All that a page says of a study, from its records and what claims.json says, or is to say.

    Raises:
        UserError: there is no claims.json that goes with the records; or these are damaged.
    """
    if content is None or content["stale"]:
        raise UserError(
            f"`{folder}` must hold a claims.json of its records: judge them first, by phasescope study {study.name}"
        )
    with damage_told_of(folder, "a study's results"):
        return _page_of(study, frame, content)


def _page_of(study: Study, frame: pd.DataFrame, content: dict[str, Any]) -> dict[str, Any]:
    figures = [
        {
            "name": figure.name,
            "title": figure.title,
            "caption": figure.caption(frame),
            "claims": [_entry(claim) for claim in content["claims"] if claim["figure"] == figure.name],
        }
        for figure in study.figures
    ]
    declared = content["declaration"]
    counts = Counter(claim["verdict"] for claim in content["claims"])
    return {
        "study": study.name,
        "title": study.name.replace("_", " ").capitalize(),
        "question": study.question,
        "runs": content["records"]["runs"],
        "hardware": hardware(frame),
        "figures": figures,
        "counts": {verdict: counts[verdict] for verdict in VERDICTS},
        "claims": [_entry(claim) for claim in content["claims"]],
        "sha256": content["records"]["sha256"],
        "declared": declared and declared["date"],
        "amended": amendment_words(declared["amended"] if declared else []),
        "tables": [_table(table, frame) for table in study.tables],
    }


def _table(table: Table, frame: pd.DataFrame) -> dict[str, Any]:
    """A table as it is printed: heads, and rows of texts."""
    rows = table.rows(frame)
    return {
        "title": table.title,
        "note": table.note(frame),
        "heads": list(rows[0]) if rows else [],
        "rows": [[_cell(value) for value in row.values()] for row in rows],
    }


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return number(value) if isinstance(value, float) else f"{value}"


def _entry(claim: dict[str, Any]) -> dict[str, Any]:
    """A claim with its numbers as they are printed."""
    sign = ">" if claim["direction"] == "above" else "<"
    return {
        **claim,
        "value_text": number(claim["value"]),
        "interval_text": interval(claim),
        "rule": f"{sign} {claim['threshold']:g}",
        "detail_text": ", ".join(
            f"{name.replace('_', ' ')} {number(value)}" for name, value in claim["detail"].items()
        ),
    }


def hardware(frame: pd.DataFrame) -> str:
    """Processors, threads and commits of the runs, as their records tell them."""
    parts = []
    for column, word in (
        ("host.cpu", ""),
        ("device", "on "),
        ("threads", "threads: "),
        ("git_commit", "commit "),
    ):
        if column in frame:
            values = sorted({str(value) for value in frame[column].dropna().unique()})
            if values:
                parts.append(word + ", ".join(values))
    return "; ".join(parts)


def write_results(
    studies: Sequence[Study], results: Path, page: Path | None = None, judge: bool = False
) -> None:
    """Write anew what follows from the records of all studies that have results: all of it, or nothing.

    Args:
        page: file for the page of results; each study's figures are then drawn anew.
        judge: judge all claims anew.

    Raises:
        UserError: a study's records, or its claims, are damaged or do not go together.
    """
    files: dict[Path, bytes | str] = {}
    pages = []
    for study in studies:
        folder = results / study.name
        if not folder.is_dir() or not (page or (folder / RECORDS).exists()):
            continue
        frame, content = read_frame(study, folder), None
        if judge:
            files |= (told := judged(study, folder, frame))
            content = with_staleness(from_json(told[folder / CLAIMS]), folder)
        if page:
            files |= drawn(study, frame, folder)
            pages.append(page_of(study, folder, frame, content or read_claims(folder)))
    if page:
        page.parent.mkdir(parents=True, exist_ok=True)
        files[page] = markdown(pages, results, page)
    write_all_aside(files)


def render_markdown(studies: Sequence[Study], results: Path, out: Path) -> str:
    """The page of all studies that have results, as they are; links are relative to `out`."""
    folders = [(study, results / study.name) for study in studies if (results / study.name).is_dir()]
    pages = [page_of(one, folder, read_frame(one, folder), read_claims(folder)) for one, folder in folders]
    return markdown(pages, results, out)


def markdown(pages: Sequence[dict[str, Any]], results: Path, out: Path) -> str:
    """The page of results."""
    if not pages:
        raise UserError(f"`{results}` must hold the records of a study, and holds none")
    for page in pages:
        page["folder"] = Path(relpath(results / page["study"], out.parent)).as_posix()
    return _environment().get_template("results.md.j2").render(pages=pages, verdicts=VERDICTS, level=LEVEL)


def render_html(study: Study, folder: Path) -> str:
    """One study's page, figures inlined."""
    from markupsafe import Markup

    from phasescope.views.style import css_variables, inline_svg

    frame = read_frame(study, folder)
    page = page_of(study, folder, frame, read_claims(folder))
    with damage_told_of(folder, "a study's results"):
        for entry, figure in zip(page["figures"], study.figures, strict=True):
            entry["svg"] = Markup(inline_svg(draw(figure, frame), figure.title))
    return (
        _environment()
        .get_template("study.html.j2")
        .render(page=page, level=LEVEL, light=css_variables(dark=False), dark=css_variables(dark=True))
    )


def write_html(study: Study, folder: Path, out: Path | None = None) -> Path:
    """Write one study's page to `out`, by default report.html in its folder of results."""
    path = out or folder / "report.html"
    write_aside(path, render_html(study, folder))
    return path


def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=PackageLoader("phasescope.views"),
        autoescape=select_autoescape(("html", "html.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
