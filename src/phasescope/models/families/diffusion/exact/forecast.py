"""Predictions for the training of a diffusion, from its data and its objective alone.

With x_t = alpha x_0 + sigma eps and SNR = alpha^2 / sigma^2, each reference denoiser has an error of x_0,
MMSE(SNR), summed over pixels. The loss weighs it by w_t (SNR under eps, 1 under x, SNR + 1 under v, each with plain
weighting), so

    R' = sum_t w_t MMSE_posterior / sum_t w_t (MMSE_Wiener - MMSE_posterior)

is the loss that only the label can remove, over the loss that images can remove beyond their covariance: if it is small, a
network gains by generating one whole object long before it gains by placing it.

The integral of MMSE is information: of M different images, equally likely, 1/2 int MMSE_posterior dSNR = ln M nats, all that
a label can tell (`information`).

Unconditionally the place is decided where the posterior condenses onto one image, at SNR = 2 ln M / E with E half the
squared distance of two images, the median's (Biroli et al. 2024, arXiv 2402.18491), unless the direction of largest
variance lambda_1 has become unstable before, at SNR = 1 / lambda_1.
"""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from phasescope.core.randomness import numpy_generator
from phasescope.models.families.diffusion.exact.information import information, label_nats
from phasescope.models.families.diffusion.exact.noisy_images import NoisyImages, affordable, evenly_spaced
from phasescope.models.families.diffusion.exact.optimum import Posterior, UnconditionalOptimum
from phasescope.models.families.diffusion.exact.reference_denoisers import wiener_mmse
from phasescope.models.families.diffusion.exact.references import MOST_PATCH_LOCAL_WORK, References
from phasescope.models.families.task import Task

LEVELS, DRAWS = 64, 24
"""noise levels at which an error without a closed form is averaged, and images at each"""
PATCH_LOCAL_LEVELS, PATCH_LOCAL_DRAWS = 16, 4
"""the same for the patch-local optimum"""
# R' below which images are expected to pass phase B, and above which not: between the three cells that suggested the rule,
# eps 0.06 (8 of 8 runs), v 0.41 (2 of 10) and x 4.2 (0 of 16).
PASSED, NOT_PASSED = 0.2, 1.0
PAIRS = 1024
"""of images whose distances are taken"""


def forecast(references: References, task: Task, errors: bool = True) -> dict[str, Any]:
    """Return the prediction for a task, from its reference denoisers, JSON-ready.

    `mmse` has `t` and, for each reference denoiser, its error at each t, summed over an image's pixels; `left_out` says
    which do not exist, and why. Both need `errors`, which take most of the time.

    Raises:
        ValueError: images are alike.
    """
    posterior_mean, wiener = references.posterior_mean, references.wiener
    diffusion = posterior_mean.diffusion
    snr, weight = diffusion.schedule.log_snr.exp(), diffusion.x_0_weight.numpy()

    half_squared_distance = _half_squared_distance(posterior_mean)
    if half_squared_distance == 0:
        raise ValueError("`world` must show different images of different labels: most pairs are alike")

    steps = diffusion.schedule.steps
    levels, draws = affordable(posterior_mean, steps, LEVELS, DRAWS)
    noisy = NoisyImages.draw(posterior_mean, evenly_spaced(steps, levels), draws, seed=0, purpose="forecast")
    posterior_error = noisy.error(posterior_mean)
    label_gain = posterior_error - _label_error(references, noisy)

    every_t = np.arange(steps)
    label_gain_at_t = np.interp(every_t, noisy.levels, label_gain)
    posterior_error_at_t = np.interp(every_t, noisy.levels, posterior_error)
    image_gain_at_t = wiener_mmse(wiener.variances, snr).numpy() - posterior_error_at_t
    r_prime = float((weight * label_gain_at_t / (weight * image_gain_at_t).sum()).sum())

    snr_condensation = 2 * math.log(len(task.training)) / half_squared_distance
    snr_instability = 1 / float(wiener.variances.max())

    spatial = wiener.mean.shape[1:]
    cap = 1.0 if task.shift_px is None else math.prod(task.shift_px / size for size in spatial)

    prediction: dict[str, Any] = {
        "images": len(task.training),
        "ln_m": math.log(len(task.training)),
        "nats": float(information(snr.numpy(), label_gain_at_t)),
        "label_nats": label_nats(task, sorted({*range(len(task.factors))} - {*task.factors.hidden})),
        "r_prime": r_prime,
        "snr_condensation": snr_condensation,
        "t_condensation": _time_of(snr.numpy(), snr_condensation),
        "snr_instability": snr_instability,
        "t_instability": _time_of(snr.numpy(), snr_instability),
        "shift_px": task.shift_px,
        "cap": cap,
        "phases": _phases(r_prime, cap),
    }
    if errors:
        excess = _patch_local_excess(references, noisy.levels)
        by_name, left_out = references.errors(noisy, posterior_error, excess)
        curves = {name: error.tolist() for name, error in by_name.items()}
        prediction |= {"mmse": {"t": noisy.levels.tolist(), **curves}, "left_out": left_out}
    return prediction


