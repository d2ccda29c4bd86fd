"""A run's curves as data: panels that matplotlib draws in figures, and one chart in the explorer.

A score has its 95 % interval, its baselines, and the level at which it reaches its threshold above these. It has a panel for
each site; a figure shows the site where phases are read, and the explorer the one that is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from phasescope.runs.store.sites import Site
from phasescope.studies.plots import Curve, Panel
from phasescope.views.facts.palette import INK, MUTED, ON_DATA, PALETTE, SERIES_COLOURS, denoiser_colours
from phasescope.views.facts.record import Record, number, score
from phasescope.views.facts.scores import levels
from phasescope.views.facts.terms import (
    READINGS,
    ROUTES,
    baseline_words,
    probed,
    site_words,
    split_words,
)

TERMS = {
    "outcomes": ("outcome", "phase"),
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

BASELINE_DASHES = {
    "untrained": (5, 2),
    "pixels": (5, 1.5, 1, 1.5),
    "permuted": (1, 1.5),
    "label_embedding": (9, 3),
}
OTHER_DASHES = (3, 1.5, 1, 1.5, 1, 1.5)
SHOWN_BASELINES = ("untrained", "pixels")
"""of scores by route"""
# Exact denoisers and their dashes: one without the label, and one with it, which is drawn if its error is not 0.
OPTIMA = {"unconditional": (5, 2), "floor": (1, 1.5)}
# R² has no lower bound: what lies below this end of a panel of routes is drawn at it.
FLOOR = -0.15
# Without the label the optimum's error at low noise is 1e-12 or less: a smaller one is drawn here, so that others are seen.
LEAST_ERROR = 1e-6


@dataclass(frozen=True)
class Line(Curve):
    """A curve without the marks of its series; an interval between its ends."""

    width: float = 1.6
    dashes: tuple[float, ...] = ()
    marker: str | None = None
    shade: float | None = None
    """from 0 to 1, the curve's place in an order, instead of its colour"""


@dataclass(frozen=True)
class Mesh:
    """Coloured cells over the snapshots of a run.

    Attributes:
        values: (levels, snapshots), indices into `colours`; NaN is blank.
        colours: by name, in the order of the indices.
        borders: of the levels along y.
    """

    values: np.ndarray
    colours: Mapping[str, str]
    borders: Sequence[float]


@dataclass(frozen=True)
class RunPanel(Panel):
    """One pair of axes of one run, in a figure and in the explorer.

    Attributes:
        key: what it shows, as `probe_r2`; panels of one key differ in `split` or `site`.
        note: remark beside the title.
        over: what its curves have a number for: each snapshot, or each line of the training's log.
        terms: those that the explorer explains beside it.
    """

    xlabel: str = ""
    ylabel: str = ""
    key: str = ""
    note: str = ""
    split: str = ""
    site: Site | None = None
    over: Literal["lines", "scalars"] = "lines"
    terms: Sequence[str] = ()

    x: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """images seen at each snapshot; empty if the x axis is another"""
    height_in: float = 1.2
    areas: Mapping[str, tuple[str, np.ndarray]] = field(default_factory=dict)
    """stacked from below, by name: colour and shares (snapshots,)"""
    bands: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    """rows of phases, by name: one a snapshot"""
    mesh: Mesh | None = None
    verticals: Sequence[tuple[float, str]] = ()
    """(x, colour) of dotted lines"""
    yticks: Sequence[float] | None = None


def run_panels(record: Record) -> list[RunPanel]:
    """Return every panel for which the run holds data: of outcomes one a split, of scores one a site."""
    panels = [*_phases(record), *_outcomes(record)]
    for measure in record.measures:
        if not record.column(measure).panel:
            continue
        panels += [_score(record, measure, site) for site in _sites_with_baselines(record, measure)]
    panels += [_routes(record, site) for site in _sites_with_baselines(record, "condition_probe_r2")]
    panels += [*_denoising(record), *_closest(record), *_nats(record), *_training(record)]

    return [replace(panel, terms=TERMS.get(panel.key) or record.column(panel.key).terms) for panel in panels]


def _sites_with_baselines(record: Record, measure: str) -> list[Site]:
    """Return the sites at which a measure was read beside a baseline at any snapshot: without one it is not shown."""
    return [site for site in record.sites(measure) if _has_baselines(record, measure, site)]


def _has_baselines(record: Record, measure: str, site: Site) -> bool:
    scores = (score(line, measure, site) for line in record.metrics)
    return any(value and value.get("value") is not None and value.get("baselines") for value in scores)


def _known(curves: Sequence[Line]) -> list[Line]:
    """Return the curves that have a value."""
    return [curve for curve in curves if np.isfinite(curve.y).any()]


