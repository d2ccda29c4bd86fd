"""What readings of a condition meter say, from their rows alone: which band decides for good, and their names in monitors.

A band of noise of a reading is a row as `meter.jsonl` holds it: `pairs`, `exchanged`, `low`, `high` (log SNR), and of each
number its `value` and `se`. A run's folder and a meter in memory are read alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

APART = 3.0
"""standard errors by which a band must exceed another, or its own noise, to be chosen"""
PASSES_OF_A_GRADIENT = 3
"""forward and backward, counted in answers of a model"""


def steady_choice(value: Sequence[Sequence[float]], se: Sequence[Sequence[float]]) -> int | None:
    """Return the band with most, after all readings; None while none is above its noise.

    A choice stays until another band exceeds it by `APART` standard errors of their difference: bands with nearly equal
    numbers would else take turns, and each turn would begin another course. Bands have draws of their own, so the standard
    error of a difference is the root of the sum of both squares.

        steady_choice([[1.0, 1.1], [1.1, 1.0]], [[0.1, 0.1], [0.1, 0.1]])     # 1: they cannot be distinguished

    The trap: the choice depends on earlier readings, so give all of them, in their order.

    Args:
        value: by reading, a number of each band.
        se: by reading, their standard errors.
    """
    chosen: int | None = None
    for values, errors in zip(value, se, strict=True):
        best = max(range(len(values)), key=values.__getitem__)
        if chosen is None:
            is_clear = values[best] > APART * errors[best] and values[best] > 0
        else:
            is_clear = values[best] - values[chosen] > APART * math.hypot(errors[best], errors[chosen])
        if is_clear:
            chosen = best
    return chosen


def scalars_of(bands: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the numbers of a reading's bands under the names that monitors show, as `condition/advantage/snr_-4_-2`.

    `loss`, `advantage` and, where they are known, `use`, `over_none` and `condition/nats`, the sum over bands. Names of
    pairs that are trained on have `trained_` before the number's; those of one factor its name after it.
    """
    scalars: dict[str, float] = {}
    nats: list[float | None] = []
    for band in bands:
        place = f"snr_{band['low']:.0f}_{band['high']:.0f}"
        is_held_out, is_whole = band["pairs"] == "held_out", band["exchanged"] == "all"
        beside = "" if is_held_out else f"{band['pairs']}_"
        factor = "" if is_whole else f"_{band['exchanged']}"

        for name in ("loss", "advantage", "use", "over_none"):
            # The loss with the own condition is the same, whichever factor is exchanged.
            if name == "loss" and not is_whole:
                continue
            value = None if band[name] is None else band[name]["value"]
            if value is not None:
                scalars[f"condition/{beside}{name}{factor}/{place}"] = value
        if is_held_out and is_whole:
            nats.append(band["nats"])

    known = [part for part in nats if part is not None]
    if known and len(known) == len(nats):
        scalars["condition/nats"] = sum(known)
    return scalars
