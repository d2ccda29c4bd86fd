"""Designs: which labels the training set holds.

The grid of Liang, Liu & Fiete 2024 (arXiv 2402.03305) takes every label whose factors are multiples of an increment;
unequal increments are its imbalance. With one end of the range left out a 32 px canvas holds (32/dx)(32/dy) images:
1,024 at 1 px, 102,400 at 0.1 px.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from phasescope.config import Config
from phasescope.worlds.factors import Factor

ROUNDING = 1e-6
"""Steps by which a range may miss a whole number of them and still hold it: 32 / 0.1 is 320."""


class GridConfig(Config):
    """Every label on a grid with increments `dx` and `dy`."""

    kind: Literal["grid"] = "grid"
    dx: float = Field(1.0, gt=0)
    """increment of the grid along x, px"""
    dy: float = Field(1.0, gt=0)
    """increment of the grid along y, px"""
    ends: Literal["low", "high", "both"] = "high"
    """which ends of each factor's range the grid includes"""

    def labels(self, factors: Sequence[Factor]) -> np.ndarray:
        """All labels, (M, 2) float32; y varies fastest."""
        axes = [
            grid_values(factor, step, self.ends)
            for factor, step in zip(factors, (self.dx, self.dy), strict=True)
        ]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes)).astype(np.float32)


def grid_values(factor: Factor, step: float, ends: str) -> np.ndarray:
    """All low + i * step in [low, high) (`ends` = low), (low, high] (high) or [low, high] (both)."""
    first = 1 if ends == "high" else 0
    steps = factor.span / step
    last = np.ceil(steps - ROUNDING) - 1 if ends == "low" else np.floor(steps + ROUNDING)
    return np.minimum(factor.low + step * np.arange(first, last + 1), factor.high)
