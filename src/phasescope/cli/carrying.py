"""The commands that set runs side by side and carry them elsewhere; what they do is elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

import phasescope
from phasescope.cli.arguments import Endings, Json, Runs, Studies, Target

RunWords = Positional[Annotated[tuple[str, ...], arg(metavar="RUN RUN ...")]]


def compare(
    words: RunWords = (),
    /,
    page: Annotated[Path | None, Endings((".html",))] = None,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> int:
    """Compare runs: what differs in their configurations, and how far each came.

    Args:
        words: two runs at least, each a folder, name or hash
        page: FILE.html to write as well: the table and curves as one self-contained page
    """
    from phasescope.views.comparison import compared
    from phasescope.views.record import Record
    from phasescope.views.samples import write_out
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.results import print_comparison

    records = [Record(phasescope.find_run(word, runs)) for word in words]
    comparison = compared(records)
    if page is not None:
        from phasescope.views.report.page import comparison_page

        with counting("writing the page"):
            text = comparison_page(records, comparison)
        write_out(page, text.encode(), "--page")
    print_comparison(comparison, as_json=json)
    if page is not None and not json:
        print(f"page: {page}")
    return 0


def export(
    target: Target,
    /,
    figures: Path | None = None,
    tables: Path | None = None,
    tensorboard: Path | None = None,
    archive: Annotated[Path | None, Endings((".zip",))] = None,
    svg: bool = False,
    captions: bool = False,
    parquet: bool = False,
    runs: Runs = Path("runs"),
    studies: Studies = None,
) -> int:
    """Write a run or a study for other programs: figures, tables, scalars for TensorBoard, one archive.

    Args:
        figures: folder for the figures, PDF with TrueType fonts, and captions.md
        tables: folder for the tables, CSV: snapshots and readings of a run; records, claims and tables of a study
        tensorboard: folder for a run's scalars and images, as tensorboard --logdir takes it (extra `monitors`)
        archive: FILE.zip for all that a run recorded, which `import` takes
        svg: figures as SVG
        captions: draw captions below the figures too
        parquet: tables as Parquet
    """
    from phasescope.cli.studies import study_of
    from phasescope.errors import UserError
    from phasescope.store.archive import write_archive
    from phasescope.views.export import run_files, study_files
    from phasescope.views.terminal.progress import counting

    wanted = {"figures": figures, "tables": tables, "tensorboard": tensorboard, "archive": archive}
    if not any(wanted.values()):
        raise UserError("`--figures` (=nothing) must be given, or --tables, --tensorboard or --archive")
    for flag, given, to in (
        ("svg", svg, "figures"),
        ("captions", captions, "figures"),
        ("parquet", parquet, "tables"),
    ):
        if given and not wanted[to]:
            raise UserError(f"`--{flag}` (=True) must go with --{to}")
    study = study_of(target, studies)
    for flag in ("tensorboard", "archive"):
        if study and wanted[flag]:
            raise UserError(f"`--{flag}` (={wanted[flag]}) must be of a run, and `{target}` is a study")
    kind: Literal["pdf", "svg"] = "svg" if svg else "pdf"
    form: Literal["csv", "parquet"] = "parquet" if parquet else "csv"
    left_out: list[str] = []
    with counting(f"exporting {target}") as tell:
        if study:
            written = study_files(*study, figures, kind, captions, tables, form)
        else:
            run = phasescope.find_run(target, runs)
            written = run_files(run, figures, kind, captions, tables, form, tensorboard, left_out.append)
            written += [write_archive(run, archive, tell)] if archive else []
    for path in written:
        print(path)
    for why in left_out:
        print(f"phasescope: {why}", file=sys.stderr)
    return 0


def import_run(
    file: Positional[Annotated[Path, arg(metavar="FILE.zip")]], /, runs: Runs = Path("runs")
) -> int:
    """Unpack a run that `export --archive` wrote, if it is whole and what it says; prints its folder. Nothing is replaced.

    Args:
        file: the archive
    """
    from phasescope.runs.importing import import_run as unpack
    from phasescope.views.terminal.progress import counting

    with counting("importing") as tell:
        run = unpack(file, runs, tell)
    print(run.path)
    return 0


import_run.__name__ = "import"  # the command's name, which is no name of Python's
