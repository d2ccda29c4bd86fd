"""Panels of the scores of activations, one a measure and site, and of probes by route.

A score has its 95 % interval, its baselines, and the level at which it reaches its threshold above these.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from phasescope.measures.columns import Column
from phasescope.runs.store.sites import Site
from phasescope.views.facts.palette import INK, MUTED, PALETTE
from phasescope.views.facts.panel import Compared, Line, RunPanel, known_curves
from phasescope.views.facts.record import Record, score
from phasescope.views.facts.scores import levels
from phasescope.views.facts.terms import ROUTES, baseline_words, probed, site_words

NETWORK = "this network"
UNTRAINED = "untrained"
BASELINE_DASHES = {
    "untrained": (5, 2),
    "pixels": (5, 1.5, 1, 1.5),
    "permuted": (1, 1.5),
    "label_embedding": (9, 3),
}
OTHER_DASHES = (3, 1.5, 1, 1.5, 1, 1.5)
SHOWN_BASELINES = ("untrained", "pixels")
"""of scores by route"""
# R² has no lower bound: what lies below this end of a panel of routes is drawn at it.
FLOOR = -0.15


def score_panels(record: Record) -> Iterator[RunPanel]:
    """Yield the panels of scores that were read beside a baseline, then those by route."""
    for measure in record.measures:
        if record.column(measure).panel:
            for site in _sites_with_baselines(record, measure):
                yield _score_panel(record, measure, site)

    for site in _sites_with_baselines(record, "condition_probe_r2"):
        yield _route_panel(record, site)


def _sites_with_baselines(record: Record, measure: str) -> list[Site]:
    """Return the sites at which a measure was read beside a baseline at any snapshot: without one it is not shown."""
    return [site for site in record.sites(measure) if _has_baselines(record, measure, site)]


def _has_baselines(record: Record, measure: str, site: Site) -> bool:
    scores = (score(line, measure, site) for line in record.metrics)
    return any(value and value.get("value") is not None and value.get("baselines") for value in scores)


def _score_panel(record: Record, measure: str, site: Site) -> RunPanel:
    column = record.column(measure)
    words = column.title or column.words
    title = probed(words[:1].upper() + words[1:], record.factors)
    is_share = column.axis == "share"

    return RunPanel(
        key=measure,
        title=title,
        note=site_words(site),
        site=site,
        compared=_compared(record, column, title, site),
        x=record.images_seen,
        curves=known_curves(_score_curves(record, measure, site)),
        ylabel=probed(column.unit, record.factors),
        yscale="log" if column.axis == "log" else "linear",
        ylim=(-0.12, 1.05) if is_share else None,
        yticks=(0, 0.5, 1) if is_share else None,
        height_in=1.4 if column.by_factor else 1.0,
    )


def _compared(record: Record, column: Column, title: str, site: Site) -> Compared:
    """Return the comparison of a score, beside the untrained network's if that is one of its baselines."""
    unit = "" if column.unit in title else column.unit
    direction = "" if column.better == "neither" else f"{column.better} is better"
    beside = baseline_words(UNTRAINED) if UNTRAINED in record.baselines(column.name) else ""
    brackets = f"in brackets: {beside}" if beside else ""
    return Compared(
        title=title,
        line=NETWORK,
        note="; ".join(filter(None, (unit, direction, brackets))),
        beside=beside,
        is_read_here=site == record.phase_site(column.phase or "sheet"),
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
            label=NETWORK,
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


def _route_panel(record: Record, site: Site) -> RunPanel:
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
        curves=known_curves(curves),
        ylabel="R²",
        ylim=(FLOOR, 1.05),
        yticks=(0, 0.5, 1),
        height_in=1.6,
    )
