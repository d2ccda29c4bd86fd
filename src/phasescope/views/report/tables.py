"""The report's tables: scores with their nulls, thresholds with their calibration, provenance. All rows are text."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from phasescope.measures.learning.gain import floors
from phasescope.measures.learning.phases import RepresentationThresholds, calibrate
from phasescope.measures.scores import Score
from phasescope.places import Place
from phasescope.views.names import measure_words, null_words, place_words, probed
from phasescope.views.record import Record, number, score

LEARNT = "learnt_"
"""before the name of an order, how much of it was learnt; it stands beside that order"""
LEARNT_WORDS = "log((1 − R₀²)/(1 − R²)), R₀ of the untrained network"


def score_tables(record: Record) -> tuple[list[dict[str, Any]], int]:
    """A table a measure, of every score with its nulls at the last snapshot; and how many scores lack
    nulls."""
    last = record.metrics[-1] if record.metrics else {}
    tables, without = [], 0
    for measure in record.measures:
        if measure.removeprefix(LEARNT) in record.measures and measure.startswith(LEARNT):
            continue
        scores = {place: score(last, measure, place) for place in record.places(measure)}
        found = {place: one for place, one in scores.items() if one and one.get("nulls")}
        without += sum(1 for one in scores.values() if one and not one.get("nulls"))
        if not found:
            continue
        nulls = [
            null for null in record.nulls(measure) if any(null in one["nulls"] for one in found.values())
        ]
        title = probed(measure_words(measure), record.factors)
        details = list(dict.fromkeys(name for one in found.values() for name in one.get("detail") or {}))
        learnt = {place: score(last, f"{LEARNT}{measure}", place) for place in found}
        if not any(learnt.values()):
            learnt = {}
        told = [str(one.get("estimator", "")) for one in found.values()]
        told += [f"learnt: {LEARNT_WORDS}"] if learnt else []
        tables.append(
            {
                "title": title[0].upper() + title[1:],
                "estimator": "; ".join(dict.fromkeys(told)),
                "details": [*(["learnt"] if learnt else []), *(name.replace("_", " ") for name in details)],
                "nulls": [null_words(null) for null in nulls],
                "rows": [
                    _score_row(place, one, measure, details, nulls, [learnt[place]] if learnt else [])
                    for place, one in found.items()
                ],
            }
        )
    return tables, without


def threshold_rows(record: Record) -> list[dict[str, str]]:
    """Each threshold, the null at the last snapshot that leaves least of it, wherever latents were read, and the score
    that it asks for there."""
    limits = record.thresholds
    declared = RepresentationThresholds(
        label_share=limits["label_share"], dimension=limits["label_dimension"], order=limits["order"]
    )
    found = calibrate(
        order={**last_scores(record, "order"), **last_scores(record, "p1_order", " (P1)")},
        label_share=last_scores(record, "label_share"),
        dimension=last_scores(record, "label_dimension"),
        thresholds=declared,
    )
    rows = [
        {
            "name": "outcomes of one phase, above",
            "threshold": f"{limits['majority']:g}",
            "nearest": "",
            "null": "",
            "place": "",
            "level": "",
            "is_clear": "",
            "says": "",
        }
    ]
    for key, name in (
        ("order", "order, gain from"),
        ("label_share", "label share, gain from"),
        ("dimension", "dimension, up to"),
    ):
        row = found.get(key, {})
        rows.append(
            {
                "name": name,
                "threshold": f"{getattr(declared, key):g}",
                "nearest": figure(number(row.get("nearest"))),
                "null": null_words(row.get("null", "")),
                "place": row.get("place", ""),
                "level": figure(number(row.get("level"))),
                "is_clear": ("yes" if row["clear"] else "no") if row else "not calibrated",
                "says": _unclear(key, row) if row and not row["clear"] else "",
            }
        )
    return rows


def _unclear(threshold: str, row: dict[str, Any]) -> str:
    """What it means that a threshold is not clear, with the null and the place that make it so."""
    null, nearest = null_words(row["null"]), figure(number(row["nearest"]))
    if threshold == "dimension":
        return (
            f"Dimension is not clear: at {row['place']} the null, {null}, has {nearest} itself. Low dimension there is no "
            "sign of learning; phase B rests on label share alone."
        )
    name, phases = ("Order", "phase C") if threshold == "order" else ("Label share", "A and B")
    return (
        f"{name} is not clear: at {row['place']} the null, {null}, has {nearest}, which leaves too little to be gained. "
        f"Nothing there can tell {phases} from what was there before learning."
    )


def last_scores(record: Record, measure: str, suffix: str = "") -> dict[str, Score]:
    """The scores of `measure` at the last snapshot that have nulls, by place and `suffix`."""
    scores = {}
    for place in record.places(measure):
        one = score(record.metrics[-1], measure, place)
        if one and one.get("nulls") and one.get("value") is not None:
            found = Score.from_dict(one)
            known = {null: level for null, level in found.nulls.items() if math.isfinite(level)}
            scores[f"{place_words(place)}{suffix}"] = replace(found, nulls=known)
    return scores


def provenance(record: Record) -> list[tuple[str, str]]:
    """(what, value): where, when, with which versions and at what cost."""
    status = record.status
    wall, observing = number(status.get("wall_s")), number(status.get("observing_s"))
    rows: list[tuple[str, Any]] = [
        (key, status.get(key)) for key in ("state", "host", "cpu", "cores", "threads", "device")
    ]
    rows += [(f"{name} version", version) for name, version in (status.get("versions") or {}).items()]
    rows += [(key.replace("_", " "), status.get(key)) for key in ("git_commit", "started", "updated")]
    rows += [("wall time", f"{wall:,.1f} s" if wall == wall else None)]
    rows += [("CPU time", f"{status['cpu_s']:,.1f} s" if "cpu_s" in status else None)]
    rows += [
        (
            "observing",
            f"{observing:,.1f} s, {observing / wall:.0%} of wall time"
            if observing == observing and wall
            else None,
        )
    ]
    return [(name, str(value)) for name, value in rows if value is not None]


def _score_row(
    place: Place,
    one: dict[str, Any],
    measure: str,
    details: list[str],
    nulls: list[str],
    learnt: list[dict[str, Any] | None],
) -> dict[str, Any]:
    known = [number(level) for level in floors(one["nulls"]).values() if level is not None]
    rises = measure not in ("participation_ratio", "label_dimension")
    return {
        "place": place_words(place),
        "value": figure(number(one)),
        "interval": interval(one),
        "weak": rises and bool(known) and not number(one.get("low")) > max(known),
        "detail": [
            *map(with_interval, learnt),
            *(figure(number((one.get("detail") or {}).get(name))) for name in details),
        ],
        "nulls": [figure(number(one["nulls"].get(null))) for null in nulls],
        "n": str(one.get("n", "")),
    }


def interval(one: dict[str, Any]) -> str:
    """A score's ends."""
    return f"{figure(number(one.get('low')))} to {figure(number(one.get('high')))}"


def with_interval(one: dict[str, Any] | None) -> str:
    """A score and its ends; a dash where it has no value."""
    value = number(one)
    return f"{figure(value)} ({interval(one)})" if one and value == value else "–"


def figure(value: float) -> str:
    """Two decimals, one where there are tens."""
    if value != value:
        return "–"
    rounded = round(value, 2 if abs(value) < 10 else 1) + 0.0
    return (f"{rounded:.2f}" if abs(value) < 10 else f"{rounded:.1f}").replace("-", "\u2212")
