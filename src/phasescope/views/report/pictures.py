"""Figures as picture files, each with its caption in it: for a README, a paper, a talk."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from phasescope.store.folder import Run
from phasescope.views.figures.denoising import denoising
from phasescope.views.figures.label_space import label_space
from phasescope.views.figures.manifold import manifold_figure
from phasescope.views.figures.painted import painted
from phasescope.views.figures.standing import standing
from phasescope.views.figures.timeline import timeline
from phasescope.views.figures.told_and_seen import told_and_seen
from phasescope.views.record import Record
from phasescope.views.report import words
from phasescope.views.report.page import attempt
from phasescope.views.report.sound import sound_record
from phasescope.views.style import MUTED, RC

FIGURES = {
    "timeline": timeline,
    "label_space": label_space,
    "told_and_seen": told_and_seen,
    "painted": painted,
    "manifold": manifold_figure,
    "denoising": denoising,
    "standing": standing,
}


def write_pictures(
    run: Run, folder: Path, kind: str = "png", on_left_out: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """Write the figures of `run` to `folder`; those for which the run holds no data are left out.

    Args:
        run: a run with at least one snapshot.
        folder: made where it does not exist.
        kind: png, svg or pdf.
        on_left_out: told in a sentence of each figure that damage makes impossible.

    Returns:
        The files' paths: as `FIGURES` names them: ``timeline.png`` and the others.
    """
    record = sound_record(run)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, draw in FIGURES.items():
        path = folder / f"{name}.{kind}"
        written, why = attempt(
            record, lambda path=path, name=name, draw=draw: _write(record, path, name, draw)
        )
        if written:
            paths.append(path)
        if why:
            on_left_out(f"Not drawn: {path}: {why}.")
    return paths


def _write(record: Record, path: Path, name: str, draw: Callable[[Record], Figure | None]) -> bool:
    figure = draw(record) if record.metrics else None
    if figure is not None:
        with matplotlib.rc_context(RC):
            with_caption(figure, words.caption(record, name)).savefig(path)
    return figure is not None


def with_caption(figure: Figure, caption: str) -> Figure:
    """`figure` with `caption` under it, wrapped to its width."""
    width_in = figure.get_figwidth()
    lines = textwrap.wrap(caption, int(width_in * 17))
    figure.set_figheight(figure.get_figheight() + 0.14 * len(lines) + 0.1)
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7, color=MUTED)
    return figure