def _phases(record: Record) -> Iterator[RunPanel]:
    bands = {words: record.phases(name) for name, words in READINGS.items() if any(record.phases(name))}
    if bands:
        yield RunPanel(
            key="phases",
            title="Phases",
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
        yield RunPanel(
            key="outcomes",
            title="Outcomes",
            note=f"{split_words(split, record.is_unconditional)} (n = {record.count(split)})",
            split=split,
            x=record.images_seen,
            curves=_known([level]),
            areas={name: (colours[name], share) for name, share in shares},
            ylabel="share",
            ylim=(0, 1),
            yticks=(0, 0.5, 1),
            height_in=1.1,
        )


def _score(record: Record, measure: str, site: Site) -> RunPanel:
    column = record.column(measure)
    title = column.title or column.words
    is_share = column.axis == "share"
    return RunPanel(
        key=measure,
        title=probed(title[:1].upper() + title[1:], record.factors),
        note=site_words(site),
        site=site,
        x=record.images_seen,
        curves=_known(_score_curves(record, measure, site)),
        ylabel=probed(column.unit, record.factors),
        yscale="log" if column.axis == "log" else "linear",
        ylim=(-0.12, 1.05) if is_share else None,
        yticks=(0, 0.5, 1) if is_share else None,
        height_in=1.4 if column.by_factor else 1.0,
    )


def _score_curves(record: Record, measure: str, site: Site) -> list[Line]:
    """Return the score with its interval, of each factor, beside another score, its baselines, and its threshold."""
    x, colour = record.images_seen, PALETTE["p1" if measure == "p1_r2" else "probe"][0]

    curves = [
        Line(
            x,
            record.series(measure, site),
            low=record.series(measure, site, "low"),
            high=record.series(measure, site, "high"),
            label="this network",
            colour=colour,
        )
    ]
    column = record.column(measure)
    if column.by_factor and len(record.factors) > 1:
        for factor in record.factors:
            of_factor = record.series(measure, site, "detail", factor.name)
            curves.append(Line(x, of_factor, colour=colour, width=0.6))

    if column.beside is not None:
        other, label = column.beside
        y = record.series(other, site)
        curves.append(Line(x, y, label=label, colour=PALETTE["accent"][0], width=0.9))

    for baseline in record.baselines(measure):
        y, dashes = record.series(measure, site, "baselines", baseline), _dashes_of(baseline)
        curves.append(Line(x, y, label=baseline_words(baseline), colour=MUTED, width=1.1, dashes=dashes))

    level = levels(record, measure, site)
    if np.isfinite(level).any():
        limit = f": gain {record.thresholds[measure]:g}" if measure == "p1_r2" else ""
        curves.append(Line(x, level, label=f"threshold{limit}", colour=INK, width=0.7))
    return curves


def _dashes_of(baseline: str) -> tuple[float, ...]:
    return BASELINE_DASHES.get(baseline, OTHER_DASHES)


def _routes(record: Record, site: Site) -> RunPanel:
    """Return curves of probe R² of the condition and of the input image's label; dashed, the variance that it explains."""

    def series(measure: str, *path: str) -> np.ndarray:
        return np.maximum(record.series(measure, site, *path), FLOOR)

    x = record.images_seen
    curves = []
    for route, words in ROUTES.items():
        colour, probe = PALETTE[route][0], f"{route}_probe_r2"
        low, high = series(probe, "low"), series(probe, "high")
        curves.append(Line(x, series(probe), low=low, high=high, label=words, colour=colour))

        share = series(f"{route}_label_variance")
        label = f"{words}: share of variance"
        curves.append(Line(x, share, label=label, colour=colour, width=1.1, dashes=(8, 2)))

        for baseline in SHOWN_BASELINES:
            y, dashes = series(probe, "baselines", baseline), BASELINE_DASHES[baseline]
            label = f"{words}: {baseline_words(baseline)}"
            curves.append(Line(x, y, label=label, colour=colour, width=0.8, dashes=dashes))

    return RunPanel(
        key="routes",
        title=f"{probed('Probe R²', record.factors)} by route: condition and input",
        note=site_words(site),
        site=site,
        x=x,
        curves=_known(curves),
        ylabel="R²",
        ylim=(FLOOR, 1.05),
        yticks=(0, 0.5, 1),
        height_in=1.6,
    )


def _denoising(record: Record) -> Iterator[RunPanel]:
    """Return curves of the network's mean squared error of the noise by band of t, and of the exact optima in `OPTIMA`."""
    bands = next((line["denoising"] for line in reversed(record.metrics) if line.get("denoising")), [])

    curves = []
    for index, band in enumerate(bands):
        shade = index / max(len(bands) - 1, 1)
        network = _above_0(_errors(record, band["low"], "network"))
        label = f"t in [{band['low']}, {band['high']})"
        curves.append(Line(record.images_seen, network, label=label, shade=shade, width=1.6))
        for name, dashes in OPTIMA.items():
            optimum = _above_0(_errors(record, band["low"], name))
            curves.append(Line(record.images_seen, optimum, shade=shade, width=0.9, dashes=dashes))

    if curves:
        yield RunPanel(
            key="denoising",
            title="Denoising error",
            note="of the noise per pixel; dashed: the best without the label, drawn at 1e-6 if smaller",
            x=record.images_seen,
            curves=_known(curves),
            ylabel="MSE",
            yscale="log",
            height_in=2.2,
        )


def _errors(record: Record, low: float, name: str) -> np.ndarray:
    """Return at each snapshot the error `name` in the band that begins at `low`; NaN where it was not measured."""

    def error(line: dict[str, Any]) -> float:
        bands = line.get("denoising") or []
        return number(next((band.get(name) for band in bands if band["low"] == low), None))

    return np.array([error(line) for line in record.metrics])


def _above_0(errors: np.ndarray) -> np.ndarray:
    return np.where(errors > 0, np.maximum(errors, LEAST_ERROR), np.nan)


def _exact(record: Record) -> dict[str, Any]:
    """Return the exact errors and nats of the reference denoisers, as the run's references have them; else nothing."""
    known = (record.references.get("family") or {}).get("reference_denoisers") or {}
    return known if known.get("mmse") else {}


def _closest(record: Record) -> Iterator[RunPanel]:
    known = _exact(record)
    lines = [line.get("closest_reference") or [] for line in record.metrics]
    last = next(filter(None, reversed(lines)), [])
    if not known or not last:
        return

    colours = denoiser_colours(known["mmse"])
    indices = {name: index for index, name in enumerate(colours)}

    def cells(line: list[dict[str, Any]]) -> list[float]:
        """Return an index for each level; blank where no reference is nearer than images are to their mean."""
        if not line:
            return [np.nan] * len(last)
        return [indices.get(_closest_of(level) or "", np.nan) for level in line]

    values = np.array([cells(line) for line in lines], float).T
    t = np.array([level["t"] for level in last], float)
    yield RunPanel(
        key="closest",
        title="Closest reference denoiser",
        note="by t",
        x=record.images_seen,
        mesh=Mesh(values, colours, _borders(t)),
        ylabel="t",
        height_in=2.2,
    )


def _closest_of(level: Mapping[str, Any]) -> str | None:
    """Return the name of the closest reference denoiser in an item of `closest_reference`; None if r^2 is not above 0: the
    network is then as far from every reference as images are from their mean."""
    return level["reference"] if (level["r2"] or 0) > 0 else None


def _borders(t: np.ndarray) -> list[float]:
    """Return the borders of the stretches that ascending levels t stand for: half way between neighbours."""
    if len(t) == 1:
        return [t[0] - 0.5, t[0] + 0.5]
    half = np.diff(t) / 2
    return [t[0] - half[0], *(t[1:] - half), t[-1] + half[-1]]


def _nats(record: Record) -> Iterator[RunPanel]:
    lines = [line.get("nats") or {} for line in record.metrics]
    most = _exact(record).get("nats") or {}
    names = next(filter(None, reversed(lines)), {})

    curves = []
    for colour, name in zip(SERIES_COLOURS, names, strict=False):
        scores = [line.get(name) or {} for line in lines]
        value, low, high = (
            np.array([number(score.get(end)) for score in scores]) for end in ("value", "low", "high")
        )
        curves.append(Line(record.images_seen, value, low=low, high=high, label=name, colour=colour))
        all_of_it = np.full(len(lines), most.get(name, np.nan))
        curves.append(Line(record.images_seen, all_of_it, colour=MUTED, width=0.8, dashes=(4, 3)))

    if curves:
        yield RunPanel(
            key="nats",
            title="Nats of the label learned",
            note="dashed: all that there are",
            x=record.images_seen,
            curves=_known(curves),
            ylabel="nats",
            ylim=(-0.5, 1.1 * most["label"]) if "label" in most else None,
        )


def _training(record: Record) -> Iterator[RunPanel]:
    """Return curves of the scalars that training logged; for a run without such a log, of those that snapshots recorded."""
    for name, title in TRAINING.items():
        is_logged = any(line.get(name) is not None for line in record.scalars)
        lines = record.scalars if is_logged else record.metrics
        y = np.array([number(line.get(name)) for line in lines])
        if not np.isfinite(y).any():
            continue

        x = np.array([line["images_seen"] for line in lines], float)
        yield RunPanel(
            key=name,
            title=title,
            x=record.images_seen,
            curves=[Line(x, y, label=title.lower(), colour=PALETTE["accent"][0], width=0.9)],
            over="scalars" if is_logged else "lines",
            yscale="linear" if name == "learning_rate" else "log",
            height_in=1.0,
        )
