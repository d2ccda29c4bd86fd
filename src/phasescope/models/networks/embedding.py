"""The configuration of embeddings: how t and the labels are encoded, and given to a network's blocks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from phasescope.core.config import Config
from phasescope.core.factors import Factors


class EmbeddingConfig(Config):
    """Positional encodings of t and of each factor, concatenated and given to every block."""

    width: int = Field(64, ge=2, le=2**12, multiple_of=2)
    """numbers that encode t, and as many per factor; at least as many as a factor has classes"""
    base: float = Field(10_000.0, gt=1)
    """ratio of the longest to the shortest wavelength"""
    period: float | None = Field(None, gt=0, allow_inf_nan=False)
    """period, in the factors' unit, in which encodings make whole turns: its ends coincide; null: encoded as t is"""
    hidden: int | None = Field(None, ge=1, le=2**14)
    """width of a two-layer network on the concatenation, shared by all blocks; null: blocks get SiLU(encodings)"""
    modulation: Literal["added", "scale_shift"] = "added"
    """whether a block adds its embedding to its features or scales and shifts them by it"""

    def check(self, factors: Factors) -> None:
        """Raise ValueError if a factor has more classes than `width` numbers encode one-hot."""
        for factor in factors:
            if factor.categorical and len(factor.values) > self.width:
                raise ValueError(
                    f"`network.embedding.width` (={self.width}) must be at least {len(factor.values)}: so many classes has "
                    f"{factor.name}, encoded one-hot"
                )
