"""Panels of a run's denoising beside exact denoisers: errors by band of t, the closest reference, nats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from phasescope.views.facts.palette import MUTED, SERIES_COLOURS, denoiser_colours
from phasescope.views.facts.panel import Line, Mesh, RunPanel, known_curves
from phasescope.views.facts.record import Record, number

# Exact denoisers and their dashes: one without the label, and one with it, which is drawn if its error is not 0.
OPTIMA = {"unconditional": (5, 2), "floor": (1, 1.5)}
# Without the label the optimum's error at low noise is 1e-12 or less: a smaller one is drawn here, so that others are seen.
LEAST_ERROR = 1e-6


def denoising_panels(record: Record) -> Iterator[RunPanel]:
    """Yield the panels for which the run has exact denoisers."""
    yield from _denoising(record)
    yield from _closest(record)
    yield from _nats(record)


def _denoising(record: Record) -> Iterator[RunPanel]:
    """Yield the network's mean squared error of the noise by band of t, and of the exact optima in `OPTIMA`."""
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
            curves=known_curves(curves),
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
        ylabel="noise level t",
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
        curves.append(
            Line(
                record.images_seen,
                np.array([number(score) for score in scores]),
                low=np.array([number(score.get("low")) for score in scores]),
                high=np.array([number(score.get("high")) for score in scores]),
                label=name,
                colour=colour,
            )
        )
        total = np.full(len(lines), most.get(name, np.nan))
        curves.append(Line(record.images_seen, total, colour=MUTED, width=0.8, dashes=(4, 3)))

    if curves:
        yield RunPanel(
            key="nats",
            title="Nats of the label learned",
            note="dashed: all that there are",
            x=record.images_seen,
            curves=known_curves(curves),
            ylabel="nats",
            ylim=(-0.5, 1.1 * most["label"]) if "label" in most else None,
        )
