"""Layers: a residual layer that hears the embedding, self-attention over pixels."""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

Padding = Literal["zeros", "reflect", "replicate", "circular"]


def convolution(c_in: int, c_out: int, padding: Padding) -> nn.Conv2d:
    """A 3x3 convolution that keeps the canvas."""
    return nn.Conv2d(c_in, c_out, kernel_size=3, padding=1, padding_mode=padding)


def channels_last(h: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """h with its channels last in memory, as convolutions on a CPU are quickest; in words that `vmap` knows."""
    return h.movedim(1, -1).contiguous().movedim(-1, 1)


def doubled(h: Float[Tensor, "B C H W"], padding: Padding) -> Float[Tensor, "B C 2*H 2*W"]:
    """Twice the canvas, by bilinear interpolation; across the edges where the padding is circular."""
    if padding != "circular":
        return _doubled(h)
    return _doubled(F.pad(h, (1, 1, 1, 1), mode="circular"))[..., 2:-2, 2:-2]


def _doubled(h: Tensor) -> Tensor:
    out = F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
    if out.requires_grad:
        # A gradient that is a slice of a larger one takes a path three times slower.
        out.register_hook(channels_last)
    return out


class ResidualLayer(nn.Module):
    """Two 3x3 convolutions around which the input is carried (He et al. 2016), told of t and the labels between them.

    `added`: h + W e. `scale_shift`: norm(h) * (1 + W_1 e) + W_2 e (Dhariwal & Nichol 2021).
    """

    def __init__(self, c_in: int, c_out: int, embedding: int, modulation: str, groups: int, padding: Padding):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, c_in)
        self.conv1 = convolution(c_in, c_out, padding)
        self.scale_shift = modulation == "scale_shift"
        self.modulate = nn.Linear(embedding, 2 * c_out if self.scale_shift else c_out)
        self.norm2 = nn.GroupNorm(groups, c_out)
        self.conv2 = convolution(c_out, c_out, padding)
        self.carry = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, kernel_size=1)

    def forward(self, h: Float[Tensor, "B C H W"], e: Float[Tensor, "B E"]) -> Float[Tensor, "B D H W"]:
        m = self.modulate(e)[:, :, None, None]
        r = self.conv1(F.silu(self.norm1(h)))
        if self.scale_shift:
            r = self.norm2(r)
            scale, shift = m.to(r.dtype).chunk(2, dim=1)
            r = torch.addcmul(shift, r, 1 + scale)
        else:
            r = self.norm2(r + m)
        return self.carry(h) + self.conv2(F.silu(r))


class SelfAttention(nn.Module):
    """Pre-normalised multi-head self-attention over all pixels, then a two-layer network on each (Vaswani et al. 2017)."""

    def __init__(self, channels: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.project = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = nn.Sequential(nn.Linear(channels, channels), nn.GELU(), nn.Linear(channels, channels))

    def forward(self, h: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        height, width = h.shape[2:]
        tokens = h.flatten(2).transpose(1, 2)
        q, k, v = self._asked(tokens)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        tokens = tokens + self.project(mixed)
        tokens = tokens + self.mlp(self.norm2(tokens))
        return tokens.transpose(1, 2).unflatten(2, (height, width))

    def weights_at(self, h: Float[Tensor, "B C H W"], query: int) -> Float[Tensor, "B heads N"]:
        """What pixel `query`, counted row by row, takes from each of the N = H W pixels: softmax_j(q . k_j / sqrt(d))."""
        q, k, _ = self._asked(h.flatten(2).transpose(1, 2))
        scores = torch.einsum("bhd,bhnd->bhn", q[:, :, query], k) / math.sqrt(q.shape[-1])
        return scores.softmax(dim=-1)

    def _asked(self, tokens: Float[Tensor, "B N C"]) -> Float[Tensor, "3 B heads N d"]:
        """Queries, keys and values."""
        return self.qkv(self.norm1(tokens)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
