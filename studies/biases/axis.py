"""A U-Net that x modulates along columns of its features and y along rows, instead of both everywhere alike."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from phasescope import networks


class ByAxisUNet(networks.UNetConfig):
    """A U-Net whose residual layers scale and shift their features by W_t e(t) + W_x (e(x) e(column)) + W_y (e(y) e(row)),
    instead of by W_t e(t) + W_x e(x) + W_y e(y): as many parameters. A column is encoded as an x at its place is."""

    kind: str = ""  # of a U-Net it can only be `unet`  # pyrefly: ignore[bad-override]

    def check(self, shape: Any, factors: Any) -> None:
        super().check(shape, factors)
        if (self.embedding.modulation, self.embedding.hidden, len(factors)) != ("scale_shift", None, 2):
            raise ValueError(
                "`network.embedding` must have modulation=scale_shift and hidden=null, of two factors"
            )

    def build(self, shape: Any, factors: Any) -> nn.Module:
        unet, canvas = super().build(shape, factors), shape[-1]

        def places(size: int) -> torch.Tensor:
            """Return the encodings of the places of `size` columns, (size, E); pixel centres are at 1 to N."""
            centres = (torch.arange(size) + 0.5) * canvas / size + 0.5
            return self.encode(centres[:, None], factors[:1])

        for block in [module for module in unet.modules() if hasattr(module, "layers")]:
            block.layers = nn.ModuleList(_ByAxis(layer, places) for layer in block.layers)
        return unet


class _ByAxis(nn.Module):
    def __init__(self, layer: nn.Module, places: Any):
        super().__init__()
        self.layer, self.places = layer, places

    def forward(self, h: torch.Tensor, e: torch.Tensor) -> torch.Tensor:
        layer, at = self.layer, self.places(h.shape[-1]).to(h)
        (t, x, y), (of_t, of_x, of_y) = e.chunk(3, dim=1), layer.modulate.weight.chunk(3, dim=1)
        columns, rows = (F.linear(s[:, None] * at, of_s).mT for s, of_s in ((x, of_x), (y, of_y)))
        everywhere = F.linear(t, of_t, layer.modulate.bias)[:, :, None, None]
        scale, shift = (everywhere + columns[:, :, None, :] + rows[:, :, :, None]).chunk(2, dim=1)
        r = layer.norm2(layer.conv1(F.silu(layer.norm1(h))))
        return layer.carry(h) + layer.conv2(F.silu(torch.addcmul(shift, r, 1 + scale)))
