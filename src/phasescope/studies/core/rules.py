"""What all claims share and none says itself: resamples of an interval, and the thresholds of phases.

With a study's `level` (the confidence of every interval) they are part of its declaration. They are read where they are
declared, when they are asked for.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from phasescope.measures.learning import gain, phases
from phasescope.studies.core import statistics


def rules() -> dict[str, Any]:
    """By name, as `representation.hysteresis`."""
    return {
        "resamples": {
            "all_of_runs": statistics.ALL_OF,
            "beyond": statistics.BEYOND,
            "least": statistics.RESAMPLES,
            "most": statistics.MOST_RESAMPLES,
        },
        "order_range": list(phases.ORDER_RANGE),
        **{f"behaviour.{name}": value for name, value in asdict(phases.BEHAVIOUR).items()},
        **{f"representation.{name}": value for name, value in asdict(phases.REPRESENTATION).items()},
        "gain.least_left": gain.LEAST_LEFT,
    }
