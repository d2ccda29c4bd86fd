"""Positional encodings of scalars (Vaswani et al. 2017, arXiv 1706.03762): sines and cosines of geometric frequencies.

e_i(s) = sin(s * base^(-2i/E)),    e_(E/2+i)(s) = cos(s * base^(-2i/E)),    i = 0 ... E/2 - 1

so |e(s)|^2 = E/2 whatever s is. (Vaswani et al. interleave sines and cosines: a permutation of these.) On a circle of
period P the frequencies are whole numbers of turns instead, 2 pi (i + 1) / P, and e(s + P) = e(s).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor, nn

from phasescope.factors import Factor


def positional_encoding(
    values: Num[Tensor, "*any"], width: int, base: float, period: float | None = None
) -> Float[Tensor, "*any {width}"]:
    """Encodings of `values` (labels, or timesteps): E = `width`, even; E/2 sines, then as many cosines.

    Args:
        period: P, in the values' unit; geometric frequencies of ratio `base` without it.
    """
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
    """The encodings of all factors, concatenated; a label that is NaN (none given) is encoded as zeros.

    A categorical factor's is one-hot, of the norm of the others: sqrt(E/2) at its class's place among at most E.
    """
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
    """The encodings of t, then of each factor, as an `EmbeddingConfig` says."""
    told = label_encoding(labels, config.width, config.base, config.period, factors)
    return torch.cat((positional_encoding(t, config.width, config.base), told), dim=1)


def mixing(width: int, hidden: int | None) -> nn.Module:
    """Two layers on the concatenated encodings, of `width` numbers; nothing where `hidden` is None."""
    if hidden is None:
        return nn.Identity()
    return nn.Sequential(nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
