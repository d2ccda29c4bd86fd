"""Every panel of a run: phases, outcomes, scores, denoising and training, as the figures and the explorer show them.

A score has a panel for each site; a figure shows the site where phases are read, and the explorer the one that is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from phasescope.measures.columns import COLUMNS
from phasescope.views.facts.denoising_panels import denoising_panels
from phasescope.views.facts.meter import meter_panels
from phasescope.views.facts.palette import ON_DATA, PALETTE
from phasescope.views.facts.panel import Compared, Line, RunPanel, known_curves
from phasescope.views.facts.record import Record, number
from phasescope.views.facts.score_panels import score_panels
from phasescope.views.facts.terms import NOT_READ, OTHER_READINGS, READINGS, split_words

TERMS = {
    "outcomes": ("outcome", "behaviour"),
    "routes": ("route", "probe_r2"),
    "closest": ("reference_denoisers",),
    "nats": ("nats",),
}
"""terms that the explorer explains beside a panel; those of a score are its column's"""
TRAINING = {
    "loss": "Loss",
    "learning_rate": "Learning rate",
    "gradient_norm": "Gradient norm before clipping",
}
ADDED_SCALARS = ("step", "images_seen", "wall_s", "images_per_s")
"""what phasescope adds to each line of scalars"""
OWN_SCALARS = "scalars."
"""what the keys of panels begin with whose scalars the user's own loop logged, by any name"""


def run_panels(record: Record) -> list[RunPanel]:
    """Return every panel for which the run holds data: of outcomes one a split, of scores one a site."""
    panels = [
        *_phases(record),
        *_outcomes(record),
        *score_panels(record),
        *denoising_panels(record),
        *meter_panels(record),
        *_of_family(record),
        *_training(record),
    ]

    def terms(panel: RunPanel) -> Sequence[str]:
        return panel.terms or TERMS.get(panel.key) or record.column(panel.key).terms

    return [replace(panel, terms=terms(panel)) for panel in panels]


def _phases(record: Record) -> Iterator[RunPanel]:
    """Yield the panel of phases: a row for samples and one for activations, read or not, and one for each other reading."""
    others = {name: f"other reading: {words}" for name, words in OTHER_READINGS.items()}
    read = [name for name in (*READINGS, *others) if any(record.phases(name))]
    bands: dict[str, Sequence[str | None]] = {}
    for name, words in (READINGS | others).items():
        if name in read:
            bands[words] = record.phases(name)
        elif name in READINGS:
            bands[f"{words}: {NOT_READ}"] = record.phases(name)
    if read:
        yield RunPanel(
            key="phases",
            title="Phases",
            # Of the rules, those by which this run was read.
            terms=[name for name in ("behaviour", "sheet") if name in read]
            + [name for name, reading in {"p1_r2": "representation_p1"}.items() if reading in read],
            x=record.images_seen,
            bands=bands,
            height_in=0.25 * max(len(bands), 3),
        )


def _outcomes(record: Record) -> Iterator[RunPanel]:
    majority = np.full(len(record.images_seen), record.thresholds["majority"])
    level = Line(record.images_seen, majority, colour=ON_DATA, width=0.7, dashes=(3, 3))
    colours = {outcome.name: outcome.colour for outcome in record.outcomes}

    for split in record.splits:
        shares = reversed(record.outcome_shares(split).items())
        labels = split_words(split, record.is_unconditional)
        is_compared = split == record.splits[0] and bool(record.outcomes)
        yield RunPanel(
            key="outcomes",
            title="Outcomes",
            note=f"{labels} (n = {record.count(split)})",
            split=split,
            compared=_success(record, labels) if is_compared else None,
            x=record.images_seen,
            curves=known_curves([level]),
            areas={name: (colours[name], share) for name, share in shares},
            ylabel="share",
            ylim=(0, 1),
            yticks=(0, 0.5, 1),
            height_in=1.1,
        )


def _success(record: Record, labels: str) -> Compared:
    """Return the comparison of the share of the last outcome, success."""
    name = record.outcomes[-1].name
    return Compared(title=f"Share of {name} images", line=name, note=f"{labels}; higher is better")


def _of_family(record: Record) -> Iterator[RunPanel]:
    """Yield a panel for each number that the run's family examined: those of the instrument have panels of their own."""
    for name in _numbers_in(record.metrics):
        column = record.column(name)
        if name in COLUMNS and "references" not in column.needs:
            continue

        title = column.title or column.words
        y = np.array([number(line.get(name)) for line in record.metrics])
        yield RunPanel(
            key=name,
            title=title,
            compared=Compared(title=title, line=title.lower()),
            x=record.images_seen,
            curves=[Line(record.images_seen, y, label=title.lower(), colour=PALETTE["accent"][0])],
            ylabel=column.unit,
            height_in=1.0,
        )


def _numbers_in(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names that have a number in any of some lines, and no text or tree in one."""
    values = [(name, value) for line in lines for name, value in line.items() if value is not None]
    others = {name for name, value in values if isinstance(value, bool) or not isinstance(value, int | float)}
    return [name for name in dict.fromkeys(name for name, _ in values) if name not in others]


def _training(record: Record) -> Iterator[RunPanel]:
    """Yield the scalars that training logged; for a run without such a log, of those that snapshots recorded."""
    for name, title in TRAINING.items():
        is_logged = any(line.get(name) is not None for line in record.scalars)
        lines = record.scalars if is_logged else record.metrics
        panel = _scalar(record, lines, name, title)
        if np.isfinite(panel.curves[0].y).any():
            over = "scalars" if is_logged else "lines"
            yield replace(panel, over=over, yscale="linear" if name == "learning_rate" else "log")

    for name in _numbers_in(record.scalars):
        if name not in (*TRAINING, *ADDED_SCALARS):
            # A loop may log by any name, that of a column too.
            yield replace(
                _scalar(record, record.scalars, name, name), key=f"{OWN_SCALARS}{name}", over="scalars"
            )


def _scalar(record: Record, lines: Sequence[Mapping[str, Any]], name: str, title: str) -> RunPanel:
    x = np.array([line["images_seen"] for line in lines], float)
    y = np.array([number(line.get(name)) for line in lines])
    label = title.lower() if name in TRAINING else title
    return RunPanel(
        key=name,
        title=title,
        compared=Compared(title=title, line=label),
        x=record.images_seen,
        curves=[Line(x, y, label=label, colour=PALETTE["accent"][0], width=0.9)],
        height_in=1.0,
    )
