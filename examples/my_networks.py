"""A small diffusion transformer (Peebles & Xie 2023) as a plain module: patches and adaptive layer norms."""

from __future__ import annotations

import torch
from torch import nn


def waves(values, width):
    frequencies = torch.exp(torch.linspace(0, -6, width // 2, device=values.device))
    angles = values.float()[..., None] * frequencies
    return torch.cat((angles.sin(), angles.cos()), dim=-1)


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.modulate = nn.Linear(width, 4 * width)
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(self, h, e):
        a1, b1, a2, b2 = self.modulate(e)[:, None].chunk(4, dim=-1)
        q = self.norm1(h) * (1 + a1) + b1
        h = h + self.attention(q, q, q, need_weights=False)[0]
        return h + self.mlp(self.norm2(h) * (1 + a2) + b2)


class DiT(nn.Module):
    layer_names = ("layers.0", "layers.1")

    def __init__(self, shape, factors, width=32, depth=2, heads=4, patch=4):
        super().__init__()
        channels, side, _ = shape
        self.patch, self.width = patch, width
        self.enter = nn.Linear(channels * patch**2, width)
        self.place = nn.Parameter(0.02 * torch.randn((side // patch) ** 2, width))
        self.listen = nn.Sequential(nn.Linear(width * (1 + len(factors)), width), nn.SiLU())
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(depth))
        self.leave = nn.Linear(width, channels * patch**2)

    def forward(self, x_t, t, labels):
        told = torch.cat((t[:, None].float(), labels.nan_to_num()), dim=1)
        e = self.listen(waves(told, self.width).flatten(1).to(x_t.dtype))
        tokens = nn.functional.unfold(x_t, self.patch, stride=self.patch).transpose(1, 2)
        h = self.enter(tokens) + self.place
        for layer in self.layers:
            h = layer(h, e)
        out = self.leave(h).transpose(1, 2)
        return nn.functional.fold(out, x_t.shape[-2:], self.patch, stride=self.patch)
