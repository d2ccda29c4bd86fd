"""What a diffusion's data and objective alone foretell of how it is learnt.

With x_t = alpha x_0 + sigma eps and SNR = alpha^2 / sigma^2, each rung of the ladder (`rungs`) has an error of x_0,
MMSE(SNR), summed over pixels. The loss weighs it by w_t (SNR under eps, 1 under x, SNR + 1 under v, each with plain
weighting), so

    R' = sum_t w_t MMSE_posterior / sum_t w_t (MMSE_Wiener - MMSE_posterior)

is what only the label can still teach, over what images teach beyond their covariance: where it is small, a network
gains by painting one whole object long before it gains by placing it.

The integral of MMSE tells information (Guo et al. 2005; Kong et al. 2023, arXiv 2302.03792): of M different images, equally
likely, 1/2 int MMSE_posterior dSNR = ln M nats, all that a label can tell.

Unconditionally the place is decided where the posterior condenses onto one image, at SNR = 2 ln M / E with E half the
squared distance of two images, the median's (Biroli et al. 2024, arXiv 2402.18491), unless the direction of largest
variance lambda_1 has become unstable before, at SNR = 1 / lambda_1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import isotonic_regression
from torch import Tensor

from phasescope.families.base import Task
from phasescope.families.diffusion.optimum import (
    Answering,
    ConditionalOptimum,
    PartialOptimum,
    Posterior,
    UnconditionalOptimum,
)
from phasescope.families.diffusion.rungs import (
    LocalMachine,
    OrbitOptimum,
    check_shift,
    mean_and_covariance,
    wiener_mmse,
)
from phasescope.randomness import numpy_generator, torch_generator

LEVELS, DRAWS = 64, 24
"""noise levels at which an error without a closed form is averaged, and images at each"""
MOST_WORK = 4e9
"""draws x images x pixels of such an average"""
LOCAL_LEVELS, LOCAL_DRAWS, MOST_LOCAL = 16, 4, 1e8
"""the same of the local machine, each of whose pixels weighs all images by itself"""
MOST_PIXELS = 4096
"""of an image whose covariance is taken apart"""
PASSED, NOT_PASSED = 0.2, 1.0
"""R' below which images are expected to pass phase B, and above which not: between the three cells that suggested the
rule, eps 0.06 (8 of 8 runs), v 0.41 (2 of 10) and x 4.2 (0 of 16)"""
PAIRS = 1024
"""of images whose distance is looked at"""
AT_ONCE = 512
"""images in a chunk"""


@dataclass(frozen=True)
class Drawn:
    """Noisy training images at some noise levels.

    Attributes:
        levels: t, (L,).
        labels: (L * n, K), level by level.
        x_0, x_t: (L * n, C, *spatial), float64.
        alpha, sigma: (L * n, 1, ...).
    """

    levels: Int[np.ndarray, " L"]
    labels: Float[Tensor, "R K"]
    x_0: Tensor
    x_t: Tensor
    alpha: Tensor
    sigma: Tensor

    def error(self, optimum: Posterior, hidden: Sequence[int] = ()) -> Float[np.ndarray, " L"]:
        """E|x_0 - answer|^2, summed over pixels, by level; `hidden` are factors that are not told.

        By the posterior's variance, which has the error's mean and varies less from draw to draw; made to grow with t, as it
        must (less noise tells more).
        """
        labels, found = self.labels.clone(), []
        labels[:, list(hidden)] = torch.nan
        for some in torch.arange(len(labels)).split(AT_ONCE):
            given = self.x_t[some], self.alpha[some], self.sigma[some], labels[some]
            found.append(optimum.posterior(*given)[1])
        means = torch.cat(found).view(len(self.levels), -1).mean(1).numpy()
        return isotonic_regression(means).x


def forecast(diffusion: Answering, x_0_weight: Float[Tensor, " T"], task: Task) -> dict[str, Any]:
    """What is foretold, JSON-ready, of a loss that weighs the squared error of x_0 so at each t.

    `mmse` has `t` and, for each rung that can be had, its error at each t, summed over an image's pixels; `left_out` says
    which cannot, and why.

    Raises:
        ValueError: one image, or none; images alike, or of too many pixels; a shift that does not divide the canvas;
            a patch that has no middle or is larger than the canvas.
    """
    training = torch.from_numpy(task.training)
    knows_all = UnconditionalOptimum(diffusion, task.render, training)
    first = task.render(training[:1])
    spatial, pixels, M = tuple(first.shape[2:]), first[0].numel(), len(training)
    if M < 2:
        raise ValueError(f"`design` (of {M} images) must hold two at least: there is something to tell apart")
    if pixels > MOST_PIXELS:
        raise ValueError(
            f"`world.shape` (={tuple(first.shape[1:])}) must have at most {MOST_PIXELS} numbers: "
            "its covariance is taken apart"
        )
    shift_px = task.shift_px
    if shift_px is not None:
        check_shift(shift_px, spatial)
    snr = diffusion.schedule.log_snr.exp()
    variances = torch.linalg.eigvalsh(mean_and_covariance(knows_all)[1]).clamp(min=0)
    drawn = _drawn(diffusion, knows_all, LEVELS, DRAWS, MOST_WORK)
    posterior_error = drawn.error(knows_all)
    everywhere = np.arange(diffusion.schedule.steps)
    wiener_error = wiener_mmse(variances, snr).numpy()
    uncertain = np.interp(everywhere, drawn.levels, posterior_error)
    weight = x_0_weight.numpy()
    energy = _half_squared_distance(knows_all)
    if energy == 0:
        raise ValueError(
            "`world` must show different images of different labels: most pairs of them are alike"
        )
    at_condensation = 2 * math.log(M) / energy
    at_instability = 1 / float(variances[-1])
    r_prime = float((weight * uncertain).sum() / (weight * (wiener_error - uncertain)).sum())
    cap = 1.0 if shift_px is None else math.prod(shift_px / size for size in spatial)

    mmse: dict[str, Any] = {
        "t": drawn.levels.tolist(),
        "mean image": [float(variances.sum())] * len(drawn.levels),
        "Wiener": wiener_error[drawn.levels].tolist(),
        "posterior mean": posterior_error.tolist(),
    }
    left_out: dict[str, str] = {}

    def tell(name: str, found: Float[np.ndarray, " L"] | str) -> None:
        if isinstance(found, str):
            left_out[name] = found
        else:
            mmse[name] = found.tolist()

    excess = _local_excess(diffusion, knows_all, task, drawn.levels)
    tell(
        f"local machine, {task.patch_px} px", excess if isinstance(excess, str) else posterior_error + excess
    )
    partial = PartialOptimum.of_grid(diffusion, task.render, task.training)
    for k, name in enumerate(task.factors.names):
        others = [other for other in range(len(task.factors)) if other != k]
        if others:
            incomplete = "its training set holds not every combination of its factors' values"
            tell(f"{name} told", incomplete if partial is None else drawn.error(partial, others))
    if shift_px is not None:
        orbit = OrbitOptimum(diffusion, ConditionalOptimum(diffusion, task.render), shift_px)
        tell(f"label up to shifts by {shift_px} px", drawn.error(orbit))
    mmse["label"] = [0.0] * len(drawn.levels)
    return {
        "images": M,
        "ln_m": math.log(M),
        "nats": _information(snr.numpy(), uncertain),
        "r_prime": r_prime,
        "snr_condensation": at_condensation,
        "t_condensation": _time_of(snr.numpy(), at_condensation),
        "snr_instability": at_instability,
        "t_instability": _time_of(snr.numpy(), at_instability),
        "shift_px": shift_px,
        "cap": cap,
        "phases": _phases(r_prime, cap),
        "mmse": mmse,
        "left_out": left_out,
    }


def _drawn(
    diffusion: Answering, knows_all: UnconditionalOptimum, levels: int, draws: int, most: float
) -> Drawn:
    """At evenly spaced t; of fewer images, then at fewer levels, where that is too much work."""
    training, steps = knows_all.labels, diffusion.schedule.steps
    pixels = knows_all.render(training[:1]).numel()
    rows = max(int(most / (len(training) * pixels)), 8)
    levels = min(levels, steps, rows)
    draws = max(min(draws, rows // levels), 1)
    t = np.unique(np.linspace(0, steps - 1, levels).round().astype(int))
    which = numpy_generator(0, "forecast").integers(len(training), size=len(t) * draws)
    labels = training[torch.from_numpy(which)]
    x_0 = knows_all.render(labels).double()
    at = torch.from_numpy(t).repeat_interleave(draws)
    noise = torch.randn(x_0.shape, generator=torch_generator(0, "forecast"), dtype=torch.float64)
    shape = (-1, *[1] * (x_0.ndim - 1))
    alpha, sigma = (scale[at].view(shape) for scale in (diffusion.schedule.alpha, diffusion.schedule.sigma))
    return Drawn(t, labels, x_0, alpha * x_0 + sigma * noise, alpha, sigma)


def _local_excess(
    diffusion: Answering, knows_all: UnconditionalOptimum, task: Task, levels: Int[np.ndarray, " L"]
) -> Float[np.ndarray, " L"] | str:
    """The local machine's error above that of the posterior mean, which is |its answer - the posterior mean|^2."""
    machine = LocalMachine(diffusion, knows_all, task.patch_px, task.periodic)
    drawn = _drawn(diffusion, knows_all, LOCAL_LEVELS, LOCAL_DRAWS, MOST_LOCAL)
    if len(drawn.x_t) * len(knows_all.labels) * drawn.x_0[0].numel() > 2 * MOST_LOCAL:
        return f"it would weigh {len(knows_all.labels):,} images for each pixel"
    given = drawn.x_t, drawn.alpha, drawn.sigma
    x_t, alpha, sigma = (one.float() for one in given)  # four times as fast, far within the draws' spread
    local = machine.x_0(x_t, alpha, sigma, None)
    excess = (local - knows_all.x_0(*given, None)).square().flatten(1).sum(1)
    return np.interp(levels, drawn.levels, excess.view(len(drawn.levels), -1).mean(1).numpy())


