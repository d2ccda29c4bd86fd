"""Positional encodings of scalars (Vaswani et al. 2017, arXiv 1706.03762): sines and cosines of geometric frequencies.

e_i(s) = sin(s * base^(-2i/E)),    e_(E/2+i)(s) = cos(s * base^(-2i/E)),    i = 0 ... E/2 - 1

so |e(s)|^2 = E/2 whatever s is. (Vaswani et al. interleave sines and cosines: a permutation of these.)
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Num
from torch import Tensor


def positional_encoding(
    values: Num[Tensor, "*any"], width: int, base: float
) -> Float[Tensor, "*any {width}"]:
    """Encodings of `values` (labels in px, or timesteps): E = `width`, even; E/2 sines, then as many cosines."""
    exponents = torch.arange(0, width, 2, device=values.device, dtype=torch.float32) / width
    frequencies = torch.exp(-math.log(base) * exponents)
    angles = values.float()[..., None] * frequencies
    return torch.cat((angles.sin(), angles.cos()), dim=-1)


def label_encoding(labels: Float[Tensor, "B K"], width: int, base: float) -> Float[Tensor, "B K*{width}"]:
    """The encodings of all factors, concatenated; a label that is NaN (none given) is encoded as zeros."""
    given = ~labels.isnan()
    encoded = positional_encoding(labels.nan_to_num(), width, base) * given[..., None]
    return encoded.flatten(1)
