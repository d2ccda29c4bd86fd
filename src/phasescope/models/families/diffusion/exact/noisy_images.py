"""Fixed noisy training images, which reference denoisers and networks denoise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import isotonic_regression
from torch import Tensor

from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.models.families.diffusion.exact.optimum import Optimum, Posterior, UnconditionalOptimum
from phasescope.models.families.diffusion.schedule import per_image

CHUNK = 512
"""noisy images whose posteriors are computed together"""
MOST_WORK = 4e9
"""draws x images x pixels of an average over noisy images"""


@dataclass(frozen=True)
class NoisyImages:
    """Noisy training images at L noise levels, n at each."""

    levels: Int[np.ndarray, " L"]
    """t"""
    labels: Float[Tensor, "R K"]
    """R = L n, level by level"""
    x_0: Tensor
    x_t: Tensor
    """(R, C, *spatial), float64"""
    alpha: Tensor
    sigma: Tensor
    """(R, 1, ...)"""

    @classmethod
    def draw(
        cls,
        posterior_mean: UnconditionalOptimum,
        levels: Int[np.ndarray, " L"],
        draws: int,
        *,
        seed: int,
        purpose: str,
    ) -> NoisyImages:
        """Return `draws` images of a training set at each level, with noise, all from (seed, purpose)."""
        training = posterior_mean.labels
        chosen = numpy_generator(seed, purpose).integers(len(training), size=len(levels) * draws)
        labels = training[torch.from_numpy(chosen)]
        x_0 = posterior_mean.render(labels).double()
        noise = torch.randn(x_0.shape, generator=torch_generator(seed, purpose), dtype=torch.float64)

        schedule = posterior_mean.diffusion.schedule
        t = torch.from_numpy(levels).repeat_interleave(draws)
        alpha, sigma = per_image(schedule.alpha[t], x_0.ndim), per_image(schedule.sigma[t], x_0.ndim)
        return cls(
            levels=levels, labels=labels, x_0=x_0, x_t=alpha * x_0 + sigma * noise, alpha=alpha, sigma=sigma
        )

    @property
    def t(self) -> Int[Tensor, " R"]:
        return torch.from_numpy(self.levels).repeat_interleave(len(self.labels) // len(self.levels))

    def labels_without(self, hidden: Sequence[int] = ()) -> Float[Tensor, "R K"]:
        """Return the labels, `hidden` factors NaN."""
        labels = self.labels.clone()
        labels[:, list(hidden)] = torch.nan
        return labels

    def by_level(self, values: Float[Tensor, " R"]) -> Float[np.ndarray, "L n"]:
        """Return a number per image, level by level."""
        return values.view(len(self.levels), -1).double().numpy()

    def mean_square(self, images: Float[Tensor, "R C *spatial"]) -> Float[np.ndarray, " L"]:
        """Return the mean sum of squares of an image, by level."""
        return self.by_level(squared_norms(images)).mean(1)

    def answer(self, optimum: Optimum, hidden: Sequence[int] = ()) -> Float[Tensor, "R C *spatial"]:
        """Return an optimum's estimate of each x_0, float64; `hidden` factors are not given."""
        return optimum.answer(self.x_t, self.alpha, self.sigma, self.labels_without(hidden))

    def posterior_variance(self, optimum: Posterior, hidden: Sequence[int] = ()) -> Float[Tensor, " R"]:
        """Return the variance of each image's x_0, summed over pixels; `hidden` factors are not given."""
        labels, variances = self.labels_without(hidden), []
        for rows in torch.arange(len(labels)).split(CHUNK):
            _, variance = optimum.posterior(self.x_t[rows], self.alpha[rows], self.sigma[rows], labels[rows])
            variances.append(variance)
        return torch.cat(variances)

    def error(self, optimum: Posterior, hidden: Sequence[int] = ()) -> Float[np.ndarray, " L"]:
        """Return E|x_0 - answer|^2, summed over pixels, by level; `hidden` factors are not given.

        It is the mean of the posterior's variance, which varies less from draw to draw than the error; made to grow with t,
        as it must (less noise leaves less uncertain).
        """
        variances = self.posterior_variance(optimum, hidden)
        return isotonic_regression(self.by_level(variances).mean(1)).x


def evenly_spaced(steps: int, levels: int) -> Int[np.ndarray, " L"]:
    """Return levels t, the first and the last of `steps` among them."""
    return np.unique(np.linspace(0, steps - 1, min(levels, steps)).round().astype(int))


def affordable(
    posterior_mean: UnconditionalOptimum, steps: int, levels: int, draws: int, most_work: float = MOST_WORK
) -> tuple[int, int]:
    """Return (levels, draws) of at most `most_work` draws x images x pixels; fewer draws first, then fewer levels."""
    pixels = posterior_mean.render(posterior_mean.labels[:1]).numel()
    rows = max(int(most_work / (len(posterior_mean.labels) * pixels)), 8)

    levels = min(levels, steps, rows)
    return levels, max(min(draws, rows // levels), 1)


def squared_norms(images: Float[Tensor, "R C *spatial"]) -> Float[Tensor, " R"]:
    """Return the sum of squares of each image."""
    return images.double().square().flatten(1).sum(1)
