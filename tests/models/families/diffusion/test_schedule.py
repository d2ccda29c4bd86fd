import pytest
import torch

from helpers.schedules import schedule_of

CONFIGS = [
    schedule_of("linear"),
    schedule_of("linear", steps=37, beta_start=1e-3, beta_end=0.3),
    schedule_of("linear", beta_start=1e-12),
    schedule_of("scaled_linear", beta_start=0.00085, beta_end=0.012),
    schedule_of("cosine"),
    schedule_of("cosine", steps=4000, offset=0.0),
    schedule_of("cosine", steps=2),
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
    schedule = schedule_of("linear", steps=100, beta_start=1e-12, beta_end=2e-12).build()
    betas = torch.linspace(1e-12, 2e-12, 100, dtype=torch.float64)
    torch.testing.assert_close(schedule.sigma**2, betas.cumsum(0), rtol=1e-9, atol=0)


def test_before_the_first_step_the_image_is_clean():
    schedule = schedule_of("linear").build()
    assert schedule.at(-1) == (1.0, 0.0, float("inf"))
    assert schedule.at(0)[1] ** 2 == pytest.approx(1e-4)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("linear", "linear"), ("scaled_linear", "scaled_linear"), ("cosine", "squaredcos_cap_v2")],
)
def test_betas_are_those_of_diffusers(kind, name):
    from diffusers import DDPMScheduler  # slow to import

    kept = schedule_of(kind).build().alpha ** 2
    betas = 1 - kept / torch.cat([torch.ones(1).double(), kept[:-1]])
    theirs = DDPMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, beta_schedule=name)
    torch.testing.assert_close(betas.float(), theirs.betas, rtol=1e-6, atol=1e-9)
    # their cumulative product is in float32
    torch.testing.assert_close(kept.float(), theirs.alphas_cumprod, rtol=1e-4, atol=0)
