"""The best that any network could learn, exactly: the posterior mean E[x_0 | x_t, condition] has the least squared error,
whatever is predicted and however errors are weighed.

- Given the label, which names one image: E[x_0 | x_t, label] = image(label). The loss is 0.
- Without it, for a data set of M equally likely images x^m (Karras et al. 2022, eq. 57, arXiv 2206.00364):

      E[x_0 | x_t] = sum_m w_m x^m,    w = softmax_m(-|x_t - alpha_t x^m|^2 / (2 sigma_t^2)).

- Given some of the label's factors, others withheld or hidden: the same over the images that have these.

All are networks: ``optimum(x_t, t, labels)`` answers in the diffusion's parametrization.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from phasescope.models.families.diffusion import parametrization
from phasescope.models.families.diffusion.family import Diffusion
from phasescope.models.families.diffusion.schedule import per_image
from phasescope.models.families.task import Task

Render = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Optimum(ABC):
    """The best estimate of x_0 under some knowledge; as a network it answers in a diffusion's parametrization."""

    precision: ClassVar[torch.dtype] = torch.float64
    """in which it computes"""
    diffusion: Diffusion
    """its schedule and parametrization"""

    @abstractmethod
    def x_0(
        self,
        x_t: Float[Tensor, "B C *spatial"],
        alpha: Float[Tensor, " B *ones"],
        sigma: Float[Tensor, " B *ones"],
        labels: Float[Tensor, "B K"] | None,
    ) -> Float[Tensor, "B C *spatial"]:
        """Return E[x_0 | x_t and what is known], of `x_t`, `alpha` and `sigma` in one precision."""

    def answer(self, x_t: Tensor, alpha: Tensor, sigma: Tensor, labels: Tensor | None) -> Tensor:
        """Return `x_0`, computed in `precision`, as float64."""
        x_t, alpha, sigma = (tensor.to(self.precision) for tensor in (x_t, alpha, sigma))
        return self.x_0(x_t, alpha, sigma, labels).double()

    def __call__(
        self,
        x_t: Float[Tensor, "B C *spatial"],
        t: Int[Tensor, " B"],
        labels: Float[Tensor, "B K"] | None = None,
    ) -> Float[Tensor, "B C *spatial"]:
        """Return the exact prediction, in the dtype of `x_t`; what is not known may have any label, or none."""
        schedule = self.diffusion.schedule
        alpha = per_image(schedule.alpha.to(x_t.device)[t], x_t.ndim)
        sigma = per_image(schedule.sigma.to(x_t.device)[t], x_t.ndim)

        x_0 = self.answer(x_t, alpha, sigma, labels)
        eps = parametrization.eps_of("x", x_0, x_t.double(), alpha, sigma)
        return parametrization.prediction_of(self.diffusion.predict, x_0, eps, alpha, sigma).to(x_t.dtype)


class Posterior(Optimum):
    """An optimum that is the mean over finitely many images which may be x_0, all equally likely."""

    @abstractmethod
    def posterior(
        self, x_t: Tensor, alpha: Tensor, sigma: Tensor, labels: Tensor | None
    ) -> tuple[Float[Tensor, "B C *spatial"], Float[Tensor, " B"]]:
        """Return mean and variance, summed over pixels, of x_0; arguments as for `Optimum.x_0`."""

    def x_0(self, x_t: Tensor, alpha: Tensor, sigma: Tensor, labels: Tensor | None) -> Tensor:
        return self.posterior(x_t, alpha, sigma, labels)[0]


@dataclass(frozen=True, eq=False)
class ConditionalOptimum(Optimum):
    """Answers with the label's image; no row of labels may be NaN."""

    render: Render
    """from labels (B, K) to images (B, C, *spatial)"""

    def x_0(self, x_t: Tensor, alpha: Tensor, sigma: Tensor, labels: Tensor | None) -> Tensor:
        assert labels is not None
        return self.render(labels).double()


