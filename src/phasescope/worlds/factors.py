"""A factor of variation: what one number of a label says of an image."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Factor:
    """One axis of a label, in the world's units."""

    name: str
    low: float
    high: float
    unit: str = "px"
    periodic: bool = False

    @property
    def span(self) -> float:
        return self.high - self.low
