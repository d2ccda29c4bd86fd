"""The weight of each noise level in the loss."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from phasescope.core.config import Config

if TYPE_CHECKING:
    from phasescope.models.families.diffusion.parametrization import Weighting


class PlainWeightingConfig(Config):
    """Every t has the same weight."""

    kind: Literal["plain"] = "plain"

    def build(self) -> Weighting:
        from phasescope.models.families.diffusion.parametrization import plain_weight

        return plain_weight


class MinSNRWeightingConfig(Config):
    """The error of x_0 weighs min(SNR, gamma) (Hang et al. 2023)."""

    kind: Literal["min_snr"] = "min_snr"
    gamma: float = Field(5.0, gt=0, allow_inf_nan=False)
    """signal-to-noise ratio above which the weight stays the same"""

    def build(self) -> Weighting:
        from phasescope.models.families.diffusion.parametrization import min_snr_weight

        return partial(min_snr_weight, gamma=self.gamma)


AnyWeighting = PlainWeightingConfig | MinSNRWeightingConfig
