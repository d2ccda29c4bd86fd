"""A U-Net whose output knows the place by itself."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from phasescope import networks, worlds


class PlacedUNet(networks.UNetConfig):
    """A U-Net with a head that adds the label's own image to its output, past all layers: accuracy without a sheet.

    The noise is (x_t - alpha x_0) / sigma. The head renders the image h of the label that it is given, and adds
    -min(alpha / sigma, 1) h, with alpha and sigma of the linear schedule (Ho et al. 2020); nothing in it is learned. Where
    noise is strong it says the place by itself; where it is weak, the noised image has the place.
    """

    kind: str = ""  # of a U-Net it can only be `unet`  # pyrefly: ignore[bad-override]

    def build(self, shape: Any, factors: Any) -> nn.Module:
        return _Placed(super().build(shape, factors), shape)


class _Placed(nn.Module):
    def __init__(self, unet: nn.Module, shape: Any):
        super().__init__()
        self.unet = unet
        self.world = worlds.GaussianBump(canvas=shape[1])
        kept = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
        self.register_buffer("gain", (kept / (1 - kept)).sqrt().clamp(max=1).float(), persistent=False)

    def tap(self, name: str) -> nn.Module:
        return self.unet.tap(name)  # type: ignore[operator]

    def forward(self, x_t: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        image = self.world.render(labels)
        return self.unet(x_t, t, labels) - self.gain[t][:, None, None, None] * image
