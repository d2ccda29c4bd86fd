"""A run's figures from Python: `run.plot.timeline()`, in a notebook or to a file.

run = phasescope.open_run("runs/demo-da52ad69")
run.plot.painted()                       # shows itself in a notebook
run.plot.timeline().save("timeline.pdf")
run.plot.timeline().figure               # matplotlib's own, to continue with
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from matplotlib.figure import Figure

from phasescope.core.errors import UserError
from phasescope.runs.store.files import write_aside
from phasescope.runs.store.folder import Run
from phasescope.views.figures.axes import figure_bytes
from phasescope.views.record import Record
from phasescope.views.report.pictures import FIGURES, caption, sound_record
from phasescope.views.style import MUTED

Kind = Literal["png", "svg", "pdf"]
DPI = 110
"""of what a notebook shows"""


@dataclass(frozen=True)
class Plot:
    """A figure and its caption, computed from the run."""

    name: str
    figure: Figure
    caption: str

    def __repr__(self) -> str:
        return f"Plot({self.name})"

    def _repr_png_(self) -> bytes:
        return figure_bytes(self.figure, "png", DPI)

    def content(self, kind: Kind, with_caption: bool = False) -> bytes:
        """Return the content of a file; the caption, if asked for, stands under the figure, wrapped to its width."""
        if with_caption:
            width_in, height_in = self.figure.get_size_inches()
            lines = textwrap.wrap(self.caption, int(width_in * 17))
            self.figure.set_figheight(height_in + 0.14 * len(lines) + 0.1)
            self.figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7, color=MUTED)
        return figure_bytes(self.figure, kind)

    def save(self, path: Path | str) -> Path:
        """Write it in the format of its suffix, png, svg or pdf; return the path.

        Raises:
            UserError: another suffix.
        """
        path = Path(path)
        kind = path.suffix.removeprefix(".")
        if kind not in get_args(Kind):
            raise UserError(f"`path` (={path}) must end in .png, .svg or .pdf")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_aside(path, figure_bytes(self.figure, kind))
        return path


class Plots:
    """What can be drawn of a run. Each raises UserError if the run holds nothing of it."""

    def __init__(self, run: Run):
        self._run = run

    def __repr__(self) -> str:
        return f"Plots of {self._run.name}: {', '.join(FIGURES)}"

    def timeline(self) -> Plot:
        """Phases, outcomes, probe R² with its baselines and dimension, against images seen."""
        return self._drawn("timeline")

    def label_space(self) -> Plot:
        """Share correct and error by cells of label space, at five snapshots."""
        return self._drawn("label_space")

    def told_and_seen(self) -> Plot:
        """Probe R² by route: of the condition's label and of the input image's."""
        return self._drawn("told_and_seen")

    def painted(self) -> Plot:
        """Images generated for fixed labels, a row a snapshot."""
        return self._drawn("painted")

    def manifold(self) -> Plot:
        """Latents by principal components."""
        return self._drawn("manifold")

    def denoising(self) -> Plot:
        """Denoising error by band of noise, beside the exact optima."""
        return self._drawn("denoising")

    def standing(self) -> Plot:
        """The closest reference denoiser, and nats of the label learned."""
        return self._drawn("standing")

    def _drawn(self, name: str) -> Plot:
        record = sound_record(self._run)
        plot = plot_of(record, name) if record.metrics else None
        if plot is None:
            raise UserError(
                f"`{self._run.name}` must hold what `{name}` is drawn of, and holds none of it yet"
            )
        return replace(plot, name=f"{name} of {self._run.name}")


def plot_of(record: Record, name: str) -> Plot | None:
    """Return a figure of `FIGURES`; None if the run holds nothing of it."""
    figure = FIGURES[name](record)
    return Plot(name, figure, caption(record, name)) if figure is not None else None
