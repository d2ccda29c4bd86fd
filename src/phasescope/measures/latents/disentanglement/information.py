"""Mutual information of dimensions with factors, in nats, from bins of equal counts.

With p_ab the share of rows in bin a of the dimension and b of the factor, and the plug-in entropy's bias for n rows added
(Miller 1955, Madow 1948),

    H = -sum p log p + (occupied - 1) / 2n,       I(j; k) = H(j) + H(k) - H(j, k).

So I is about 0 if there is nothing to know, and exactly H(k) if the dimension's bin determines the factor's. Bins are of
ranks, so any strictly monotone map of a dimension leaves I unchanged. A variable with no more values than bins, and a
categorical factor, has one bin per value. A pair of dimensions is read as an angle round their means, whose bins are arcs;
ranks round the circle are turned, and mirrored if need be, to meet the factor's, by the phase of
mean exp(2 pi i (rank_angle -+ rank_factor)): every circle that follows the factor once round then has I = H(k).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from phasescope.measures.checks import DECIMALS
from phasescope.measures.latents.disentanglement.code import Code, standardised


@dataclass(frozen=True)
class Binned:
    """Rows in bins."""

    bins: int
    """Largest number of bins of a dimension, with equal counts."""
    cells: int
    """Largest number of bins of any variable: a categorical factor has one for each of its values."""
    a: Int[np.ndarray, "t d"]
    """Bins of dimensions."""
    b: Int[np.ndarray, "t K"]
    """Bins of factors."""
    factor_ranks: Float[np.ndarray, "t K"]
    angle_ranks: Float[np.ndarray, "t pairs"]
    """Ranks of each pair's angle, from 0 to 1 round the circle; no pairs if no factor is periodic."""

    def units(self, k: int, periodic: bool, order: Int[np.ndarray, " t"]) -> Int[np.ndarray, "t U"]:
        """Return the bins of the units that may inform about factor k, in the order of `units_of`, with rows reordered."""
        if not periodic:
            return self.a[order]
        turned = aligned(self.angle_ranks[order], self.factor_ranks[:, k])
        return np.concatenate([self.a[order], equal_bins(turned, self.bins)], axis=1)


def binned(code: Code, bins: int) -> Binned:
    """Return the bins of all rows; ValueError if there are more than half as many as rows."""
    labels, n = code.labels, len(code.z)
    if bins > n / 2:
        raise ValueError(f"`bins` (={bins}) must be at most half of the {n} rows that are counted")
    factors = ranks(np.where(labels.factors.periodic, labels.values % labels.factors.span, labels.values))
    z = standardised(code.z, code.train)
    if labels.factors.periodic.any():
        first, second = np.triu_indices(code.d, 1)
        angles = ranks(from_widest_gap(np.arctan2(z[:, second], z[:, first])))
    else:
        angles = np.empty((n, 0))
    b = equal_bins(factors, bins)
    for k in np.flatnonzero(labels.factors.categorical):
        b[:, k] = np.unique(labels.values[:, k], return_inverse=True)[1]
    return Binned(
        bins=bins,
        cells=max(bins, int(b.max()) + 1),
        a=equal_bins(ranks(z), bins),
        b=b,
        factor_ranks=factors,
        angle_ranks=angles,
    )


def ranks(x: Float[np.ndarray, "t C"]) -> Float[np.ndarray, "t C"]:
    """Return (rank - 1/2) / t of each column, equal values in the middle of their ranks; equal to 6 digits of the range."""
    from scipy.stats import rankdata

    low, width = x.min(axis=0), np.ptp(x, axis=0)
    values = np.round((x - low) / np.where(width > 0, width, 1), DECIMALS)
    return (rankdata(values, axis=0) - 0.5) / len(x)


def equal_bins(rank: Float[np.ndarray, "t C"], bins: int) -> Int[np.ndarray, "t C"]:
    """Return which of at most `bins` bins of about equal counts each rank is in; equal ranks are never parted."""
    which = np.floor(rank * bins).astype(int)
    ordered = np.sort(rank, axis=0)
    for j in np.flatnonzero((np.diff(ordered, axis=0) > 0).sum(axis=0) < bins):
        which[:, j] = np.unique(rank[:, j], return_inverse=True)[1]
    return which


