"""Dimension of latents: over how many directions is their variance spread, and how many are there near a row?

**Linear dimension**: the participation ratio of the covariance's eigenvalues (Gao et al. 2017),

    PR = (sum lambda)^2 / sum lambda^2 = tr(C)^2 / tr(C^2).

From n rows, 1/PR is too large by about 1/n (PR 128 instead of 163 for n = 600). So traces have their unbiased estimators,
which assume nothing of the distribution (Himeno & Yamada 2014): with S the sample's covariance and
F = sum_i ||x_i - mean||^4 / (n - 1),

    tr(C^2)    from   (n - 1) / (n (n - 2) (n - 3))  ((n - 1) (n - 2) tr(S^2) + tr(S)^2 - n F),
    tr(C)^2    from   (n - 1) / (n (n - 2) (n - 3))  (2 tr(S^2) + (n^2 - 3 n + 1) tr(S)^2 - n F).

A row by itself may have little influence on it, and pairs of rows all: `anova` corrects a variance that counts pairs twice.

**Intrinsic dimension**: TwoNN (Facco et al. 2017) by maximum likelihood (Denti et al. 2022). With T_1 < T_2 the
distances to the two nearest other rows, log(T_2 / T_1) has the mean 1 / d whatever the density, as long as it is even
within T_2, at whose scale it measures. Rows that share neighbours have similar log ratios t_i. With U_l the rows that
have l among their k = 2 nearest, and l itself,

    V = 1 / n^2 sum_l (sum_{i in U_l} t_i - mean t)^2 / (k + 1)

counts the covariance of two rows by the share of neighbours that they have in common, a kernel as in Conley (1999). The
terms of that sum are resampled; independent rows would make intervals too narrow, a jackknife too wide.
"""

import math

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.randomness import numpy_generator
from phasescope.measures.anova import with_pairs_counted_once
from phasescope.measures.arguments import with_counts
from phasescope.measures.checks import check_latents, check_pairs, in_parts
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, ratio

# Distances within this share of one another are equal: those of float32 labels on a lattice are.
TIE = 1e-4
# Latents whose two nearest neighbours are equally far in more than this share of rows lie on a lattice.
TIED = 0.5


@with_counts()
def participation_ratio(
    latents: Float[np.ndarray, "n features"], resamples: int = 200, seed: int = 0
) -> Score:
    """Return the participation ratio, in dimensions, less its finite-sample bias; `detail` has it `uncorrected`.

    The interval resamples rows' influences on log PR, less what pairs of rows count twice. Value and interval lie
    between 1 and the number of features that vary, or the rows' rank where rows lie in fewer dimensions than n would
    fill. It has no baseline of its own: callers attach the untrained network's and the pixels' with `Score.with_baselines`.
    """
    x = check_latents(latents, 4, "an unbiased estimate of tr(C^2) needs them")
    n, features = x.shape
    check_pairs(n)
    x = x - x.mean(axis=0)
    gram = x @ x.T
    inverse = math.log(max(inverse_ratio(gram), 1 / features))
    influence = influences(gram)
    weights = bootstrap_weights(n, resamples, numpy_generator(seed, "participation ratio"))
    low, high = basic_interval(inverse, inverse + studentised(influence, weights))
    value, low, high = np.exp([-inverse, -high, -low])
    uncorrected = float(np.trace(gram) ** 2 / (gram**2).sum())
    # What is near its uncorrected value cannot be far above the rank, which takes longer than all the rest.
    most = most_dimensions(gram, features) if high > 2 * uncorrected else features
    value, low, high = np.clip([value, low, high], 1, most).tolist()
    return Score(
        value=value,
        low=low,
        high=high,
        n=n,
        estimator=f"participation ratio, {features} features, bias-corrected",
        detail={"uncorrected": uncorrected},
    )


def most_dimensions(gram: Float[np.ndarray, "n n"], features: int) -> int:
    """Return the rank of n centred rows, if it is not the n - 1 that n rows of any dimension have; else all features."""
    rank = int(np.linalg.matrix_rank(gram, hermitian=True))
    return min(rank, features) if rank < len(gram) - 1 else features


def inverse_ratio(gram: Float[np.ndarray, "n n"]) -> float:
    """Return 1/PR from the inner products of centred rows, each trace by its unbiased estimator; 0 at least."""
    n = len(gram)
    trace, square = np.trace(gram) / (n - 1), (gram**2).sum() / (n - 1) ** 2
    fourth = (gram.diagonal() ** 2).sum() / (n - 1)
    of_square = (n - 1) * (n - 2) * square + trace**2 - n * fourth
    square_of = 2 * square + (n**2 - 3 * n + 1) * trace**2 - n * fourth
    return float(max(of_square, 0) / square_of)


