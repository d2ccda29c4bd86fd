"""Layers: convolutions that keep or double the canvas, a residual layer that receives an embedding, self-attention."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from phasescope.models.networks.base import Padding


def conv3x3(c_in: int, c_out: int, padding: Padding) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the canvas."""
    return nn.Conv2d(c_in, c_out, kernel_size=3, padding=1, padding_mode=padding)


def channels_last(h: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Return h with its channels last in memory, as convolutions on a CPU are fastest; by operations that `vmap` knows.

    On a GPU h stays as it is: normalisation over groups there takes channels first, and would turn each h over and back.
    """
    if h.is_cuda:
        return h
    return h.movedim(1, -1).contiguous().movedim(-1, 1)


def upsampled_along(h: Float[Tensor, "B C H W"], axis: int) -> Float[Tensor, "B C H2 W2"]:
    """Return h interpolated linearly to twice the places along an axis, a quarter of a place to either side of each.

    Edges are repeated. That is F.interpolate by a factor of 2, within rounding. Under deterministic algorithms torch takes a
    slow detour for the gradient of that on a GPU.
    """
    size = h.shape[axis]
    before = torch.cat((h.narrow(axis, 0, 1), h.narrow(axis, 0, size - 1)), dim=axis)
    after = torch.cat((h.narrow(axis, 1, size - 1), h.narrow(axis, size - 1, 1)), dim=axis)

    pairs = torch.stack((0.25 * before + 0.75 * h, 0.75 * h + 0.25 * after), dim=axis + 1)
    return pairs.flatten(axis, axis + 1)


def upsampled(h: Float[Tensor, "B C H W"], padding: Padding) -> Float[Tensor, "B C 2*H 2*W"]:
    """Return h on twice the canvas, by bilinear interpolation; across the edges if the padding is circular."""
    if padding != "circular":
        return _upsampled(h)
    # Interpolation knows no circular edge: one more pixel on each side becomes two, which are cut off.
    return _upsampled(F.pad(h, (1, 1, 1, 1), mode="circular"))[..., 2:-2, 2:-2]


def _upsampled(h: Tensor) -> Tensor:
    if h.is_cuda:
        return upsampled_along(upsampled_along(h, 2), 3)
    out = F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
    if out.requires_grad:
        # A gradient that is a slice of a larger one takes a path three times slower.
        out.register_hook(channels_last)
    return out


class ResidualLayer(nn.Module):
    """Two 3x3 convolutions with a skip connection (He et al. 2016), which receive t and the labels between them.

    `added`: h + W e. `scale_shift`: norm(h) * (1 + W_1 e) + W_2 e (Dhariwal & Nichol 2021).
    """

    def __init__(
        self, c_in: int, c_out: int, *, embedding: int, modulation: str, groups: int, padding: Padding
    ):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, c_in)
        self.conv1 = conv3x3(c_in, c_out, padding)
        self.scale_shift = modulation == "scale_shift"
        self.modulate = nn.Linear(embedding, 2 * c_out if self.scale_shift else c_out)
        self.norm2 = nn.GroupNorm(groups, c_out)
        self.conv2 = conv3x3(c_out, c_out, padding)
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


def attention(
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
        tokens = h.flatten(2).transpose(1, 2)  # (B, n, C), n = H W

        q, k, v = self._projected(tokens)
        mixed = attention(q, k, v).transpose(1, 2).flatten(2)  # (B, n, C), the heads side by side

        tokens = tokens + self.project(mixed)
        tokens = tokens + self.mlp(self.norm2(tokens))
        return tokens.transpose(1, 2).unflatten(2, (height, width))

    def attention_maps(self, h: Float[Tensor, "B C H W"]) -> Float[Tensor, "B heads n n"]:
        """Return how much each pixel (second last axis) takes from each other one (last axis): rows sum to 1."""
        q, k, _ = self._projected(h.flatten(2).transpose(1, 2))
        return (q @ k.transpose(2, 3) / q.shape[-1] ** 0.5).softmax(dim=-1)

    def _projected(self, tokens: Float[Tensor, "B n C"]) -> Float[Tensor, "3 B heads n d"]:
        """Return queries, keys and values."""
        projected = self.qkv(self.norm1(tokens)).unflatten(2, (3, self.heads, -1))  # (B, n, 3, heads, d)
        return projected.permute(2, 0, 3, 1, 4)
