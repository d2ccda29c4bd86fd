"""The report's tables: scores with their baselines, thresholds with their calibration, provenance. All cells are text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from phasescope.core.places import Place
from phasescope.measures.learning.gain import floors
from phasescope.measures.learning.phases import RepresentationThresholds, calibrate
from phasescope.measures.scores import Score
from phasescope.views.numbers import format_range, format_score, format_share
from phasescope.views.record import Record, number, score
from phasescope.views.terms import measure_words, null_words, place_words, probed

GAIN = "learnt_"
"""before the name of a probe's score: how far it lies above the untrained network's; it stands beside that score"""
GAIN_WORDS = "gain: log((1 − R₀²)/(1 − R²)), R₀ of the untrained network"
SHARES = ("label_share", "share_told", "share_seen")
"""scores that are shares of variance, which are written as percentages"""
FALLING = ("participation_ratio", "label_dimension")
"""scores that need not exceed their baselines"""


class ScoreTable(NamedTuple):
    """All scores of the last snapshot that have baselines, a row a score and a layer; a column holds a value somewhere.

    Attributes:
        rows: whether the score does not exceed its baselines though it should, and the cells.
        estimators: how each measure was estimated.
        without: how many scores lack baselines.
    """

    headings: list[str]
    rows: list[tuple[bool, list[str]]]
    estimators: list[str]
    without: int


def score_table(record: Record) -> ScoreTable:
    rows: list[tuple[bool, dict[str, str]]] = []
    estimators, without = dict[str, None](), 0
    for measure, place, value in _last_scores(record):
        if measure.startswith(GAIN) and measure.removeprefix(GAIN) in record.measures:
            continue
        if not value.get("nulls"):
            without += 1
            continue
        words, write = measure_words(measure), format_share if measure in SHARES else format_score
        gain = score(record.metrics[-1], f"{GAIN}{measure}", place) or {}
        gain_range = format_range(number(gain.get("low")), number(gain.get("high")))
        detail = (
            (name.replace("_", " "), number(part)) for name, part in (value.get("detail") or {}).items()
        )
        cells = {
            "score": probed(words, record.factors),
            "latents at": place_words(place),
            "value": write(number(value)),
            "95 % interval": format_range(number(value.get("low")), number(value.get("high")), write),
            "gain": f"{format_score(number(gain))} ({gain_range})" if gain.get("value") is not None else "",
            "detail": ", ".join(f"{name} {write(part)}" for name, part in detail if part == part),
            **{null_words(null): write(number(level)) for null, level in value["nulls"].items()},
            "n": f"{value['n']:,}" if value.get("n") else "",
        }
        rows.append((_is_weak(measure, value), cells))
        estimators |= dict.fromkeys([f"{words}: {value.get('estimator', '')}", *[GAIN_WORDS] * bool(gain)])
    known = dict.fromkeys(name for _, cells in rows for name, cell in cells.items() if cell)
    headings = [*(name for name in known if name != "n"), *(["n"] if "n" in known else [])]
    texts = [(weak, [cells.get(name, "") for name in headings]) for weak, cells in rows]
    return ScoreTable(headings, texts, list(estimators), without)


def _last_scores(record: Record) -> Iterator[tuple[str, Place, dict[str, Any]]]:
    """Give measure, place and score of all that the last snapshot holds."""
    for measure in record.measures:
        for place in record.places(measure):
            stored = score(record.metrics[-1], measure, place)
            if stored and stored.get("value") is not None:
                yield measure, place, stored


def _is_weak(measure: str, value: dict[str, Any]) -> bool:
    """Return whether a score that should exceed its baselines does not."""
    known = [number(level) for level in floors(value["nulls"]).values() if level is not None]
    return measure not in FALLING and bool(known) and not number(value.get("low")) > max(known)


def threshold_rows(record: Record) -> list[list[str]]:
    """Return each threshold with the baseline at the last snapshot that leaves least room, and the score needed there; one
    of a score that the run does not record is left out."""
    limits = record.thresholds
    names = {
        "order": ("probe R², gain from", format_share(limits["order"])),
        "label_share": ("label variance, gain from", format_share(limits["label_share"])),
        "dimension": ("participation ratio, up to", format_score(limits["label_dimension"])),
    }
    scores: dict[str, dict[str, Score]] = {"order": {}, "label_share": {}, "label_dimension": {}}
    for measure, place, stored in _last_scores(record):
        if (kind := measure.removeprefix("p1_")) in scores and stored.get("nulls"):
            value = Score.from_dict(stored)
            known = {null: level for null, level in value.nulls.items() if math.isfinite(level)}
            at = f"{place_words(place)}{'' if kind == measure else ' (P1)'}"
            scores[kind][at] = replace(value, nulls=known)
    thresholds = RepresentationThresholds(
        order=limits["order"], label_share=limits["label_share"], dimension=limits["label_dimension"]
    )
    rows = [["outcomes of one phase, above", format_share(limits["majority"]), *[""] * 5]] * bool(
        record.splits
    )
    for key, row in calibrate(*scores.values(), thresholds=thresholds).items():
        write = format_share if key == "label_share" else format_score
        level, nearest = write(row["level"]), write(row["nearest"])
        clear = "yes" if row["clear"] else "no"
        rows.append([*names[key], level, null_words(row["null"]), nearest, row["place"], clear])
    return rows


def provenance(record: Record) -> list[tuple[str, str]]:
    """Return (name, value): where, when, with which versions and at what cost."""
    status = record.status
    wall, observing = number(status.get("wall_s")), number(status.get("observing_s"))
    rows = {key: status.get(key) for key in ("state", "host", "cpu", "cores", "threads", "device")}
    rows |= {f"{name} version": version for name, version in (status.get("versions") or {}).items()}
    rows |= {key.replace("_", " "): status.get(key) for key in ("git_commit", "started", "updated")}
    rows["wall time"] = f"{wall:,.1f} s" if wall == wall else None
    rows["CPU time"] = f"{status['cpu_s']:,.1f} s" if "cpu_s" in status else None
    if observing == observing and wall:
        rows["observing"] = f"{observing:,.1f} s, {format_share(observing / wall)} of wall time"
    return [(name, str(value)) for name, value in rows.items() if value is not None]
