"""Intrinsic dimension: in how many directions do latents vary near a row?

TwoNN (Facco et al. 2017) by maximum likelihood (Denti et al. 2022). With T_1 < T_2 the
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
from phasescope.measures.arguments import with_counts
from phasescope.measures.checks import check_latents, check_pairs, in_parts
from phasescope.measures.columns import Column, measure
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights

# Distances within this share of one another are equal: those of float32 labels on a lattice are.
TIE = 1e-4
# Latents whose two nearest neighbours are equally far in more than this share of rows lie on a lattice.
TIED = 0.5


@measure(
    Column(
        name="two_nn",
        words="intrinsic dimension (TwoNN)",
        meaning="intrinsic dimension at the scale of the second neighbour",
        unit="dimensions",
        low=0.0,
        section="dimension",
        needs=frozenset({"latents"}),
        baselines=("gaussian",),
    ),
    take=lambda given: two_nn(given.latents),
)
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
