"""Clones: from x_t of one training image painted down again, many times; how many come back to it?

At small t all do, at large t none: between the two the place is decided. With phi(t) the share whose nearest training image
is the one that they started from, and w_m(x_t) the posterior over the M training images, a perfect network that is told
nothing has

    phi(t) = E w_m0(x_t),    m0 the image that x_t was made of,

which is computed of the very x_t from which the clones start (Biroli et al. 2024, arXiv 2402.18491; Sclocchi et al. 2024,
arXiv 2402.16991). Clones go down by ancestral sampling, whose noise is what parts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from phasescope.families.base import Clones, Network, Task
from phasescope.families.diffusion.samplers import DDIM
from phasescope.families.diffusion.schedule import Schedule
from phasescope.measures.scores import bootstrap_weights, percentile_interval
from phasescope.randomness import numpy_generator, torch_generator

RESAMPLES = 400
STEPS = 50
"""of the way down, at most; one through each level where there are fewer"""
AT_ONCE = 512
"""images that are painted, or compared, at a time"""


class Denoising(Protocol):
    """What clones take of a `Diffusion`."""

    schedule: Schedule

    def x_0_of(self, network: Network, x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor: ...


def clones(
    diffusion: Denoising,
    clip: bool,
    network: Network,
    task: Task,
    times: Sequence[int],
    images: int,
    each: int,
    seed: int,
    tell: Callable[[int, int], None],
) -> Clones:
    """See `Family.clones`."""
    steps = diffusion.schedule.steps
    for t in times:
        if not 0 <= t < steps:
            raise ValueError(f"`t` (={t}) must be from 0 to {steps - 1}: a noise level")
    if len(task.training) < 2:
        raise ValueError(f"`design` (of {len(task.training)} images) must hold two at least")
    ascending = sorted(set(times))
    training = torch.from_numpy(task.training)
    which = torch.from_numpy(numpy_generator(seed, "clones").integers(len(training), size=images))
    started = task.render(training[which])
    noise = torch.randn(started.shape, generator=torch_generator(seed, "clones' start"))
    back, exact = np.empty((len(ascending), images)), np.empty((len(ascending), images))
    for row, t in enumerate(ascending):
        alpha, sigma, _ = diffusion.schedule.at(t)
        x_t = alpha * started + sigma * noise
        log_w = _log_likelihood(x_t.double() / alpha, sigma / alpha, task, training)
        exact[row] = torch.softmax(log_w, dim=1)[torch.arange(images), which].numpy()
        generator = torch_generator(seed, "clones' way", t)
        many, owner = x_t.repeat_interleave(each, dim=0), which.repeat_interleave(each)
        painted = torch.cat(
            [_down(diffusion, clip, network, some, t, task, generator) for some in many.split(AT_ONCE)]
        )
        nearest = _log_likelihood(painted.double(), 1.0, task, training).argmax(1)
        back[row] = (nearest == owner).view(images, each).double().mean(1).numpy()
        tell(row + 1, len(ascending))
    weights = bootstrap_weights(images, RESAMPLES, numpy_generator(seed, "clones' interval")) / images
    replicates = weights @ back.T
    intervals = np.array([percentile_interval(column) for column in replicates.T])
    halves = [half_way(ascending, one) for one in replicates]
    known = [one for one in halves if not np.isnan(one)]
    share = back.mean(axis=1)
    return Clones(
        tuple(ascending),
        share,
        intervals[:, 0],
        intervals[:, 1],
        exact.mean(axis=1),
        (half_way(ascending, share), *(percentile_interval(np.array(known)) if known else (np.nan, np.nan))),
        half_way(ascending, exact.mean(axis=1)),
        images,
        each,
    )


def half_way(times: Sequence[int], share: Float[np.ndarray, " L"]) -> float:
    """The last t, between two, at which the share falls through a half; NaN where it does not."""
    falls = [i for i in range(len(times) - 1) if share[i] >= 0.5 > share[i + 1]]
    if not falls:
        return float("nan")
    i = falls[-1]
    return float(times[i] + (times[i + 1] - times[i]) * (share[i] - 0.5) / (share[i] - share[i + 1]))


def _down(
    diffusion: Denoising,
    clip: bool,
    network: Network,
    x_t: Tensor,
    t: int,
    task: Task,
    generator: torch.Generator,
) -> Tensor:
    """x_t painted to its end by ancestral sampling, with no label told."""
    whole = diffusion.schedule
    rest = Schedule(whole.alpha[: t + 1], whole.sigma[: t + 1], whole.log_snr[: t + 1])
    none = torch.full((len(x_t), len(task.factors)), torch.nan)

    def denoise(x: Tensor, level: int) -> Tensor:
        x_0 = diffusion.x_0_of(network, x, torch.full((len(x),), level), none)
        return x_0.clamp(-1, 1) if clip else x_0

    *_, last = DDIM(rest, min(STEPS, t + 1), eta=1.0).states(denoise, x_t, generator)
    return last.x_0


def _log_likelihood(
    y: Float[Tensor, "n C *spatial"], deviation: float, task: Task, training: Float[Tensor, "M K"]
) -> Float[Tensor, "n M"]:
    """-|y - image|^2 / (2 deviation^2) of all training images, but for what is the same of all."""
    flat, found = y.flatten(1), []
    for some in training.split(AT_ONCE):
        b = task.render(some).double().flatten(1)
        found.append((flat @ b.T - b.square().sum(1) / 2) / deviation**2)
    return torch.cat(found, dim=1)
