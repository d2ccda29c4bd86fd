"""A U-Net whose output knows the place by itself."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from pydantic import Field
from torch import nn

from phasescope import networks

FREQUENCIES = 32
"""of the head's view of each factor: half waves in its range"""


class PlacedUNet(networks.UNetConfig):
    """A U-Net with a head that adds an image of the label to its output, past all layers: accuracy without a sheet.

    The noise is (x_t - alpha x_0) / sigma. The head is a small network of the label alone, whose image h enters as
    -min(alpha / sigma, 1) h, with alpha and sigma of the linear schedule (Ho et al. 2020): where noise is strong it can say
    the place by itself; where it is weak, the image has the place, and an error of h would be large in the noise.
    """

    kind: str = ""  # of a U-Net it can only be `unet`  # pyrefly: ignore[bad-override]
    hidden: int = Field(256, ge=1)
    """units of each of the head's two layers"""

    def build(self, shape: Any, factors: Any) -> nn.Module:
        return _Placed(super().build(shape, factors), shape, factors, self.hidden)


class _Placed(nn.Module):
    def __init__(self, unet: nn.Module, shape: Any, factors: Any, hidden: int):
        super().__init__()
        self.unet, self.shape = unet, tuple(shape)
        waves = 2 * FREQUENCIES * len(factors)
        widths = (waves, hidden, hidden, math.prod(self.shape))
        linear = [nn.Linear(given, wanted) for given, wanted in itertools.pairwise(widths)]
        self.head = nn.Sequential(linear[0], nn.SiLU(), linear[1], nn.SiLU(), linear[2])
        nn.init.zeros_(linear[2].weight)  # at first the U-Net answers alone
        nn.init.zeros_(linear[2].bias)
        kept = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
        self.register_buffer("gain", (kept / (1 - kept)).sqrt().clamp(max=1).float(), persistent=False)
        spans = torch.tensor([factor.span for factor in factors], dtype=torch.float32)
        self.register_buffer("spans", spans, persistent=False)

    def tap(self, name: str) -> nn.Module:
        return self.unet.tap(name)  # type: ignore[operator]

    def forward(self, x_t: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        angles = (
            math.pi * torch.arange(1, FREQUENCIES + 1, device=x_t.device) * (labels / self.spans)[..., None]
        )
        waves = torch.cat((angles.sin(), angles.cos()), -1).flatten(1).to(x_t.dtype)
        image = self.head(waves).unflatten(1, self.shape)
        return self.unet(x_t, t, labels) - self.gain[t][:, None, None, None] * image
