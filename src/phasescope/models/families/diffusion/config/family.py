"""The configuration of a diffusion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from phasescope.core.errors import similar
from phasescope.models.families.base import FamilyConfig
from phasescope.models.families.diffusion import Predict, Times
from phasescope.models.families.diffusion.config.samplers import (
    FLOW_SAMPLERS,
    NAMED_SAMPLERS,
    AnySampler,
    DDIMSamplerConfig,
    DDPMSamplerConfig,
)
from phasescope.models.families.diffusion.config.schedules import (
    AnyDensity,
    AnySchedule,
    FlowScheduleConfig,
    LinearScheduleConfig,
    UniformDensityConfig,
)
from phasescope.models.families.diffusion.config.weightings import AnyWeighting, PlainWeightingConfig
from phasescope.models.families.task import Task

if TYPE_CHECKING:
    from phasescope.models.families.diffusion.exact.analysis import DiffusionAnalysis
    from phasescope.models.families.diffusion.family import Diffusion

USUAL_SHARES = (0.05, 0.3, 0.6, 0.9)
"""of the schedule, where latents are read"""
PHASE_SHARE = 0.6
"""of the schedule, from where on only the label determines the image"""


class DiffusionConfig(FamilyConfig):
    """A diffusion; a bare kind, as in ``weighting: min_snr``, stands for that kind with its defaults."""

    kind: Literal["diffusion"] = "diffusion"
    schedule: AnySchedule = Field(LinearScheduleConfig(), discriminator="kind")
    """noise levels"""
    predict: Predict = "eps"
    """what the network predicts: the noise, the image, v = alpha eps - sigma x_0, or the velocity eps - x_0"""
    weighting: AnyWeighting = Field(PlainWeightingConfig(), discriminator="kind")
    """weight of each t in the loss"""
    times: Times = "independent"
    """how a batch's t are drawn: each by itself, or spread evenly (Kingma et al. 2021)"""
    density: AnyDensity = Field(UniformDensityConfig(), discriminator="kind")
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
        if schedule is None:  # it is invalid itself, and the error says so
            return sampler

        if sampler.kind in FLOW_SAMPLERS and not isinstance(schedule, FlowScheduleConfig):
            raise ValueError(
                f"must be ddpm, ddim or dpm_solver with schedule.kind={schedule.kind}: "
                f"{sampler.kind} follows the straight paths of schedule.kind=flow"
            )
        if not isinstance(sampler, DDPMSamplerConfig) and sampler.steps > schedule.steps:
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
        """Return the samplers of its schedule, and steps up to one a noise level."""
        sampler = self.sampler.tree()
        ancestral = sampler["kind"] == "ddpm" or sampler.get("eta") == 1
        return {
            "samplers": self._samplers(),
            "sampler": "ddpm" if ancestral else sampler["kind"],
            "steps": sampler.get("steps", self.schedule.steps),
            "most_steps": self.schedule.steps,
        }

    def evaluations_an_image(self) -> int:
        return self.sampler.evaluations(self.schedule.steps)

    def _samplers(self) -> list[str]:
        straight = isinstance(self.schedule, FlowScheduleConfig)
        return [name for name in NAMED_SAMPLERS if straight or name not in FLOW_SAMPLERS]

    def with_sampler(self, sampler: str, steps: int) -> DiffusionConfig:
        """Return the same diffusion with another sampler.

        With fewer steps than the schedule, `ddpm` is DDIM with the ancestral noise, eta = 1 (Song et al. 2021).

        Raises:
            ValueError: there is no such sampler for this schedule, or it cannot take so many steps.
        """
        known = self._samplers()
        if sampler not in known:
            raise ValueError(
                f"`sampler` (={sampler}) must be one of {', '.join(known)}{similar(sampler, known)}"
            )
        if not 1 <= steps <= self.schedule.steps:
            raise ValueError(f"`steps` (={steps}) must be from 1 to {self.schedule.steps}")

        # Its own sampler keeps what else it was given, as the share of the ancestral noise.
        is_own = sampler == self.sampling_choices()["sampler"] and self.sampler.kind != "ddpm"
        kept = self.sampler.tree() if is_own else NAMED_SAMPLERS[sampler]
        chosen = {**kept, "steps": steps}
        return type(self).from_tree({**self.tree(), "sampler": chosen})

    def build(self) -> Diffusion:
        from phasescope.models.families.diffusion.family import Diffusion

        schedule = self.schedule.build()
        return Diffusion(
            schedule=schedule,
            predict=self.predict,
            weighting=self.weighting.build(),
            sampler=self.sampler.build(schedule),
            clip=self.clip,
            times=self.times,
            density=self.density.build(),
        )

    def analysis(self, task: Task, seed: int = 0) -> DiffusionAnalysis:
        from phasescope.models.families.diffusion.exact.analysis import DiffusionAnalysis

        return DiffusionAnalysis(self.build(), task, seed)
