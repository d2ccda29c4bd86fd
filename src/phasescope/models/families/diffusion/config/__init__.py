"""The configuration of a diffusion: noise schedule, parametrization, weighting of the loss, sampler. It imports no torch."""

from phasescope.models.families.diffusion.config.family import DiffusionConfig
from phasescope.models.families.diffusion.config.samplers import (
    DDIMSamplerConfig,
    DDPMSamplerConfig,
    DPMSolverSamplerConfig,
    EulerSamplerConfig,
    HeunSamplerConfig,
)
from phasescope.models.families.diffusion.config.schedules import (
    CosineScheduleConfig,
    FlowScheduleConfig,
    LinearScheduleConfig,
    LogitNormalDensityConfig,
    ScaledLinearScheduleConfig,
    UniformDensityConfig,
)
from phasescope.models.families.diffusion.config.weightings import MinSNRWeightingConfig, PlainWeightingConfig

__all__ = [
    "CosineScheduleConfig",
    "DDIMSamplerConfig",
    "DDPMSamplerConfig",
    "DPMSolverSamplerConfig",
    "DiffusionConfig",
    "EulerSamplerConfig",
    "FlowScheduleConfig",
    "HeunSamplerConfig",
    "LinearScheduleConfig",
    "LogitNormalDensityConfig",
    "MinSNRWeightingConfig",
    "PlainWeightingConfig",
    "ScaledLinearScheduleConfig",
    "UniformDensityConfig",
]
