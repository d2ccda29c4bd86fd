"""Runs side by side as one self-contained page: the table, and how each learnt over images seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure as Drawing

from phasescope.studies.panels import Curve, Panel
from phasescope.views.comparison import Comparison, Row, common_place
from phasescope.views.figures.axes import WIDTH_IN
from phasescope.views.figures.studies import draw_panel
from phasescope.views.names import place_words, split_words
from phasescope.views.record import Record
from phasescope.views.style import RC, css_variables, inline_svg

LABEL = "success, probe R² and loss of the runs over images seen"


def comparison_page(records: Sequence[Record], found: Comparison) -> str:
    """The page's HTML; of a path in a configuration only the last part is told."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    panels = [panel for panel in _panels(records) if panel.curves]
    drawn = Markup(inline_svg(_drawn(panels), LABEL)) if panels else ""
    environment = Environment(
        loader=PackageLoader("phasescope.views"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("comparison.html.j2").render(
        names=found.names,
        differs=[_portable(row) for row in found.differs],
        stands=found.stands,
        notes=found.notes,
        drawn=drawn,
        light=css_variables(dark=False),
        dark=css_variables(dark=True),
    )


def _portable(row: Row) -> Row:
    return replace(row, texts=[Path(text).name if text.startswith("/") else text for text in row.texts])


def _panels(records: Sequence[Record]) -> list[Panel]:
    """Success on what is trained on, probe R² with the untrained network's, loss; curves of a run are of one colour."""

    def curves(of: list[np.ndarray | None]) -> list[Curve]:
        return [
            Curve(record.images_seen, y, label=record.run.name, series=series)
            for series, (record, y) in enumerate(zip(records, of, strict=True))
            if y is not None and np.isfinite(y).any()
        ]

    success = [
        record.outcome_shares(record.splits[0])[record.outcomes[-1].name] if record.splits else None
        for record in records
    ]
    common = common_place(records, "order", "representation")
    places = [common or record.declared_place("representation") for record in records]
    pairs = list(zip(records, places, strict=True))
    order = curves([record.series("order", place) if place else None for record, place in pairs])
    untrained = [
        Curve(record.images_seen, record.series("order", place, "nulls", "untrained"), style="dashed")
        for record, place in pairs
        if place
    ]
    loss = [
        np.array([np.nan if line["loss"] is None else line["loss"] for line in one.metrics])
        for one in records
    ]
    splits = {record.splits[0] for record in records if record.splits}
    return [
        Panel(
            f"Success, {split_words(splits.pop())}" if len(splits) == 1 else "Success, labels trained on",
            "images seen",
            "share of images",
            curves(list(success)),
            ylim=(0, 1),
        ),
        Panel(
            f"Probe R² at {place_words(common)}" if common else "Probe R²: different layers, not comparable",
            "images seen",
            "minimum over factors (dashed: untrained)",
            [*order, *untrained] if order else [],
        ),
        Panel("Loss", "images seen", "loss", curves(list(loss)), yscale="log"),
    ]


def _drawn(panels: Sequence[Panel]) -> Drawing:
    """Side by side, with one legend for all."""
    with matplotlib.rc_context(RC):
        drawing = Drawing(figsize=(WIDTH_IN, 3.1))
        axes = list(drawing.subplots(1, len(panels), squeeze=False).flat)
        for ax, panel in zip(axes, panels, strict=True):
            draw_panel(ax, panel, with_legend=False)
        told = {
            text: handle for ax in axes for handle, text in zip(*ax.get_legend_handles_labels(), strict=True)
        }
        drawing.legend(told.values(), told.keys(), ncols=4, loc="outside lower center")
    return drawing
