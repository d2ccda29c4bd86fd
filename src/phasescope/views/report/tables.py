"""The report's tables: scores with their baselines, thresholds with their calibration, provenance. All cells are text."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from phasescope.measures.learning.gain import floors
from phasescope.measures.learning.phases import RepresentationThresholds, calibrate
from phasescope.measures.scores import Score
from phasescope.places import Place
from phasescope.views.numbers import format_range, format_score
from phasescope.views.record import Record, number, score
from phasescope.views.terms import measure_words, null_words, place_words, probed

GAIN = "learnt_"
"""before the name of a probe's score: how far it lies above the untrained network's; it stands beside that score"""
GAIN_WORDS = "gain: log((1 − R₀²)/(1 − R²)), R₀ of the untrained network"


def score_tables(record: Record) -> tuple[list[dict[str, Any]], int]:
    """Return a table for each measure, of its scores at the last snapshot; and how many scores lack baselines."""
    last = record.metrics[-1] if record.metrics else {}
    tables, without = [], 0
    for measure in record.measures:
        if measure.startswith(GAIN) and measure.removeprefix(GAIN) in record.measures:
            continue
        scores = {place: value for place in record.places(measure) if (value := score(last, measure, place))}
        with_nulls = {place: value for place, value in scores.items() if value.get("nulls")}
        without += len(scores) - len(with_nulls)
        if with_nulls:
            gains = {place: score(last, f"{GAIN}{measure}", place) for place in with_nulls}
            tables.append(_table(record, measure, with_nulls, gains if any(gains.values()) else {}))
    return tables, without


def _table(record: Record, measure: str, scores: dict[Place, dict], gains: dict[Place, dict | None]) -> dict:
    details = list(dict.fromkeys(name for value in scores.values() for name in value.get("detail") or {}))
    nulls = [
        null for null in record.nulls(measure) if any(null in value["nulls"] for value in scores.values())
    ]
    estimators = [str(value.get("estimator", "")) for value in scores.values()] + [GAIN_WORDS] * bool(gains)
    title = probed(measure_words(measure), record.factors)
    return {
        "title": title[0].upper() + title[1:],
        "estimator": "; ".join(dict.fromkeys(estimators)),
        "headings": [
            *("value", "95 % interval", *["gain"] * bool(gains)),
            *(name.replace("_", " ") for name in details),
            *map(null_words, nulls),
            "n",
        ],
        "rows": [
            {
                "place": place_words(place),
                "weak": _is_weak(measure, value),
                "cells": [
                    format_score(number(value)),
                    format_range(number(value.get("low")), number(value.get("high"))),
                    *([with_interval(gains[place])] if gains else []),
                    *(format_score(number((value.get("detail") or {}).get(name))) for name in details),
                    *(format_score(number(value["nulls"].get(null))) for null in nulls),
                    str(value.get("n", "")),
                ],
            }
            for place, value in scores.items()
        ],
    }


def _is_weak(measure: str, value: dict[str, Any]) -> bool:
    """Whether a score that should exceed its baselines does not."""
    known = [number(level) for level in floors(value["nulls"]).values() if level is not None]
    rises = measure not in ("participation_ratio", "label_dimension")
    return rises and bool(known) and not number(value.get("low")) > max(known)


def threshold_rows(record: Record) -> list[list[str]]:
    """Return each threshold with the baseline at the last snapshot that leaves least room, and the score needed there."""
    limits = record.thresholds
    names = {"order": "probe R², gain from", "label_share": "label variance, gain from"}
    names |= {"dimension": "participation ratio, up to"}
    declared = {"order": limits["order"], "label_share": limits["label_share"]}
    declared |= {"dimension": limits["label_dimension"]}
    order = last_scores(record, "order") | last_scores(record, "p1_order", " (P1)")
    share, dimension = last_scores(record, "label_share"), last_scores(record, "label_dimension")
    calibration = calibrate(order, share, dimension, RepresentationThresholds(**declared))
    rows = [["outcomes of one phase, above", f"{limits['majority']:g}", *[""] * 5]]
    for key, name in names.items():
        row = calibration.get(key, {})
        level, nearest = (format_score(number(row.get(part))) for part in ("level", "nearest"))
        clear = ("yes" if row["clear"] else "no") if row else "not calibrated"
        null, place = null_words(row.get("null", "")), row.get("place", "")
        rows.append([name, f"{declared[key]:g}", level, null, nearest, place, clear])
    return rows


def last_scores(record: Record, measure: str, suffix: str = "") -> dict[str, Score]:
    """Return the scores of `measure` at the last snapshot that have baselines, by place and `suffix`."""
    scores = {}
    for place in record.places(measure):
        stored = score(record.metrics[-1], measure, place)
        if stored and stored.get("nulls") and stored.get("value") is not None:
            value = Score.from_dict(stored)
            known = {null: level for null, level in value.nulls.items() if math.isfinite(level)}
            scores[f"{place_words(place)}{suffix}"] = replace(value, nulls=known)
    return scores


def provenance(record: Record) -> list[tuple[str, str]]:
    """Return (name, value): where, when, with which versions and at what cost."""
    status = record.status
    wall, observing = number(status.get("wall_s")), number(status.get("observing_s"))
    rows: list[tuple[str, Any]] = [
        (key, status.get(key)) for key in ("state", "host", "cpu", "cores", "threads", "device")
    ]
    rows += [(f"{name} version", version) for name, version in (status.get("versions") or {}).items()]
    rows += [(key.replace("_", " "), status.get(key)) for key in ("git_commit", "started", "updated")]
    rows += [("wall time", f"{wall:,.1f} s")] if wall == wall else []
    rows += [("CPU time", f"{status['cpu_s']:,.1f} s")] if "cpu_s" in status else []
    if observing == observing and wall:
        rows += [("observing", f"{observing:,.1f} s, {observing / wall:.0%} of wall time")]
    return [(name, str(value)) for name, value in rows if value is not None]


def with_interval(value: dict[str, Any] | None) -> str:
    """Return a score and its interval."""
    if not value or math.isnan(number(value)):
        return format_score(None)
    low, high = number(value.get("low")), number(value.get("high"))
    return f"{format_score(number(value))} ({format_range(low, high)})"
