"""What nulls leave of the thresholds by which a representation's phases are told, place by place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phasescope.measures.learning.gain import LEAST_LEFT, floors, reached
from phasescope.measures.learning.phases import REPRESENTATION, RepresentationThresholds, most_dimensions
from phasescope.measures.scores import Score


def calibrate(
    order: Mapping[str, Score],
    label_share: Mapping[str, Score],
    dimension: Mapping[str, Score] | None = None,
    thresholds: RepresentationThresholds = REPRESENTATION,
) -> dict[str, dict[str, Any]]:
    """What the nulls leave of each threshold, at the place that is read where they leave least.

    Thresholds of order and of label share are gains: their highest floor leaves something to be gained, or it does not.
    That of dimension must lie below each null. Ceilings are left out.

    Args:
        order, label_share, dimension: scores with their nulls, by place ("mid, t=600").

    Returns:
        By threshold's name: `threshold`, `nearest` (the null's level that is highest, for dimension lowest), `null` and
        `place` (whose it is), `level` (where the score must come to there), `clear` (whether something is left, or the null
        beyond the level). A threshold without nulls is left out.
    """
    table = {}
    for name, scores in (("order", order), ("label_share", label_share)):
        nulls = _levels(scores)
        if nulls:
            nearest, null, place = max(nulls)
            threshold = getattr(thresholds, name)
            level = reached(max(nearest, 0.0), threshold)
            table[name] = _row(threshold, nearest, null, place, level, clear=1 - nearest >= LEAST_LEFT)
    nulls = _levels(dimension or {})
    if dimension and nulls:
        nearest, null, place = min(nulls)
        level = most_dimensions(dimension[place], thresholds)
        table["dimension"] = _row(thresholds.dimension, nearest, null, place, level, clear=nearest > level)
    return table


def _levels(scores: Mapping[str, Score]) -> list[tuple[float, str, str]]:
    """(level, null, place) of each floor."""
    return [
        (level, null, place) for place, score in scores.items() for null, level in floors(score.nulls).items()
    ]


def _row(
    threshold: float, nearest: float, null: str, place: str, level: float, clear: bool
) -> dict[str, Any]:
    return {
        "threshold": threshold, "nearest": nearest, "null": null, "place": place, "level": level, "clear": clear
    }  # fmt: skip
