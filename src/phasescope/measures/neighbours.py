"""Neighbourhoods: are the latents' nearest neighbours near in label space too?

Trustworthiness (Venna & Kaski 2001), with the latents as an embedding of label space: U_k(i) are the k
nearest neighbours of i among the latents, r(i, j) is the rank of j by label distance from i (1 = nearest),

    T = 1 - 2 / (n k (2n - 3k - 1)) sum_i sum_{j in U_k(i)} max(0, r(i, j) - k).

T is 1 where no neighbour intrudes and about 0.5 where neighbours are drawn by chance. Equal label distances,
the rule on a lattice, share their lowest rank, so that no tie counts as an intrusion.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from phasescope.measures.checks import Labels, check_count, check_labels, check_latents
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, null_level
from phasescope.randomness import numpy_generator


def trustworthiness(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    k: int = 10,
    periodic: Sequence[bool] | None = None,
    span: Sequence[float] | None = None,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Trustworthiness of the latents at k neighbours, Euclidean in both spaces.

    A resample's duplicates would be neighbours at distance 0, so the interval resamples the labels' jackknife
    influences. The null `permuted` is the level that T stays below in 95 % of permutations of the labels.

    Args:
        periodic: which of the K factors are; their distances go the short way round.
        span: where given, label distances are taken in units of each factor's range; the period of a periodic
            one.

    Raises:
        ValueError: shapes, counts or values as `check_latents` and `check_labels` say, or n < 2 k + 2.
    """
    check_count("k", k, 1, "a neighbourhood")
    check_count("permutations", permutations, 1, "a score needs its null")
    check_count("resamples", resamples, 2, "an interval needs replicates")
    x = check_latents(latents, 2 * k + 2, f"k (={k}) must be less than half of them, and of all but one")
    n = len(x)
    rank = _label_ranks(_Hashed(check_labels(labels, n, periodic, span)))
    near = nearest(x, k + 1)

    rng = numpy_generator(seed, "trustworthiness")
    orders = [np.arange(n), *(rng.permutation(n) for _ in range(permutations))]
    totals = [intrusions(rank[label[:, None], label[near]], k).sum() for label in orders]
    value, *null = _from_intrusions(np.array(totals), n, k).tolist()
    without = without_each(rank, near)
    influence = (n - 1) * (without.mean() - without)
    low, high = basic_interval(value, value + bootstrap_weights(n, resamples, rng) @ influence / n)
    return Score(
        value=value,
        low=low,
        high=min(high, 1.0),
        n=n,
        estimator=f"trustworthiness, k={k}",
        nulls={"permuted": null_level(np.array(null))},
    )


class _Hashed:
    """Labels that a cache can tell apart."""

    def __init__(self, labels: Labels):
        self.labels = labels
        self._key = labels.values.tobytes(), labels.periodic.tobytes(), labels.span.tobytes()

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and self._key == other._key


@lru_cache(maxsize=4)
def _label_ranks(hashed: _Hashed) -> Int[np.ndarray, "n n"]:
    """Ranks by label distance; kept, since a run's snapshots are all measured against the same labels."""
    return ranks(hashed.labels.squared_distances())


def _from_intrusions(total: Int[np.ndarray, " some"], n: int, k: int) -> Float[np.ndarray, " some"]:
    """T from the sum over all labels and neighbours of max(0, r - k)."""
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * total


def intrusions(rank_of_near: Int[np.ndarray, "n more"], k: int) -> Int[np.ndarray, "n k"]:
    """max(0, r - k) of the k nearest."""
    return np.maximum(rank_of_near[:, :k] - k, 0)


def without_each(rank: Int[np.ndarray, "n n"], near: Int[np.ndarray, "n more"]) -> Float[np.ndarray, " n"]:
    """T of the other n - 1 labels, for each label l left out.

    `near` has the k + 1 nearest. Where l was nearer to i than an intruder is, that intruder's rank falls by
    one; where l was among i's k nearest, the next one takes its place.
    """
    n, k = len(near), near.shape[1] - 1
    of_near = np.take_along_axis(rank, near, axis=1)
    intrusion = intrusions(of_near, k)
    lowered = ((of_near[:, :k, None] > rank[:, None]) & (intrusion > 0)[:, :, None]).sum(axis=1)
    total = intrusion.sum(axis=1, keepdims=True) - lowered

    next_rank = of_near[:, k:]
    substitute = np.maximum(next_rank - (of_near[:, :k] < next_rank) - k, 0)
    row = np.arange(n)[:, None]
    total[row, near[:, :k]] += substitute - intrusion
    np.fill_diagonal(total, 0)
    return _from_intrusions(total.sum(axis=0), n - 1, k)


def ranks(distances: Float[np.ndarray, "n n"]) -> Int[np.ndarray, "n n"]:
    """1 + how many others are strictly nearer to i than j is; 0 for j = i."""
    distances = distances.copy()
    np.fill_diagonal(distances, -1)
    by_distance = distances.argsort(axis=1)
    ascending = np.take_along_axis(distances, by_distance, axis=1)
    place = np.arange(len(distances)) * np.diff(ascending, axis=1, prepend=-np.inf).astype(bool)
    rank = np.empty_like(by_distance)
    np.put_along_axis(rank, by_distance, np.maximum.accumulate(place, axis=1), axis=1)
    return rank


def nearest(x: Float[np.ndarray, "n features"], k: int) -> Int[np.ndarray, "n k"]:
    """The k nearest other rows of each row, nearest first."""
    x = x - x.mean(axis=0)
    norm = (x**2).sum(axis=1)
    squared = norm[:, None] + norm - 2 * (x @ x.T)
    np.fill_diagonal(squared, np.inf)
    near = squared.argpartition(k, axis=1)[:, :k]
    by_distance = np.take_along_axis(squared, near, axis=1).argsort(axis=1)
    return np.take_along_axis(near, by_distance, axis=1)
