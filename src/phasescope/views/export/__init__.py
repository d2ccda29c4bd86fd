"""What is recorded, as other programs take it: figures for a paper, tables for pandas, events for TensorBoard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from phasescope.store import Run
    from phasescope.studies.study import Study


def run_files(
    run: Run,
    figures: Path | None = None,
    kind: Literal["pdf", "svg"] = "pdf",
    captions: bool = False,
    tables: Path | None = None,
    form: Literal["csv", "parquet"] = "csv",
    events: Path | None = None,
    on_left_out: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Write what is asked of a run, each to its folder; the files' paths.

    Args:
        captions: below the figures too.
        on_left_out: told in a sentence of each figure that damage makes impossible.

    Raises:
        UserError: the run recorded nothing yet, or what it recorded is damaged; TensorBoard is not installed.
    """
    written: list[Path] = []
    if figures is not None:
        from phasescope.views.export.figures import run_figures

        written += run_figures(run, figures, kind, captions, on_left_out)
    if tables is not None:
        from phasescope.views.export.tables import run_tables

        written += run_tables(run, tables, form)
    if events is not None:
        from phasescope.views.monitors import write_events

        written.append(write_events(run, events))
    return written


def study_files(
    study: Study,
    results: Path,
    figures: Path | None = None,
    kind: Literal["pdf", "svg"] = "pdf",
    captions: bool = False,
    tables: Path | None = None,
    form: Literal["csv", "parquet"] = "csv",
) -> list[Path]:
    """The same of a folder of results, of a study or a sweep."""
    written: list[Path] = []
    if figures is not None:
        from phasescope.views.export.figures import study_figures

        written += study_figures(study, results, figures, kind, captions)
    if tables is not None:
        from phasescope.views.export.tables import study_tables

        written += study_tables(study, results, tables, form)
    return written
