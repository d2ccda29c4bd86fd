"""Figures as files: PDF with TrueType fonts, SVG whose text stays text, or PNG; captions beside them, and in them if asked.

A PNG always has its caption in it, and none beside it: it is for a README or a talk.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import matplotlib

from phasescope.errors import UserError
from phasescope.store import Run
from phasescope.store.files import write_all_aside
from phasescope.studies.records import Recorded, read_rows
from phasescope.studies.study import Study
from phasescope.views.figures.studies import draw
from phasescope.views.report import words
from phasescope.views.report.page import attempt
from phasescope.views.report.pictures import FIGURES, with_caption
from phasescope.views.report.sound import sound_record
from phasescope.views.style import RC

Kind = Literal["pdf", "svg", "png"]
CAPTIONS = "captions.md"
WITHOUT_DATES: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
"""the same data give the same bytes"""


def run_figures(
    run: Run, folder: Path, kind: Kind, captions: bool, on_left_out: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """Write the figures of a run, and captions.md, to a folder; their paths.

    Args:
        captions: draw them below the figures too.
        on_left_out: told in a sentence of each figure that damage makes impossible.

    Raises:
        UserError: the run recorded nothing yet.
    """
    record = sound_record(run)
    if not record.metrics:
        raise UserError(f"`RUN` (={run.name}) must have a snapshot to be drawn, and has none yet")
    files: dict[Path, bytes | str] = {}
    told: dict[str, str] = {}

    def one(name: str) -> None:
        figure = FIGURES[name](record)
        if figure is not None:
            told[name] = words.caption(record, name)
            files[folder / f"{name}.{kind}"] = _bytes(
                with_caption(figure, told[name]) if captions or kind == "png" else figure, kind
            )

    for name in FIGURES:
        _, why = attempt(record, lambda name=name: one(name))
        if why:
            on_left_out(f"Not drawn: {name}: {why}.")
    return _written(files, {} if kind == "png" else told, folder)


def study_figures(study: Study, records: Path, folder: Path, kind: Kind, captions: bool) -> list[Path]:
    """Write the figures of a study's records, which lie in the folder `records`; return their paths.

    Raises:
        UserError: there are no records, or they are invalid.
    """
    runs = Recorded(study, read_rows(study, records)).runs(study.more)
    files: dict[Path, bytes | str] = {}
    texts: dict[str, str] = {}
    for plot in study.plots:
        texts[plot.name] = plot.caption(runs)
        drawing = with_caption(draw(plot, runs), texts[plot.name]) if captions else draw(plot, runs)
        files[folder / f"{plot.name}.{kind}"] = _bytes(drawing, kind)
    return _written(files, texts, folder)


def _bytes(figure: matplotlib.figure.Figure, kind: Kind) -> bytes:
    buffer = io.BytesIO()
    with matplotlib.rc_context({**RC, "pdf.fonttype": 42, "svg.hashsalt": "phasescope"}):
        figure.savefig(buffer, format=kind, metadata=WITHOUT_DATES[kind])
    return buffer.getvalue()


def _written(files: dict[Path, bytes | str], told: dict[str, str], folder: Path) -> list[Path]:
    text = "".join(f"## {name}\n\n{caption}\n\n" for name, caption in told.items())
    files |= {folder / CAPTIONS: text.strip() + "\n"} if told else {}
    folder.mkdir(parents=True, exist_ok=True)
    write_all_aside(files)
    return list(files)
