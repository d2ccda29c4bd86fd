"""Reference denoisers with increasing information about the data, each optimal for its information.

mean image      E[x_0]
Wiener          mean and covariance: the best affine denoiser. With C = sum_k lambda_k u_k u_k^T, mu = E[x_0],

                    x_0 = mu + sum_k u_k (alpha lambda_k / (alpha^2 lambda_k + sigma^2)) u_k . (x_t - alpha mu)

patch-local optimum: each pixel sees a patch of side P about it, and all that was ever in it
                (Kamb & Ganguli 2024, arXiv 2412.20292; on a torus whose images are all translates of one it is
                equivariant too): with b_m the images and Omega the patch of pixel i,

                    x_0(i) = sum_m w_m b_m(i),
                    w = softmax_m [(alpha <x_t, b_m>_Omega - alpha^2 |b_m|_Omega^2 / 2) / sigma^2]

posterior mean  all images (`UnconditionalOptimum`)
orbit           the label's image up to a shift by f px: all that a network can use which commutes with such shifts
one factor given, all given (`PartialOptimum`, `ConditionalOptimum`)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from phasescope.models.families.diffusion.exact.optimum import (
    ConditionalOptimum,
    Optimum,
    Posterior,
    UnconditionalOptimum,
    posterior,
)

# Eigenvalues below this share of the largest are rounding.
NEGLIGIBLE = 1e-12


@dataclass(frozen=True, eq=False)
class MeanImage(Optimum):
    """Answers with the mean image."""

    mean: Float[Tensor, " C *spatial"]

    def x_0(self, x_t: Tensor, alpha: Tensor, sigma: Tensor, labels: Tensor | None) -> Tensor:
        return self.mean.to(x_t).expand_as(x_t)


@dataclass(frozen=True, eq=False)
class Wiener(Optimum):
    """Answers with the best affine denoiser."""

    mean: Float[Tensor, " C *spatial"]
    variances: Float[Tensor, " r"]
    """lambda_k, none of them 0"""
    modes: Float[Tensor, "r pixels"]
    """u_k, orthonormal"""

    @classmethod
    def from_optimum(cls, posterior_mean: UnconditionalOptimum) -> Wiener:
        """Return the affine denoiser of the same data set."""
        mean, variances, modes = principal_components(posterior_mean)
        kept = variances > NEGLIGIBLE * variances.max()
        return cls(posterior_mean.diffusion, mean, variances[kept], modes[kept])

    def x_0(self, x_t: Tensor, alpha: Tensor, sigma: Tensor, labels: Tensor | None) -> Tensor:
        mean, modes = self.mean.to(x_t), self.modes.to(x_t)
        a, s, variances = alpha.flatten(1), sigma.flatten(1), self.variances.to(x_t)
        gain = a * variances / (a**2 * variances + s**2)
        along = (x_t - alpha * mean).flatten(1) @ modes.T
        return mean + ((gain * along) @ modes).view_as(x_t)


def wiener_mmse(variances: Float[Tensor, " r"], snr: Float[Tensor, " T"]) -> Float[Tensor, " T"]:
    """Return the Wiener denoiser's E|x_0 - answer|^2, summed over pixels: sum_k lambda_k / (1 + SNR lambda_k)."""
    return (variances / (1 + snr[:, None] * variances)).sum(1)


