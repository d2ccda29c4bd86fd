"""A run's curves as data: panels that matplotlib draws in figures, and one chart in the explorer.

A score has its 95 % interval, its baselines, and the level at which it reaches its threshold above these. It has a panel for
each site; a figure shows the site where phases are read, and the explorer the one that is chosen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from phasescope.runs.store.sites import Site
from phasescope.views.facts.numbers import format_short
from phasescope.views.facts.record import Array, Record, number, score
from phasescope.views.facts.scores import PROBES, levels
from phasescope.views.facts.terms import (
    READINGS,
    ROUTES,
    baseline_words,
    measure_words,
    probed,
    site_words,
    split_words,
)
from phasescope.views.figures.drawing import COLOURS, Line, Mesh, RunPanel, draw_panels
from phasescope.views.style import INK, MUTED, ON_DATA, PALETTE, RC, denoiser_colours, shades

PANELS = {
    "probe_r2": ("sheet", 1.4, "Probe R² (ridge), minimum over factors", "R²"),
    "p1_r2": ("representation_p1", 1.4, "P1's R² (UMAP-3D), minimum over factors", "R²"),
    "label_participation_ratio": ("sheet", 1.0, "Dimension of label means", "participation ratio"),
    "label_variance": ("sheet", 1.0, "Variance explained by the label", "share"),
}
"""of a measure's panel: the reading at whose site a figure draws it, height in inches, title, y axis"""
BESIDE = {
    "p1_r2": ("probe_r2", "ridge R², same activations"),
    "label_participation_ratio": ("participation_ratio", "of single activations"),
}
"""a second curve in a measure's panel: what is best compared with it, at the same site"""
# Measures that have no panel of their own: they are in another's, or in the report's table.
ELSEWHERE = (
    "condition_probe_r2",
    "input_probe_r2",
    "condition_label_variance",
    "input_label_variance",
    "participation_ratio",
    "trustworthiness",
    "probe_gain",
    "condition_probe_gain",
    "input_probe_gain",
)
TERMS = {
    "outcomes": ("outcome", "phase"),
    "probe_r2": ("probe_r2", "baseline", "untrained"),
    "p1_r2": ("p1_r2", "P1"),
    "label_participation_ratio": ("participation_ratio", "sheet", "baseline"),
    "label_variance": ("label_variance", "sheet", "baseline"),
    "sheet_trustworthiness": ("sheet", "baseline"),
    "label_trustworthiness": ("sheet", "baseline"),
    "routes": ("route", "probe_r2"),
    "closest": ("reference_denoisers",),
    "nats": ("nats",),
}
"""terms that the explorer explains beside a panel"""
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
DENOISING = ("denoising", "closest", "nats")
"""panels of the figure `denoising`; all others are in the figure `timeline`"""


def timeline(record: Record) -> Figure:
    """Draw phases, outcomes, scores and the training against images seen, in one column of panels.

    Args:
        record: a run with at least one line of metrics.
    """
    colours = {"behaviour": INK, "sheet": PALETTE["probe"][0], "representation_p1": PALETTE["p1"][0]}
    onsets = ((record.onsets(reading)["C"], colour) for reading, colour in colours.items())
    verticals = [(float(onset), colour) for onset, colour in onsets if onset is not None]
    panels = [panel for panel in _of_a_figure(record) if panel.key not in DENOISING]
    figure = draw_panels([replace(panel, verticals=verticals) for panel in panels])
    with matplotlib.rc_context(RC):
        first, last = figure.axes[0], figure.axes[-1]
        ratio = record.images_per_step
        steps = first.secondary_xaxis(
            "top", functions=(lambda seen: np.divide(seen, ratio), lambda step: np.multiply(step, ratio))
        )
        steps.set_xlabel("gradient steps")
        steps.spines["top"].set_visible(True)
        last.set_xlabel("images seen")
        for axis in (steps.xaxis, last.xaxis):
            axis.set(major_locator=MaxNLocator(9), major_formatter=FuncFormatter(format_short))
    return figure


