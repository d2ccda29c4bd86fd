"""The configuration of a diffusion: noise schedule, parametrization, weighting of the loss, sampler."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from phasescope.core.config import Config
from phasescope.models.families.base import FamilyConfig
from phasescope.models.families.diffusion import Predict, Times

if TYPE_CHECKING:
    from phasescope.models.families.diffusion.family import Diffusion
    from phasescope.models.families.diffusion.parametrization import Weighting
    from phasescope.models.families.diffusion.samplers import Sampler
    from phasescope.models.families.diffusion.schedule import LogitNormal, Schedule

Steps = Annotated[int, Field(ge=1, le=100_000)]
PAINTED_BY: dict[str, dict[str, Any]] = {
    "ddim": {"kind": "ddim"},
    "ddpm": {"kind": "ddim", "eta": 1.0},
    "dpm_solver": {"kind": "dpm_solver"},
    "euler": {"kind": "euler"},
    "heun": {"kind": "heun"},
}
"""samplers by the names under which a user chooses among them"""
OF_FLOW = ("euler", "heun")
"""those of flow matching alone"""
USUAL_SHARES, PHASE_SHARE = (0.05, 0.3, 0.6, 0.9), 0.6
"""of the schedule, where latents are read; and from where on only the label can tell the image"""


class LinearScheduleConfig(Config):
    """beta grows linearly (Ho et al. 2020)."""

    kind: Literal["linear"] = "linear"
    steps: Annotated[Steps, Field(ge=2)] = 1000
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


class CosineScheduleConfig(Config):
    """alpha falls as a cosine (Nichol & Dhariwal 2021)."""

    kind: Literal["cosine"] = "cosine"
    steps: Annotated[Steps, Field(ge=2)] = 1000
    """number T of noise levels"""
    offset: float = Field(0.008, ge=0, le=1)
    """shift s, which keeps the first betas from vanishing"""

    def build(self) -> Schedule:
        from phasescope.models.families.diffusion.schedule import Schedule, cosine_betas

        return Schedule.from_betas(cosine_betas(self.steps, self.offset))


class FlowScheduleConfig(Config):
    """Flow matching: straight from image to noise, alpha = 1 - u, sigma = u (Lipman et al. 2023)."""

    kind: Literal["flow"] = "flow"
    steps: Annotated[Steps, Field(ge=2)] = 1000
    """number T of noise levels, u = (t + 1/2) / T"""

    def build(self) -> Schedule:
        from phasescope.models.families.diffusion.schedule import Schedule

        return Schedule.straight(self.steps)


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


class SamplerConfig(Config):
    """A sampler; its other fields are the arguments of its constructor."""

    kind: str

    def build(self, schedule: Schedule) -> Sampler:
        from phasescope.models.families.diffusion.samplers import SAMPLERS

        return SAMPLERS[self.kind](schedule, **self.model_dump(exclude={"kind"}))


class DDPMSamplerConfig(SamplerConfig):
    """Ancestral sampling through every t (Ho et al. 2020)."""

    kind: Literal["ddpm"] = "ddpm"


class DDIMSamplerConfig(SamplerConfig):
    """DDIM (Song et al. 2021)."""

    kind: Literal["ddim"] = "ddim"
    steps: Steps = 25
    """network evaluations per image"""
    eta: float = Field(0.0, ge=0, le=1)
    """share of the ancestral noise: 0 is deterministic, 1 is DDPM's"""


class EulerSamplerConfig(SamplerConfig):
    """Euler's method for flow matching, which equals DDIM without noise."""

    kind: Literal["euler"] = "euler"
    steps: Steps = 25
    """network evaluations per image"""


class HeunSamplerConfig(SamplerConfig):
    """Heun's method, of flow matching: second order."""

    kind: Literal["heun"] = "heun"
    steps: Steps = 12
    """steps of two network evaluations each, except the last"""


class DPMSolverSamplerConfig(SamplerConfig):
    """DPM-Solver++(2M): second order, one evaluation a step (Lu et al. 2022)."""

    kind: Literal["dpm_solver"] = "dpm_solver"
    steps: Steps = 20
    """network evaluations per image"""


AnySampler = (
    DDPMSamplerConfig | DDIMSamplerConfig | DPMSolverSamplerConfig | EulerSamplerConfig | HeunSamplerConfig
)
AnySchedule = LinearScheduleConfig | CosineScheduleConfig | FlowScheduleConfig


