"""Intrinsic dimension: on a manifold of how many dimensions do the latents lie, curved or flat?

Near a point of a d-dimensional manifold the number of neighbours within r grows as r^d. With T_1 < T_2 the distances to
the two nearest other rows, log(T_2 / T_1) has the mean 1 / d whatever the density, as long as it is even within T_2. This
is TwoNN (Facco et al. 2017), fitted by maximum likelihood (Denti et al. 2022): d = 1 / mean log(T_2 / T_1).

Noise has as many dimensions as there are features, so what is measured is the dimension at the scale of T_2. An edge lowers
it; curvature within T_2, which brings far rows near, raises it, and so does a lattice, where neighbours are equally far: to
infinity.

The interval. Rows that share neighbours have similar log ratios t_i, so that resampling rows as if they were independent
makes intervals too narrow; a jackknife that searches neighbours again makes them too wide (its variance is some three times
the truth: a statistic of neighbours is not smooth). With U_l the rows that have l among their k = 2 nearest, and l itself,

    V = 1 / n^2 sum_l (sum_{i in U_l} t_i - mean t)^2 / (k + 1)

counts the covariance of two rows by the share of neighbours that they have in common, a kernel as in Conley (1999). What
is resampled are the terms of that sum.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int

from phasescope.measures.checks import check_count, check_latents
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights
from phasescope.randomness import numpy_generator

DISCARDED = 0.1
"""Share of the largest ratios that Facco et al. (2017) leave out of their fit."""
TIE = 1e-4
"""Share of a distance within which two distances are equal: those of float32 labels on a lattice are."""
TIED = 0.5
"""Share of rows whose two nearest neighbours are equally far, above which latents lie on a lattice."""


def two_nn(latents: Float[np.ndarray, "n features"], resamples: int = 200, seed: int = 0) -> Score:
    """The dimension in which a row's two nearest neighbours lie, by maximum likelihood.

    `detail` has the share of `ties` between a row's two nearest neighbours, and as `linear_fit` the fit of Facco et al.: a
    line through the origin to the empirical distribution of log(T_2 / T_1) without its largest tenth, which a few extreme
    ratios do not move. The bias from edges and curvature is not in the interval. The null `gaussian` is the same measure of
    a Gaussian cloud with the latents' covariance: what that spectrum gives if there is no manifold. The caller attaches the
    pixels', the untrained network's and the labels' own with `Score.with_nulls`.

    Raises:
        ValueError: as `check_latents` says; n < 4; rows that are equal, since a distance of 0 has no logarithm; rows
            on a lattice, where most have two nearest neighbours that are equally far, whatever the dimension.
    """
    check_count("resamples", resamples, 2, "an interval needs replicates")
    x = check_latents(latents, 4, "each has 2 neighbours, and a Gaussian cloud as many")
    n = len(x)
    distances, near = neighbour_distances(x)
    ties = float((distances[:, 1] <= distances[:, 0] * (1 + TIE)).mean())
    if ties > TIED:
        raise ValueError(
            f"`latents` ({ties:.0%} of rows have two nearest neighbours equally far) must not lie on a lattice: "
            "there the ratio of distances says nothing of dimension; take off-grid labels"
        )
    t = log_ratios(distances)
    rng = numpy_generator(seed, "intrinsic dimension")
    replicates = t.mean() + bootstrap_weights(n, resamples, rng) @ shared_influence(t, near) / n
    low, high = basic_interval(float(t.mean()), replicates)
    gaussian = log_ratios(neighbour_distances(gaussian_like(x, rng))[0]).mean()
    return Score(
        value=float(1 / t.mean()),
        low=float(1 / high),
        high=float(1 / low) if low > 0 else math.inf,
        n=n,
        estimator="TwoNN, maximum likelihood",
        nulls={"gaussian": float(1 / gaussian)},
        detail={"ties": ties, "linear_fit": facco_fit(t)},
    )


def neighbour_distances(
    x: Float[np.ndarray, "n features"],
) -> tuple[Float[np.ndarray, "n 2"], Int[np.ndarray, "n 2"]]:
    """Distances to the two nearest other rows of each row, nearest first, and their indices.

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


def log_ratios(distances: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
    """log(T_2 / T_1) of each row."""
    return np.log(distances[:, 1] / distances[:, 0])


def shared_influence(t: Float[np.ndarray, " n"], near: Int[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:
    """sum_{i in U_l} (t_i - mean t) / sqrt(k + 1) of each row l, less its mean."""
    n, k = near.shape
    residual = t - t.mean()
    influence = residual + np.bincount(near.ravel(), np.repeat(residual, k), minlength=n)
    return (influence - influence.mean()) / math.sqrt(k + 1)


def facco_fit(log_ratio: Float[np.ndarray, " n"]) -> float:
    """d of -log(1 - F) = d log(T_2 / T_1), least squares through the origin, largest ratios left out."""
    n = len(log_ratio)
    kept = np.sort(log_ratio)[: int(n * (1 - DISCARDED))]
    survival = -np.log(1 - np.arange(1, len(kept) + 1) / n)
    return float(kept @ survival / (kept @ kept))


def gaussian_like(
    x: Float[np.ndarray, "n features"], rng: np.random.Generator
) -> Float[np.ndarray, "n features"]:
    """n rows of a Gaussian cloud that has the covariance of x."""
    n = len(x)
    return rng.normal(size=(n, n)) @ (x - x.mean(axis=0)) / math.sqrt(n)
