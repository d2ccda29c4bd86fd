"""All that is told of one study, from its records and what was written beside them; and its page as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from phasescope.config import explain
from phasescope.errors import UserError
from phasescope.store.files import read_json, sha256, write_aside
from phasescope.store.folder import damage_told_of
from phasescope.studies.core.before import used_to_choose
from phasescope.studies.core.declaration import Declaration, read_declaration
from phasescope.studies.core.records import read_claims, read_frame
from phasescope.studies.core.statistics import LEVEL
from phasescope.studies.core.study import RECORDS, Study, Table
from phasescope.views.claim_words import in_cell, interval, number, unbroken
from phasescope.views.figures.studies import draw
from phasescope.views.pictograms import pictogram
from phasescope.views.report.declared import declaration_of, mark_of
from phasescope.views.report.verdicts import SYMBOLS, grid_of, picture, verdict_counts
from phasescope.views.terms import PHASES, TERMS

if TYPE_CHECKING:
    import pandas as pd

CONTROLS = "controls.json"
"""of all studies, in the folder of results"""


class ToldControls(BaseModel):
    """What controls.json must say of a claim; no numbers where it has no controls."""

    study: str
    name: str
    power_supported: float | None
    power_refuted: float | None
    wrong: float | None
    cannot: str


def page_of(
    study: Study, folder: Path, frame: pd.DataFrame, content: dict[str, Any] | None
) -> dict[str, Any]:
    """All that a page says of a study, from its records and what claims.json says, or is to say.

    Raises:
        UserError: there is no claims.json that goes with the records; or these are damaged.
    """
    if content is None and not study.claims:
        content = {
            "claims": [],
            "records": {"runs": frame["digest"].nunique(), "sha256": sha256(folder / RECORDS)},
        }
    elif content is None or content["stale"]:
        raise UserError(
            f"`{folder}` must hold a claims.json of its records: judge them first, by phasescope study {study.name}"
        )
    with damage_told_of(folder, "a study's results"):
        return _page_of(study, folder, frame, content)


def _page_of(study: Study, folder: Path, frame: pd.DataFrame, content: dict[str, Any]) -> dict[str, Any]:
    declaration = read_declaration(folder)
    claims = [entry(study, declaration, claim) for claim in content["claims"]]
    figures = [
        {
            "name": figure.name,
            "title": figure.title,
            "caption": figure.caption(frame),
            "claims": [claim for claim in claims if claim["figure"] == figure.name],
        }
        for figure in study.figures
    ]
    return {
        "study": study.name,
        "title": titled(study.name),
        "question": study.question,
        "headline": study.headline,
        "runs": content["records"]["runs"],
        "digests": sorted(set(frame["digest"])),
        "core_minutes": core_minutes(frame),
        "hardware": hardware(frame),
        "figures": figures,
        "counts": verdict_counts(claims),
        "claims": claims,
        "sha256": content["records"]["sha256"],
        "tables": [_table(table, frame) for table in study.tables],
        "declaration": declaration_of(study, declaration, claims),
        "controls": _controls(folder, study.name),
    }


def _controls(folder: Path, study: str) -> list[dict[str, Any]]:
    """How the study's claims fared on made records, as they were tried with all others of the results."""
    path = folder.parent / CONTROLS
    if not path.exists():
        return []
    try:
        told = TypeAdapter(list[ToldControls]).validate_python(read_json(path))
    except ValidationError as error:
        raise UserError(f"`{path}` must hold controls of claims: {explain(error, ToldControls)}") from None
    return [
        {
            "name": one.name,
            "supported": f"{one.power_supported:.1%}",
            "refuted": f"{one.power_refuted:.1%}",
            "wrong": f"{one.wrong:.1%}",
            "cannot": one.cannot,
        }
        for one in told
        if one.study == study and one.power_supported is not None
    ]


def titled(name: str) -> str:
    """A study's name as a title."""
    return name.replace("_", " ").capitalize()


def _table(table: Table, frame: pd.DataFrame) -> dict[str, Any]:
    """A table as it is printed: heads, and rows of texts."""
    return {"title": table.title, "note": table.note(frame), **texts_of(table.rows(frame))}


def texts_of(rows: Sequence[Any]) -> dict[str, Any]:
    """Heads, and rows of texts, of mappings with the same keys."""
    return {
        "heads": list(rows[0]) if rows else [],
        "rows": [[_cell(value) for value in row.values()] for row in rows],
    }


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return number(value) if isinstance(value, float) else f"{value}"


def entry(study: Study, told: Declaration | None, claim: dict[str, Any]) -> dict[str, Any]:
    """A claim of claims.json with its numbers as they are printed, and its mark by what the study declared."""
    sign = ">" if claim["direction"] == "above" else "<"
    return {
        **claim,
        "study": study.name,
        "symbol": SYMBOLS[claim["verdict"]],
        "mark": mark_of(study, told, claim),
        "headline": claim["name"] == study.headline,
        "used_to_choose": used_to_choose(study, claim["cells"], claim["look"]),
        "value_text": number(claim["value"]),
        "interval_text": interval(claim),
        "rule": f"{sign} {claim['threshold']:g}",
        "detail_text": ", ".join(
            f"{name.replace('_', ' ')} {number(value)}" for name, value in claim["detail"].items()
        ),
    }


def core_minutes(frame: pd.DataFrame) -> str:
    """What all runs cost, training and observing, as their records tell; `–` where they do not."""
    if "cpu_s" not in frame:
        return "–"
    return f"{frame.groupby('digest')['cpu_s'].max().sum() / 60:,.0f}"


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


def render_html(study: Study, folder: Path) -> str:
    """One study's page, figures inlined."""
    from markupsafe import Markup

    from phasescope.views.style import css_variables, inline_svg

    frame = read_frame(study, folder)
    page = page_of(study, folder, frame, read_claims(folder))
    with damage_told_of(folder, "a study's results"):
        for told, figure in zip(page["figures"], study.figures, strict=True):
            told["svg"] = Markup(inline_svg(draw(figure, frame), figure.title))
    return rendered(
        "study.html.j2",
        page=page,
        picture=picture(grid_of(page["claims"]), alone=False),
        light=css_variables(dark=False),
        dark=css_variables(dark=True),
        key=_key(),
    )


def write_html(study: Study, folder: Path, out: Path | None = None) -> Path:
    """Write one study's page to `out`, by default report.html in its folder of results."""
    path = out or folder / "report.html"
    write_aside(path, render_html(study, folder))
    return path


def rendered(template: str, **said: Any) -> str:
    """What a template of a study's pages says."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("phasescope.views"),
        autoescape=select_autoescape(("html.j2", "svg.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"in_cell": in_cell, "unbroken": unbroken}
    return environment.get_template(template).render(level=LEVEL, **said)


def _key() -> dict[str, Any]:
    """What A, B and C, and the papers, are."""
    phases = [
        (letter, [(of, pictogram(letter, of, 30), sentence) for of, sentence in words.items()])
        for letter, words in PHASES.items()
    ]
    return {"phases": phases, "papers": [TERMS[name] for name in ("P1", "P2")]}