def denoising(record: Record) -> Figure | None:
    """Draw the denoising error by band of t, the closest reference denoiser, and nats; None if none was measured."""
    panels = [panel for panel in _of_a_figure(record) if panel.key in DENOISING]
    figure = draw_panels(panels) if panels else None
    if figure:
        figure.axes[-1].set_xlabel("images seen")
    return figure


def _of_a_figure(record: Record) -> list[RunPanel]:
    """Return the panels at the sites where phases are read; where a measure has none there, at its first."""
    panels: dict[tuple[str, str], RunPanel] = {}
    for panel in run_panels(record):
        site = record.phase_site(PANELS.get(panel.key, ("sheet",))[0])
        if (panel.key, panel.split) not in panels or panel.site == site:
            title = ", ".join(filter(None, (panel.title, panel.note)))
            panels[panel.key, panel.split] = replace(panel, title=title)
    return list(panels.values())


def run_panels(record: Record) -> list[RunPanel]:
    """Return every panel for which the run holds data: of outcomes one a split, of scores one a site."""
    own = [name for name in record.measures if name not in (*PANELS, *ELSEWHERE)]
    panels = [*_phases(record), *_outcomes(record)]
    for measure in (*PANELS, *own):
        # without a baseline a score is not shown
        sites = [site for site in record.sites(measure) if has_baselines(record, measure, site)]
        panels += [_score(record, measure, site) for site in sites]
    sites = [
        site
        for site in record.sites("condition_probe_r2")
        if has_baselines(record, "condition_probe_r2", site)
    ]
    panels += [
        *(_routes(record, site) for site in sites),
        *_denoising(record),
        *_closest(record),
        *_nats(record),
        *_training(record),
    ]
    return [replace(panel, terms=TERMS.get(panel.key, ())) for panel in panels]


def has_baselines(record: Record, measure: str, site: Site) -> bool:
    """Return whether `measure` was read at `site` beside a baseline at any snapshot."""
    scores = (score(line, measure, site) for line in record.metrics)
    return any(value and value.get("value") is not None and value.get("baselines") for value in scores)


def _panel(
    record: Record, key: str, title: str, curves: list[Line], x: Array | None = None, **style: Any
) -> RunPanel:
    shown = [curve for curve in curves if np.isfinite(curve.y).any()]
    x = record.images_seen if x is None else x
    return RunPanel(title, "", style.pop("unit", ""), shown, key=key, x=x, **style)


def _phases(record: Record) -> Iterator[RunPanel]:
    bands = {words: record.phases(name) for name, words in READINGS.items() if any(record.phases(name))}
    if bands:
        yield _panel(record, "phases", "Phases", [], height_in=0.25 * max(len(bands), 3), bands=bands)


def _outcomes(record: Record) -> Iterator[RunPanel]:
    majority = np.full(len(record.images_seen), record.thresholds["majority"])
    level = Line(record.images_seen, majority, colour=ON_DATA, width=0.7, dashes=(3, 3))
    colours = {outcome.name: outcome.colour for outcome in record.outcomes}
    for split in record.splits:
        shares = reversed(record.outcome_shares(split).items())
        areas = {name: (colours[name], share) for name, share in shares}
        note = f"{split_words(split, record.is_unconditional)} (n = {record.count(split)})"
        style = {"unit": "share", "height_in": 1.1, "ylim": (0, 1), "yticks": (0, 0.5, 1)}
        yield _panel(record, "outcomes", "Outcomes", [level], note=note, split=split, areas=areas, **style)


