"""A conditional U-Net (Ronneberger et al. 2015) in the shape of Liang, Liu & Fiete 2024 (arXiv 2402.03305).

    stem -> down1 ... downD -> mid -> up1 ... upD -> head

A down block halves the canvas by average pooling; an up block doubles it by bilinear interpolation and takes the output
of the block of its own size (down(D-1) ... down1, stem) beside it. Every block receives the concatenated positional
encodings of t and of each factor. The block's name is the name under which its output can be read.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from phasescope.core.errors import UserError
from phasescope.core.factors import Factors
from phasescope.models.networks.encodings import embedding_mlp, encodings
from phasescope.models.networks.layers import (
    ResidualLayer,
    SelfAttention,
    channels_last,
    conv3x3,
    upsampled,
)

# A `UNetConfig`, which imports this module to build from it.
Shape = Any


class Block(nn.Module):
    """Residual layers, then self-attention where asked for."""

    def __init__(self, config: Shape, c_in: int, c_out: int, embedding: int, attention: bool):
        super().__init__()
        self.layers = nn.ModuleList(
            ResidualLayer(
                c_in if i == 0 else c_out,
                c_out,
                embedding=embedding,
                modulation=config.embedding.modulation,
                groups=config.groups,
                padding=config.padding,
            )
            for i in range(config.layers)
        )
        self.attention = SelfAttention(c_out, config.heads) if attention else None

    def forward(self, h: Float[Tensor, "B C H W"], e: Float[Tensor, "B E"]) -> Float[Tensor, "B D H W"]:
        for layer in self.layers:
            h = layer(h, e)
        return h if self.attention is None else self.attention(h)


class UNet(nn.Module):
    """`network(x_t, t, labels)` -> a prediction of x_t's shape, of images with C = `channels`."""

    def __init__(self, config: Shape, channels: int, factors: Factors):
        super().__init__()
        self.config, self.factors = config, factors
        width, hidden = config.embedding.width * (1 + len(factors)), config.embedding.hidden
        self.embed = embedding_mlp(width, hidden)
        received = hidden or width

        def block(name: str, c_in: int, c_out: int) -> Block:
            return Block(
                config=config, c_in=c_in, c_out=c_out, embedding=received, attention=name in config.attention
            )

        widths = config.widths
        folded = channels * config.patch**2
        self.enter = conv3x3(folded + 2 * config.coordinates, widths[0], config.padding)
        self.stem = block("stem", widths[0], widths[0])
        self.downs = nn.ModuleDict(
            {f"down{i}": block(f"down{i}", widths[i - 1], widths[i]) for i in range(1, config.depth + 1)}
        )

        below = config.mid_width or widths[-1]
        self.mid = block("mid", widths[-1], below)
        self.ups = nn.ModuleDict()
        for i, skip in enumerate(reversed(widths[:-1]), 1):
            self.ups[f"up{i}"] = block(f"up{i}", below + skip, skip)
            below = skip

        self.norm = nn.GroupNorm(config.groups, below)
        self.leave = conv3x3(below, folded, config.padding)
        self.gain = nn.Linear(received, channels) if config.input_skip else None
        if self.gain is not None:
            nn.init.zeros_(self.gain.weight)
            nn.init.ones_(self.gain.bias)

    def get_layer(self, name: str) -> nn.Module:
        """Return the block `name`; UserError if it is none of `config.layer_names`."""
        if name not in self.config.layer_names:
            raise UserError(f"`layer` (={name}) must be one of {', '.join(self.config.layer_names)}")
        return {"stem": self.stem, "mid": self.mid, **self.downs, **self.ups}[name]

    tap = get_layer
    """its earlier name, by which kinds call it whose bytes belong to the records of studies"""

    def forward(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], labels: Float[Tensor, "B K"]
    ) -> Float[Tensor, "B C H W"]:
        e = self.embedding(x_t, t, labels)
        h, skips = self.encode(x_t, e)
        return self.decode(h, skips, e, x_t)

    def embedding(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], labels: Float[Tensor, "B K"]
    ) -> Float[Tensor, "B E"]:
        """Return what every block receives of t and the labels, in the precision of `x_t`."""
        encoded = encodings(self.config.embedding, t, labels, self.factors)
        return F.silu(self.embed(encoded.to(x_t.dtype)))

    def encode(
        self,
        x_t: Float[Tensor, "B C H W"],
        e: Float[Tensor, "B E"],
        hint: Float[Tensor, "B D H2 W2"] | None = None,
    ) -> tuple[Float[Tensor, "B E2 h w"], list[Tensor]]:
        """Return the bottleneck's output, and those of the blocks above it that the decoder takes, from the stem down.

        Args:
            hint: added to the features that the stem receives.
        """
        folded = F.pixel_unshuffle(x_t, self.config.patch)
        # x and y beside the pixels (Liu et al. 2018, arXiv 1807.03247): without them only the padding gives a convolution
        # information about position.
        if self.config.coordinates:
            folded = torch.cat((folded, coordinates_like(folded)), dim=1)

        entered = self.enter(channels_last(folded))
        h = self.stem(entered if hint is None else entered + hint, e)
        skips = []
        for down in self.downs.values():
            skips.append(h)
            h = down(F.avg_pool2d(h, 2), e)
        return self.mid(h, e), skips

    def decode(
        self,
        h: Float[Tensor, "B E2 h w"],
        skips: list[Tensor],
        e: Float[Tensor, "B E"],
        x_t: Float[Tensor, "B C H W"],
    ) -> Float[Tensor, "B C H W"]:
        """Return the answer from what `encode` returned."""
        for up, skip in zip(self.ups.values(), reversed(skips), strict=True):
            h = up(torch.cat((upsampled(h, self.config.padding), skip), dim=1), e)

        output = F.pixel_shuffle(self.leave(F.silu(self.norm(h))), self.config.patch)
        # f(x_t, e) + g(e) x_t, g = 1 at first: at high noise eps is nearly x_t, and the gain spares the normalised layers
        # the copying (as the skip of Karras et al. 2022, arXiv 2206.00364, does).
        return output if self.gain is None else output + self.gain(e)[:, :, None, None] * x_t


def coordinates_like(h: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 2 H W"]:
    """Return x, then y, of each place, from -1 to 1 along its axis."""
    batch, _, height, width = h.shape
    x = torch.linspace(-1, 1, width, device=h.device, dtype=h.dtype).expand(height, width)
    y = torch.linspace(-1, 1, height, device=h.device, dtype=h.dtype)[:, None].expand(height, width)
    return torch.stack((x, y)).expand(batch, -1, -1, -1)
