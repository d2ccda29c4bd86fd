"""The noise levels of a diffusion: its schedule, and how often training draws each level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from phasescope.core.config import Config

if TYPE_CHECKING:
    from phasescope.models.families.diffusion.schedule import LogitNormal, Schedule

Levels = Annotated[int, Field(ge=2, le=100_000)]


class LinearScheduleConfig(Config):
    """beta grows linearly (Ho et al. 2020)."""

    kind: Literal["linear"] = "linear"
    steps: Levels = 1000
    """number T of noise levels"""
    beta_start: float = Field(1e-4, ge=1e-12, lt=1)
    """variance of the noise added at t = 0"""
    beta_end: float = Field(0.02, lt=1, validate_default=True)
    """variance of the noise added at t = T-1"""

    @field_validator("beta_end")
    @classmethod
    def _noise_grows_and_the_image_stays(cls, beta_end: float, info: ValidationInfo) -> float:
        if not {"steps", "beta_start"} <= info.data.keys():
            return beta_end
        steps, beta_start = info.data["steps"], info.data["beta_start"]
        if beta_end < beta_start:
            raise ValueError(f"must be at least beta_start={beta_start:g}: noise grows with t")
        # Scaled-linear betas lie below linear ones, so what holds of these holds of them.
        log_alpha = 0.5 * np.log1p(-np.linspace(beta_start, beta_end, steps)).sum()
        if log_alpha < np.log(np.finfo(np.float32).tiny):
            raise ValueError(
                f"must be smaller, or steps={steps} fewer: "
                f"alpha ends at 1e{log_alpha / np.log(10):.0f}, below what float32 holds"
            )
        return beta_end

    def build(self) -> Schedule:
        from phasescope.models.families.diffusion.schedule import Schedule, linear_betas

        return Schedule.from_betas(linear_betas(self.steps, self.beta_start, self.beta_end))


class ScaledLinearScheduleConfig(LinearScheduleConfig):
    """sqrt(beta) grows linearly (Rombach et al. 2022), as Stable Diffusion's does from 0.00085 to 0.012."""

    kind: Literal["scaled_linear"] = "scaled_linear"  # pyrefly: ignore

    def build(self) -> Schedule:
        from phasescope.models.families.diffusion.schedule import Schedule, scaled_linear_betas

        return Schedule.from_betas(scaled_linear_betas(self.steps, self.beta_start, self.beta_end))


class CosineScheduleConfig(Config):
    """alpha falls as a cosine (Nichol & Dhariwal 2021)."""

    kind: Literal["cosine"] = "cosine"
    steps: Levels = 1000
    """number T of noise levels"""
    offset: float = Field(0.008, ge=0, le=1)
    """shift s, which keeps the first betas from vanishing"""

    def build(self) -> Schedule:
        from phasescope.models.families.diffusion.schedule import Schedule, cosine_betas

        return Schedule.from_betas(cosine_betas(self.steps, self.offset))


class FlowScheduleConfig(Config):
    """Flow matching: straight from image to noise, alpha = 1 - u, sigma = u (Lipman et al. 2023)."""

    kind: Literal["flow"] = "flow"
    steps: Levels = 1000
    """number T of noise levels, u = (t + 1/2) / T"""

    def build(self) -> Schedule:
        from phasescope.models.families.diffusion.schedule import Schedule

        return Schedule.straight(self.steps)


AnySchedule = LinearScheduleConfig | ScaledLinearScheduleConfig | CosineScheduleConfig | FlowScheduleConfig


class UniformDensityConfig(Config):
    """Every t is drawn with the same probability."""

    kind: Literal["uniform"] = "uniform"

    def build(self) -> None:
        return None


class LogitNormalDensityConfig(Config):
    """logit(t/T) is normal: the middle is drawn most often (Esser et al. 2024, arXiv 2403.03206)."""

    kind: Literal["logit_normal"] = "logit_normal"
    mean: float = Field(0.0, allow_inf_nan=False, ge=-10, le=10)
    """mean of the logit of u; below 0, little noise is drawn more often"""
    deviation: float = Field(1.0, gt=0, le=10)
    """standard deviation of the logit of u"""

    def build(self) -> LogitNormal:
        from phasescope.models.families.diffusion.schedule import LogitNormal

        return LogitNormal(self.mean, self.deviation)


AnyDensity = UniformDensityConfig | LogitNormalDensityConfig