@dataclass(frozen=True, eq=False)
class PatchLocalOptimum(Optimum):
    """Answers each pixel from the patch about it; ValueError if the patch has no middle, or is larger than the canvas."""

    precision: ClassVar[torch.dtype] = torch.float32
    """four times as fast, far within the spread of what is drawn"""
    posterior_mean: UnconditionalOptimum
    """of the same data set"""
    side: int
    """P of the patch, px, odd; as large as the canvas it may see it all"""
    periodic: bool = False
    """whether the patch continues across the canvas' edges; else it is cut there"""
    chunk: int = 64

    def __post_init__(self) -> None:
        shorter_side = min(self.posterior_mean.render(self.posterior_mean.labels[:1]).shape[2:])
        if self.side < 1 or self.side % 2 == 0 or self.side > shorter_side:
            raise ValueError(
                f"`patch` (={self.side}) must be odd, from 1 to the canvas' side (={shorter_side} px): "
                "it has a pixel in its middle"
            )

    def x_0(self, x_t: Tensor, alpha: Tensor, sigma: Tensor, labels: Tensor | None) -> Tensor:
        bands = [self._band(size).to(x_t) for size in x_t.shape[2:]]
        a, s = alpha[:, None], sigma[:, None]

        peak = torch.full_like(x_t[:, :1], -torch.inf)
        weight, weighted = torch.zeros_like(peak), torch.zeros_like(x_t)
        for labels in self.posterior_mean.labels.to(x_t.device).split(self.chunk):
            b = self.posterior_mean.render(labels).to(x_t)[None]
            inner = _along(bands, (x_t[:, None] * b).sum(2, keepdim=True))
            squares = _along(bands, b.square().sum(2, keepdim=True))
            log_w = (inner - a * squares / 2).mul_(a / s**2)

            # As in `posterior`: exponents are taken relative to the largest one of the chunks so far.
            former_peak, peak = peak, torch.maximum(peak, log_w.amax(1))
            fade = torch.exp(former_peak - peak)

            w = log_w.sub_(peak[:, None]).exp_()
            weight = fade * weight + w.sum(1)
            weighted = fade * weighted + (w * b).sum(1)
        return weighted / weight

    def _band(self, size: int) -> Float[Tensor, "size size"]:
        """Return the matrix that is 1 where two places along an axis lie within half a patch of one another."""
        places = torch.arange(size)
        apart = (places[:, None] - places).abs()
        if self.periodic:
            apart = torch.minimum(apart, size - apart)
        return (apart <= self.side // 2).double()


def _along(bands: list[Tensor], terms: Float[Tensor, "B m 1 *spatial"]) -> Float[Tensor, "B m 1 *spatial"]:
    """Return the terms with each spatial axis summed by its own matrix."""
    for axis, band in enumerate(bands, start=3):
        terms = (terms.movedim(axis, -1) @ band).movedim(-1, axis)
    return terms


@dataclass(frozen=True, eq=False)
class OrbitOptimum(Posterior):
    """Answers from the posterior mean over all shifts of the label's image by multiples of `shift_px` along each axis."""

    label_optimum: ConditionalOptimum
    shift_px: int

    def posterior(
        self, x_t: Tensor, alpha: Tensor, sigma: Tensor, labels: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        images = self.label_optimum.x_0(x_t, alpha, sigma, labels)
        axes = tuple(range(2, x_t.ndim))
        shifts = product(*(range(0, x_t.shape[axis], self.shift_px) for axis in axes))
        moved = (torch.roll(images, shift, axes).flatten(1)[:, None] for shift in shifts)
        return posterior(moved, x_t, alpha, sigma)


def principal_components(
    posterior_mean: UnconditionalOptimum,
) -> tuple[Float[Tensor, " C *spatial"], Float[Tensor, " r"], Float[Tensor, "r pixels"]]:
    """Return a data set's mean image, and variances and directions of its principal components, float64.

    Fewer images than pixels are decomposed themselves, which takes a fraction of the time of their covariance.
    """
    device, count = posterior_mean.labels.device, len(posterior_mean.labels)
    shape = posterior_mean.render(posterior_mean.labels[:1]).shape[1:]
    if count >= math.prod(shape):
        mean, covariance = mean_and_covariance(posterior_mean)
        variances, modes = torch.linalg.eigh(covariance)
        return mean, variances, modes.T

    images = torch.cat([some[0] for some in posterior_mean.images(device)])
    mean = images.mean(0)
    _, deviations, modes = torch.linalg.svd((images - mean) / math.sqrt(count), full_matrices=False)
    return mean.view(shape), deviations.square(), modes


def mean_and_covariance(
    posterior_mean: UnconditionalOptimum,
) -> tuple[Float[Tensor, " C *spatial"], Float[Tensor, "pixels pixels"]]:
    """Return mean and covariance of a data set's images, float64; summed chunk by chunk."""
    device, count = posterior_mean.labels.device, len(posterior_mean.labels)
    shape = posterior_mean.render(posterior_mean.labels[:1]).shape[1:]

    mean = torch.zeros(math.prod(shape), dtype=torch.float64, device=device)
    for some in posterior_mean.images(device):
        mean += some[0].sum(0) / count

    covariance = mean.new_zeros(len(mean), len(mean))
    for some in posterior_mean.images(device):
        away = some[0] - mean
        covariance += away.T @ away / count
    return mean.view(shape), covariance
