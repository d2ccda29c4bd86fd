"""Noisy training images, fixed, on which the rungs of the ladder and a network answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import isotonic_regression
from torch import Tensor

from phasescope.families.diffusion.optimum import Answering, Posterior, UnconditionalOptimum
from phasescope.randomness import numpy_generator, torch_generator

AT_ONCE = 512
"""images in a chunk"""


@dataclass(frozen=True)
class Drawn:
    """Noisy training images at some noise levels, n at each.

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

    @property
    def t(self) -> Int[Tensor, " R"]:
        """Of each image."""
        return torch.from_numpy(self.levels).repeat_interleave(len(self.labels) // len(self.levels))

    def told(self, hidden: Sequence[int] = ()) -> Float[Tensor, "R K"]:
        """The labels, `hidden` factors NaN."""
        labels = self.labels.clone()
        labels[:, list(hidden)] = torch.nan
        return labels

    def by_level(self, rows: Float[Tensor, " R"]) -> Float[np.ndarray, "L n"]:
        """What each image gave, level by level."""
        return rows.view(len(self.levels), -1).double().numpy()

    def posterior(
        self, optimum: Posterior, hidden: Sequence[int] = ()
    ) -> tuple[Float[Tensor, "R C *spatial"], Float[Tensor, " R"]]:
        """(mean, variance summed over pixels) of x_0 of each image; `hidden` are factors that are not told."""
        labels, parts = self.told(hidden), []
        for some in torch.arange(len(labels)).split(AT_ONCE):
            parts.append(optimum.posterior(self.x_t[some], self.alpha[some], self.sigma[some], labels[some]))
        means, variances = zip(*parts, strict=True)
        return torch.cat(means), torch.cat(variances)

    def error(self, optimum: Posterior, hidden: Sequence[int] = ()) -> Float[np.ndarray, " L"]:
        """E|x_0 - answer|^2, summed over pixels, by level; `hidden` are factors that are not told.

        By the posterior's variance, which has the error's mean and varies less from draw to draw; made to grow with t, as it
        must (less noise tells more).
        """
        variances = self.posterior(optimum, hidden)[1]
        return isotonic_regression(self.by_level(variances).mean(1)).x


def evenly(steps: int, levels: int) -> Int[np.ndarray, " L"]:
    """Levels t, the first and the last of `steps` among them."""
    return np.unique(np.linspace(0, steps - 1, min(levels, steps)).round().astype(int))


def middles(steps: int, levels: int) -> Int[np.ndarray, " L"]:
    """The middle t of each of as many equal bands."""
    return np.unique(((np.arange(levels) + 0.5) * steps / levels).astype(int))


def draw(
    diffusion: Answering,
    knows_all: UnconditionalOptimum,
    levels: Int[np.ndarray, " L"],
    draws: int,
    seed: int,
    purpose: str,
) -> Drawn:
    """`draws` training images at each level, with noise, all from (seed, purpose)."""
    training = knows_all.labels
    which = numpy_generator(seed, purpose).integers(len(training), size=len(levels) * draws)
    labels = training[torch.from_numpy(which)]
    x_0 = knows_all.render(labels).double()
    noise = torch.randn(x_0.shape, generator=torch_generator(seed, purpose), dtype=torch.float64)
    at = torch.from_numpy(levels).repeat_interleave(draws)
    shape = (-1, *[1] * (x_0.ndim - 1))
    alpha, sigma = (scale[at].view(shape) for scale in (diffusion.schedule.alpha, diffusion.schedule.sigma))
    return Drawn(levels, labels, x_0, alpha * x_0 + sigma * noise, alpha, sigma)


def affordable(
    knows_all: UnconditionalOptimum, steps: int, levels: int, draws: int, most: float
) -> tuple[int, int]:
    """(levels, draws) with at most `most` draws x images x pixels; fewer images first, then fewer levels."""
    pixels = knows_all.render(knows_all.labels[:1]).numel()
    rows = max(int(most / (len(knows_all.labels) * pixels)), 8)
    levels = min(levels, steps, rows)
    return levels, max(min(draws, rows // levels), 1)


def squared(of: Tensor) -> Float[Tensor, " R"]:
    """The sum of squares of each."""
    return of.double().square().flatten(1).sum(1)