def _score(record: Record, measure: str, site: Site) -> RunPanel:
    _, height_in, title, unit = PANELS.get(measure, ("", 1.2, measure_words(measure), ""))
    title, unit = (probed(words, record.factors) for words in (title[:1].upper() + title[1:], unit))
    style: dict[str, Any] = {"unit": unit, "height_in": height_in, "note": site_words(site), "site": site}
    if measure == "label_participation_ratio":
        style["yscale"] = "log"
    elif measure in PANELS:
        style |= {"ylim": (-0.12, 1.05), "yticks": (0, 0.5, 1)}
    return _panel(record, measure, title, _score_curves(record, measure, site), **style)


def _score_curves(record: Record, measure: str, site: Site) -> list[Line]:
    colour = PALETTE["p1" if measure == "p1_r2" else "probe"][0]

    def line(name: str, *path: str, **style: Any) -> Line:
        return Line(record.images_seen, record.series(name, site, *path), **style)

    low, high = (record.series(measure, site, end) for end in ("low", "high"))
    curves = [line(measure, low=low, high=high, label="this network", colour=colour)]
    for factor in record.factors if measure in PROBES and len(record.factors) > 1 else ():
        curves.append(line(measure, "detail", factor.name, colour=colour, width=0.6))
    if measure in BESIDE:
        other, label = BESIDE[measure]
        curves.append(line(other, label=label, colour=PALETTE["accent"][0], width=0.9))
    for baseline in record.baselines(measure):
        style = {"label": baseline_words(baseline), "dashes": BASELINE_DASHES.get(baseline, OTHER_DASHES)}
        curves.append(line(measure, "baselines", baseline, colour=MUTED, width=1.1, **style))
    level = levels(record, measure, site)
    if np.isfinite(level).any():
        limit = f": gain {record.thresholds[measure]:g}" if measure == "p1_r2" else ""
        curves.append(Line(record.images_seen, level, label=f"threshold{limit}", colour=INK, width=0.7))
    return curves


def _routes(record: Record, site: Site) -> RunPanel:
    """Return curves of probe R² of the condition and of the input image's label; dashed, the variance that it explains."""

    def line(measure: str, *path: str, **style: Any) -> Line:
        return Line(record.images_seen, np.maximum(record.series(measure, site, *path), FLOOR), **style)

    curves = []
    for route, words in ROUTES.items():
        colour, probe = PALETTE[route][0], f"{route}_probe_r2"
        low, high = (np.maximum(record.series(probe, site, end), FLOOR) for end in ("low", "high"))
        curves.append(line(probe, low=low, high=high, label=words, colour=colour))
        label = f"{words}: share of variance"
        curves.append(line(f"{route}_label_variance", label=label, colour=colour, width=1.1, dashes=(8, 2)))
        for baseline in SHOWN_BASELINES:
            style = {"label": f"{words}: {baseline_words(baseline)}", "dashes": BASELINE_DASHES[baseline]}
            curves.append(line(probe, "baselines", baseline, colour=colour, width=0.8, **style))
    style: dict[str, Any] = {"ylim": (FLOOR, 1.05), "yticks": (0, 0.5, 1), "height_in": 1.6, "unit": "R²"}
    title = f"{probed('Probe R²', record.factors)} by route: condition and input"
    return _panel(record, "routes", title, curves, note=site_words(site), site=site, **style)


def _denoising(record: Record) -> Iterator[RunPanel]:
    """Return curves of the network's mean squared error of the noise by band of t, and of the exact optima in `OPTIMA`."""
    bands = next((line["denoising"] for line in reversed(record.metrics) if line.get("denoising")), [])
    curves = []
    for band, colour in zip(bands, shades(len(bands)), strict=True):
        for name, dashes in {"network": (), **OPTIMA}.items():
            errors = np.array([_error(line, band["low"], name) for line in record.metrics])
            above_0 = np.where(errors > 0, np.maximum(errors, LEAST_ERROR), np.nan)
            label, width = ("", 0.9) if dashes else (f"t in [{band['low']}, {band['high']})", 1.6)
            curves.append(
                Line(record.images_seen, above_0, label=label, colour=colour, width=width, dashes=dashes)
            )
    if curves:
        note = "of the noise per pixel; dashed: the best without the label, drawn at 1e-6 if smaller"
        style = {"note": note, "unit": "MSE", "yscale": "log", "height_in": 2.2}
        yield _panel(record, "denoising", "Denoising error", curves, **style)


