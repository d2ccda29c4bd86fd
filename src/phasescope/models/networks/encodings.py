"""Positional encodings of t and of labels.

Scalars are encoded as sines and cosines of geometric frequencies (Vaswani et al. 2017, arXiv 1706.03762):

    e_i(s) = sin(s * base^(-2i/E)),    e_(E/2+i)(s) = cos(s * base^(-2i/E)),    i = 0 ... E/2 - 1

so |e(s)|^2 = E/2 whatever s is. (Vaswani et al. interleave sines and cosines: a permutation of these.) On a circle of
period P the frequencies are whole numbers of turns instead, 2 pi (i + 1) / P, and e(s + P) = e(s).
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor, nn

from phasescope.core.factors import Factor, Factors
from phasescope.models.networks.embedding import EmbeddingConfig


def positional_encoding(
    values: Num[Tensor, "*any"], width: int, base: float, period: float | None = None
) -> Float[Tensor, "*any {width}"]:
    """Return encodings of `values` (labels, or t), E = `width` numbers each: E/2 sines, then as many cosines.

    Args:
        width: E, even.
        base: ratio of the longest to the shortest wavelength.
        period: P in the values' unit, of frequencies in whole turns; None for geometric frequencies.
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


def encoded_labels(
    config: EmbeddingConfig, labels: Float[Tensor, "B K"], factors: Factors
) -> Float[Tensor, "B features"]:
    """Return the encodings of all factors of a label, concatenated, as a network is configured."""
    return label_encoding(labels, config.width, config.base, period=config.period, factors=factors)


def encodings(
    config: EmbeddingConfig, t: Int[Tensor, " B"], labels: Float[Tensor, "B K"], factors: Factors
) -> Float[Tensor, "B features"]:
    """Return the encodings of t, then of each factor, concatenated."""
    of_t = positional_encoding(t, config.width, config.base)
    return torch.cat((of_t, encoded_labels(config, labels, factors)), dim=1)


def embedding_mlp(width: int, hidden: int | None) -> nn.Module:
    """Return two layers on the concatenated encodings, of `width` numbers; none if `hidden` is None."""
    if hidden is None:
        return nn.Identity()
    return nn.Sequential(nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
