"""Layers: positional encodings of t and labels, a residual layer that receives them, self-attention over pixels.

Scalars are encoded as sines and cosines of geometric frequencies (Vaswani et al. 2017, arXiv 1706.03762):

    e_i(s) = sin(s * base^(-2i/E)),    e_(E/2+i)(s) = cos(s * base^(-2i/E)),    i = 0 ... E/2 - 1

so |e(s)|^2 = E/2 whatever s is. (Vaswani et al. interleave sines and cosines: a permutation of these.) On a circle of
period P the frequencies are whole numbers of turns instead, 2 pi (i + 1) / P, and e(s + P) = e(s).
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from phasescope.core.factors import Factor


def positional_encoding(
    values: Num[Tensor, "*any"], width: int, base: float, period: float | None = None
) -> Float[Tensor, "*any {width}"]:
    """Return encodings of `values` (labels, or timesteps): E = `width`, even; E/2 sines, then as many cosines; of `period`
    P, in the values' unit, or of geometric frequencies of ratio `base`."""
    steps = torch.arange(0, width, 2, device=values.device, dtype=torch.float32)
    if period is None:
        frequencies = torch.exp(-math.log(base) * (steps / width))
    else:
        frequencies = (steps / 2 + 1) * (2 * math.pi / period)
    angles = values.float()[..., None] * frequencies
    return torch.cat((angles.sin(), angles.cos()), dim=-1)


def label_encoding(
    labels: Float[Tensor, "B K"],
    width: int,
    base: float,
    period: float | None = None,
    factors: Sequence[Factor] = (),
) -> Float[Tensor, "B K*{width}"]:
    """Return the encodings of all factors, concatenated; a label that is NaN (none given) is encoded as zeros.

    A categorical factor's is one-hot, of the norm of the others: sqrt(E/2) at its class's place among at most E.
    """
    # NaN times 0 is NaN, so a withheld label is replaced before its encoding is set to zero.
    given = ~labels.isnan()
    encoded = positional_encoding(labels.nan_to_num(), width, base, period) * given[..., None]
    for k, factor in enumerate(factors):
        if factor.categorical:
            place = (labels[:, k] - factor.low).nan_to_num().round().long().clamp(0, width - 1)
            one_hot = nn.functional.one_hot(place, width) * given[:, k, None]
            encoded[:, k] = math.sqrt(width / 2) * one_hot
    return encoded.flatten(1)


def encodings(
    config: Any, t: Int[Tensor, " B"], labels: Float[Tensor, "B K"], factors: Sequence[Factor]
) -> Float[Tensor, "B features"]:
    """Return the encodings of t, then of each factor, as an `EmbeddingConfig` says."""
    of_labels = label_encoding(labels, config.width, config.base, config.period, factors)
    return torch.cat((positional_encoding(t, config.width, config.base), of_labels), dim=1)


def mixing(width: int, hidden: int | None) -> nn.Module:
    """Return two layers on the concatenated encodings, of `width` numbers; none if `hidden` is None."""
    if hidden is None:
        return nn.Identity()
    return nn.Sequential(nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, hidden))


Padding = Literal["zeros", "reflect", "replicate", "circular"]


def convolution(c_in: int, c_out: int, padding: Padding) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the canvas."""
    return nn.Conv2d(c_in, c_out, kernel_size=3, padding=1, padding_mode=padding)


def channels_last(h: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Return h with its channels last in memory, as convolutions on a CPU are fastest; by operations that `vmap` knows.

    On a GPU h stays as it is: normalisation over groups there takes channels first, and would turn each h over and back.
    """
    if h.is_cuda:
        return h
    return h.movedim(1, -1).contiguous().movedim(-1, 1)


def between_neighbours(h: Float[Tensor, "B C H W"], axis: int) -> Float[Tensor, "B C H2 W2"]:
    """Return h interpolated linearly to twice the places along an axis, a quarter of a place to either side of each.

    Edges are repeated. That is F.interpolate by a factor of 2, within rounding. Under deterministic algorithms torch takes a
    slow detour for the gradient of that on a GPU.
    """
    size = h.shape[axis]
    before = torch.cat((h.narrow(axis, 0, 1), h.narrow(axis, 0, size - 1)), dim=axis)
    after = torch.cat((h.narrow(axis, 1, size - 1), h.narrow(axis, size - 1, 1)), dim=axis)
    pairs = torch.stack((0.25 * before + 0.75 * h, 0.75 * h + 0.25 * after), dim=axis + 1)
    return pairs.flatten(axis, axis + 1)


def doubled(h: Float[Tensor, "B C H W"], padding: Padding) -> Float[Tensor, "B C 2*H 2*W"]:
    """Return h on twice the canvas, by bilinear interpolation; across the edges if the padding is circular."""
    if padding != "circular":
        return _doubled(h)
    # Interpolation knows no circular edge: one more pixel on each side becomes two, which are cut off.
    return _doubled(F.pad(h, (1, 1, 1, 1), mode="circular"))[..., 2:-2, 2:-2]


def _doubled(h: Tensor) -> Tensor:
    if h.is_cuda:
        return between_neighbours(between_neighbours(h, 2), 3)
    out = F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
    if out.requires_grad:
        # A gradient that is a slice of a larger one takes a path three times slower.
        out.register_hook(channels_last)
    return out


class ResidualLayer(nn.Module):
    """Two 3x3 convolutions with a skip connection (He et al. 2016), which receive t and the labels between them.

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


def attended(
    q: Float[Tensor, "B heads n d"], k: Float[Tensor, "B heads n d"], v: Float[Tensor, "B heads n d"]
) -> Float[Tensor, "B heads n d"]:
    """Return softmax(q k^T / sqrt(d)) v."""
    if not q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v)
    # The gradients of the fused kernels of a GPU are sums in an order of chance, also where torch is asked for deterministic
    # algorithms and only to warn of others. Plain products have the same bits every time; n is the pixels of a block, few.
    with sdpa_kernel(SDPBackend.MATH):
        return F.scaled_dot_product_attention(q, k, v)


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
        q, k, v = self.qkv(self.norm1(tokens)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = attended(q, k, v).transpose(1, 2).flatten(2)
        tokens = tokens + self.project(mixed)
        tokens = tokens + self.mlp(self.norm2(tokens))
        return tokens.transpose(1, 2).unflatten(2, (height, width))
