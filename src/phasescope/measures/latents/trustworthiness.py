"""Trustworthiness (Venna & Kaski 2001): are the latents' nearest neighbours near in label space?

With U_k(i) the k nearest neighbours of i among the latents, and r(i, j) the rank of j from i by label distance (1: nearest),

    trustworthiness    T = 1 - 2 / (n k (2n - 3k - 1)) sum_i sum_{j in U_k(i)} max(0, r(i, j) - k)

It is 1 if no neighbour intrudes and about 0.5 if neighbours are random. Equal label distances share their lowest rank:
no tie counts as an intrusion. Leaving row l out lowers by one the ranks of all rows that are farther away than l, and if
l was a neighbour, the next one takes its place: all n values of the jackknife cost a few sums over the table of ranks.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import with_counts
from phasescope.measures.checks import Labels, check_labels, check_latents, check_pairs, in_parts
from phasescope.measures.columns import Column, measure
from phasescope.measures.scores import Score, baseline_level, basic_interval, bootstrap_weights

# Ranks of so many labels at most are kept for the next snapshot: 16 MiB, of four sets of labels.
MOST_KEPT = 2**11

Ranks = Int[np.ndarray, "n n"]
Near = Int[np.ndarray, "n k"]


@measure(
    Column(
        name="trustworthiness",
        words="trustworthiness",
        meaning="whether neighbours among activations are neighbours among labels",
        unit="share",
        high=1.0,
        better="higher",
        section="neighbours",
        needs=frozenset({"latents"}),
        baselines=("permuted",),
        core=True,
        usual=True,
        panel=False,
    ),
    take=lambda given: trustworthiness(given.latents, given.known.values, factors=given.known.factors),
)
@with_counts()
def trustworthiness(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    k: int = 10,
    factors: Factors | None = None,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Return the trustworthiness of the latents at k neighbours, Euclidean in both spaces.

    The duplicates of a resample would be neighbours at distance 0, so the interval resamples the labels' jackknife
    influences. The baseline `permuted` is the level that T stays below in 95 % of permutations of the labels.

    Args:
        latents: one row per label. Of rows of equal labels, such as noise draws, only the first is taken, since those of one
            label are near whatever the code: unless all factors are categorical, or too few labels differ for `k`.
        k: number of neighbours.
    """
    x = check_latents(latents, 2 * k + 2, f"k (={k}) must be less than half of them, and of all but one")
    known = check_labels(labels, len(x), factors)
    group = known.repeated(2 * k + 2)
    if group is not None:
        first = np.sort(np.unique(group, return_index=True)[1])
        x, known = x[first], Labels(known.values[first], known.factors)

    n = len(x)
    check_pairs(n, tables=1.5)
    rank = _label_ranks(known) if n > MOST_KEPT else _kept_ranks(known.values.tobytes(), known.factors)
    near = nearest(x, k + 1)

    rng = numpy_generator(seed, "trustworthiness")
    orders = [np.arange(n), *(rng.permutation(n) for _ in range(permutations))]
    totals = [intrusions(rank[order[:, None], order[near[:, :k]]]).sum() for order in orders]
    value, *permuted = trust(np.array(totals), n, k).tolist()

    without = trust(intrusions_without_each(rank, near), n - 1, k)
    influence = (n - 1) * (without.mean() - without)
    low, high = basic_interval(value, value + bootstrap_weights(n, resamples, rng) @ influence / n)

    return Score(
        value=value,
        low=low,
        high=min(high, 1.0),
        n=n,
        estimator=f"trustworthiness, k={k}{'' if group is None else ', the first row of each label'}",
        baselines={"permuted": baseline_level(np.array(permuted))},
    )


def intrusions(rank_of_near: Near) -> Near:
    """max(0, r - k) of the k nearest."""
    return np.maximum(rank_of_near - rank_of_near.shape[1], 0)


def trust(intruded: Int[np.ndarray, " some"], n: int, k: int) -> Float[np.ndarray, " some"]:
    """T from the sum of max(0, r - k)."""
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * intruded


def intrusions_without_each(rank: Ranks, near: Int[np.ndarray, "n k_plus_1"]) -> Int[np.ndarray, " n"]:
    """Sum of max(0, r - k) over the other rows, for each row l left out; `near` are the k + 1 nearest."""
    n, k = len(near), near.shape[1] - 1
    of_near = np.take_along_axis(rank, near, axis=1)
    intrusion = intrusions(of_near[:, :k])
    # If l was among the k nearest of i, the next one takes its place.
    next_rank = of_near[:, k:]
    substitute = np.maximum(next_rank - (of_near[:, :k] < next_rank) - k, 0)

    without = np.zeros(n, int)
    for part in in_parts(n):
        rows = np.arange(n)[part]
        row = np.arange(len(rows))[:, None]
        intruders = np.zeros((len(rows), n + 1), int)
        np.add.at(intruders, (row, of_near[part, :k]), intrusion[part] > 0)
        # If l was nearer to i than an intruder is, the intruder's rank falls by one.
        farther = intruders[:, ::-1].cumsum(axis=1)[:, ::-1] - intruders
        total = intrusion[part].sum(axis=1, keepdims=True) - np.take_along_axis(farther, rank[part], axis=1)

        total[row, near[part, :k]] += substitute[part] - intrusion[part]
        total[row[:, 0], rows] = 0
        without += total.sum(axis=0)
    return without


@lru_cache(maxsize=4)
def _kept_ranks(values: bytes, factors: Factors) -> Ranks:
    # Cached, since all snapshots of a run are measured against the same labels.
    return _label_ranks(Labels(np.frombuffer(values).reshape(-1, len(factors)), factors))


def _label_ranks(labels: Labels) -> Ranks:
    return ranks(labels.squared_distances())


def ranks(distances: Float[np.ndarray, "n n"]) -> Ranks:
    """1 + how many others are strictly nearer to i than j is; 0 for j = i."""
    from scipy.stats import rankdata

    n = len(distances)
    rank = np.empty((n, n), np.int32)
    for part in in_parts(n):
        rows = distances[part].copy()
        rows[np.arange(len(rows)), np.arange(n)[part]] = -1
        rank[part] = rankdata(rows, method="min", axis=1) - 1
    return rank


def nearest(x: Float[np.ndarray, "n features"], k: int) -> Near:
    """Return the k nearest other rows of each row, nearest first."""
    squared = squared_distances(x)
    np.fill_diagonal(squared, np.inf)
    near = np.empty((len(x), k), int)
    for part in in_parts(len(x)):
        rows = squared[part]
        some = rows.argpartition(k, axis=1)[:, :k]
        near[part] = np.take_along_axis(some, np.take_along_axis(rows, some, axis=1).argsort(axis=1), axis=1)
    return near


def squared_distances(x: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "n n"]:
    """Between all rows, up to rounding."""
    x = x - x.mean(axis=0)
    norm = (x**2).sum(axis=1)
    products = x @ x.T
    products *= 2
    # In place and in parts, since a table of all pairs is large.
    for part in in_parts(len(x)):
        np.subtract(norm[part, None] + norm, products[part], out=products[part])
    return products
