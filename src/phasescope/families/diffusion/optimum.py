"""The best that any network could learn, exactly.

The squared error is least for the posterior mean E[x_0 | x_t, condition], whatever is predicted and weighed.

- Given the label, which names one image: E[x_0 | x_t, label] = image(label). The loss is 0.
- Without it, for a data set of M equally likely images x^m (Karras et al. 2022, eq. 57, arXiv 2206.00364):

      E[x_0 | x_t] = sum_m w_m x^m,    w = softmax_m(-|x_t - alpha_t x^m|^2 / (2 sigma_t^2)).

The sum runs over chunks of the data set with a running maximum (Milakov & Gimelshein 2018, arXiv 1805.02867),
in float64: at t = 0 the exponents reach 1e7, while differences of 1 between them matter.

- Given some of the label's factors: the same over the images of all combinations of the others.

All are networks: ``optimum(x_t, t, labels)`` answers in the diffusion's own parametrization.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from phasescope.families.diffusion import Predict, parametrization
from phasescope.families.diffusion.schedule import Schedule

Render = Callable[[Tensor], Tensor]


@runtime_checkable
class Answering(Protocol):
    """What an optimum answers in: a `Diffusion`, of which it takes no more than this."""

    schedule: Schedule
    predict: Predict


@dataclass(frozen=True, eq=False)
class ConditionalOptimum:
    """Answers from the label's image.

    Args:
        diffusion: Its schedule and parametrization are answered in.
        render: From labels (B, K) to images (B, C, H, W).
    """

    diffusion: Answering
    render: Render

    def __call__(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], labels: Float[Tensor, "B K"]
    ) -> Float[Tensor, "B C H W"]:
        """The exact prediction, (B, C, H, W), in the dtype of `x_t`; no row of `labels` may be NaN."""
        return _answer(self.diffusion, self.render(labels).double(), x_t, *_scales(self.diffusion, x_t, t))


@dataclass(frozen=True, eq=False)
class UnconditionalOptimum:
    """Answers from the posterior mean over a data set.

    Args:
        diffusion: Its schedule and parametrization are answered in.
        render: From labels (m, K) to images (m, C, H, W).
        labels: The data set's labels, (M, K).
        chunk: Images that exist at a time.
    """

    diffusion: Answering
    render: Render
    labels: Float[Tensor, "M K"]
    chunk: int = 2048

    def __call__(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], labels: Tensor | None = None
    ) -> Float[Tensor, "B C H W"]:
        """The exact prediction, (B, C, H, W), in the dtype of `x_t`; `labels` (of any value) tell nothing."""
        alpha, sigma = _scales(self.diffusion, x_t, t)
        chunks = self.labels.to(x_t.device).split(self.chunk)
        images = (self.render(labels).double().flatten(1)[None] for labels in chunks)
        return _answer(self.diffusion, _posterior_mean(images, x_t.double(), alpha, sigma), x_t, alpha, sigma)


@dataclass(frozen=True, eq=False)
class PartialOptimum:
    """Answers from the posterior mean under what a label tells: a factor that is NaN is not told.

    The best that a network can learn that is trained with factors withheld, on a grid, all of whose combinations are equally
    likely; values that are told are taken as they are, on the grid or off it.

    Args:
        diffusion: Its schedule and parametrization are answered in.
        render: From labels (m, K) to images (m, C, H, W).
        values: The grid's values of each factor, K of (m,).
        chunk: Images that exist at a time.
    """

    diffusion: Answering
    render: Render
    values: Sequence[Float[Tensor, " _"]]
    chunk: int = 2048

    def __call__(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], labels: Float[Tensor, "B K"]
    ) -> Float[Tensor, "B C H W"]:
        """The exact prediction, (B, C, H, W), in the dtype of `x_t`."""
        alpha, sigma = _scales(self.diffusion, x_t, t)
        x_0 = torch.empty_like(x_t, dtype=torch.float64)
        missing = labels.isnan()
        for pattern in missing.unique(dim=0):
            rows = (missing == pattern).all(dim=1)
            x_0[rows] = _posterior_mean(
                self._images(labels[rows], pattern), x_t[rows].double(), alpha[rows], sigma[rows]
            )
        return _answer(self.diffusion, x_0, x_t, alpha, sigma)

    def _images(
        self, labels: Float[Tensor, "B K"], missing: Bool[Tensor, " K"]
    ) -> Iterator[Float[Tensor, "b m pixels"]]:
        """Of all combinations of the missing factors, b = 1 where nothing is told."""
        known = labels[:1] if missing.all() else labels
        axes = [one.to(labels) for one, gone in zip(self.values, missing.tolist(), strict=True) if gone]
        combined = (
            torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, -2) if axes else labels[:1, :0]
        )
        for part in combined.split(max(1, self.chunk // len(known))):
            told = known[:, None].repeat(1, len(part), 1)
            told[:, :, missing] = part
            yield self.render(told.flatten(0, 1)).double().view(len(known), len(part), -1)


def _posterior_mean(
    images: Iterable[Float[Tensor, "b m pixels"]], x_t: Tensor, alpha: Tensor, sigma: Tensor
) -> Float[Tensor, "B C H W"]:
    """The softmax-weighted mean over chunks of images, of each row its own or (b = 1) the same for all."""
    x, a, s = x_t.flatten(1), alpha.flatten(1), sigma.flatten(1)
    peak = x.new_full((len(x), 1), -torch.inf)
    weight = x.new_zeros(len(x), 1)
    weighted = torch.zeros_like(x)
    for some in images:
        # -|x_t - a x^m|^2 / (2 s^2) without -|x_t|^2 / (2 s^2), which is the same for all m
        inner = x @ some[0].T if len(some) == 1 else torch.einsum("bp,bmp->bm", x, some)
        log_w = (a * inner - a**2 * some.square().sum(2) / 2) / s**2
        former_peak, peak = peak, torch.maximum(peak, log_w.amax(1, keepdim=True))
        fade = torch.exp(former_peak - peak)
        w = torch.exp(log_w - peak)
        weight = fade * weight + w.sum(1, keepdim=True)
        weighted = fade * weighted + (w @ some[0] if len(some) == 1 else torch.einsum("bm,bmp->bp", w, some))
    return (weighted / weight).view_as(x_t)


def _scales(diffusion: Answering, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """alpha_t and sigma_t, (B, 1, 1, 1) each, float64."""
    schedule = diffusion.schedule
    alpha, sigma = schedule.alpha.to(x_t.device)[t], schedule.sigma.to(x_t.device)[t]
    return alpha.view(-1, 1, 1, 1), sigma.view(-1, 1, 1, 1)


def _answer(diffusion: Answering, x_0: Tensor, x_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    eps = parametrization.eps_of("x", x_0, x_t.double(), alpha, sigma)
    return parametrization.prediction_of(diffusion.predict, x_0, eps, alpha, sigma).to(x_t.dtype)