@dataclass(frozen=True, eq=False)
class UnconditionalOptimum(Posterior):
    """Answers from the posterior mean over a data set, `labels`, of which `chunk` images exist at a time."""

    render: Render
    labels: Float[Tensor, "M K"]
    chunk: int = 2048

    def posterior(
        self, x_t: Tensor, alpha: Tensor, sigma: Tensor, labels: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        return posterior(self.images(x_t.device), x_t, alpha, sigma)

    def log_weights(
        self, x_t: Float[Tensor, "B C *spatial"], alpha: Tensor, sigma: Tensor
    ) -> Float[Tensor, "B M"]:
        """Return the log posterior of each image, but for a constant per row; arguments as for `Optimum.x_0`."""
        x, a, s = x_t.flatten(1), alpha.flatten(1), sigma.flatten(1)
        chunks = [_log_weights(x, some, some.square().sum(2), a, s) for some in self.images(x_t.device)]
        return torch.cat(chunks, dim=1)

    def images(self, device: torch.device) -> Iterator[Float[Tensor, "1 m pixels"]]:
        """Yield the data set, in chunks."""
        for labels in self.labels.to(device).split(self.chunk):
            yield self.render(labels).double().flatten(1)[None]


@dataclass(frozen=True, eq=False)
class PartialOptimum(Posterior):
    """Answers from the posterior mean over the training images that have the given factors; one that is NaN is not given.

    It is the best that a network can learn if factors are withheld or hidden. Labels are compared with `keys`:
    `training`, the data set's full labels, or its visible columns.
    """

    render: Render
    training: Float[Tensor, "M K"]
    keys: Float[Tensor, "M k"]
    chunk: int = 2048

    @classmethod
    def of_grid(
        cls, diffusion: Diffusion, render: Render, labels: Float[np.ndarray, "M K"]
    ) -> PartialOptimum | None:
        """Return the partial optimum of a training set; None if the set lacks combinations of its factors' values."""
        is_grid = math.prod(len(np.unique(column)) for column in labels.T) == len(labels)
        training = torch.from_numpy(labels)
        return cls(diffusion, render, training, training) if is_grid else None

    def posterior(
        self, x_t: Tensor, alpha: Tensor, sigma: Tensor, labels: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return mean and variance of x_0; ValueError if no training image has the given factors."""
        assert labels is not None
        x_0, variance = torch.empty_like(x_t), x_t.new_empty(len(x_t))

        # NaN differs from itself, so rows with the same missing factors need another mark to be found equal.
        distinct, which = labels.nan_to_num(torch.inf).unique(dim=0, return_inverse=True)
        for number, label in enumerate(distinct):
            given, rows = label.isfinite(), which == number
            matching = (self.keys.to(label)[:, given] == label[given]).all(1)
            if not matching.any():
                raise ValueError(f"`labels` (={label.tolist()}) must be those of a training image")

            training = self.training.to(label)[matching]
            over_matching = UnconditionalOptimum(self.diffusion, self.render, training, self.chunk)
            x_0[rows], variance[rows] = over_matching.posterior(x_t[rows], alpha[rows], sigma[rows], None)
        return x_0, variance


def label_optimum(diffusion: Diffusion, task: Task, keys: np.ndarray) -> Optimum:
    """Return the best denoiser given a label: the label's image, or the posterior mean of its images if a factor is hidden;
    `keys` are the training labels as it is given them, all columns or the visible ones."""
    if not task.factors.hidden:
        return ConditionalOptimum(diffusion, task.render)
    return PartialOptimum(diffusion, task.render, torch.from_numpy(task.training), torch.from_numpy(keys))


def posterior(
    images: Iterable[Float[Tensor, "b m pixels"]], x_t: Tensor, alpha: Tensor, sigma: Tensor
) -> tuple[Float[Tensor, "B C *spatial"], Float[Tensor, " B"]]:
    """Return mean and variance, summed over pixels, of x_0 given x_t, if it is one of the images, all equally likely.

    `images` come in chunks, of each row of x_t its own or (b = 1) the same for all; all are float64.
    """
    x, a, s = x_t.flatten(1), alpha.flatten(1), sigma.flatten(1)

    peak = x.new_full((len(x), 1), -torch.inf)
    weight, weighted_square = x.new_zeros(len(x), 1), x.new_zeros(len(x), 1)
    weighted = torch.zeros_like(x)
    for some in images:
        squares = some.square().sum(2)
        log_w = _log_weights(x, some, squares, a, s)

        # A running maximum over chunks (Milakov & Gimelshein 2018, arXiv 1805.02867), in float64: at t = 0 the exponents
        # reach 1e7, while differences of 1 between them matter.
        former_peak, peak = peak, torch.maximum(peak, log_w.amax(1, keepdim=True))
        fade = torch.exp(former_peak - peak)

        w = torch.exp(log_w - peak)
        weight = fade * weight + w.sum(1, keepdim=True)
        weighted = fade * weighted + (w @ some[0] if len(some) == 1 else torch.einsum("bm,bmp->bp", w, some))
        weighted_square = fade * weighted_square + (w * squares).sum(1, keepdim=True)

    mean = weighted / weight
    variance = (weighted_square / weight)[:, 0] - mean.square().sum(1)
    return mean.view_as(x_t), variance.clamp(min=0)


def _log_weights(
    x: Float[Tensor, "B pixels"], some: Float[Tensor, "b m pixels"], squares: Tensor, a: Tensor, s: Tensor
) -> Float[Tensor, "B m"]:
    # -|x_t - a x^m|^2 / (2 s^2) without -|x_t|^2 / (2 s^2), which is the same for all m.
    inner = x @ some[0].T if len(some) == 1 else torch.einsum("bp,bmp->bm", x, some)
    return (a * inner - a**2 * squares / 2) / s**2