def influences(gram: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """Return each row's influence on log(1/PR), scaled to have its variance as their sum of squares.

    With A the mean of g_ij^2 over pairs, h_i that over the pairs of row i, and B the mean of g_ii,

        d_i  = 2 (h_i - A) / (n A) - 2 (g_ii - B) / (n B),
        q_ij = 2 (g_ij^2 - h_i - h_j + A) / (n^2 A) - a_i a_j + 2 b_i b_j

    where a_i = 2 (h_i - A) / (n A) and b_i = (g_ii - B) / (n B) come from the logarithms' curvature.
    """
    n = len(gram)
    square = gram**2
    np.fill_diagonal(square, 0)
    h = square.sum(axis=1) / (n - 1)
    A, B = h.mean(), np.trace(gram) / n
    if A <= 1e-24 * B**2:
        return np.zeros(n)
    a, b = 2 * (h - A) / (n * A), (gram.diagonal() - B) / (n * B)
    d = a - 2 * b
    # In place, since a table of all pairs is large.
    q = square
    q -= h[:, None]
    q -= h
    q += A
    q *= 2
    q /= n**2 * A
    table = np.outer(a, a)
    q -= table
    np.outer(b, b, out=table)
    table *= 2
    q += table
    return with_pairs_counted_once(d, q)


def studentised(
    influence: Float[np.ndarray, " n"], weights: Float[np.ndarray, "resamples n"]
) -> Float[np.ndarray, " resamples"]:
    """Return sums of resampled influences, each in units of its own standard error, times the sample's (bootstrap-t).

    An estimate that came out small by chance has a standard error that did too, where influences are skewed (Hall 1992).
    """
    total = (weights - 1) @ influence
    squares = weights @ influence**2 - total**2 / len(influence)
    return total * np.sqrt(ratio(np.full_like(total, influence @ influence), squares, otherwise=1.0))


@with_counts()
def two_nn(latents: Float[np.ndarray, "n features"], resamples: int = 200, seed: int = 0) -> Score:
    """Return the dimension in which a row's two nearest neighbours lie, by maximum likelihood.

    `detail` has the share of `ties` between a row's two nearest neighbours. The bias from edges and curvature is not in the
    interval. The baseline `gaussian` is the same measure of a Gaussian cloud with the latents' covariance: what that
    spectrum gives if there is no manifold. The caller attaches the pixels', the untrained network's and the labels' own with
    `Score.with_baselines`.

    Raises:
        ValueError: as `check_latents` says; n < 4; rows that are equal, since a distance of 0 has no logarithm; rows
            on a lattice, where most have two nearest neighbours that are equally far, whatever the dimension.
    """
    x = check_latents(latents, 4, "each has 2 neighbours, and a Gaussian cloud as many")
    n = len(x)
    check_pairs(n)
    distances, near = neighbour_distances(x)
    ties = float((distances[:, 1] <= distances[:, 0] * (1 + TIE)).mean())
    if ties > TIED:
        raise ValueError(
            f"`latents` ({ties:.0%} of rows have two nearest neighbours equally far) must not lie on a lattice: "
            "there the ratio of distances says nothing of dimension; take off-grid labels"
        )
    t = np.log(distances[:, 1] / distances[:, 0])
    rng = numpy_generator(seed, "intrinsic dimension")
    replicates = t.mean() + bootstrap_weights(n, resamples, rng) @ shared_influence(t, near) / n
    low, high = basic_interval(float(t.mean()), replicates)
    of_gaussian = neighbour_distances(gaussian_like(x, rng))[0]
    return Score(
        value=float(1 / t.mean()),
        low=float(1 / high),
        high=float(1 / low) if low > 0 else math.inf,
        n=n,
        estimator="TwoNN, maximum likelihood",
        baselines={"gaussian": float(1 / np.log(of_gaussian[:, 1] / of_gaussian[:, 0]).mean())},
        detail={"ties": ties},
    )


def neighbour_distances(
    x: Float[np.ndarray, "n features"],
) -> tuple[Float[np.ndarray, "n 2"], Int[np.ndarray, "n 2"]]:
    """Return distances to the two nearest other rows of each row, nearest first, and their indices.

    Raises:
        ValueError: two rows are equal.
    """
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=2).fit(x - x.mean(axis=0))
    near = np.asarray(search.kneighbors(return_distance=False))
    # The search expands |x - y|^2, which loses the digits of a small distance.
    distances = np.stack([np.linalg.norm(x - x[j], axis=1) for j in near.T], axis=1)
    if not distances.all():
        raise ValueError(
            f"`latents` ({np.count_nonzero((distances == 0).any(axis=1))} of {len(x)} rows have an equal) "
            "must differ from row to row: a distance of 0 has no logarithm"
        )
    by_distance = distances.argsort(axis=1, kind="stable")
    return np.take_along_axis(distances, by_distance, axis=1), np.take_along_axis(near, by_distance, axis=1)


def shared_influence(t: Float[np.ndarray, " n"], near: Int[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:
    """Return sum_{i in U_l} (t_i - mean t) / sqrt(k + 1) of each row l, less its mean."""
    n, k = near.shape
    residual = t - t.mean()
    influence = residual + np.bincount(near.ravel(), np.repeat(residual, k), minlength=n)
    return (influence - influence.mean()) / math.sqrt(k + 1)


def gaussian_like(
    x: Float[np.ndarray, "n features"], rng: np.random.Generator
) -> Float[np.ndarray, "n features"]:
    """Return n rows of a Gaussian cloud that has the covariance of x."""
    n = len(x)
    centred = x - x.mean(axis=0)
    cloud = [rng.normal(size=(len(centred[part]), n)) @ centred for part in in_parts(n)]
    return np.concatenate(cloud) / math.sqrt(n)
