import pytest
import torch
from diffusers import DDPMScheduler

from phasescope.models.families.diffusion.config import CosineScheduleConfig, LinearScheduleConfig
from phasescope.models.families.diffusion.schedule import Schedule, cosine_betas, linear_betas

CONFIGS = [
    LinearScheduleConfig(),
    LinearScheduleConfig(steps=37, beta_start=1e-3, beta_end=0.3),
    LinearScheduleConfig(beta_start=1e-12),
    CosineScheduleConfig(),
    CosineScheduleConfig(steps=4000, offset=0.0),
    CosineScheduleConfig(steps=2),
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_variance_is_preserved_and_the_image_fades(config):
    schedule = config.build()
    assert schedule.steps == config.steps
    torch.testing.assert_close(schedule.alpha**2 + schedule.sigma**2, torch.ones(config.steps).double())
    assert (schedule.log_snr.diff() < 0).all()
    assert (schedule.alpha > 0).all()
    assert (schedule.sigma > 0).all()
    torch.testing.assert_close(schedule.log_snr, 2 * (schedule.alpha / schedule.sigma).log())


def test_small_betas_keep_their_digits():
    schedule = Schedule.from_betas(torch.full((100,), 1e-15, dtype=torch.float64))
    torch.testing.assert_close(schedule.sigma**2, 1e-15 * torch.arange(1, 101).double(), rtol=1e-9, atol=0)


def test_before_the_first_step_the_image_is_clean():
    schedule = LinearScheduleConfig().build()
    assert schedule.at(-1) == (1.0, 0.0, float("inf"))
    assert schedule.at(0)[1] ** 2 == pytest.approx(1e-4)


@pytest.mark.parametrize(
    ("betas", "name"),
    [(linear_betas(1000, 1e-4, 0.02), "linear"), (cosine_betas(1000, 0.008), "squaredcos_cap_v2")],
    ids=["linear", "cosine"],
)
def test_betas_are_those_of_diffusers(betas, name):
    theirs = DDPMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, beta_schedule=name)
    torch.testing.assert_close(betas.float(), theirs.betas, rtol=1e-6, atol=1e-9)
    # their cumulative product is in float32
    torch.testing.assert_close(
        Schedule.from_betas(betas).alpha.float() ** 2, theirs.alphas_cumprod, rtol=1e-4, atol=0
    )
