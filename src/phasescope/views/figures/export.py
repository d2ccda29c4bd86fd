"""Exporting records for other programs: figures for a paper, tables for pandas.

Figures are PDF with TrueType fonts, or SVG whose text stays text; captions.md has their captions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from phasescope.core.errors import UserError
from phasescope.runs.store import RunFolder
from phasescope.runs.store.files import write_all_aside
from phasescope.runs.store.flat import as_frame, plain_types, snapshot_rows
from phasescope.runs.store.tables import parquet_bytes
from phasescope.studies.claims_file import read_claims
from phasescope.studies.records import Recorded, read_rows
from phasescope.studies.study import Study
from phasescope.views.facts.record import Record
from phasescope.views.figures.axes import figure_bytes
from phasescope.views.figures.plots import FIGURES, Plot, plot_of
from phasescope.views.figures.studies import draw

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["pdf", "svg"]
Form = Literal["csv", "parquet"]
CAPTIONS = "captions.md"


def run_files(
    run: RunFolder, figures: Path | None, kind: Kind, tables: Path | None, form: Form
) -> list[Path]:
    """Write what is asked of a run, each to its folder; return the files' paths.

    Tables are `snapshots` (a row a snapshot: configuration, metrics, costs), `readings` (a row an image, with its step),
    `scalars` (`Run.scalars`) and `meter` (`Run.meter`): each if there is any.

    Raises:
        UserError: the run recorded nothing yet, or what it recorded is damaged.
    """
    record, written = Record(run), list[Path]()
    if not record.metrics and (figures or tables):
        raise UserError(f"`RUN` (={run.name}) must have a snapshot to be exported, and has none yet")
    if figures is not None:
        written += _write_figures(filter(None, (plot_of(record, name) for name in FIGURES)), figures, kind)
    if tables is not None:
        rows = snapshot_rows(run.identity, record.config, record.status, record.metrics)
        frames = {"snapshots": plain_types(as_frame(rows))}
        if readings := _readings(record):
            frames["readings"] = as_frame(readings)
        for name, frame in {"scalars": run.scalars(), "meter": run.meter()}.items():
            if len(frame):
                frames[name] = frame
        written += _write_tables(frames, tables, form)
    return written


def study_files(
    study: Study, records: Path, figures: Path | None, kind: Kind, tables: Path | None, form: Form
) -> list[Path]:
    """Write the figures and tables of a study or a sweep, whose records lie in the folder `records`; return their paths.

    Tables are `records` (a row per snapshot of every run), `claims`, and each of the study's own.

    Raises:
        UserError: there are no records, or they are invalid.
    """
    written: list[Path] = []
    rows = read_rows(study, records)
    runs = Recorded(study, rows).runs(study.more)
    if figures is not None:
        plots = (Plot(plot.name, draw(plot.panels(runs)), plot.caption(runs)) for plot in study.plots)
        written += _write_figures(plots, figures, kind)
    if tables is not None:
        frames = {"records": rows}
        if judged := read_claims(records):
            frames["claims"] = as_frame([claim.model_dump(exclude={"detail"}) for claim in judged.claims])
        frames |= {f"table_{n}": as_frame(table.rows(runs)) for n, table in enumerate(study.tables, 1)}
        written += _write_tables(frames, tables, form)
    return written


def _readings(record: Record) -> list[dict[str, Any]]:
    """Return what was read in the images of all snapshots, a row an image; None where a snapshot lacks a column."""
    rows = []
    for snapshot in record.snapshots:
        columns = {name: np.asarray(column).tolist() for name, column in record.readings(snapshot).items()}
        for values in zip(*columns.values(), strict=True):
            rows.append({"step": snapshot.step, **dict(zip(columns, values, strict=True))})
    return rows


def _write_figures(plots: Iterable[Plot], folder: Path, kind: Kind) -> list[Path]:
    files: dict[Path, bytes | str] = {}
    texts = []
    for plot in plots:
        files[folder / f"{plot.name}.{kind}"] = figure_bytes(plot.figure, kind)
        texts.append(f"## {plot.name}\n\n{plot.caption}")
    return _written(files | {folder / CAPTIONS: "\n\n".join(texts) + "\n"}, folder)


def _write_tables(tables: Mapping[str, pd.DataFrame], folder: Path, form: Form) -> list[Path]:
    files: dict[Path, bytes | str] = {
        folder / f"{name}.{form}": parquet_bytes(frame) if form == "parquet" else frame.to_csv(index=False)
        for name, frame in tables.items()
    }
    return _written(files, folder)


def _written(files: dict[Path, bytes | str], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    write_all_aside(files)
    return list(files)
