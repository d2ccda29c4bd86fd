"""A recorded number of a fork's children, minus that of the unchanged runs that they are paired with, over training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from phasescope.core.errors import UserError
from phasescope.measures.over_runs import LEVEL
from phasescope.runs.store.folder import RunFolder
from phasescope.runs.trained.catalogue import as_run
from phasescope.studies.plots import Curve, Panel
from phasescope.views.facts.forks import LEAST_FOR_INTERVAL, PairedCourse, fork_group, paired_courses
from phasescope.views.facts.palette import MUTED
from phasescope.views.figures.axes import WIDTH_IN, figure_of
from phasescope.views.figures.courses import check_column
from phasescope.views.figures.drawing import draw_panel
from phasescope.views.figures.own_axes import check_own_axes, draw_on
from phasescope.views.figures.plots import Plot, Size, checked_size
from phasescope.views.style import CURRENT, styled, with_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_fork(
    runs: Sequence[RunFolder | str],
    column: str = "loss",
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    style: str | None = None,
) -> Plot:
    """Return a figure of the mean paired difference of each change of a fork, with its 97.5 % interval over pairs.

        runs = phasescope.fork(run, at=500, changes={"training": {"optimiser": {"lr": 0.003}}}, children=8)
        phasescope.plot_fork(runs, "outcomes.grid.correct")

    Args:
        runs: those of one fork, as `phasescope.fork` returns them: the control, the twins, the children. Their parent may be
            among them. Words name runs in the folder `runs`.
        column: of `Run.to_frame()`.
        ax: axes of your own, which keep the settings that they were made with; `size` and `style` are then left out.
        size, style: as for `Run.plot`.

    From each child its twin is subtracted, or the control if it has no seeds of its own beside its change. Up to the step of
    the fork, a dotted line, differences are exactly 0. The trap: an interval is shown from six pairs on, and speaks
    of continuations of this one state, not of other runs.

    Raises:
        UserError: the runs are not of one fork, or lack the column.
    """
    check_own_axes(ax, size, style)
    opened = [as_run(run) for run in ([runs] if isinstance(runs, str | RunFolder) else runs)]
    group = fork_group(opened)
    if group is None:
        listed = ", ".join(run.name for run in opened[:4]) or "none"
        raise UserError(
            f"`runs` (={listed:.200}) must be those of one fork, with its control and a child: as fork returns them"
        )
    control, children = group
    for run in (control, *children):
        check_column("column", column, run.name, run.to_frame())
    courses = list(paired_courses(control, children, column))
    if not courses:
        raise UserError(f"`column` (={column}) must have a number in a child and in its twin: there is none")

    panel = Panel(
        title="",
        xlabel="gradient steps",
        ylabel=f"{column}, minus unchanged",
        curves=[_curve(course, series) for series, course in enumerate(courses)],
        level=0.0,
    )
    inches = None if size is None else checked_size(size)
    with with_style(CURRENT if ax is not None else style), styled():
        if ax is None:
            axes = Figure(figsize=inches or (WIDTH_IN / 2, 3.2)).subplots()
            draw_panel(axes, panel)
        else:
            axes = ax
            draw_on(axes, panel)
        step = (control.fork or {})["step"]
        axes.axvline(step, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))

    interval = f"{LEVEL} interval over pairs (from {LEAST_FOR_INTERVAL} pairs on)"
    caption = f"{column}: mean difference from the unchanged runs, {interval}; forked at step {step:,}."
    return Plot(column, figure_of(axes), caption)


def _curve(course: PairedCourse, series: int) -> Curve:
    return Curve(
        x=course.steps,
        y=course.value,
        low=course.low,
        high=course.high,
        label=f"{course.changed} (n = {course.n})",
        series=series,
    )
