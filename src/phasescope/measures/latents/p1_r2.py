"""Order as P1 reads it (arXiv 2402.03305): UMAP of the latents to three dimensions, then one linear regression per factor.

All latents are embedded together, without their labels; each regression is fitted to some labels and read on the others. P1
does not say that it did so; R^2 on the rows of the fit would be about 3 / n higher.
"""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import with_counts
from phasescope.measures.checks import check_labels, check_latents, check_pairs, random_folds
from phasescope.measures.columns import Beside, Column, measure
from phasescope.measures.explained import explained
from phasescope.measures.latents.probe_r2 import estimated, majority, permuted
from phasescope.measures.scores import Score, baseline_level, bootstrap_weights, percentile_interval

if TYPE_CHECKING:
    from umap import UMAP

COMPONENTS = 3
FOLDS = 5
MOST_SEEDS = 2**32


@measure(
    Column(
        name="p1_r2",
        words="P1's R² (UMAP to 3D), minimum over factors",
        meaning="probe R² by P1's reading (UMAP, then a linear regression)",
        unit="R²",
        high=1.0,
        better="higher",
        section="probe",
        needs=frozenset({"latents", "umap"}),
        baselines=("permuted",),
        core=True,
        usual=True,
        by_factor=True,
        phase="representation_p1",
        headline="P1's R²",
        axis="share",
        beside=Beside("probe_r2", "ridge R², same activations"),
        terms=("p1_r2", "P1"),
    ),
    take=lambda given: given.p1[0],
)
@with_counts(neighbours=2)
def p1_r2(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    seeds: Sequence[int] = (0,),
    neighbours: int = 15,
    epochs: int = 200,
    factors: Factors | None = None,
    permutations: int = 20,
    resamples: int = 200,
) -> tuple[Score, Float[np.ndarray, "n 3"]]:
    """Return held-out R^2 of the factor that is read worst, and the first seed's embedding.

    The value is the mean over UMAP's seeds; `detail` has each factor's, and with several seeds the lowest and highest value.
    The interval is that of a reading by one seed: it includes how seeds differ, if there are several, and resamples labels,
    with embeddings and regressions fixed. The baseline `permuted` is the level that the value stays below in 95 % of
    permutations of the labels, on the same embeddings. Other baselines and arguments are those of `probe_r2`.

    Args:
        seeds: of UMAP; one embedding each.
        neighbours: UMAP's n_neighbors.
        epochs: UMAP's n_epochs.

    Raises:
        ValueError: as `check_latents` and `check_labels` say; no seed, or one that UMAP does not take; n <= `neighbours`, or
            n < 10: five folds of two.
    """
    _check_seeds(seeds)
    x = check_latents(
        latents,
        max(neighbours + 1, 2 * FOLDS),
        f"UMAP takes {neighbours} neighbours of each, {FOLDS} folds two",
    )
    n = len(x)
    check_pairs(n)
    known = check_labels(labels, n, factors)
    y, owner = known.targets()
    K = len(known.factors.names)

    group = known.repeated(2 * FOLDS)

    rng = numpy_generator(seeds[0], "p1 order")
    shuffled = [permuted(y, rng, group) for _ in range(permutations)]
    targets = np.concatenate([y, *shuffled], axis=1)
    owners = np.concatenate([owner + K * p for p in range(permutations + 1)])
    different = n if group is None else int(group.max()) + 1
    weights = bootstrap_weights(different, resamples, rng)
    if group is not None:  # as in `probe_r2`, labels are resampled
        weights = weights[:, group]
    folds = random_folds(n, FOLDS, rng, group)

    classes = np.flatnonzero(known.factors.categorical).tolist()
    every = [k + K * p for p in range(permutations + 1) for k in classes]
    # P1 does not give UMAP's settings: by default these are umap-learn's (15 neighbours, min_dist 0.1, McInnes et al.
    # 2018), but with 200 epochs, its default for more than 10,000 points, instead of 500: R^2 of a few hundred latents then
    # lies within the spread of 500 epochs' seeds, at a third of the time. UMAP is random: a reading by one seed says little
    # of the next.
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
    of_factor = dict(zip(known.factors.names, np.mean(r2, axis=0)[0].tolist(), strict=True))
    spread = {"lowest_seed": float(worst[:, 0].min()), "highest_seed": float(worst[:, 0].max())}
    score = Score(
        value=value,
        low=min(low, value),
        high=max(min(high, 1.0), value),
        n=n,
        estimator=f"UMAP to {COMPONENTS}D ({neighbours} neighbours, {epochs} epochs, seeds: {len(seeds)}), "
        f"{FOLDS}-fold {estimated(known).replace('ridge', 'linear')}, least of {', '.join(known.factors.names)}",
        baselines={"permuted": baseline_level(worst[:, 1:].mean(axis=0)), **majority(known)},
        detail={**of_factor, **(spread if len(seeds) > 1 else {})},
    )
    return score, embeddings[0]