def _error(line: dict[str, Any], low: float, name: str) -> float:
    return number(next((band.get(name) for band in line.get("denoising") or [] if band["low"] == low), None))


def exact(record: Record) -> dict[str, Any]:
    """Return the exact errors and nats of the reference denoisers, as the run's references have them; else nothing."""
    known = (record.references.get("family") or {}).get("reference_denoisers") or {}
    return known if known.get("mmse") else {}


def _closest(record: Record) -> Iterator[RunPanel]:
    # Blank where the network is as far from each reference denoiser as images are from their mean.
    known = exact(record)
    lines = [line.get("closest_reference") or [] for line in record.metrics]
    last = next(filter(None, reversed(lines)), [])
    if not known or not last:
        return
    colours = denoiser_colours(known["mmse"])
    indices = {name: index for index, name in enumerate(colours)}
    blank = [np.nan] * len(last)
    closest = [[indices.get(nearest_of(level) or "", np.nan) for level in line] or blank for line in lines]
    t = np.array([level["t"] for level in last], float)
    half = np.diff(t) / 2 if len(t) > 1 else np.array([0.5])
    borders = [t[0] - half[0], *(t[1:] - half if len(t) > 1 else []), t[-1] + half[-1]]
    mesh = Mesh(np.array(closest, float).T, colours, borders)
    style = {"note": "by t", "unit": "t", "height_in": 2.2}
    yield _panel(record, "closest", "Closest reference denoiser", [], mesh=mesh, **style)


def _nats(record: Record) -> Iterator[RunPanel]:
    lines, most = [line.get("nats") or {} for line in record.metrics], exact(record).get("nats") or {}
    names = next(filter(None, reversed(lines)), {})
    curves = []
    for colour, name in zip(COLOURS, names, strict=False):
        scores = [line.get(name) or {} for line in lines]
        ends = (np.array([number(score.get(end)) for score in scores]) for end in ("value", "low", "high"))
        curves.append(Line(record.images_seen, *ends, label=name, colour=colour))
        all_of_it = np.full(len(lines), most.get(name, np.nan))
        curves.append(Line(record.images_seen, all_of_it, colour=MUTED, width=0.8, dashes=(4, 3)))
    if curves:
        style: dict[str, Any] = {"ylim": (-0.5, 1.1 * most["label"])} if "label" in most else {}
        note = "dashed: all that there are"
        yield _panel(record, "nats", "Nats of the label learned", curves, note=note, unit="nats", **style)


def _training(record: Record) -> Iterator[RunPanel]:
    """Return curves of the scalars that training logged; for a run without such a log, of those that snapshots recorded."""
    for name, title in TRAINING.items():
        dense = any(line.get(name) is not None for line in record.scalars)
        lines = record.scalars if dense else record.metrics
        y = np.array([number(line.get(name)) for line in lines])
        if not np.isfinite(y).any():
            continue
        x = np.array([line["images_seen"] for line in lines], float)
        curve = Line(x, y, label=title.lower(), colour=PALETTE["accent"][0], width=0.9)
        scale = "linear" if name == "learning_rate" else "log"
        over = "scalars" if dense else "lines"
        yield _panel(record, name, title, [curve], height_in=1.0, yscale=scale, over=over)


def nearest_of(level: Mapping[str, Any]) -> str | None:
    """Return the name of the closest reference denoiser in an item of `closest_reference`; None if r^2 is not above 0: the
    network is then as far from every reference as images are from their mean."""
    return level["reference"] if (level["r2"] or 0) > 0 else None
