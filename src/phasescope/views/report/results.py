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
from phasescope.store.files import write_aside
from phasescope.studies.core.records import read_claims, read_frame
from phasescope.studies.core.study import Study, Table
from phasescope.views.claim_words import interval, number

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = ("refuted", "supported", "undecided")


def page_of(study: Study, folder: Path) -> dict[str, Any]:
    """All that a page says of a study, from its folder of results.

    Raises:
        UserError: there are no records, or no claims.json that goes with them.
    """
    frame = read_frame(study, folder)
    content = read_claims(folder)
    if content is None or content["stale"]:
        raise UserError(
            f"`{folder}` must hold a claims.json of its records: judge them first, by phasescope study {study.name}"
        )
    figures = [
        {
            "name": figure.name,
            "title": figure.title,
            "caption": figure.caption(frame),
            "claims": [_entry(claim) for claim in content["claims"] if claim["figure"] == figure.name],
        }
        for figure in study.figures
    ]
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


def render_markdown(studies: Sequence[Study], results: Path, out: Path) -> str:
    """The page of all studies that have results; links are relative to `out`."""
    pages = [page_of(study, results / study.name) for study in studies if (results / study.name).is_dir()]
    if not pages:
        raise UserError(f"`{results}` must hold the records of a study, and holds none")
    for page in pages:
        page["folder"] = Path(relpath(results / page["study"], out.parent)).as_posix()
    return _environment().get_template("results.md.j2").render(pages=pages, verdicts=VERDICTS)


def write_markdown(studies: Sequence[Study], results: Path, out: Path) -> Path:
    """Write the page of all studies that have results."""
    text = render_markdown(studies, results, out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_aside(out, text)
    return out


def render_html(study: Study, folder: Path) -> str:
    """One study's page, figures inlined."""
    from markupsafe import Markup

    from phasescope.views.figures.studies import draw
    from phasescope.views.style import css_variables, inline_svg

    page = page_of(study, folder)
    frame = read_frame(study, folder)
    for entry, figure in zip(page["figures"], study.figures, strict=True):
        entry["svg"] = Markup(inline_svg(draw(figure, frame), figure.title))
    return (
        _environment()
        .get_template("study.html.j2")
        .render(page=page, light=css_variables(dark=False), dark=css_variables(dark=True))
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