class DiffusionConfig(FamilyConfig):
    """A diffusion; a bare kind, as in ``weighting: min_snr``, stands for that kind with its defaults."""

    kind: Literal["diffusion"] = "diffusion"
    schedule: AnySchedule = Field(LinearScheduleConfig(), discriminator="kind")
    """noise levels"""
    predict: Predict = "eps"
    """what the network predicts: the noise, the image, v = alpha eps - sigma x_0, or the velocity eps - x_0"""
    weighting: PlainWeightingConfig | MinSNRWeightingConfig = Field(
        PlainWeightingConfig(), discriminator="kind"
    )
    """weight of each t in the loss"""
    times: Times = "independent"
    """how a batch's t are drawn: each by itself, or spread evenly (Kingma et al. 2021)"""
    density: UniformDensityConfig | LogitNormalDensityConfig = Field(
        UniformDensityConfig(), discriminator="kind"
    )
    """how often each t is drawn"""
    sampler: AnySampler = Field(DDIMSamplerConfig(), discriminator="kind", validate_default=True)
    """how images are sampled"""
    clip: bool = True
    """whether sampling clips each estimate of x_0 to [-1, 1], as Ho et al. 2020 do"""

    @field_validator("schedule", "weighting", "density", "sampler", mode="before")
    @classmethod
    def _bare_kind(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @field_validator("predict")
    @classmethod
    def _v_of_a_diffusion(cls, predict: Predict, info: ValidationInfo) -> Predict:
        schedule = info.data.get("schedule")
        if predict == "v" and isinstance(schedule, FlowScheduleConfig):
            raise ValueError(
                "must be eps, x or velocity with schedule.kind=flow: v needs alpha^2 + sigma^2 = 1"
            )
        return predict

    @field_validator("sampler")
    @classmethod
    def _steps_go_down(cls, sampler: AnySampler, info: ValidationInfo) -> AnySampler:
        schedule = info.data.get("schedule")
        if schedule and sampler.kind in OF_FLOW and not isinstance(schedule, FlowScheduleConfig):
            raise ValueError(
                f"must be ddpm, ddim or dpm_solver with schedule.kind={schedule.kind}: "
                f"{sampler.kind} follows the straight paths of schedule.kind=flow"
            )
        if schedule and not isinstance(sampler, DDPMSamplerConfig) and sampler.steps > schedule.steps:
            raise ValueError(
                f"must take at most schedule.steps={schedule.steps} steps, not {sampler.steps}: "
                "each goes to a lower t"
            )
        return sampler

    @property
    def noise_levels(self) -> range:
        return range(self.schedule.steps)

    @property
    def usual_t(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self._at(share) for share in USUAL_SHARES))

    @property
    def phase_t(self) -> int:
        return self._at(PHASE_SHARE)

    def _at(self, share: float) -> int:
        return min(round(share * self.schedule.steps), self.schedule.steps - 1)

    def sampling_choices(self) -> dict[str, Any]:
        """Samplers, and steps up to one a noise level."""
        sampler = self.sampler.tree()
        ancestral = sampler["kind"] == "ddpm" or sampler.get("eta") == 1
        return {
            "samplers": self._samplers(),
            "sampler": "ddpm" if ancestral else sampler["kind"],
            "steps": sampler.get("steps", self.schedule.steps),
            "most_steps": self.schedule.steps,
        }

    def _samplers(self) -> list[str]:
        straight = isinstance(self.schedule, FlowScheduleConfig)
        return [name for name in PAINTED_BY if straight or name not in OF_FLOW]

    def with_sampler(self, sampler: str, steps: int) -> DiffusionConfig:
        """With fewer steps than the schedule, `ddpm` is its noise on DDIM's way (Song et al. 2021)."""
        if sampler not in (known := self._samplers()):
            raise ValueError(f"`sampler` (={sampler}) must be one of {', '.join(known)}")
        if not 1 <= steps <= self.schedule.steps:
            raise ValueError(f"`steps` (={steps}) must be from 1 to {self.schedule.steps}")
        return type(self).from_tree({**self.tree(), "sampler": {**PAINTED_BY[sampler], "steps": steps}})

    def build(self) -> Diffusion:
        from phasescope.models.families.diffusion.family import Diffusion

        schedule = self.schedule.build()
        return Diffusion(
            schedule,
            self.predict,
            self.weighting.build(),
            self.sampler.build(schedule),
            self.clip,
            self.times,
            self.density.build(),
        )