def from_widest_gap(angle: Float[np.ndarray, "t pairs"]) -> Float[np.ndarray, "t pairs"]:
    """Return angles in radians, counted from the end of the widest gap between neighbours: equal ones are never parted."""
    ordered = np.sort(angle, axis=0)
    gaps = np.diff(ordered, axis=0, append=ordered[:1] + 2 * np.pi)
    start = ordered[(gaps.argmax(axis=0) + 1) % len(angle), np.arange(angle.shape[1])]
    return (angle - start) % (2 * np.pi)


def aligned(
    rank: Float[np.ndarray, "t pairs"], factor_rank: Float[np.ndarray, " t"]
) -> Float[np.ndarray, "t pairs"]:
    """Return ranks round the circle, turned by whole rows, and mirrored if that fits better, to follow the factor's."""
    t = len(rank)
    around, factor = np.exp(2j * np.pi * rank), np.exp(2j * np.pi * factor_rank)
    with_it, against_it = factor.conj() @ around, factor @ around
    mirrored = np.abs(against_it) > np.abs(with_it)
    phase = np.where(mirrored, -np.angle(against_it), np.angle(with_it)) / (2 * np.pi)
    half_rows = np.round(2 * t * np.where(mirrored, 1 - rank, rank)) - np.round(t * phase) * 2
    return (half_rows % (2 * t)) / (2 * t)


def mutual_information(
    a: Int[np.ndarray, "t d"], b: Int[np.ndarray, "t K"], bins: int
) -> tuple[Float[np.ndarray, "d K"], Float[np.ndarray, " K"]]:
    """Return I, and H of the factors, from the bins of dimensions and factors."""
    counts = joint_counts(a, b, bins)
    H_a, H_b = entropy(counts.sum(axis=-1)), entropy(counts.sum(axis=-2))
    joint = entropy(counts.reshape(*counts.shape[:2], -1))
    return H_a + H_b - joint, H_b[0]


def joint_counts(
    a: Int[np.ndarray, "t d"], b: Int[np.ndarray, "t K"], bins: int
) -> Int[np.ndarray, "d K bins bins"]:
    """Return how many rows each pair of bins has."""
    d, K = a.shape[1], b.shape[1]
    pair = np.arange(d * K).reshape(d, K)
    cell = (pair * bins + a[:, :, None]) * bins + b[:, None]
    return np.bincount(cell.ravel(), minlength=d * K * bins**2).reshape(d, K, bins, bins)


def entropy(counts: Int[np.ndarray, "*shape bins"]) -> Float[np.ndarray, "*shape"]:
    """Return the entropy in nats, by Miller and Madow."""
    n = counts.sum(axis=-1)
    p = counts / n[..., None]
    plug_in = -(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)
    return plug_in + ((counts > 0).sum(axis=-1) - 1) / (2 * n)


def influences(
    a: Int[np.ndarray, "t d"], b: Int[np.ndarray, "t K"], bins: int
) -> tuple[Float[np.ndarray, "t d K"], Float[np.ndarray, "t K"]]:
    """Return those of each row on plug-in I and H: log(p_ab / (p_a p_b)) - I and -log p_b - H, 0 on average.

    Bootstrap resamples would not do: their repeated rows look like dependence. The bins' edges are fixed, so intervals
    from these influences are about a tenth too narrow.
    """
    t, d = a.shape
    dimension, factor = np.arange(d)[:, None], np.arange(b.shape[1])
    counts = joint_counts(a, b, bins)
    of_a, of_b = counts.sum(axis=-1), counts.sum(axis=-2)
    n_ab = counts[dimension, factor, a[:, :, None], b[:, None]]
    n_a = of_a[dimension, factor, a[:, :, None]]
    n_b = of_b[0, factor, b]
    of_I, of_H = np.log(t * n_ab / (n_a * n_b[:, None])), -np.log(n_b / t)
    return of_I - of_I.mean(axis=0), of_H - of_H.mean(axis=0)
