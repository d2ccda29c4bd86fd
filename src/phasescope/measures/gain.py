"""The gain of a score over its baselines: the share of the gap between the highest baseline and 1 that it closes.

If every block receives the label, an untrained network's latents encode it already: their ridge R^2 is 0.7 to 0.99. A
representation is therefore judged by its *gain*. With s a score and s0 the highest of its floors (the baselines of the
untrained network, permuted labels and the pixels), or 0 if all are lower,

    gain = (s - s0) / (1 - s0).

The gain of probe R^2 is 1 - exp(-`probe_gain`) if the untrained network is the highest floor. The floor is assumed to be
known exactly: both ends of the score's interval are transformed by the same function.
"""

import math
from collections.abc import Mapping

from phasescope.measures.arguments import check_is
from phasescope.measures.scores import Score

# Upper references, which score high by construction: probe R^2 need not exceed them.
CEILINGS = ("label_embedding",)
# Without these baselines no phase can be read from a score.
NEEDED = ("untrained", "permuted")
# Smallest gap between floor and 1 for which a gain is defined; an interval of R^2 near 0.98 spans 0.01, half of that.
LEAST_LEFT = 0.02


def floors(baselines: Mapping[str, float]) -> dict[str, float]:
    """Return the baselines that a score must exceed: those that are no upper references."""
    return {name: level for name, level in baselines.items() if name not in CEILINGS}


def floor_of(baselines: Mapping[str, float]) -> float:
    """Return the highest floor, but at least 0; NaN if none is known."""
    known = [level for level in floors(baselines).values() if math.isfinite(level)]
    return max(0.0, *known) if known else math.nan


def gain(score: Score) -> Score:
    """Return the share of the gap between a score's highest floor and 1 that it closes; NaN if it is below `LEAST_LEFT`.

    Value, interval and baselines are transformed by the same function. The gain is NaN, too, if the untrained network's
    score is not known.

    Raises:
        ValueError: it is no Score, or lacks a baseline of `NEEDED`.
    """
    check_is("score", score, Score, "probe_r2")
    lacking = [name for name in NEEDED if name not in score.baselines]
    if lacking:
        raise ValueError(
            f"`{score.estimator}` (baselines={list(score.baselines)}) must have `{lacking[0]}`, over which a gain is defined"
        )
    floor = floor_of(score.baselines) if math.isfinite(score.baselines["untrained"]) else math.nan
    left = 1 - floor if 1 - floor >= LEAST_LEFT else math.nan

    def gained(level: float) -> float:
        return (level - floor) / left

    baselines = {name: gained(level) for name, level in score.baselines.items()}
    return score.through(gained, "(s - s0) / (1 - s0), s0 the highest floor", baselines)


def reached(floor: float, gained: float) -> float:
    """Return the score at which a gain over a floor is reached: the inverse of `gain`."""
    return floor + gained * (1 - floor)
