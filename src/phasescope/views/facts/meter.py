"""What the condition meter of a run says: in a sentence, as a map of noise and training, and as curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.runs.store.meter import Z, course, deciding
from phasescope.views.facts.numbers import format_count, format_score
from phasescope.views.facts.palette import PALETTE
from phasescope.views.facts.panel import Compared, Expected, Line, Mesh, RunPanel
from phasescope.views.facts.record import Record, number

if TYPE_CHECKING:
    from phasescope.measures.use_forecast import Forecast

SEEN = 3.0
"""standard errors by which an advantage leaves its noise"""
# ColorBrewer's Blues, which stay apart in grey.
SHARES = {
    "below 0.1": "#eff3ff",
    "0.1 to 0.3": "#c6dbef",
    "0.3 to 0.5": "#9ecae1",
    "0.5 to 0.7": "#6baed6",
    "0.7 to 0.9": "#3182bd",
    "0.9 and above": "#08519c",
}
BORDERS = (0.1, 0.3, 0.5, 0.7, 0.9)


def meter_sentences(record: Record) -> list[str]:
    """Return how much the label is used, and since when it is; nothing if the meter was not read."""
    if not record.meter:
        return []
    readings, decides = course(record.meter), deciding(record.meter)
    if not readings or decides is None:
        return ["Condition meter: no advantage of the own label is above its noise yet."]

    line, band = readings[-1]
    name = _measured(band)
    value, se = number(band[name]), number(band[name]["se"])
    ends = f"{format_score(value - Z * se)} to {format_score(value + Z * se)}"
    where = f"log SNR {band['low']:.1f} to {band['high']:.1f}, deciding by {decides['by']}"
    latest = (
        f"Condition meter: {name} of the label is {format_score(value)} (95 % interval {ends}) at step "
        f"{format_count(line['step'])} ({where})"
    )
    began = seen_from(readings)
    since = (
        "is not above its noise"
        if began is None
        else f"is above its noise from step {format_count(began['step'])} on"
    )
    forecast = _forecast(record, name)
    return [f"{latest}; its advantage {since}.", *([f"In images seen, {forecast}."] if forecast else [])]


def _forecast(record: Record, name: str) -> Forecast | None:
    """Return the forecast of use; None of a run that is done without passing its level, and where use is not known."""
    if name != "use":
        return None
    forecast = record.run.forecast()
    is_over = forecast.answer != "passed" and record.status["state"] == "done"
    return None if is_over else forecast


def _expected(forecast: Forecast | None) -> Expected | None:
    """Return the stretch of images seen in which use passes its level; None while there is no forecast."""
    if forecast is None or forecast.low is None or forecast.at is None or forecast.high is None:
        return None
    # Its module loads scipy's statistics, which pages without a forecast need not wait for.
    from phasescope.measures.use_forecast import INTERVAL

    words = "passed" if forecast.answer == "passed" else f"forecast, {INTERVAL:.0%} interval"
    return Expected(f"use {forecast.level:g} {words}", low=forecast.low, at=forecast.at, high=forecast.high)


def _measured(band: Mapping[str, Any]) -> str:
    return "use" if band["use"] is not None else "advantage"


def seen_from(
    readings: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
) -> Mapping[str, Any] | None:
    """Return the line of the first reading from which on the advantage is above its noise for good, if there is one."""
    began = None
    for line, band in readings:
        is_seen = number(band["advantage"]) > max(SEEN * number(band["advantage"]["se"]), 0.0)
        began = (began or line) if is_seen else None
    return began


def meter_panels(record: Record) -> Iterator[RunPanel]:
    """Yield the map of band and step, and the curve of the band that decides."""
    if not record.meter:
        return
    images_seen = np.array([line["images_seen"] for line in record.meter], float)
    yield _map(record, images_seen)
    if deciding(record.meter) is not None:
        yield _curves(record, images_seen)


def _map(record: Record, images_seen: np.ndarray) -> RunPanel:
    first = record.meter[0]["bands"][0]["pairs"]
    bands = [
        [b for b in line["bands"] if (b["pairs"], b["exchanged"]) == (first, "all")] for line in record.meter
    ]
    is_known = all(band["use"] is not None for band in bands[-1])
    name = "use" if is_known else "advantage"
    values = np.array([[number(band[name]) for band in line] for line in bands]).T
    if not is_known:
        # Without exact answers there is no unit: a band is compared with its own most.
        values = values / np.maximum(np.nanmax(values, axis=1, keepdims=True), np.finfo(float).tiny)

    cells = np.where(np.isfinite(values), np.digitize(values, BORDERS), np.nan)
    edges = [bands[-1][0]["low"], *(band["high"] for band in bands[-1])]
    return RunPanel(
        key="meter_map",
        title="Use of the label by noise" if is_known else "Advantage of the own label by noise",
        note="1: exact; above: mostly image, below: mostly noise"
        if is_known
        else "share of each band's most",
        x=images_seen,
        mesh=Mesh(cells, SHARES, edges),
        over="meter",
        ylabel="log SNR",
        height_in=1.8,
    )


def _curves(record: Record, images_seen: np.ndarray) -> RunPanel:
    curves = []
    name = _measured(course(record.meter)[-1][1])
    for pairs, words, colour in (
        ("held_out", "held-out labels", "condition"),
        ("trained", "labels trained on", "input"),
    ):
        readings = course(record.meter, pairs)
        if not readings:
            continue
        y = np.array([number(band[name]) for _, band in readings])
        half = Z * np.array([number((band[name] or {}).get("se")) for _, band in readings])
        line = Line(images_seen, y, low=y - half, high=y + half, label=words, colour=PALETTE[colour][0])
        curves.append(line)

    decides = deciding(record.meter)
    title = f"{name.capitalize()} of the label where it decides"
    return RunPanel(
        key="meter",
        title=title,
        compared=Compared(title=title, line=curves[0].label),
        note=f"log SNR {decides['low']:.1f} to {decides['high']:.1f}, by {decides['by']}" if decides else "",
        x=images_seen,
        curves=curves,
        over="meter",
        ylabel=name,
        height_in=1.4,
        expected=_expected(_forecast(record, name)),
    )
