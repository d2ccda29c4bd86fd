"""How often each noise level is drawn in training, where it is not evenly.

Logit-normal (Esser et al. 2024, arXiv 2403.03206): logit(u) ~ N(m, s^2) for u in (0, 1), and t = floor(T u). With a uniform
v, u = Q(v) = 1 / (1 + exp(-(m + s Phi^-1(v)))), so that levels that are spread evenly in v are spread as the density is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class LogitNormal:
    """The density of u = t / T.

    Attributes:
        mean, deviation: of logit(u).
    """

    mean: float
    deviation: float

    def quantile(self, v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Q(v) in (0, 1), of v in [0, 1)."""
        least = torch.finfo(v.dtype).tiny
        return torch.sigmoid(self.mean + self.deviation * torch.special.ndtri(v.clamp(min=least)))

    def of_levels(self, steps: int) -> Float[Tensor, " T"]:
        """How often each of T levels is drawn, in shares of even draws: (T,) float64, of mean 1."""
        edges = torch.logit(torch.linspace(0, 1, steps + 1, dtype=torch.float64))
        below = torch.special.ndtr((edges - self.mean) / self.deviation)
        return below.diff() * steps