def _label_error(references: References, noisy: NoisyImages) -> Float[np.ndarray, " L"]:
    """Return the error that is left given the label: none, unless a label names several images."""
    label = references.denoisers[-1]
    if isinstance(label.optimum, Posterior):
        return noisy.error(label.optimum, label.hidden)
    return np.zeros(len(noisy.levels))


def _patch_local_excess(
    references: References, levels: Int[np.ndarray, " L"]
) -> Float[np.ndarray, " L"] | None:
    """Return the patch-local optimum's error beyond the posterior mean's, at `levels`; None if it costs too much.

    It is computed at fewer levels, and interpolated.
    """
    posterior_mean, steps = references.posterior_mean, references.posterior_mean.diffusion.schedule.steps
    fewer, draws = affordable(
        posterior_mean=posterior_mean,
        steps=steps,
        levels=PATCH_LOCAL_LEVELS,
        draws=PATCH_LOCAL_DRAWS,
        most_work=MOST_PATCH_LOCAL_WORK,
    )
    noisy = NoisyImages.draw(posterior_mean, evenly_spaced(steps, fewer), draws, seed=0, purpose="forecast")
    if not references.affords_patch_local(noisy):
        return None

    difference = noisy.answer(references.patch_local) - noisy.answer(posterior_mean)
    return np.interp(levels, noisy.levels, noisy.mean_square(difference))


def _half_squared_distance(posterior_mean: UnconditionalOptimum) -> float:
    """Return half the median squared distance over some pairs of different training images."""
    training, rng = posterior_mean.labels, numpy_generator(0, "forecast pairs")
    i = rng.integers(len(training), size=PAIRS)
    j = (i + rng.integers(1, len(training), size=PAIRS)) % len(training)

    first = posterior_mean.render(training[torch.from_numpy(i)]).double()
    second = posterior_mean.render(training[torch.from_numpy(j)]).double()
    return float((first - second).square().flatten(1).sum(1).median() / 2)


def _time_of(snr: Float[np.ndarray, " T"], level: float) -> float | None:
    """Return the t at which SNR falls to `level`, between two steps in log SNR; None if that is outside the schedule."""
    if not snr[-1] <= level <= snr[0]:
        return None
    return float(np.interp(-math.log(level), -np.log(snr), np.arange(len(snr))))


def _phases(r_prime: float, cap: float) -> str:
    """Return the phases that images are expected to go through."""
    if r_prime < PASSED:
        sequence = "A, B, C"
    elif r_prime > NOT_PASSED:
        sequence = "A, C"
    else:
        sequence = "A, B or not, C"
    return sequence if cap == 1 else "A, B: nothing tells the place beyond a shift"
