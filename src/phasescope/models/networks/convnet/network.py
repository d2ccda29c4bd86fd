"""Convolutions alone, as Kamb & Ganguli 2024 (arXiv 2412.20292) train them: a pixel's answer depends on a square about it.

    enter 3x3 -> layer1 ... layerN -> leave 1x1,    layer: h + conv3x3(SiLU(norm(h) (1 + W_1 e) + W_2 e))

`norm` is over a pixel's channels: over the canvas every pixel would depend on all others. t and the labels are given to
every layer, as in the U-Net.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from phasescope.core.factors import Factors
from phasescope.models.networks.base import Padding
from phasescope.models.networks.encodings import embedding_mlp, encodings
from phasescope.models.networks.layers import channels_last, conv3x3

# A `ConvNetConfig`, which imports this module to build from it.
Shape = Any


class Layer(nn.Module):
    """h + conv3x3(SiLU(norm(h) (1 + W_1 e) + W_2 e))."""

    def __init__(self, width: int, embedding: int, padding: Padding):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.modulate = nn.Linear(embedding, 2 * width)
        self.conv = conv3x3(width, width, padding)

    def forward(self, h: Float[Tensor, "B C H W"], e: Float[Tensor, "B E"]) -> Float[Tensor, "B C H W"]:
        scale, shift = self.modulate(e)[:, :, None, None].chunk(2, dim=1)
        normal = self.norm(h.movedim(1, -1)).movedim(-1, 1)
        return h + self.conv(F.silu(torch.addcmul(shift, normal, 1 + scale)))


class ConvNet(nn.Module):
    """`network(x_t, t, labels)` -> a prediction of x_t's shape, of images with C = `channels`."""

    def __init__(self, config: Shape, channels: int, factors: Factors):
        super().__init__()
        self.config, self.factors = config, factors
        width, hidden = config.embedding.width * (1 + len(factors)), config.embedding.hidden
        self.embed = embedding_mlp(width, hidden)
        self.enter = conv3x3(channels, config.width, config.padding)
        self.layers = nn.ModuleDict(
            {name: Layer(config.width, hidden or width, config.padding) for name in config.layer_names}
        )
        self.norm = nn.LayerNorm(config.width)
        self.leave = nn.Conv2d(config.width, channels, kernel_size=1)

    def get_layer(self, name: str) -> nn.Module:
        """Return the layer `name`; KeyError if there is none."""
        return self.layers[name]

    def forward(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], labels: Float[Tensor, "B K"]
    ) -> Float[Tensor, "B C H W"]:
        encoded = encodings(self.config.embedding, t, labels, self.factors)
        e = F.silu(self.embed(encoded.to(x_t.dtype)))
        h = self.enter(channels_last(x_t))
        for layer in self.layers.values():
            h = layer(h, e)
        return self.leave(F.silu(self.norm(h.movedim(1, -1)).movedim(-1, 1)))
