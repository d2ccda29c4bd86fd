"""A run's figures with their captions, in a notebook or to a file: `run.plot.timeline()`.

run = phasescope.open_run("runs/demo-da52ad69")
run.plot.samples()                       # shows itself in a notebook
run.plot.timeline().save("timeline.pdf")
run.plot.timeline().figure               # matplotlib's own, to continue with
run.plot.panel("outcomes", ax=axes)      # one panel, on axes of your own
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from matplotlib.figure import Figure

from phasescope.core.errors import UserError
from phasescope.runs.store.files import write_aside
from phasescope.runs.store.folder import RunFolder
from phasescope.runs.store.sites import Site
from phasescope.views.facts.onsets import onsets
from phasescope.views.facts.record import Record
from phasescope.views.facts.terms import OTHER_READINGS, READINGS, site_words, split_words
from phasescope.views.facts.words import labels_of, subject
from phasescope.views.figures import manifold, samples, timeline
from phasescope.views.figures.axes import figure_bytes
from phasescope.views.figures.own_axes import check_own_axes, is_shown_by_pyplot
from phasescope.views.figures.timeline import chosen_site
from phasescope.views.style import CURRENT, with_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["png", "svg", "pdf"]
Size = tuple[float, float]
MOST_INCHES = 100
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

    def _repr_png_(self) -> bytes | None:
        # On axes of pyplot's it would be shown twice: once as this, and once by pyplot when the cell ends.
        return None if is_shown_by_pyplot(self.figure) else figure_bytes(self.figure, "png", DPI)

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
    """The figures of a run. Each raises UserError if the run lacks its data.

    `size` is (width, height) in inches. `style` is a style of matplotlib by its name, or `current` for your own settings;
    by default figures look as those of the report. `layer` is a layer, or a layer and a noise level as `mid.600`; by
    default that at which phases are read.
    """

    def __init__(self, run: RunFolder):
        self._run = run

    def __repr__(self) -> str:
        return f"Plots of {self._run.name}: {', '.join((*FIGURES, 'panel'))}"

    def timeline(
        self,
        panels: Sequence[str] | None = None,
        layer: str | None = None,
        size: Size | None = None,
        style: str | None = None,
    ) -> Plot:
        """Phases, outcomes, scores with their baselines, and the training, against images seen.

            run.plot.timeline(["phases", "outcomes", "probe_r2"], layer="down3.50", size=(6, 4))

        Args:
            panels: their keys, in their order, instead of all; a wrong one is refused with those that the run has.
        """
        return self._drawn("timeline", size, style, None, panels=panels, layer=layer)

    def samples(
        self,
        snapshots: int | Sequence[int] = 10,
        columns: int = 12,
        ax: Axes | None = None,
        size: Size | None = None,
        style: str | None = None,
    ) -> Plot:
        """Images generated for fixed labels, a row a snapshot.

            run.plot.samples(snapshots=3, columns=6, ax=axes)

        Args:
            snapshots: how many, evenly in images seen, or their steps.
            columns: labels, the same number of each split.
            ax: axes of matplotlib, which keep the settings that they were made with; `size` and `style` are then left out.
        """
        return self._drawn("samples", size, style, ax, rows=snapshots, columns=columns)

    def manifold(
        self,
        layer: str | None = None,
        snapshots: int | Sequence[int] | None = None,
        factor: str | None = None,
        ax: Axes | None = None,
        size: Size | None = None,
        style: str | None = None,
    ) -> Plot:
        """Activations by principal components, a row of snapshots for each factor, which colours them.

            axes = plt.figure().add_subplot(projection="3d")
            run.plot.manifold(snapshots=[500], factor="x", ax=axes)

        Args:
            snapshots: how many, evenly in images seen, or their steps; by default five, on axes of your own the last.
            factor: draw its row alone.
            ax: axes of matplotlib for one snapshot and one factor, by default the first; with ``projection="3d"`` three
                components are drawn, else two. They keep their settings; `size` and `style` are then left out.
        """
        return self._drawn("manifold", size, style, ax, layer=layer, columns=snapshots, factor=factor)

    def denoising(self, size: Size | None = None, style: str | None = None) -> Plot:
        """Denoising error by band of noise beside the exact optima, the closest reference denoiser, nats of the label."""
        return self._drawn("denoising", size, style, None)

    def panel(
        self,
        key: str,
        layer: str | None = None,
        ax: Axes | None = None,
        size: Size | None = None,
        style: str | None = None,
    ) -> Plot:
        """One panel of the timeline, or of the denoising: on axes of your own, if these are given.

            figure, (left, right) = plt.subplots(1, 2)
            run.plot.panel("outcomes", ax=left)
            run.plot.panel("probe_r2", layer="down3.50", ax=right)

        Args:
            key: as `outcomes`, `probe_r2`, `loss`; a wrong one is refused with those that the run has.
            ax: axes of matplotlib, which keep the settings that they were made with; `size` and `style` are then left out.
        """
        check_own_axes(ax, size, style)
        record = self._record(key)
        (chosen,) = timeline.chosen_panels(record, panels=[key], layer=layer)
        with with_style(CURRENT if ax is not None else style):
            figure = timeline.one_panel(chosen, ax)
        if size is not None:
            figure.set_size_inches(checked_size(size))
        return Plot(f"{key} of {self._run.name}", figure, f"{chosen.title}. One run: {subject(record)}.")

    def _drawn(
        self, name: str, size: Size | None, style: str | None, ax: Axes | None, **options: Any
    ) -> Plot:
        check_own_axes(ax, size, style)
        inches = None if size is None else checked_size(size)
        record = self._record(name)
        own = {} if ax is None else {"own": ax}
        with with_style(CURRENT if ax is not None else style):
            plot = plot_of(record, name, **options, **own)
        if plot is None:
            raise UserError(f"`{self._run.name}` must have recorded what `{name}` shows: there is nothing")
        if inches is not None:
            plot.figure.set_size_inches(inches)
        return replace(plot, name=f"{name} of {self._run.name}")

    def _record(self, name: str) -> Record:
        record = Record(self._run)
        if not record.metrics:
            raise UserError(f"`{self._run.name}` must have recorded what `{name}` shows: there is nothing")
        return record


def checked_size(size: Size) -> Size:
    """Return a size in inches; UserError if it is none."""
    try:
        width, height = (float(side) for side in size)
    except (TypeError, ValueError):
        width = height = 0.0
    if not (0 < width <= MOST_INCHES and 0 < height <= MOST_INCHES):
        raise UserError(f"`size` (={size}) must be width and height in inches, up to {MOST_INCHES}")
    return width, height


def plot_of(record: Record, name: str, **options: Any) -> Plot | None:
    """Return a figure of `FIGURES`, with the run in its caption; None if the run holds nothing of it.

    Args:
        options: of the function that draws it.
    """
    draw, describe = FIGURES[name]
    figure = draw(record, **options)
    if figure is None:
        return None
    layer = options.get("layer")
    site = record.phase_site("sheet") if layer is None else chosen_site(record, layer)
    return Plot(name, figure, f"{describe(record, site)} One run: {subject(record)}.")


def _timeline(record: Record, _: Site | None) -> str:
    began = {words: onsets(record, reading)["C"] for reading, words in (READINGS | OTHER_READINGS).items()}
    marks = ", ".join(f"{words} {onset.images}" for words, onset in began.items() if onset)
    return (
        f"{len(record.metrics)} snapshots; bands of phases are hatched between two snapshots of different phases. "
        f"{_outcome_counts(record)}{_scores(record)}{_rules(record)}"
        f"Shaded between dotted verticals: where phase C began for good ({f'{marks} images' if marks else 'not reached'})."
    )


def _scores(record: Record) -> str:
    """Return how those scores of activations are read that this run has."""
    sentences = []

    if labels := labels_of(record, "probe_r2"):
        sentences.append(
            "Probe R² (thick: minimum over factors; thin: each factor) is of activations for n = "
            f"{labels} labels. "
        )
    if (most := record.about.get("most_features")) and record.measures:
        sentences.append(f"Scores are of at most {most:,} features of a layer, drawn at random. ")
    if labels := labels_of(record, "label_variance"):
        sentences.append(
            f"Label variance and the dimension of label means are from n = {labels} labels, several noise draws each. "
        )

    if record.measures:
        sentences.append("Bands are 95 % intervals, grey lines baselines. ")
    if "condition_probe_r2" in record.measures:
        sentences.append(
            "By route: each label is given beside the image of another, and read as that of the condition and as that of "
            "the input image; what lies below the panel is drawn at its end. "
        )
    return "".join(sentences)


def _rules(record: Record) -> str:
    """Return the thresholds of the phases that this run reads of its activations."""
    limit, sentences = record.thresholds, []
    if any(record.phases("sheet")):
        sentences.append(
            "The phase of the activations is that of their sheet: there is one if the label explains at least "
            f"{limit['label_variance']:g} of the variance, trustworthiness across noise draws is at least "
            f"{limit['sheet_trustworthiness']:g} and the dimension of label means is at most "
            f"{limit['label_participation_ratio']:g}; it is ordered if trustworthiness to the labels is at least "
            f"{limit['label_trustworthiness']:g}. "
        )
    if any(record.phases("representation_p1")):
        sentences.append(
            f"P1's reading is C if P1's R² closes {limit['p1_r2']:g} of what the highest baseline leaves. "
        )
    return "".join(sentences)


def _outcome_counts(record: Record) -> str:
    if not record.splits:
        return ""
    splits = ((record.count(split), split_words(split, record.is_unconditional)) for split in record.splits)
    counts = ", ".join(f"{n} {words}" for n, words in splits)
    if record.is_unconditional:
        return f"Outcomes are of n = {counts}; the network gets no label. "
    majority = f"a majority of the first (> {record.thresholds['majority']:g}, 95 % interval)"
    return f"Outcomes are of n = {counts}; a phase of the samples needs {majority}. "


def _samples(record: Record, _: Site | None) -> str:
    marks = []
    if record.position:
        marks.append("a crosshair marks the requested position")
    if record.outcomes:
        marks.append("a border the outcome")

    labels = "Without a label at any" if record.is_unconditional else "The same labels at each"
    sentence = f"{labels} snapshot, from the same sampling noise"
    return f"{sentence}; {', '.join(marks)}." if marks else f"{sentence}."


def _manifold(_: Record, site: Site | None) -> str:
    return (
        f"Activations at {site_words(site) if site else 'no site'} on their first three principal components, "
        "at unit mean square norm, each snapshot turned (orthogonal Procrustes) to the next, the last to the labels; "
        "nothing is stretched."
    )


def _denoising(record: Record, _: Site | None) -> str:
    return (
        "Mean squared error of the noise per pixel by band of t, over training images; dashed: the exact optimum without "
        "the label; dotted, if it is not 0: with the label. Closest reference denoiser: ties go to the one with the least "
        "information; blank: the network is as far from each as images are from their mean. Nats, where labels were left "
        "out in training: half the integral over the signal-to-noise ratio of the error that the label saves the network."
    )


FIGURES = {
    "timeline": (timeline.timeline, _timeline),
    "samples": (samples.samples, _samples),
    "manifold": (manifold.manifold_figure, _manifold),
    "denoising": (timeline.denoising, _denoising),
}
