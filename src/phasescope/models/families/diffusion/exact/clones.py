"""Clones: x_t of a training image is denoised many times; how many samples come back to that image?

At small t all do, at large t none: between the two the place is decided. A clone has come back if the training image that is
nearest to it is the one that it started from, or one that is like it: nearer to it than `NEAR` of the mean squared
distance of two training images. With phi(t) the share that has come back, and w_m(x_t) the posterior over the M training
images, a perfect network without labels has

    phi(t) = E sum_m w_m(x_t),    m all images like the one that x_t was made of,

computed from the same x_t (Biroli et al. 2024, arXiv 2402.18491; Sclocchi et al. 2024, arXiv 2402.16991).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.measures.scores import bootstrap_weights, percentile_interval
from phasescope.models.families.analysis import Clones
from phasescope.models.families.diffusion.exact.optimum import UnconditionalOptimum
from phasescope.models.families.diffusion.samplers import DDIM, Denoise
from phasescope.models.families.diffusion.schedule import Schedule

RESAMPLES = 400
STEPS = 50
"""of sampling, at most; one through each level if there are fewer"""
# Images nearer than this share of the mean squared distance of two training images are alike.
NEAR = 0.5
CHUNK = 512
"""images that are sampled together"""


def clones(
    posterior_mean: UnconditionalOptimum,
    denoiser: Callable[[Tensor], Denoise],
    factors: int,
    times: Sequence[int],
    images: int,
    each: int,
    seed: int,
    notify: Callable[[int, int], None],
) -> Clones:
    """Return the share of clones that come back; see `Analysis.clones`.

    Args:
        posterior_mean: over the training images.
        denoiser: from labels (B, K) to a network's estimates of x_0.
        factors: K, how many a label has.
    """
    schedule = posterior_mean.diffusion.schedule
    _check(times, schedule, posterior_mean.labels)
    times = sorted(set(times))
    start = _Start.draw(posterior_mean, images, seed)

    exact, sampled = np.empty((len(times), images)), np.empty((len(times), images))
    for row, t in enumerate(times):
        alpha, sigma, _ = schedule.at(t)
        x_t = alpha * start.x_0 + sigma * start.noise
        exact[row] = start.exact_share(x_t, alpha, sigma)

        generator = torch_generator(seed, "clones' way", t)
        repeated = x_t.repeat_interleave(each, dim=0)
        samples = _denoised(schedule, denoiser, repeated, t=t, factors=factors, generator=generator)
        sampled[row] = start.sampled_share(samples, each)
        notify(row + 1, len(times))

    return _with_intervals(times, exact, sampled, each=each, seed=seed)


def _check(times: Sequence[int], schedule: Schedule, training: Tensor) -> None:
    """Raise ValueError if a time is no noise level, or there are not two training images."""
    for t in times:
        if not 0 <= t < schedule.steps:
            raise ValueError(f"`t` (={t}) must be from 0 to {schedule.steps - 1}: a noise level")
    if len(training) < 2:
        raise ValueError(f"`design` (of {len(training)} images) must have at least two")


@dataclass(frozen=True, eq=False)
class _Start:
    """The n training images that clones start from, and their noise, the same at each noise level."""

    posterior_mean: UnconditionalOptimum
    x_0: Float[Tensor, "n C *spatial"]
    noise: Float[Tensor, "n C *spatial"]
    alike: Bool[Tensor, "n M"]
    """whether each training image is like each that is started from"""

    @classmethod
    def draw(cls, posterior_mean: UnconditionalOptimum, images: int, seed: int) -> _Start:
        training = posterior_mean.labels
        chosen = numpy_generator(seed, "clones").integers(len(training), size=images)
        x_0 = posterior_mean.render(training[torch.from_numpy(chosen)])
        noise = torch.randn(x_0.shape, generator=torch_generator(seed, "clones' start"))

        # If only the very image counted, phi would say how well images that nearly coincide are distinguished, not where
        # the place is decided.
        alike = _are_alike(posterior_mean.images(x_0.device), x_0)
        return cls(posterior_mean, x_0, noise, alike)

    def exact_share(self, x_t: Tensor, alpha: float, sigma: float) -> Float[np.ndarray, " n"]:
        """Return the posterior probability, given x_t, of the images like the one that it was made of."""
        ones = torch.ones(1, 1, dtype=torch.float64)
        log_weights = self.posterior_mean.log_weights(x_t.double(), alpha * ones, sigma * ones)
        return (torch.softmax(log_weights, dim=1) * self.alike).sum(1).numpy()

    def sampled_share(self, samples: Tensor, each: int) -> Float[np.ndarray, " n"]:
        """Return the share of the `each` clones of an image whose nearest training image is like it."""
        ones = torch.ones(1, 1, dtype=torch.float64)
        # With alpha = sigma = 1 the log weights order images by their squared distance.
        nearest = self.posterior_mean.log_weights(samples.double(), ones, ones).argmax(1)
        came_back = self.alike.repeat_interleave(each, dim=0).gather(1, nearest[:, None])
        return came_back.view(-1, each).double().mean(1).numpy()


def _denoised(
    schedule: Schedule,
    denoiser: Callable[[Tensor], Denoise],
    x_t: Tensor,
    *,
    t: int,
    factors: int,
    generator: torch.Generator,
) -> Tensor:
    """Return the samples that ancestral sampling without a label makes of x_t, chunk by chunk."""
    below = Schedule(schedule.alpha[: t + 1], schedule.sigma[: t + 1], schedule.log_snr[: t + 1])
    # Ancestral sampling: its noise makes the clones differ.
    sampler = DDIM(below, min(STEPS, t + 1), eta=1.0)

    samples = []
    for chunk in x_t.split(CHUNK):
        without_label = denoiser(torch.full((len(chunk), factors), torch.nan))
        *_, last = sampler.states(without_label, chunk, generator)
        samples.append(last.x_0)
    return torch.cat(samples)


def _with_intervals(
    times: Sequence[int],
    exact: Float[np.ndarray, "L n"],
    sampled: Float[np.ndarray, "L n"],
    *,
    each: int,
    seed: int,
) -> Clones:
    """Return the shares over images, with the intervals of the bootstrap over images."""
    images = sampled.shape[1]
    weights = bootstrap_weights(images, RESAMPLES, numpy_generator(seed, "clones' interval")) / images
    replicates = weights @ sampled.T
    low, high = np.array([percentile_interval(column) for column in replicates.T]).T

    halves = np.array([half_way(times, replicate) for replicate in replicates])
    halves = halves[~np.isnan(halves)]
    half_low, half_high = percentile_interval(halves) if len(halves) else (np.nan, np.nan)

    share, exact_share = sampled.mean(axis=1), exact.mean(axis=1)
    return Clones(
        t=tuple(times),
        share=share,
        low=low,
        high=high,
        exact=exact_share,
        half=(half_way(times, share), half_low, half_high),
        exact_half=half_way(times, exact_share),
        images=images,
        each=each,
    )


def _are_alike(chunks: Iterable[Float[Tensor, "1 m pixels"]], images: Tensor) -> Bool[Tensor, "n M"]:
    """Return whether each training image, of which a chunk exists at a time, is like each of `images`."""
    flat = images.double().flatten(1)
    count, square, total, distances = 0, 0.0, torch.zeros_like(flat[0]), []
    for (training,) in chunks:
        count += len(training)
        square += float(training.square().sum())
        total += training.sum(0)
        distances.append(torch.cdist(flat, training).square())

    # Twice the variance: the mean squared distance of two training images.
    mean_distance = 2 * (square / count - float((total / count).square().sum()))
    return torch.cat(distances, dim=1) < NEAR * mean_distance


def half_way(times: Sequence[int], share: Float[np.ndarray, " L"]) -> float:
    """Return the last t, between two, at which the share falls through a half; NaN if it does not."""
    falls = [i for i in range(len(times) - 1) if share[i] >= 0.5 > share[i + 1]]
    if not falls:
        return float("nan")

    i = falls[-1]
    return float(times[i] + (times[i + 1] - times[i]) * (share[i] - 0.5) / (share[i] - share[i + 1]))
