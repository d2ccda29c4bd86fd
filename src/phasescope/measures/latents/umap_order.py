"""Order as P1 reads it (arXiv 2402.03305): UMAP of the latents to three dimensions, then one linear
regression a factor.

All latents are embedded together, without their labels; each regression is fitted to some labels and read on the others,
so R^2 is held out. P1 does not say that it did; on the rows of the fit a few hundred labels would add about 3 / n. P1 does
not give UMAP's settings either; umap-learn's defaults are taken (15 neighbours, min_dist 0.1, McInnes et al. 2018), but for
200 epochs, its default for more than 10,000 points, where it would take 500: R^2 of a few hundred latents then lies
within that of 500 epochs' seeds, at a third of the time. UMAP is random: a reading by one seed says little of the next.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from phasescope.factors import Factors
from phasescope.measures.checks import check_count, check_draws, check_labels, check_latents
from phasescope.measures.latents.order import estimated, explained, majority
from phasescope.measures.scores import Score, bootstrap_weights, null_level, percentile_interval
from phasescope.randomness import numpy_generator

if TYPE_CHECKING:
    from umap import UMAP

COMPONENTS = 3
FOLDS = 5


def p1_order(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    seeds: Sequence[int] = (0,),
    neighbours: int = 15,
    epochs: int = 200,
    factors: Factors | None = None,
    permutations: int = 20,
    resamples: int = 200,
) -> tuple[Score, Float[np.ndarray, "n 3"]]:
    """(held-out R^2 of the factor that is read worst, the first seed's embedding).

    The value is the mean over UMAP's seeds; `detail` has each factor's, and of several seeds the lowest
    and highest value. The interval is that of a reading by one seed: it takes in how seeds differ, where there are several,
    as well as labels, which it resamples with embeddings and regressions held. The null `permuted` is the level that the
    value stays below in 95 % of permutations of the labels, on the same embeddings. Nulls, ceilings and the other
    arguments are those of `order`.

    Args:
        seeds: of UMAP; one embedding each.
        neighbours: UMAP's n_neighbors.
        epochs: UMAP's n_epochs.

    Raises:
        ValueError: shapes, counts or values as `check_latents` and `check_labels` say, no seed, or n <=
            `neighbours`, or n < 10: five folds of two.
    """
    check_count("neighbours", neighbours, 2, "UMAP's graph")
    check_count("epochs", epochs, 1, "UMAP's optimisation")
    check_draws(permutations, resamples)
    if not seeds:
        raise ValueError(f"`seeds` (={seeds}) must hold at least one seed: an embedding each")
    x = check_latents(
        latents,
        max(neighbours + 1, 2 * FOLDS),
        f"UMAP takes {neighbours} neighbours of each, {FOLDS} folds two",
    )
    n = len(x)
    known = check_labels(labels, n, factors)
    y, owner = known.targets()
    K = len(known.names)

    rng = numpy_generator(seeds[0], "p1 order")
    shuffled = [y[rng.permutation(n)] for _ in range(permutations)]
    targets = np.concatenate([y, *shuffled], axis=1)
    owners = np.concatenate([owner + K * p for p in range(permutations + 1)])
    weights = bootstrap_weights(n, resamples, rng)
    folds = np.array_split(rng.permutation(n), FOLDS)

    classes = np.flatnonzero(known.categorical).tolist()
    every = [k + K * p for p in range(permutations + 1) for k in classes]
    embeddings = [umap(x, neighbours, epochs, seed) for seed in seeds]
    r2, replicates = [], []
    for embedding in embeddings:
        predictions = held_out(embedding, targets, folds)
        r2.append(
            explained(targets, predictions, owners, np.ones((1, n)), every).reshape(permutations + 1, K)
        )
        replicates.append(explained(y, predictions[:, : y.shape[1]], owner, weights, classes).min(axis=1))
    worst = np.min(r2, axis=2)
    value = float(worst[:, 0].mean())
    low, high = percentile_interval(readings_by_one_seed(worst[:, 0], np.stack(replicates)).ravel())
    of_factor = dict(zip(known.names, np.mean(r2, axis=0)[0].tolist(), strict=True))
    spread = {"lowest_seed": float(worst[:, 0].min()), "highest_seed": float(worst[:, 0].max())}
    score = Score(
        value=value,
        low=min(low, value),
        high=max(min(high, 1.0), value),
        n=n,
        estimator=f"UMAP to {COMPONENTS}D ({neighbours} neighbours, {epochs} epochs, seeds: {len(seeds)}), "
        f"{FOLDS}-fold {estimated(known).replace('ridge', 'linear')}, least of {', '.join(known.names)}",
        nulls={"permuted": null_level(worst[:, 1:].mean(axis=0)), **majority(known)},
        detail={**of_factor, **(spread if len(seeds) > 1 else {})},
    )
    return score, embeddings[0]


def umap(
    x: Float[np.ndarray, "n features"], neighbours: int, epochs: int, seed: int
) -> Float[np.ndarray, "n 3"]:
    """UMAP of x to three dimensions, in one thread, the same for the same seed; float32.

    UMAP computes in float32, so x is scaled to where its distances are of order 1. It is given the distances: between a few
    hundred rows it would compute them one by one.
    """
    from sklearn.metrics import euclidean_distances

    distances = euclidean_distances(x / x.std())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        embedding = _umap_kept_on_disk()(
            n_components=COMPONENTS,
            n_neighbors=neighbours,
            n_epochs=epochs,
            random_state=seed,
            n_jobs=1,
            metric="precomputed",
        ).fit_transform(distances)
    return np.asarray(embedding, dtype=np.float32)


@cache
def _umap_kept_on_disk() -> type[UMAP]:
    """UMAP, whose kernels numba then compiles once a machine instead of once a process (7 s on one core)."""
    import umap.layouts
    import umap.umap_
    import umap.utils

    kernels: tuple[Any, ...] = (
        umap.utils.fast_knn_indices,
        umap.umap_.smooth_knn_dist,
        umap.umap_.compute_membership_strengths,
        umap.layouts._get_optimize_layout_euclidean_single_epoch_fn(False),
    )
    for kernel in kernels:
        kernel.enable_caching()
    return umap.UMAP


def held_out(
    x: Float[np.ndarray, "n features"],
    targets: Float[np.ndarray, "n C"],
    folds: Sequence[Int[np.ndarray, " _"]],
) -> Float[np.ndarray, "n C"]:
    """Least-squares predictions of the targets from x and a constant, each row's by the fit to the other folds."""
    x = x - x.mean(axis=0, dtype=float)
    predictions = np.full(targets.shape, np.nan)
    for test in folds:
        train = np.setdiff1d(np.arange(len(x)), test)
        middle, mean = x[train].mean(axis=0), targets[train].mean(axis=0)
        slopes, *_ = np.linalg.lstsq(x[train] - middle, targets[train] - mean)
        predictions[test] = mean + (x[test] - middle) @ slopes
    return predictions


def readings_by_one_seed(
    values: Float[np.ndarray, " seeds"], replicates: Float[np.ndarray, "seeds resamples"]
) -> Float[np.ndarray, "seeds resamples"]:
    """What any one seed could have read of other labels, around the seeds' mean.

    What resampled labels move a seed's value by is taken off, as in `basic_interval`. Seeds lie apart as they do, by
    sqrt(S / (S - 1)) more, since S of them have their own mean; one alone lies nowhere.
    """
    seeds = len(values)
    apart = (values - values.mean()) * math.sqrt(seeds / max(seeds - 1, 1))
    return values.mean() + apart[:, None] - (replicates - values[:, None])