def _check_seeds(seeds: Any) -> None:
    """Raise ValueError unless `seeds` are some that UMAP takes."""
    several = list(seeds) if isinstance(seeds, Iterable) else []
    taken = [
        s
        for s in several
        if isinstance(s, int | np.integer) and not isinstance(s, bool) and 0 <= s < MOST_SEEDS
    ]
    if not taken or len(taken) < len(several):
        raise ValueError(
            f"`seeds` (={seeds!r:.60}) must be integers from 0 to {MOST_SEEDS - 1}, one at least: each has an embedding"
        )


def umap(
    x: Float[np.ndarray, "n features"], neighbours: int, epochs: int, seed: int
) -> Float[np.ndarray, "n 3"]:
    """Return UMAP's embedding of x, in one thread, the same for the same seed; float32.

    UMAP computes in float32, so x is scaled such that its distances are of order 1. It is given the distances: between a few
    hundred rows it would compute them one by one.
    """
    from sklearn.metrics import euclidean_distances
    from threadpoolctl import threadpool_limits

    distances = euclidean_distances(x / x.std())
    # Numba's pool sets OpenMP's number of threads, and with it PyTorch's; the block puts it back.
    with warnings.catch_warnings(), threadpool_limits():
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
    # numba then compiles the kernels once per machine instead of once per process (7 s on one core).
    _import_numba()
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


def _import_numba() -> None:
    """Import numba without the settings of a `.numba_config.yaml` in the working folder.

    They may name a folder of compiled functions, which numba unpickles. Settings in the environment count.
    """
    if "numba" in sys.modules:
        return
    former = os.environ.get("NUMBA_CACHE_DIR")
    os.environ.setdefault("NUMBA_CACHE_DIR", "")  # numba's own default, which no file replaces
    try:
        import numba.core.config
    finally:
        if former is None:
            del os.environ["NUMBA_CACHE_DIR"]

    # The compiler reads the file again.
    numba.core.config._config_fname = ""
    numba.core.config.reload_config()


def held_out(
    x: Float[np.ndarray, "n features"],
    targets: Float[np.ndarray, "n C"],
    folds: Sequence[Int[np.ndarray, " _"]],
) -> Float[np.ndarray, "n C"]:
    """Return least-squares predictions of the targets from x and a constant, each row's by the fit to the other folds."""
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import cross_val_predict

    splits = [(np.setdiff1d(np.arange(len(x)), test), test) for test in folds]
    return cross_val_predict(LinearRegression(), x.astype(float), targets, cv=splits)


def readings_by_one_seed(
    values: Float[np.ndarray, " seeds"], replicates: Float[np.ndarray, "seeds resamples"]
) -> Float[np.ndarray, "seeds resamples"]:
    """Return what any one seed could have read from other labels, around the seeds' mean.

    How resampled labels move a seed's value is subtracted, as in `basic_interval`. Seeds differ by sqrt(S / (S - 1)) more
    than from the mean of S of them.
    """
    seeds = len(values)
    apart = (values - values.mean()) * math.sqrt(seeds / max(seeds - 1, 1))
    return values.mean() + apart[:, None] - (replicates - values[:, None])
