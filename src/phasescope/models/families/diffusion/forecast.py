"""Predictions for the training of a diffusion, from its data and its objective alone.

With x_t = alpha x_0 + sigma eps and SNR = alpha^2 / sigma^2, each reference denoiser has an error of x_0,
MMSE(SNR), summed over pixels. The loss weighs it by w_t (SNR under eps, 1 under x, SNR + 1 under v, each with plain
weighting), so

    R' = sum_t w_t MMSE_posterior / sum_t w_t (MMSE_Wiener - MMSE_posterior)

is the loss that only the label can remove, over the loss that images can remove beyond their covariance: if it is small, a
network gains by generating one whole object long before it gains by placing it.

The integral of MMSE is information (Guo et al. 2005; Kong et al. 2023, arXiv 2302.03792): of M different images, equally
likely, 1/2 int MMSE_posterior dSNR = ln M nats, all that a label can tell.

Unconditionally the place is decided where the posterior condenses onto one image, at SNR = 2 ln M / E with E half the
squared distance of two images, the median's (Biroli et al. 2024, arXiv 2402.18491), unless the direction of largest
variance lambda_1 has become unstable before, at SNR = 1 / lambda_1.
"""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from phasescope.core.randomness import numpy_generator
from phasescope.models.families.base import Task
from phasescope.models.families.diffusion.optimum import Answering, Posterior, UnconditionalOptimum
from phasescope.models.families.diffusion.reference_denoisers import wiener_mmse
from phasescope.models.families.diffusion.references import References, budget, draw, evenly, nats_of, squared

LEVELS, DRAWS = 64, 24
"""noise levels at which an error without a closed form is averaged, and images at each"""
MOST_WORK = 4e9
"""draws x images x pixels of such an average"""
LOCAL_LEVELS, LOCAL_DRAWS, MOST_LOCAL = 16, 4, 1e8
"""the same for the patch-local optimum, which weights all images for each pixel separately"""
# R' below which images are expected to pass phase B, and above which not: between the three cells that suggested the rule,
# eps 0.06 (8 of 8 runs), v 0.41 (2 of 10) and x 4.2 (0 of 16).
PASSED, NOT_PASSED = 0.2, 1.0
PAIRS = 1024
"""of images whose distances are taken"""


def forecast(
    diffusion: Answering, x_0_weight: Float[Tensor, " T"], task: Task, errors: bool = True
) -> dict[str, Any]:
    """Return the prediction, JSON-ready, for a loss that weighs the squared error of x_0 so at each t.

    `mmse` has `t` and, for each reference denoiser, its error at each t, summed over an image's pixels; `left_out` says
    which do not exist, and why. Both need `errors`, which take most of the time.

    Raises:
        ValueError: images alike, or as `References.of` says.
    """
    references = References.from_task(diffusion, task)
    knows_all, M = references.knows_all, len(task.training)
    snr = diffusion.schedule.log_snr.exp()
    energy = _half_squared_distance(knows_all)
    if energy == 0:
        raise ValueError("`world` must show different images of different labels: most pairs are alike")
    steps = diffusion.schedule.steps
    some, draws = budget(knows_all, steps, LEVELS, DRAWS, MOST_WORK)
    drawn = draw(diffusion, knows_all, evenly(steps, some), draws, 0, "forecast")
    levels = drawn.levels
    everywhere = np.arange(steps)
    wiener_error = wiener_mmse(references.wiener.variances, snr).numpy()
    at_levels = drawn.error(knows_all)
    uncertain = np.interp(everywhere, levels, at_levels)
    label = references.denoisers[-1]
    certain = drawn.error(label.optimum, label.hidden) if isinstance(label.optimum, Posterior) else 0.0
    by_label = np.interp(everywhere, levels, at_levels - certain)
    weight = x_0_weight.numpy()
    at_condensation = 2 * math.log(M) / energy
    at_instability = 1 / float(references.wiener.variances.max())
    r_prime = float((weight * by_label / (weight * (wiener_error - uncertain)).sum()).sum())
    spatial = references.wiener.mean.shape[1:]
    cap = 1.0 if task.shift_px is None else math.prod(task.shift_px / size for size in spatial)
    prediction: dict[str, Any] = {
        "images": M,
        "ln_m": math.log(M),
        "nats": float(information(snr.numpy(), by_label)),
        "label_nats": nats_of(task, sorted({*range(len(task.factors))} - {*task.factors.hidden})),
        "r_prime": r_prime,
        "snr_condensation": at_condensation,
        "t_condensation": _time_of(snr.numpy(), at_condensation),
        "snr_instability": at_instability,
        "t_instability": _time_of(snr.numpy(), at_instability),
        "shift_px": task.shift_px,
        "cap": cap,
        "phases": _phases(r_prime, cap),
    }
    if errors:
        by_name, left_out = references.errors(drawn, at_levels, _local_excess(references, diffusion, levels))
        mmse = {"t": levels.tolist(), **{name: error.tolist() for name, error in by_name.items()}}
        prediction |= {"mmse": mmse, "left_out": left_out}
    return prediction


def _local_excess(
    references: References, diffusion: Answering, levels: Int[np.ndarray, " L"]
) -> Float[np.ndarray, " L"] | None:
    steps, knows_all = diffusion.schedule.steps, references.knows_all
    some, draws = budget(knows_all, steps, LOCAL_LEVELS, LOCAL_DRAWS, MOST_LOCAL)
    if some * draws * references.work > 2 * MOST_LOCAL:
        return None
    drawn = draw(diffusion, knows_all, evenly(steps, some), draws, 0, "forecast")
    given = drawn.x_t, drawn.alpha, drawn.sigma
    excess = references.machine.answer(*given, None) - knows_all.answer(*given, None)
    means = drawn.by_level(squared(excess)).mean(1)
    return np.interp(levels, drawn.levels, means)


def _half_squared_distance(knows_all: UnconditionalOptimum) -> float:
    """Return the median over some pairs of different training images."""
    training, rng = knows_all.labels, numpy_generator(0, "forecast pairs")
    i = rng.integers(len(training), size=PAIRS)
    j = (i + rng.integers(1, len(training), size=PAIRS)) % len(training)
    first, second = (knows_all.render(training[torch.from_numpy(which)]).double() for which in (i, j))
    return float((first - second).square().flatten(1).sum(1).median() / 2)


def information(
    snr: Float[np.ndarray, " T"], mmse: Float[np.ndarray, "*many T"]
) -> Float[np.ndarray, "*many"]:
    """Return 1/2 int MMSE dSNR, in nats: over the schedule's SNR, and below it, where nothing is known yet."""
    rising, errors = snr[::-1], mmse[..., ::-1]
    return 0.5 * (np.trapezoid(errors * rising, np.log(rising)) + errors[..., 0] * rising[0])


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
