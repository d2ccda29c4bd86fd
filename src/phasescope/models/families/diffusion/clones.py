"""Clones: x_t of a training image is denoised many times; how many samples come back to that image?

At small t all do, at large t none: between the two the place is decided. A clone has come back if the training image that is
nearest to it is the one that it started from, or one that is like it: nearer to it than `NEAR` of the mean squared
distance of two training images. With phi(t) the share that has come back, and w_m(x_t) the posterior over the M training
images, a perfect network without labels has

    phi(t) = E sum_m w_m(x_t),    m all images like the one that x_t was made of,

computed from the same x_t (Biroli et al. 2024, arXiv 2402.18491; Sclocchi et al. 2024, arXiv 2402.16991).
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.measures.scores import bootstrap_weights, percentile_interval
from phasescope.models.families.base import Clones, Task
from phasescope.models.families.diffusion.optimum import Answering, UnconditionalOptimum
from phasescope.models.families.diffusion.samplers import DDIM, Denoise
from phasescope.models.families.diffusion.schedule import Schedule

RESAMPLES = 400
STEPS = 50
"""of sampling, at most; one through each level if there are fewer"""
# Images nearer than this share of the mean squared distance of two training images are alike.
NEAR = 0.5
AT_ONCE = 512
"""images that are sampled together"""


def clones(
    diffusion: Answering,
    denoise: Callable[[Tensor], Denoise],
    task: Task,
    times: Sequence[int],
    images: int,
    each: int,
    seed: int,
    notify: Callable[[int, int], None],
) -> Clones:
    """See `Family.clones`; `denoise` of labels gives a network's estimates of x_0."""
    steps = diffusion.schedule.steps
    for t in times:
        if not 0 <= t < steps:
            raise ValueError(f"`t` (={t}) must be from 0 to {steps - 1}: a noise level")
    if len(task.training) < 2:
        raise ValueError(f"`design` (of {len(task.training)} images) must have at least two")
    ascending = sorted(set(times))
    training = torch.from_numpy(task.training)
    which = torch.from_numpy(numpy_generator(seed, "clones").integers(len(training), size=images))
    knows_all = UnconditionalOptimum(diffusion, task.render, training)
    started = task.render(training[which])
    # If only the very image counted, phi would say how well images that nearly coincide are distinguished, not where the
    # place is decided.
    like = _like(knows_all.images(started.device), started)
    ones = torch.ones(1, 1, dtype=torch.float64)
    noise = torch.randn(started.shape, generator=torch_generator(seed, "clones' start"))
    back, exact = np.empty((len(ascending), images)), np.empty((len(ascending), images))
    for row, t in enumerate(ascending):
        alpha, sigma, _ = diffusion.schedule.at(t)
        x_t = alpha * started + sigma * noise
        log_w = knows_all.log_weights(x_t.double(), alpha * ones, sigma * ones)
        exact[row] = (torch.softmax(log_w, dim=1) * like).sum(1).numpy()
        generator = torch_generator(seed, "clones' way", t)
        chunks = x_t.repeat_interleave(each, dim=0).split(AT_ONCE)
        K = len(task.factors.visible)
        samples = torch.cat([_down(diffusion.schedule, denoise, some, t, K, generator) for some in chunks])
        nearest = knows_all.log_weights(samples.double(), ones, ones).argmax(1)  # by squared distance
        came = like.repeat_interleave(each, dim=0).gather(1, nearest[:, None])
        back[row] = came.view(images, each).double().mean(1).numpy()
        notify(row + 1, len(ascending))
    weights = bootstrap_weights(images, RESAMPLES, numpy_generator(seed, "clones' interval")) / images
    replicates = weights @ back.T
    low, high = np.array([percentile_interval(column) for column in replicates.T]).T
    halves = np.array([half_way(ascending, replicate) for replicate in replicates])
    known = halves[~np.isnan(halves)]
    share, exact_share = back.mean(axis=1), exact.mean(axis=1)
    ends = percentile_interval(known) if len(known) else (np.nan, np.nan)
    half, exact_half = (half_way(ascending, shares) for shares in (share, exact_share))
    return Clones(tuple(ascending), share, low, high, exact_share, (half, *ends), exact_half, images, each)


def _like(chunks: Iterable[Float[Tensor, "1 m pixels"]], some: Tensor) -> Bool[Tensor, "some M"]:
    """Return whether each training image, of which a chunk exists at a time, is like each of some."""
    flat = some.double().flatten(1)
    count, square, total, apart = 0, 0.0, torch.zeros_like(flat[0]), []
    for (images,) in chunks:
        count += len(images)
        square += float(images.square().sum())
        total += images.sum(0)
        apart.append(torch.cdist(flat, images).square())
    of_two = 2 * (square / count - float((total / count).square().sum()))
    return torch.cat(apart, dim=1) < NEAR * of_two


def half_way(times: Sequence[int], share: Float[np.ndarray, " L"]) -> float:
    """Return the last t, between two, at which the share falls through a half; NaN if it does not."""
    falls = [i for i in range(len(times) - 1) if share[i] >= 0.5 > share[i + 1]]
    if not falls:
        return float("nan")
    i = falls[-1]
    return float(times[i] + (times[i + 1] - times[i]) * (share[i] - 0.5) / (share[i] - share[i + 1]))


def _down(
    schedule: Schedule,
    denoise: Callable[[Tensor], Denoise],
    x_t: Tensor,
    t: int,
    K: int,
    generator: torch.Generator,
) -> Tensor:
    """Return the samples that ancestral sampling without a label makes of x_t."""
    rest = Schedule(schedule.alpha[: t + 1], schedule.sigma[: t + 1], schedule.log_snr[: t + 1])
    unlabelled = denoise(torch.full((len(x_t), K), torch.nan))
    # Ancestral sampling: its noise makes the clones differ.
    *_, last = DDIM(rest, min(STEPS, t + 1), eta=1.0).states(unlabelled, x_t, generator)
    return last.x_0
