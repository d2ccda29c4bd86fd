"""One figure that shows a run learn: generated images, activations and readings at the same snapshots.

python -m docs.figures.story OUT.png RUN [RUN ...]      from the repository's root; several runs stand below each other.
OUT.txt gets a line per run that says which one it is.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from phasescope.runs.trained.catalogue import open_run
from phasescope.views.facts.clouds import cloud_of
from phasescope.views.facts.palette import INK, MUTED, PALETTE, PHASE_COLOURS, TARGET
from phasescope.views.facts.record import Record, score, success_share
from phasescope.views.facts.terms import site_words
from phasescope.views.facts.words import subject
from phasescope.views.style import RC, scale_of

COLUMNS = 9
LABELS = ((0.25, 0.3), (0.75, 0.5), (0.4, 0.75))
"""of the images, as shares of the factors' ranges"""
IMAGES = len(LABELS)
CURVES = {
    "": ("correct samples", INK),
    "probe_r2": ("probe R²", PALETTE["probe"][0]),
    "label_variance": ("label variance", PALETTE["condition"][0]),
    "label_trustworthiness": ("order of the sheet (128 labels)", PALETTE["input"][0]),
}
"""by measure, the empty one being the share of correct samples: name and colour"""
BANDS = {"behaviour": "phase of the samples", "sheet": "phase of the sheet"}


def story_figure(records: list[Record]) -> Figure:
    """Return a block per run: images of fixed labels, activations by their first two components, readings."""
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(9.2, 5.3 * len(records)))
        for part, record in zip(
            figure.subfigures(len(records), 1, squeeze=False)[:, 0], records, strict=True
        ):
            _block(part, record)
    return figure


def _block(part: Any, record: Record) -> None:
    site = record.phase_site("sheet")
    assert site is not None
    stored = [snapshot for snapshot in record.snapshots if site in snapshot.sites]
    at = np.linspace(0, len(stored) - 1, min(COLUMNS, len(stored))).round().astype(int)
    columns = [stored[index] for index in at]
    cloud = cloud_of(record, site, "pca", columns)
    assert cloud is not None
    grid = part.add_gridspec(
        IMAGES + 3,
        len(at),
        height_ratios=[1] * IMAGES + [1.2, 0.25, 1.7],
        hspace=0.1,
        wspace=0.06,
        left=0.115,
        right=0.985,
        top=0.93,
        bottom=0.09,
    )
    for column, (snapshot, points) in enumerate(zip(columns, cloud.points, strict=True)):
        _images(part, grid, column, record, snapshot)
        ax = part.add_subplot(grid[IMAGES, column])
        colours, low, high = scale_of(record.factors[0])
        x = cloud.labels[:, 0]
        ax.scatter(*points.T[:2], c=x, cmap=colours, vmin=low, vmax=high, s=5, linewidths=0)
        reach = np.quantile(np.abs(cloud.points[..., :2]), 0.999)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
        ax.spines[:].set_visible(False)
        if not column:
            ax.set_ylabel(f"activations\n{site_words(site)}\ncolour: {record.factors.names[0]}", color=INK)
    _readings(part.add_subplot(grid[IMAGES + 2, :]), record, site, [s.step for s in columns])


def _images(part: Any, grid: Any, column: int, record: Record, snapshot: Any) -> None:
    """Draw the images of the labels nearest to `LABELS`, with a ring at each label."""
    samples = snapshot.samples()
    trained = samples["split"] == record.splits[0]
    images, labels = samples["images"][trained], samples["labels"][trained]
    shares = (labels - record.factors.low) / record.factors.span
    for row, wanted in enumerate(LABELS):
        index = int(np.argmin(np.linalg.norm(shares - np.resize(wanted, shares.shape[1]), axis=1)))
        ax = part.add_subplot(grid[row, column])
        ax.imshow(images[index][0], cmap="gray", vmin=-1, vmax=1)
        if (position := record.position) is not None:
            x, y = labels[index][list(position)] - 1  # pixel centres begin at 1, imshow's at 0
            ax.plot(x, y, "o", markersize=9, markerfacecolor="none", markeredgecolor=TARGET, linewidth=0.8)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color=MUTED, linewidth=0.4)
        if not row:
            ax.set_title(f"step {snapshot.step:,}", loc="center", fontweight="normal", pad=3)
        if not column and row == IMAGES // 2:
            ax.set_ylabel("generated images\nring: label", color=INK)


def _readings(ax: Any, record: Record, site: Any, shown: list[int]) -> None:
    """Draw readings over steps, phases as bands below, and a line at each step that is shown above."""
    steps = np.array([line["step"] for line in record.metrics])

    def series(measure: str) -> np.ndarray:
        values = [(score(line, measure, site) or {}).get("value") for line in record.metrics]
        return np.array([np.nan if value is None else value for value in values], float)

    for measure, (name, colour) in CURVES.items():
        values = series(measure) if measure else np.array([success_share(line) for line in record.metrics])
        if np.isfinite(values).any():
            ax.plot(steps, values, color=colour, label=name)
    edges = np.concatenate([steps[:1], (steps[1:] + steps[:-1]) / 2, steps[-1:]])
    for row, (reading, name) in enumerate(BANDS.items()):
        low = -0.24 - 0.15 * row
        for left, right, phase in zip(edges[:-1], edges[1:], record.phases(reading), strict=True):
            if phase in PHASE_COLOURS:
                ax.fill_between([left, right], low, low + 0.12, color=PHASE_COLOURS[phase], linewidth=0)
        ax.text(0, low + 0.06, f"{name} ", va="center", ha="right", color=INK, fontsize=7)
    for letter, colour in PHASE_COLOURS.items():
        ax.fill_between([], [], color=colour, label=f"phase {letter}")
    ax.fill_between([], [], color="white", edgecolor=MUTED, linewidth=0.5, label="undecided")
    for step in shown:
        ax.axvline(step, color=MUTED, linewidth=0.4, linestyle=":", zorder=0)
    ax.set(xlim=(0, steps[-1]), ylim=(-0.42, 1.04), xlabel="gradient steps", yticks=[0, 0.5, 1])
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), fontsize=6.5, ncols=8, borderaxespad=0.1)


if __name__ == "__main__":
    out, *runs = sys.argv[1:]
    records = [Record(open_run(Path(run))) for run in runs]
    story_figure(records).savefig(out, dpi=150)
    Path(out).with_suffix(".txt").write_text("\n".join(map(subject, records)) + "\n")
