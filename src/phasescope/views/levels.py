"""At which score a measure comes to its threshold: that of a gain lies where the run's own nulls put it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from phasescope.measures.learning.gain import LEAST_LEFT, floor_of, reached
from phasescope.places import Place
from phasescope.views.record import Record, number, score

if TYPE_CHECKING:
    from jaxtyping import Float

GATES = ("order", "p1_order", "label_dimension", "label_share")
"""the measures that have a threshold: a phase of the representation is told by them"""


def levels(record: Record, measure: str, place: Place) -> Float[np.ndarray, " lines"]:
    """The score asked for at each line of the metrics; NaN where there is no threshold, or nulls leave nothing to gain."""
    return np.array(
        [_level(record, measure, score(line, measure, place) or {}) for line in record.metrics], float
    )


def _level(record: Record, measure: str, found: dict) -> float:
    nulls = {null: number(level) for null, level in (found.get("nulls") or {}).items()}
    if measure not in GATES or not nulls:
        return np.nan
    threshold = record.thresholds[measure]
    if measure == "label_dimension":
        return float(np.fmax(threshold, nulls.get("label_embedding", np.nan)))
    floor = floor_of(nulls)
    return reached(floor, threshold) if 1 - floor >= LEAST_LEFT else np.nan
