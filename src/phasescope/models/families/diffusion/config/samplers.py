"""Samplers: how images are generated from noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from phasescope.core.config import Config

if TYPE_CHECKING:
    from phasescope.models.families.diffusion.samplers import Sampler
    from phasescope.models.families.diffusion.schedule import Schedule

Steps = Annotated[int, Field(ge=1, le=100_000)]
NAMED_SAMPLERS: dict[str, dict[str, Any]] = {
    "ddim": {"kind": "ddim"},
    "ddpm": {"kind": "ddim", "eta": 1.0},
    "dpm_solver": {"kind": "dpm_solver"},
    "euler": {"kind": "euler"},
    "heun": {"kind": "heun"},
}
"""samplers by the names under which a user chooses among them"""
FLOW_SAMPLERS = ("euler", "heun")
"""those of flow matching alone"""


class SamplerConfig(Config):
    """A sampler; its other fields are the arguments of its constructor."""

    kind: str

    def build(self, schedule: Schedule) -> Sampler:
        from phasescope.models.families.diffusion.samplers import SAMPLERS

        return SAMPLERS[self.kind](schedule, **self.model_dump(exclude={"kind"}))

    def evaluations(self, levels: int) -> int:
        """Return how often a network is evaluated for one image, under a schedule of so many levels."""
        return getattr(self, "steps", levels)


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

    def evaluations(self, levels: int) -> int:
        return 2 * self.steps - 1


class DPMSolverSamplerConfig(SamplerConfig):
    """DPM-Solver++(2M): second order, one evaluation a step (Lu et al. 2022)."""

    kind: Literal["dpm_solver"] = "dpm_solver"
    steps: Steps = 20
    """network evaluations per image"""


AnySampler = (
    DDPMSamplerConfig | DDIMSamplerConfig | DPMSolverSamplerConfig | EulerSamplerConfig | HeunSamplerConfig
)
