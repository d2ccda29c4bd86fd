"""Rules that draw which of a design's labels are not trained on.

subset      labels drawn at random: `left_out`
correlated  labels drawn so that two factors go together (Roth et al. 2023, arXiv 2210.07347): `left_out`
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from jaxtyping import Float
from pydantic import Field, model_validator

from phasescope.factors import Factor, Factors
from phasescope.randomness import numpy_generator
from phasescope.worlds.holdouts import Held, HoldOut, check_factor


class Subset(HoldOut):
    """Labels drawn at random; more of one order hold fewer of it."""

    kind: Literal["subset"] = "subset"
    share: float | None = Field(None, gt=0, lt=1)
    """of the labels that are trained on"""
    count: int | None = Field(None, ge=1)
    """how many labels are trained on, in the place of their share"""
    shuffle: int = Field(0, ge=0, le=2**31)
    """which random order"""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.share is None) == (self.count is None):
            raise ValueError(
                f"`share` (={self.share}) and `count` (={self.count}): one of them must be given, how much is trained on"
            )
        return self

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        """`left_out`."""
        kept = round(self.share * len(labels)) if self.share is not None else self.count or 0
        rank = np.argsort(numpy_generator(self.shuffle, "kept labels").permutation(len(labels)))
        return {"left_out": np.greater_equal(rank, kept)}

    def sentence(self, factors: Factors) -> str:
        """See `HoldOut.sentence`."""
        kept = f"{100 * self.share:g} %" if self.share is not None else f"{self.count:,}"
        return f"all but {kept} of the labels, drawn at random"


class Correlated(HoldOut):
    """Labels drawn so that two factors go together: kept with exp(-(u - v)^2 / (2 sigma^2)), u and v in shares of range."""

    kind: Literal["correlated"] = "correlated"
    factors: tuple[str, str] | None = None
    """which two; null: the first two"""
    sigma: float = Field(gt=0)
    """in shares of range: 0.1 is a strong correlation, 0.7 a weak one"""
    shuffle: int = Field(0, ge=0, le=2**31)
    """which random draw"""

    def check(self, factors: Factors) -> None:
        """See `HoldOut.check`."""
        for name in self.factors or ():
            check_factor("design.hold_out.factors", name, factors)
        if len(factors) < 2 or (self.factors and len(set(self.factors)) < 2):
            raise ValueError(
                f"`design.hold_out.factors` (={self.factors}) must be two of {', '.join(factors.names)}"
            )

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        """`left_out`."""
        names = self.factors or factors.names[:2]
        u, v = ((labels[:, k] - factors.low[k]) / factors.span[k] for k in map(factors.names.index, names))
        both = Factors([Factor("share", 0.0, 1.0, periodic=bool(factors.periodic.all()))])
        apart = both.difference(u[:, None], v[:, None])[:, 0]
        drawn = numpy_generator(self.shuffle, "correlated labels").random(len(labels))
        return {"left_out": drawn >= np.exp(-(apart**2) / (2 * self.sigma**2))}

    def sentence(self, factors: Factors) -> str:
        """See `HoldOut.sentence`."""
        first, second = self.factors or factors.names[:2]
        return f"labels whose {first} and {second} are far apart, sigma {self.sigma:g} of their range"
