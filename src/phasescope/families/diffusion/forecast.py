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
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from phasescope.families.base import Task
from phasescope.families.diffusion.drawn import Drawn, affordable, draw, evenly, squared
from phasescope.families.diffusion.ladder import Ladder, nats_of
from phasescope.families.diffusion.optimum import Answering, Posterior, UnconditionalOptimum
from phasescope.families.diffusion.rungs import wiener_mmse
from phasescope.randomness import numpy_generator

LEVELS, DRAWS = 64, 24
"""noise levels at which an error without a closed form is averaged, and images at each"""
MOST_WORK = 4e9
"""draws x images x pixels of such an average"""
LOCAL_LEVELS, LOCAL_DRAWS, MOST_LOCAL = 16, 4, 1e8
"""the same of the local machine, each of whose pixels weighs all images by itself"""
PASSED, NOT_PASSED = 0.2, 1.0
"""R' below which images are expected to pass phase B, and above which not: between the three cells that suggested the
rule, eps 0.06 (8 of 8 runs), v 0.41 (2 of 10) and x 4.2 (0 of 16)"""
BANDS = 5
"""equal bands of t of which R' is told"""
PAIRS = 1024
"""of images whose distance is looked at"""


def forecast(
    diffusion: Answering, x_0_weight: Float[Tensor, " T"], task: Task, rungs: bool = True
) -> dict[str, Any]:
    """What is foretold, JSON-ready, of a loss that weighs the squared error of x_0 so at each t.

    `bands` tells of equal bands of t the share of R' that they add: sums over them are over the whole denominator.
    `mmse` has `t` and, for each rung that can be had, its error at each t, summed over an image's pixels; `left_out` says
    which cannot, and why. Both are left out without `rungs`, which take most of the time.

    Raises:
        ValueError: images alike, or as `Ladder.of` says.
    """
    ladder = Ladder.of(diffusion, task)
    knows_all, M = ladder.knows_all, len(task.training)
    snr = diffusion.schedule.log_snr.exp()
    energy = _half_squared_distance(knows_all)
    if energy == 0:
        raise ValueError(
            "`world` must show different images of different labels: most pairs of them are alike"
        )
    steps = diffusion.schedule.steps
    some, draws = affordable(knows_all, steps, LEVELS, DRAWS, MOST_WORK)
    drawn = draw(diffusion, knows_all, evenly(steps, some), draws, 0, "forecast")
    levels = drawn.levels
    everywhere = np.arange(steps)
    wiener_error = wiener_mmse(ladder.wiener.variances, snr).numpy()
    at_levels = drawn.error(knows_all)
    uncertain = np.interp(everywhere, levels, at_levels)
    label = ladder.rungs[-1]
    certain = drawn.error(label.optimum, label.hidden) if isinstance(label.optimum, Posterior) else 0.0
    by_label = np.interp(everywhere, levels, at_levels - certain)
    weight = x_0_weight.numpy()
    at_condensation = 2 * math.log(M) / energy
    at_instability = 1 / float(ladder.wiener.variances.max())
    r_prime_by_t = weight * by_label / (weight * (wiener_error - uncertain)).sum()
    r_prime = float(r_prime_by_t.sum())
    t_condensation = _time_of(snr.numpy(), at_condensation)
    spatial = ladder.wiener.mean.shape[1:]
    cap = 1.0 if task.shift_px is None else math.prod(task.shift_px / size for size in spatial)
    told: dict[str, Any] = {
        "images": M,
        "ln_m": math.log(M),
        "nats": float(information(snr.numpy(), by_label)),
        "label_nats": nats_of(task, sorted({*range(len(task.factors))} - {*task.factors.hidden})),
        "r_prime": r_prime,
        "snr_condensation": at_condensation,
        "t_condensation": t_condensation,
        "bands": [float(band.sum()) for band in np.array_split(r_prime_by_t, min(BANDS, steps))],
        "weight_at_condensation": None
        if t_condensation is None
        else float(weight[round(t_condensation)] / weight.mean()),
        "snr_instability": at_instability,
        "t_instability": _time_of(snr.numpy(), at_instability),
        "shift_px": task.shift_px,
        "cap": cap,
        "phases": _phases(r_prime, cap),
    }
    if rungs:
        excess = _local_excess(ladder, diffusion, levels)
        errors, left_out = errors_of(ladder, drawn, snr[levels], at_levels, excess)
        mmse = {"t": levels.tolist(), **{name: found.tolist() for name, found in errors.items()}}
        told |= {"mmse": mmse, "left_out": left_out}
    return told


