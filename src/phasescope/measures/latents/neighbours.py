"""Trustworthiness (Venna & Kaski 2001): are the latents' nearest neighbours near in label space? Is there a sheet?

With U_k(i) the k nearest neighbours of i among the latents, and r(i, j) the rank of j from i by label distance (1: nearest),

    trustworthiness    T = 1 - 2 / (n k (2n - 3k - 1)) sum_i sum_{j in U_k(i)} max(0, r(i, j) - k)

It is 1 if no neighbour intrudes and about 0.5 if neighbours are random. Equal label distances share their lowest rank:
no tie counts as an intrusion. Leaving row l out lowers by one the ranks of all rows that are farther away than l, and if
l was a neighbour, the next one takes its place: all n values of the jackknife cost a few sums over the table of ranks.

P1's phases (arXiv 2402.03305) are phases of the formation of a manifold: no manifold (A), one that is not ordered (B), an
ordered one (C). With z_di the activation of label i under noise draw d, and m_i the mean of label i over draws:

    *sheet*     single activations lie near a low-dimensional set that the label determines:
                label variance                    V_label / (V_label + V_noise)          `label_variance`
                trustworthiness of single draws   neighbours of z_1i among the z_1 are neighbours of z_2i among the z_2
                dimension                         participation ratio of the m_i         `participation_ratio`
    *order*     neighbours among the m_i are neighbours among the labels: their trustworthiness

The sheet's own trustworthiness compares two draws of the same labels and never the labels themselves, so a sheet has it
whatever the order of its labels.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import check_is, with_counts
from phasescope.measures.checks import Labels, check_labels, check_latents, check_pairs, in_parts
from phasescope.measures.scores import Score, baseline_level, basic_interval, bootstrap_weights

# Ranks of so many labels at most are kept for the next snapshot: 16 MiB, of four sets of labels.
MOST_KEPT = 2**11

Ranks = Int[np.ndarray, "n n"]
Near = Int[np.ndarray, "n k"]


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
    check_pairs(n)
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
    squared = norm[:, None] + norm
    squared -= products
    return squared


NEIGHBOURS = 10


@dataclass(frozen=True)
class SheetThresholds:
    """Midpoints between the readings of simulated clouds with and without the property.

    The clouds are noise, labels with a random direction each, and smooth sheets of three curvatures whose labels are
    ordered or permuted in 4 x 4 patches: 64 and 128 labels, two draws, 128 and 512 features. A sheet explains at least
    nine tenths of the variance; half is too little. `docs/measures/sheet.md` has the readings of all clouds.
    """

    label_variance: float = 0.7
    """between .52 (half of the variance) and .90"""
    trustworthiness: float = 0.98
    """of single draws, between .966 (half of the variance) and .992"""
    participation_ratio: float = 25.0
    """geometric mean of 9 (the most curved sheet) and 70 (a direction for each label)"""
    label_trustworthiness: float = 0.91
    """between .826 (permuted in patches) and .996"""


SHEET = SheetThresholds()


@with_counts()
def sheet_readings(
    draws: Float[np.ndarray, "draws n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    neighbours: int = NEIGHBOURS,
    permutations: int = 20,
    resamples: int = 200,
) -> dict[str, Score]:
    """Return `sheet_trustworthiness` and `label_trustworthiness`; `label_variance` and `participation_ratio` give the rest.

    Args:
        draws: entry (d, i) belongs to label i; draws differ in their noise alone. The first two are compared.
        neighbours: k of both trustworthinesses.

    Raises:
        ValueError: also for a categorical factor.
    """
    z = check_latents(draws, 2 * neighbours + 2, f"{neighbours} neighbours of each are compared", axes=3)
    known = check_labels(labels, z.shape[1], factors)
    known.check_ordered("labels of one class are all equally near")
    second = z[1][:, np.ptp(z[1], axis=0) > 0]  # a feature may vary in the other draw alone
    single = trustworthiness(z[0], second, neighbours, None, permutations, resamples)
    ordered = trustworthiness(z.mean(axis=0), labels, neighbours, factors, permutations, resamples)
    return {"sheet_trustworthiness": single, "label_trustworthiness": ordered}


def sheet_phase(
    label_variance: Score, participation_ratio: Score, trustworthiness: Score, label_trustworthiness: Score
) -> Literal["A", "B", "C", "undecided"]:
    """Return A (no sheet), B (a sheet, not ordered) or C (an ordered sheet); `undecided` where intervals hold a threshold.

    Order without a sheet is A: what is near in the mean over draws need not be near in a single activation.

    Raises:
        ValueError: one of them is no Score.
    """
    for name, score in (
        ("label_variance", label_variance),
        ("participation_ratio", participation_ratio),
        ("trustworthiness", trustworthiness),
        ("label_trustworthiness", label_trustworthiness),
    ):
        check_is(name, score, Score, "battery")
    parts = (label_variance, SHEET.label_variance), (trustworthiness, SHEET.trustworthiness)
    dimension = participation_ratio
    if dimension.low > SHEET.participation_ratio or any(score.high < least for score, least in parts):
        return "A"
    if dimension.high > SHEET.participation_ratio or any(score.low < least for score, least in parts):
        return "undecided"
    if label_trustworthiness.low >= SHEET.label_trustworthiness:
        return "C"
    return "B" if label_trustworthiness.high < SHEET.label_trustworthiness else "undecided"
