from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.schedules import schedule_of
from phasescope.models.families.diffusion.parametrization import (
    eps_of,
    min_snr_weight,
    plain_weight,
    prediction_of,
    x_0_of,
)

PREDICTS: list[Any] = ["eps", "x", "v"]
SCHEDULES = [schedule_of("linear").build(), schedule_of("cosine").build()]


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32),
    t=st.integers(0, 999),
    schedule=st.sampled_from(SCHEDULES),
    source=st.sampled_from(PREDICTS),
    target=st.sampled_from(PREDICTS),
)
def test_every_prediction_converts_into_every_other_and_back(seed, t, schedule, source, target):
    generator = torch.Generator().manual_seed(seed)
    x_0, eps = torch.randn(2, 3, 1, 4, 4, generator=generator, dtype=torch.float64)
    alpha, sigma = schedule.alpha[t].expand(3, 1, 1, 1), schedule.sigma[t].expand(3, 1, 1, 1)
    x_t = alpha * x_0 + sigma * eps

    prediction = prediction_of(source, x_0, eps, alpha, sigma)
    seen = x_0_of(source, prediction, x_t, alpha, sigma), eps_of(source, prediction, x_t, alpha, sigma)
    there = prediction_of(target, *seen, alpha, sigma)
    seen = x_0_of(target, there, x_t, alpha, sigma), eps_of(target, there, x_t, alpha, sigma)
    back = prediction_of(source, *seen, alpha, sigma)

    # 1/alpha and 1/sigma, at most 2e4, amplify a rounding of 1e-16
    torch.testing.assert_close(seen, (x_0, eps), rtol=0, atol=1e-10)
    torch.testing.assert_close(there, prediction_of(target, x_0, eps, alpha, sigma), rtol=0, atol=1e-10)
    torch.testing.assert_close(back, prediction, rtol=0, atol=1e-10)


@pytest.mark.parametrize("predict", PREDICTS)
def test_any_prediction_splits_x_t_into_image_and_noise(predict):
    prediction, x_t = torch.randn(2, 3, 1, 4, 4, dtype=torch.float64)
    for t in (0, 500, 999):
        alpha, sigma = SCHEDULES[0].alpha[t].expand(3, 1, 1, 1), SCHEDULES[0].sigma[t].expand(3, 1, 1, 1)
        x_0 = x_0_of(predict, prediction, x_t, alpha, sigma)
        eps = eps_of(predict, prediction, x_t, alpha, sigma)
        torch.testing.assert_close(alpha * x_0 + sigma * eps, x_t)
        torch.testing.assert_close(prediction_of(predict, x_0, eps, alpha, sigma), prediction)


@pytest.mark.parametrize("gamma", [0.5, 5.0, 1e9])
def test_min_snr_is_one_weight_of_the_image_error_in_all_parametrizations(gamma):
    for schedule in SCHEDULES:
        alpha, sigma = schedule.alpha[:, None, None, None], schedule.sigma[:, None, None, None]
        x_0, eps, guess = torch.randn(3, 1000, 1, 2, 2, dtype=torch.float64)
        x_t = alpha * x_0 + sigma * eps
        guessed_eps = eps_of("x", guess, x_t, alpha, sigma)
        snr = schedule.log_snr.exp()
        losses = {}
        for predict in PREDICTS:
            error = prediction_of(predict, guess, guessed_eps, alpha, sigma)
            error = error - prediction_of(predict, x_0, eps, alpha, sigma)
            losses[predict] = min_snr_weight(predict, snr, gamma) * error.square().mean((1, 2, 3))
        expected = snr.clamp(max=gamma) * (guess - x_0).square().mean((1, 2, 3))
        for loss in losses.values():
            torch.testing.assert_close(loss, expected, rtol=1e-8, atol=0)


def test_min_snr_limits():
    snr = SCHEDULES[0].log_snr.exp()
    # no image has an SNR above gamma: the loss is the plain one of eps
    torch.testing.assert_close(min_snr_weight("eps", snr, gamma=1e9), plain_weight("eps", snr))
    # all have: the loss is gamma times the plain one of x
    torch.testing.assert_close(min_snr_weight("x", snr, gamma=1e-9), 1e-9 * plain_weight("x", snr))