def errors_of(
    ladder: Ladder,
    drawn: Drawn,
    snr: Float[Tensor, " L"],
    uncertain: Float[np.ndarray, " L"],
    excess: Float[np.ndarray, " L"] | str,
) -> tuple[dict[str, Float[np.ndarray, " L"]], dict[str, str]]:
    """(E|x_0 - answer|^2 of each rung by level, summed over an image's pixels; why some are left out).

    Args:
        drawn: noisy images, over which an error without a closed form is averaged.
        snr: of each level.
        uncertain: the posterior mean's error.
        excess: the local machine's error above the posterior mean's, which is |its answer - the posterior mean|^2; or why
            it is left out.
    """
    left_out = dict(ladder.left_out)
    found: dict[str, Float[np.ndarray, " L"]] = {}
    for rung in ladder.rungs:
        if rung.optimum is ladder.machine:
            if isinstance(excess, str):
                left_out[rung.name] = excess
            else:
                found[rung.name] = uncertain + excess
        elif rung.optimum is ladder.wiener:
            found[rung.name] = wiener_mmse(ladder.wiener.variances, snr).numpy()
        elif rung.optimum is ladder.knows_all:
            found[rung.name] = uncertain
        elif isinstance(rung.optimum, Posterior):
            found[rung.name] = drawn.error(rung.optimum, rung.hidden)
        else:
            found[rung.name] = np.full(len(drawn.levels), 0.0 if rung.name == "label" else ladder.variance)
    return found, left_out


def _local_excess(
    ladder: Ladder, diffusion: Answering, levels: Int[np.ndarray, " L"]
) -> Float[np.ndarray, " L"] | str:
    steps, knows_all = diffusion.schedule.steps, ladder.knows_all
    some, draws = affordable(knows_all, steps, LOCAL_LEVELS, LOCAL_DRAWS, MOST_LOCAL)
    if some * draws * ladder.work > 2 * MOST_LOCAL:
        return too_heavy(ladder)
    drawn = draw(diffusion, knows_all, evenly(steps, some), draws, 0, "forecast")
    given = drawn.x_t, drawn.alpha, drawn.sigma
    excess = ladder.machine.answer(*given, None) - knows_all.answer(*given, None)
    means = drawn.by_level(squared(excess)).mean(1)
    return np.interp(levels, drawn.levels, means)


def too_heavy(ladder: Ladder) -> str:
    """Why the local machine is left out."""
    return f"it would weigh {len(ladder.knows_all.labels):,} images for each pixel"


def _half_squared_distance(knows_all: UnconditionalOptimum) -> float:
    """Of two different training images, the median of some pairs'."""
    training, rng = knows_all.labels, numpy_generator(0, "forecast pairs")
    one = rng.integers(len(training), size=PAIRS)
    other = (one + rng.integers(1, len(training), size=PAIRS)) % len(training)
    first, second = (knows_all.render(training[torch.from_numpy(which)]).double() for which in (one, other))
    return float((first - second).square().flatten(1).sum(1).median() / 2)


def information(
    snr: Float[np.ndarray, " T"], mmse: Float[np.ndarray, "*many T"]
) -> Float[np.ndarray, "*many"]:
    """1/2 int MMSE dSNR, in nats: over the schedule's SNR, and below it, where nothing is known yet."""
    rising, errors = snr[::-1], mmse[..., ::-1]
    return 0.5 * (np.trapezoid(errors * rising, np.log(rising)) + errors[..., 0] * rising[0])


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
