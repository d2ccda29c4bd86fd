"""Noise schedules: how much of the image and how much noise there is at each time t = 0 ... T-1.

    x_t = alpha_t x_0 + sigma_t eps,    eps ~ N(0, I)

Of a diffusion alpha_t^2 + sigma_t^2 = 1: step t adds noise of variance beta_t, hence alpha_t^2 = prod_{u <= t} (1 - beta_u)
(Ho et al. 2020, eq. 4, arXiv 2006.11239; counted from 1 there). The signal-to-noise ratio is SNR_t = alpha_t^2 / sigma_t^2.

- linear (Ho et al. 2020): beta_t from beta_start to beta_end in equal increments;
- scaled linear (Rombach et al. 2022, arXiv 2112.10752): sqrt(beta_t) in equal increments between the same ends;
- cosine (Nichol & Dhariwal 2021, eq. 17, arXiv 2102.09672): beta_t = min(1 - f((t+1) / T) / f(t / T), 0.999),
  f(u) = cos^2(pi/2 (u + s) / (1 + s)).

Flow matching goes straight from image to noise (Lipman et al. 2023, arXiv 2210.02747, with its time turned round):
alpha = 1 - u, sigma = u, at u = (t + 1/2) / T.

In training t need not be uniform. Logit-normal (Esser et al. 2024, arXiv 2403.03206): logit(u) ~ N(m, s^2) for u in (0, 1),
and t = floor(T u). With a uniform v, u = Q(v) = 1 / (1 + exp(-(m + s Phi^-1(v)))), so levels spread evenly in v are
spread as the density is.

Before the first step, at t = -1, the image is clean: alpha = 1, sigma = 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

BETA_MAX = 0.999


@dataclass(frozen=True, eq=False)
class Schedule:
    """The tables of a schedule, float64 on the CPU."""

    alpha: Float[Tensor, " T"]
    sigma: Float[Tensor, " T"]
    log_snr: Float[Tensor, " T"]
    """log(alpha_t^2 / sigma_t^2), strictly decreasing"""

    @classmethod
    def from_betas(cls, betas: Float[Tensor, " T"]) -> Schedule:
        """Return the schedule that adds noise of variance `betas`, each in (0, 1)."""
        # Sums of logs keep the digits that 1 - alpha^2 would lose at the first steps, where it is small.
        log_alpha_2 = torch.log1p(-betas.double()).cumsum(0)
        sigma_2 = -torch.expm1(log_alpha_2)
        return cls(
            alpha=torch.exp(log_alpha_2 / 2), sigma=sigma_2.sqrt(), log_snr=log_alpha_2 - sigma_2.log()
        )

    @classmethod
    def straight(cls, steps: int) -> Schedule:
        """Return the straight path from image to noise."""
        sigma = (torch.arange(steps, dtype=torch.float64) + 0.5) / steps
        return cls(alpha=1 - sigma, sigma=sigma, log_snr=2 * (torch.log1p(-sigma) - sigma.log()))

    @property
    def steps(self) -> int:
        """T, the number of noise levels."""
        return len(self.alpha)

    def at(self, t: int) -> tuple[float, float, float]:
        """Return alpha_t, sigma_t and log SNR_t for t = -1 (the clean image) ... T-1."""
        if t == -1:
            return 1.0, 0.0, math.inf
        return self.alpha[t].item(), self.sigma[t].item(), self.log_snr[t].item()


def per_image(values: Float[Tensor, " B"], dimensions: int) -> Float[Tensor, " B *ones"]:
    """Return a number for each image as (B, 1, ..., 1), which broadcasts with images of so many dimensions."""
    return values.view(-1, *[1] * (dimensions - 1))


def linear_betas(steps: int, beta_start: float, beta_end: float) -> Float[Tensor, " T"]:
    """Return beta_t of the linear schedule, float64."""
    return torch.linspace(beta_start, beta_end, steps, dtype=torch.float64)


def scaled_linear_betas(steps: int, beta_start: float, beta_end: float) -> Float[Tensor, " T"]:
    """Return beta_t of the schedule whose sqrt(beta_t) is linear, float64."""
    return torch.linspace(beta_start**0.5, beta_end**0.5, steps, dtype=torch.float64) ** 2


def cosine_betas(steps: int, offset: float) -> Float[Tensor, " T"]:
    """Return beta_t of the cosine schedule with shift s = `offset`, float64."""
    u = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    f = torch.cos(math.pi / 2 * (u + offset) / (1 + offset)) ** 2
    # At its end f is 0: a beta of 1 would leave nothing of the image, and a log SNR of -inf.
    return (1 - f[1:] / f[:-1]).clamp(max=BETA_MAX)


@dataclass(frozen=True)
class LogitNormal:
    """The density of u = t / T; `mean` and `deviation` are those of logit(u)."""

    mean: float
    deviation: float

    def quantile(self, v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Return Q(v) in (0, 1), for v in [0, 1)."""
        # v may be 0, whose quantile is -inf.
        least = torch.finfo(v.dtype).tiny
        return torch.sigmoid(self.mean + self.deviation * torch.special.ndtri(v.clamp(min=least)))

    def of_levels(self, steps: int) -> Float[Tensor, " T"]:
        """Return the frequency of each of T levels, as a share of even draws: float64, of mean 1."""
        edges = torch.logit(torch.linspace(0, 1, steps + 1, dtype=torch.float64))
        below = torch.special.ndtr((edges - self.mean) / self.deviation)
        return below.diff() * steps
