"""Probe gain over the untrained network: log((1 - R0^2) / (1 - R^2)), with R0^2 of the untrained network.

It is twice the nats by which a Gaussian's errors shrink: 0 without learning, and the same for 0 to 0.9 as for 0.9 to 0.99.
"""

import math
from numbers import Real

from phasescope.measures.arguments import check_is
from phasescope.measures.columns import Column, declare
from phasescope.measures.scores import Score

# 1 - R^2 below this is numerical noise, whose logarithm would be arbitrary.
LEAST_ERROR = 1e-9


def probe_gain(score: Score, untrained: float) -> Score:
    """Return the probe gain over the untrained network, from a probe R^2 and the untrained one, R0^2, with its interval.

    Its baseline is the untrained network, 0. Permuted labels are no baseline: if their R^2 is below R0^2, the logarithm
    measures how much training could lose, not chance.

    Raises:
        ValueError: `score` is no Score, or `untrained` no R^2.
    """
    check_is("score", score, Score, "probe_r2")
    if isinstance(untrained, bool) or not isinstance(untrained, Real) or untrained > 1:
        raise ValueError(f"`untrained` (={untrained!r:.60}) must be an R^2 of at most 1, as `score.value` is")

    def gain(r2: float) -> float:
        return math.log(max(1 - untrained, LEAST_ERROR)) - math.log(max(1 - r2, LEAST_ERROR))

    return score.through(gain, "log((1 - R0^2) / (1 - R^2)), R0 untrained", {"untrained": 0.0})


declare(
    Column(
        name="probe_gain",
        words="probe gain, log((1 − R₀²)/(1 − R²))",
        meaning="gain of probe R² over the untrained network, log((1 − R₀²)/(1 − R²))",
        unit="nats, twice",
        better="higher",
        section="gain",
        needs=frozenset({"latents"}),
        baselines=("untrained",),
        panel=False,
    ),
    Column(
        name="condition_probe_gain",
        words="probe gain of the condition's label",
        meaning="gain of the condition's probe R² over the untrained network, log((1 − R₀²)/(1 − R²))",
        unit="nats, twice",
        better="higher",
        section="gain",
        needs=frozenset({"latents", "crossed"}),
        baselines=("untrained",),
        panel=False,
    ),
    Column(
        name="input_probe_gain",
        words="probe gain of the input image's label",
        meaning="gain of the input image's probe R² over the untrained network, log((1 − R₀²)/(1 − R²))",
        unit="nats, twice",
        better="higher",
        section="gain",
        needs=frozenset({"latents", "crossed"}),
        baselines=("untrained",),
        panel=False,
    ),
)
