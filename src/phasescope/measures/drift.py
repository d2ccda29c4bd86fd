"""Drift: how far have the latents of the same labels moved from one snapshot to another?

A network may turn, scale and shift its latents while it learns without saying anything new, so what is compared is what
these do not change. Rows are labels, the same in both; features may differ in number.

    CKA           linear, debiased: sum K~ L~ / sqrt(sum K~^2 sum L~^2), with K~ and L~ the inner products X X^T and Y Y^T
                  without their diagonals, U-centred (Kornblith et al. 2019, with the unbiased HSIC of Song et al.
                  2012). 1 where geometry rests; 0 on average for latents that have nothing to do with each other,
                  however many features they have, where the biased CKA goes to 1.
    Procrustes    1 - (sum of singular values of X^T Y)^2 / (||X||^2 ||Y||^2): 0 where one is a similar copy of the other.
    RSA           Spearman correlation of the two spaces' distances over all pairs: 1 where their order rests.

CKA weighs a direction by its variance squared, Procrustes by its variance, and RSA sees ranks of distances alone. A
phase, as geometry that has come to rest, is a stretch of successive snapshots that hardly move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from phasescope.measures.checks import check_draws, check_latents
from phasescope.measures.procrustes import best_map, ratio_interval
from phasescope.measures.rsa import correlated, fisher_interval, latent_distances
from phasescope.measures.scores import Score, bootstrap_weights, null_level
from phasescope.randomness import numpy_generator


def cka(
    before: Float[np.ndarray, "n features"],
    after: Float[np.ndarray, "n others"],
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Debiased linear CKA, -1 to 1.

    The interval resamples rows' influences on Fisher's z, less what pairs of rows count twice (`anova`). The null
    `permuted` is the level that CKA stays below in 95 % of permutations of `after`'s rows.

    Raises:
        ValueError: as `check_latents` says of either, n < 4, or numbers of rows that differ.
    """
    check_draws(permutations, resamples)
    x, y = _both(before, after)
    n = len(x)
    K, L = u_centred(x), u_centred(y)
    KK, LL = float(np.vdot(K, K)), float(np.vdot(L, L))
    product = K * L
    value = float(product.sum()) / (KK * LL) ** 0.5

    rng = numpy_generator(seed, "CKA")
    null = [
        float(np.vdot(K, L[np.ix_(row, row)])) for row in (rng.permutation(n) for _ in range(permutations))
    ]
    q = 2 * (product / (KK * LL) ** 0.5 - value / 2 * (K**2 / KK + L**2 / LL))
    low, high = fisher_interval(value, q, bootstrap_weights(n, resamples, rng))
    return Score(
        value=value,
        low=low,
        high=high,
        n=n,
        estimator="linear CKA, debiased",
        nulls={"permuted": null_level(np.array(null) / (KK * LL) ** 0.5)},
    )


def procrustes_distance(
    before: Float[np.ndarray, "n features"],
    after: Float[np.ndarray, "n others"],
    permutations: int = 5,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """The share of variance in one that the other leaves over, turned and scaled to fit, 0 to 1, the same both ways.

    The interval resamples rows, with the map held. The null `permuted` is the level that the distance stays above in
    95 % of permutations of `after`'s rows: a turn has an angle for each pair of features, so that chance leaves much less
    than all over. A few permutations do, since chance varies little, and each takes all singular values.

    Raises:
        ValueError: as `cka`.
    """
    check_draws(permutations, resamples)
    x, y = _both(before, after)
    n = len(x)
    x, y = sorted((_short(x), _short(y)), key=lambda z: -z.shape[1])
    left = ((x - best_map(x, y, "similarity")[0]) ** 2).sum(axis=1)
    whole = (x**2).sum(axis=1)

    rng = numpy_generator(seed, "Procrustes distance")
    length = whole.sum() * (y**2).sum()
    null = [1 - turned(x, y[rng.permutation(n)]) ** 2 / length for _ in range(permutations)]
    low, high = ratio_interval(left, whole, bootstrap_weights(n, resamples, rng))
    return Score(
        value=float(left.sum() / whole.sum()),
        low=low,
        high=high,
        n=n,
        estimator="Procrustes distance, similarity",
        nulls={"permuted": -null_level(-np.array(null))},
    )


def rsa_between(
    before: Float[np.ndarray, "n features"],
    after: Float[np.ndarray, "n others"],
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Spearman correlation of the two spaces' distances, -1 to 1; interval, null and what is raised as `rsa` and `cka`."""
    x, y = _both(before, after)
    every = ~np.eye(len(x), dtype=bool)
    name = "RSA between latents, Spearman"
    distances = latent_distances(x), latent_distances(y)
    return correlated(name, *distances, every, permutations, resamples, seed, spaces=("before", "after"))


@dataclass(frozen=True)
class Drift:
    """Of S snapshots, each a Score."""

    successive: tuple[Score, ...]
    """S - 1: of each snapshot and the next."""
    to_last: tuple[Score, ...]
    """S - 1: of each snapshot but the last and the last."""


def drift(
    snapshots: Sequence[Float[np.ndarray, "n _"]],
    measure: Callable[[np.ndarray, np.ndarray], Score] = cka,
) -> Drift:
    """The curves along which geometry comes to rest: successive snapshots, and each with the last.

    Args:
        snapshots: latents of the same labels, in the order of training.
        measure: `cka`, `procrustes_distance`, `rsa_between`, or any Score of two sets of latents.

    Raises:
        ValueError: fewer than 2 snapshots, or what `measure` raises.
    """
    if len(snapshots) < 2:
        raise ValueError(f"`snapshots` ({len(snapshots)} of them) must be at least 2: drift is between them")
    successive = [measure(a, b) for a, b in pairwise(snapshots)]
    to_last = [measure(a, snapshots[-1]) for a in snapshots[:-2]]
    return Drift(tuple(successive), (*to_last, successive[-1]))


def u_centred(x: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "n n"]:
    """X X^T without its diagonal, U-centred (Szekely & Rizzo 2014): rows and columns off the diagonal sum to 0."""
    n = len(x)
    x = x - x.mean(axis=0)
    K = x @ x.T
    np.fill_diagonal(K, 0)
    row = K.sum(axis=1) / (n - 2)
    K -= row[:, None] + row - row.sum() / (n - 1)
    np.fill_diagonal(K, 0)
    return K


def turned(x: Float[np.ndarray, "n features"], y: Float[np.ndarray, "n others"]) -> float:
    """Sum of singular values of x^T y."""
    m = x.T @ y
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(m.T @ m), 0)).sum())


def _short(x: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "n less"]:
    """Centred rows in no more than n dimensions, with the same inner products."""
    x = x - x.mean(axis=0)
    return x if x.shape[1] <= len(x) else np.asarray(np.linalg.qr(x.T, mode="r")).T


def _both(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both, checked, by their names."""
    checked = []
    for name, latents in (("before", before), ("after", after)):
        try:
            checked.append(check_latents(latents, 4, "pairs are compared"))
        except ValueError as error:
            raise ValueError(str(error).replace("`latents`", f"`{name}`", 1)) from None
    x, y = checked
    if len(x) != len(y):
        raise ValueError(f"`after` (n={len(y)}) must have the rows of `before` (n={len(x)}): the same labels")
    return x, y
