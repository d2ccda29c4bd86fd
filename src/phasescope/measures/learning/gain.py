"""What a score gained on its floors: the share of what they leave, wherever they lie.

If every block receives the label, an untrained network's latents hold it already: their ridge R^2 is 0.7 to 0.99. So a
representation is judged by what was *gained*. With s a score and s0 the highest of its floors (the untrained network,
permuted labels, the pixels), or 0 if that is higher,

    gain = (s - s0) / (1 - s0).

For order it is 1 - exp(-learnt order) if the untrained network is the highest floor (`learnt_order`). The floor is taken as
known: both ends of the score's interval go through the same function.
"""

import math
from collections.abc import Mapping
from functools import partial

from phasescope.measures.scores import Score

# Nulls that score high by construction: order need not exceed them.
CEILINGS = ("label_embedding",)
# Without these nulls a score tells no phase.
NEEDED = ("untrained", "permuted")
# What floors must leave of a score for a gain to be told; an interval of R^2 near 0.98, 0.01 wide, is half of that.
LEAST_LEFT = 0.02


def floors(nulls: Mapping[str, float]) -> dict[str, float]:
    """The nulls that a score is to exceed: those that are no ceilings."""
    return {null: level for null, level in nulls.items() if null not in CEILINGS}


def floor_of(nulls: Mapping[str, float]) -> float:
    """The highest floor, or 0 where that is higher; NaN where none was read."""
    known = [level for level in floors(nulls).values() if math.isfinite(level)]
    return max(0.0, *known) if known else math.nan


def gain(score: Score) -> Score:
    """Of what a score's floors leave, the share that is reached; NaN where they leave less than `LEAST_LEFT`.

    Value, interval and nulls go through the same function. Where the untrained network's score was not read it is NaN too.

    Raises:
        ValueError: the score lacks a null of `NEEDED`.
    """
    lacking = [null for null in NEEDED if null not in score.nulls]
    if lacking:
        raise ValueError(
            f"`{score.estimator}` (nulls={list(score.nulls)}) must have the null `{lacking[0]}`: alone it means nothing"
        )
    floor = floor_of(score.nulls) if math.isfinite(score.nulls["untrained"]) else math.nan
    left = 1 - floor if 1 - floor >= LEAST_LEFT else math.nan
    gained = partial(_gained, floor=floor, left=left)
    nulls = {null: gained(level) for null, level in score.nulls.items()}
    return score.through(gained, "(s - s0) / (1 - s0), s0 the highest floor", nulls)


def _gained(level: float, floor: float, left: float) -> float:
    return (level - floor) / left


def reached(floor: float, gained: float) -> float:
    """The score at which a gain on a floor is reached: the inverse of `gain`."""
    return floor + gained * (1 - floor)