def _half_squared_distance(knows_all: UnconditionalOptimum) -> float:
    """Of two different training images, the median of some pairs'."""
    training, rng = knows_all.labels, numpy_generator(0, "forecast pairs")
    one = rng.integers(len(training), size=PAIRS)
    other = (one + rng.integers(1, len(training), size=PAIRS)) % len(training)
    first, second = (knows_all.render(training[torch.from_numpy(which)]).double() for which in (one, other))
    return float((first - second).square().flatten(1).sum(1).median() / 2)


def _information(snr: Float[np.ndarray, " T"], mmse: Float[np.ndarray, " T"]) -> float:
    """1/2 int MMSE dSNR, in nats: over the schedule's SNR, and below it, where nothing is known yet."""
    rising, errors = snr[::-1], mmse[::-1]
    return float(0.5 * (np.trapezoid(errors * rising, np.log(rising)) + errors[0] * rising[0]))


def _time_of(snr: Float[np.ndarray, " T"], level: float) -> float | None:
    """The t at which SNR falls to `level`, between two steps in log SNR; None where it is not within the schedule."""
    if not snr[-1] <= level <= snr[0]:
        return None
    return float(np.interp(-math.log(level), -np.log(snr), np.arange(len(snr))))


def _phases(r_prime: float, cap: float) -> str:
    """Which phases images are expected to go through."""
    if r_prime < PASSED:
        sequence = "A, B, C"
    elif r_prime > NOT_PASSED:
        sequence = "A, C"
    else:
        sequence = "A, B or not, C"
    return sequence if cap == 1 else "A, B: nothing tells the place beyond a shift"
