"""Probe R² as it is shown: every factor's, their mean and their minimum, by name. Records name the minimum `order`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

PROBES = ("order", "p1_order", "order_told", "order_seen")
"""scores whose value is the minimum over factors, and whose `detail` has each factor's R²"""

OF_SEEDS = ("lowest_seed", "highest_seed")
"""what else is in a `detail`"""


class ProbeR2(NamedTuple):
    """A probe's R² of each factor.

    Attributes:
        min: over factors; one factor that cannot be read makes it low, whatever the others are.
        mean: over factors.
        factors: by factor; empty if only the minimum was recorded.
        untrained: the untrained network's minimum.
    """

    min: float
    mean: float
    factors: dict[str, float]
    untrained: float | None

    @property
    def text(self) -> str:
        """As in `x 0.97, y 0.95; mean 0.96, min 0.95 (untrained min 0.76)`; of one factor as in `0.97 (untrained 0.76)`."""
        several = len(self.factors) > 1
        untrained = [] if self.untrained is None else [f"(untrained {'min ' * several}{self.untrained:.2f})"]
        if not several:
            return " ".join([f"{self.min:.2f}", *untrained])
        each = ", ".join(f"{name} {value:.2f}" for name, value in self.factors.items())
        return " ".join([f"{each}; mean {self.mean:.2f}, min {self.min:.2f}", *untrained])


def probe_r2(score: Mapping[str, Any] | None) -> ProbeR2 | None:
    """Return the R² that a recorded score of `PROBES` holds; None if it holds no value."""
    if not score or score.get("value") is None:
        return None
    detail = (score.get("detail") or {}).items()
    each = {name: float(value) for name, value in detail if name not in OF_SEEDS and value is not None}
    untrained = (score.get("nulls") or {}).get("untrained")
    least = float(score["value"])
    return ProbeR2(least, sum(each.values()) / len(each) if each else least, each, untrained)
