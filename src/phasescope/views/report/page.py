"""The report of one run: a single page that needs no network, no server and no other file.

Figures are inlined as SVG in the page's own colours; plotly.js, as its Python package ships it, is inlined once; clouds
of points are base64 of float32. A content security policy in the page forbids every request.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import yaml

from phasescope.errors import UserError, reading
from phasescope.places import Place
from phasescope.store.files import write_aside
from phasescope.store.folder import Run
from phasescope.store.tags import read_tags
from phasescope.views.figures.axes import spread
from phasescope.views.figures.denoising import denoising
from phasescope.views.figures.label_space import label_space
from phasescope.views.figures.manifold import PROJECTIONS, Cloud, cloud_of, labels_of, places_of
from phasescope.views.figures.painted import painted
from phasescope.views.figures.standing import standing
from phasescope.views.figures.timeline import timeline
from phasescope.views.figures.told_and_seen import told_and_seen
from phasescope.views.names import READINGS, factor_words, place_words
from phasescope.views.record import Record, score
from phasescope.views.report import words
from phasescope.views.report.accuracy import accuracy_table
from phasescope.views.report.explained import Explained
from phasescope.views.report.opening import begins, headline, phases_told
from phasescope.views.report.sound import sound_record
from phasescope.views.report.tables import provenance, score_tables, threshold_rows
from phasescope.views.style import class_ticks, css_variables, inline_svg, scale_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTIONS = {
    "timeline": "Timeline",
    "accuracy": "Accuracy",
    "label_space": "Label space",
    "told_and_seen": "Told and seen",
    "painted": "Painted",
    "manifold": "Manifold",
    "denoising": "Denoising",
    "standing": "Ladder",
    "nulls": "Nulls",
    "thresholds": "Thresholds",
    "configuration": "Configuration",
    "provenance": "Provenance",
}
OF_SOME = {"accuracy", "label_space", "told_and_seen", "denoising", "standing"}
"""sections that only runs of some worlds and families have"""

T = TypeVar("T")

NONE_WHOLE = "No snapshot of this run that holds it can be read whole."
MOST_POINTS, MOST_SNAPSHOTS, MOST_CLOUD_BYTES = 512, 30, 2_200_000
"""what of the latents a page carries: labels a cloud, snapshots a cloud, float32 bytes in all"""


def write_report(
    run: Run, out: Path | None = None, on_left_out: Callable[[str], None] = lambda _: None
) -> Path:
    """Write the report of `run`, as it stands, to `out`, by default ``report.html`` in its folder.

    The file appears whole or not at all. Snapshots that are damaged are left out, and named on the page.

    Args:
        on_left_out: told in a sentence of each thing that is damaged and not shown.

    Returns:
        Its path.

    Raises:
        UserError: what the run recorded is damaged beyond that.
    """
    path = Path(out) if out is not None else Path(run.path) / "report.html"
    write_aside(path, render_report(run, on_left_out))
    return path


def render_report(run: Run, on_left_out: Callable[[str], None] = lambda _: None) -> str:
    """The report's HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    record = sound_record(run)
    figures = inline_figures(record)
    manifold, no_clouds = attempt(record, lambda: choose_clouds(record))
    clouds, left_out = manifold or ([], "")
    data, no_data = attempt(record, lambda: page_data(record, clouds) if clouds else None)
    clouds, no_clouds = ([], no_data) if no_data else (clouds, no_clouds)
    tables, without_nulls = score_tables(record)
    absent = {name: one["absent"] for name, one in figures.items() if "absent" in one}
    absent |= {"manifold": no_clouds} if no_clouds else {}
    damage = words.damage(record) + [f"Not drawn: {name}: {why}." for name, why in absent.items()]
    for sentence in damage:
        on_left_out(sentence)
    accuracy = accuracy_table(record)
    some = {*figures, *(["accuracy"] if accuracy else [])}
    environment = Environment(
        loader=PackageLoader("phasescope.views.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
    )
    return environment.get_template("report.html.j2").render(
        name=run.name,
        tags=read_tags(run.path),
        light=Markup(css_variables(dark=False)),
        dark=Markup(css_variables(dark=True)),
        begins=begins(record),
        phases=phases_told(record),
        verdict=[*words.verdict(record), *damage],
        headline=headline(record),
        hardware=words.hardware(record),
        explained=Explained(),
        has_p1="p1_order" in record.measures,
        sections={name: SECTIONS[name] for name in SECTIONS if name not in OF_SOME or name in some},
        figures=figures,
        accuracy=accuracy,
        factors=record.factors.names,
        clouds=clouds,
        left_out=left_out,
        no_clouds=no_clouds or (NONE_WHOLE if record.left_out else "No snapshot of this run holds latents."),
        manifold_caption=words.description(record, "manifold"),
        score_tables=tables,
        without_nulls=without_nulls,
        last_step=record.metrics[-1]["step"] if record.metrics else 0,
        threshold_rows=threshold_rows(record),
        configuration=yaml.safe_dump(record.config, sort_keys=False),
        provenance=provenance(record),
        plotly=Markup(plotly_js()) if clouds else "",
        data=data,
    )


def plotly_js() -> str:
    """plotly.js, found without importing plotly (which takes longer than the whole report)."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "`plotly` must be installed: the report inlines the plotly.js that it ships"
        )
    return (Path(spec.origin).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def attempt(record: Record, draw: Callable[[], T]) -> tuple[T | None, str | None]:
    """What `draw` gives; or None, and why what the run recorded makes it impossible."""
    try:
        with reading(record.run.path):
            return draw(), None
    except UserError as error:
        return None, str(error)


def inline_figures(record: Record) -> dict[str, dict[str, Any]]:
    """Each figure as inline SVG, and its caption; or why it is `absent`, where data are damaged.

    Those without data are left out.
    """
    from markupsafe import Markup

    if not record.metrics:
        return {}
    draw: dict[str, Callable[[Record], Figure | None]] = {
        "timeline": timeline,
        "label_space": label_space,
        "told_and_seen": told_and_seen,
        "painted": painted,
        "denoising": denoising,
        "standing": standing,
    }
    figures = {}

    def drawn(name: str) -> dict[str, Any] | None:
        figure = draw[name](record)
        if figure is None:
            return {"absent": NONE_WHOLE} if name == "painted" and record.left_out else None
        svg = Markup(inline_svg(figure, f"{name} of {record.run.name}"))
        return {"svg": svg, "caption": words.description(record, name)}

    for name in draw:
        figure, why = attempt(record, lambda name=name: drawn(name))
        if figure or why:
            figures[name] = figure or {"absent": why}
    return figures


def choose_clouds(record: Record) -> tuple[list[Cloud], str]:
    """The clouds that the page carries, those where phases are read first, and a sentence on what is left
    out."""
    snapshots, known = record.snapshots, places_of(record)
    if not known:
        return [], ""
    among = spread([record.images_at(snapshot) for snapshot in snapshots], MOST_SNAPSHOTS)
    clouds: list[Cloud] = []
    carried: set[Place] = set()
    spent = 0
    for place in known:
        if spent >= MOST_CLOUD_BYTES:
            break
        for projection in PROJECTIONS:
            cloud = cloud_of(record, place, projection, among)
            if cloud is not None:
                clouds.append(cloud)
                carried.add(place)
                spent += cloud.points[:, :MOST_POINTS].nbytes
    left_out = [place_words(place) for place in known if place not in carried]
    parts = []
    if len(among) < len(snapshots):
        parts.append(f"{len(among)} of {len(snapshots)} snapshots are carried here, evenly in images seen.")
    if left_out:
        parts.append(f"Stored and not carried here: {'; '.join(left_out)}.")
    return clouds, " ".join(parts)


def page_data(record: Record, clouds: list[Cloud]) -> dict[str, Any]:
    """What the page's script reads, JSON-ready."""
    labels = labels_of(record)[:MOST_POINTS]
    lines = {line["step"]: line for line in record.metrics}
    places = {cloud.place for cloud in clouds}
    return {
        "factors": [
            {
                "name": factor_words(factor),
                "values": _base64(values),
                "colours": (scale := scale_of(factor)).stops(),
                "low": scale.low,
                "high": scale.high,
                "ticks": class_ticks(factor),
            }
            for factor, values in zip(record.factors, labels.T, strict=True)
        ],
        "projections": PROJECTIONS,
        "snapshots": [
            {
                "step": snapshot.step,
                "images_seen": record.images_at(snapshot),
                "phases": _phases(lines[snapshot.step]),
                "order": {place_words(place): _order(lines[snapshot.step], place) for place in places},
            }
            for snapshot in record.snapshots
        ],
        "clouds": [
            {
                "place": place_words(cloud.place),
                "projection": cloud.projection,
                "snapshots": cloud.snapshots,
                "shares": cloud.shares,
                "points": _base64(cloud.points[:, :MOST_POINTS]),
            }
            for cloud in clouds
        ],
    }


def _order(line: dict[str, Any], place: Place) -> list[float | None]:
    """Order and that of the untrained network."""
    found = score(line, "order", place) or {}
    return [found.get("value"), (found.get("nulls") or {}).get("untrained")]


def _phases(line: dict[str, Any]) -> list[str]:
    phases = line.get("phase") or {}
    return [f"{name} {phases[reading]}" for reading, name in READINGS.items() if phases.get(reading)]


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode("ascii")
