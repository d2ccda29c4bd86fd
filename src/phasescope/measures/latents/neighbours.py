"""Trustworthiness (Venna & Kaski 2001): are the latents' nearest neighbours near in label space?

With U_k(i) the k nearest neighbours of i among the latents, and r(i, j) the rank of j from i by label distance (1: nearest),

    trustworthiness    T = 1 - 2 / (n k (2n - 3k - 1)) sum_i sum_{j in U_k(i)} max(0, r(i, j) - k)

It is 1 if no neighbour intrudes and about 0.5 if neighbours are drawn by chance; an intruder weighs more the farther away
it is. Equal label distances, the rule on a lattice, share their lowest rank, so that no tie counts as an intrusion.

Leaving row l out lowers by one the ranks of all rows that are farther away than l, and if l was a neighbour, the next one
takes its place. All n values of the jackknife therefore cost a few sums over the table of ranks.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from phasescope.factors import Factors
from phasescope.measures.checks import Labels, check_count, check_draws, check_labels, check_latents
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, null_level
from phasescope.randomness import numpy_generator

Ranks = Int[np.ndarray, "n n"]
Near = Int[np.ndarray, "n k"]


def trustworthiness(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    k: int = 10,
    factors: Factors | None = None,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Trustworthiness of the latents at k neighbours, Euclidean in both spaces.

    The duplicates of a resample would be neighbours at distance 0, so the interval resamples the labels' jackknife
    influences. The null `permuted` is the level that T stays below in 95 % of permutations of the labels.

    Args:
        k: number of neighbours.
        factors: what is known of the K factors; by default open, of span 1, named label1, label2, ...

    Raises:
        ValueError: shapes, counts or values as `check_latents` and `check_labels` say, or n < 2 k + 2.
    """
    check_count("k", k, 1, "a neighbourhood")
    x = check_latents(latents, 2 * k + 2, f"k (={k}) must be less than half of them, and of all but one")
    known = check_labels(labels, len(x), factors)
    check_draws(permutations, resamples)
    n = len(x)
    rank, near = _label_ranks(known.values.tobytes(), known.factors), nearest(x, k + 1)
    rng = numpy_generator(seed, "trustworthiness")
    orders = [np.arange(n), *(rng.permutation(n) for _ in range(permutations))]
    totals = [intrusions(rank[order[:, None], order[near[:, :k]]]).sum() for order in orders]
    value, *null = trust(np.array(totals), n, k).tolist()
    without = trust(intrusions_without_each(rank, near), n - 1, k)
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


def intrusions(rank_of_near: Near) -> Near:
    """max(0, r - k) of the k nearest."""
    return np.maximum(rank_of_near - rank_of_near.shape[1], 0)


def trust(intruded: Int[np.ndarray, " some"], n: int, k: int) -> Float[np.ndarray, " some"]:
    """T from the sum of max(0, r - k)."""
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * intruded


def intrusions_without_each(rank: Ranks, near: Int[np.ndarray, "n k_plus_1"]) -> Int[np.ndarray, " n"]:
    """Sum of max(0, r - k) over the other rows, for each row l left out; `near` are the k + 1 nearest.

    If l was nearer to i than an intruder is, the intruder's rank falls by one; if l was among the k nearest of i, the
    next one takes its place.
    """
    n, k = len(near), near.shape[1] - 1
    row = np.arange(n)[:, None]
    of_near = np.take_along_axis(rank, near, axis=1)
    intrusion = intrusions(of_near[:, :k])
    intruders = np.zeros((n, n + 1), int)
    np.add.at(intruders, (row, of_near[:, :k]), intrusion > 0)
    farther = intruders[:, ::-1].cumsum(axis=1)[:, ::-1] - intruders
    total = intrusion.sum(axis=1, keepdims=True) - np.take_along_axis(farther, rank, axis=1)

    next_rank = of_near[:, k:]
    substitute = np.maximum(next_rank - (of_near[:, :k] < next_rank) - k, 0)
    total[row, near[:, :k]] += substitute - intrusion
    np.fill_diagonal(total, 0)
    return total.sum(axis=0)


@lru_cache(maxsize=4)
def _label_ranks(values: bytes, factors: Factors) -> Ranks:
    """Ranks by label distance; cached, since all snapshots of a run are measured against the same labels."""
    labels = np.frombuffer(values).reshape(-1, len(factors))
    return ranks(Labels(labels, factors).squared_distances())


def ranks(distances: Float[np.ndarray, "n n"]) -> Ranks:
    """1 + how many others are strictly nearer to i than j is; 0 for j = i."""
    from scipy.stats import rankdata

    distances = distances.copy()
    np.fill_diagonal(distances, -1)
    return rankdata(distances, method="min", axis=1).astype(int) - 1


def nearest(x: Float[np.ndarray, "n features"], k: int) -> Near:
    """The k nearest other rows of each row, nearest first."""
    squared = squared_distances(x)
    np.fill_diagonal(squared, np.inf)
    near = squared.argpartition(k, axis=1)[:, :k]
    return np.take_along_axis(near, np.take_along_axis(squared, near, axis=1).argsort(axis=1), axis=1)


def squared_distances(x: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "n n"]:
    """Between all rows, up to rounding."""
    x = x - x.mean(axis=0)
    norm = (x**2).sum(axis=1)
    return norm[:, None] + norm - 2 * (x @ x.T)
