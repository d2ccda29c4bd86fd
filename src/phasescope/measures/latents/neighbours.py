"""Neighbourhoods: are the latents' nearest neighbours near in label space, and the other way round?

With the latents as an embedding of label space, U_k(i) are the k nearest neighbours of i among the latents, V_k(i) those
among the labels, and r(i, j) is the rank of j from i by distance in the other space (1 = nearest).

    trustworthiness    1 - 2 / (n k (2n - 3k - 1)) sum_i sum_{j in U_k(i)} max(0, r(i, j) - k)    r by labels
    continuity         the same over V_k(i), r by latents
    overlap            Q = 1 / (n k) sum_i |U_k(i) and V_k(i)|,    R = ((n - 1) Q - k) / (n - 1 - k)

The first two (Venna & Kaski 2001) are 1 where no neighbour intrudes, or is torn away, and about 0.5 where neighbours
are drawn by chance; they weigh a wrong neighbour by how far it is. R (Lee & Verleysen 2009) counts: 1 where all
agree, 0 by chance.

Equal label distances, the rule on a lattice, share their lowest rank, so that no tie counts as an intrusion; and of
labels that are equally far, those that are nearest among the latents are V_k's, so that none counts as torn away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from phasescope.factors import Factors
from phasescope.measures.checks import Labels, check_count, check_draws, check_labels, check_latents
from phasescope.measures.latents.neighbourhood import INTRUSIONS, SHARED, Near, Ranks, Statistic
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, null_level
from phasescope.randomness import numpy_generator

RANGE_OF_K = (5, 10, 20, 40)
"""Neighbours over which an overlap is averaged: evenly on a logarithmic scale, as Lee & Verleysen's area is."""


def trustworthiness(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    k: int | Sequence[int] = 10,
    factors: Factors | None = None,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Trustworthiness of the latents at k neighbours, Euclidean in both spaces; of several k the mean, and each in `detail`.

    A resample's duplicates would be neighbours at distance 0, so the interval resamples the labels' jackknife
    influences. The null `permuted` is the level that T stays below in 95 % of permutations of the labels.

    Args:
        k: neighbours, or several numbers of them.
        factors: what is known of the K factors; by default open, of span 1, named label1, label2, ...

    Raises:
        ValueError: shapes, counts or values as `check_latents` and `check_labels` say, no k, or n < 2 k + 2.
    """
    x, ks, known = _checked(latents, labels, k, factors)
    return _of_latents(INTRUSIONS, x, ks, known, permutations, resamples, seed)


def continuity(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    k: int | Sequence[int] = 10,
    factors: Factors | None = None,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Continuity: whether labels' neighbours stay neighbours among the latents.

    Where the latents tear label space, continuity falls; where they fold it onto itself, trustworthiness does.
    Interval, null, arguments and what is raised: as `trustworthiness`.
    """
    x, ks, known = _checked(latents, labels, k, factors)
    rank, label_rank = ranks(squared_distances(x)), _label_ranks(_Hashed(known))
    more = max(ks) + 1

    def of_near(label: Int[np.ndarray, " n"]) -> Int[np.ndarray, "n more"]:
        near = nearest_by_rank(label_rank[label[:, None], label], rank, more)
        return np.take_along_axis(rank, near, axis=1)

    near = nearest_by_rank(label_rank, rank, more)
    extrusions = replace(INTRUSIONS, name="continuity")
    return _score(extrusions, ks, rank, near, of_near, permutations, resamples, seed)


def neighbour_overlap(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    k: int | Sequence[int] = RANGE_OF_K,
    factors: Factors | None = None,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Share of the k nearest that latents and labels have in common, beyond chance; the mean over k, and each in `detail`.

    Interval, null, arguments and what is raised: as `trustworthiness`.
    """
    x, ks, known = _checked(latents, labels, k, factors)
    return _of_latents(SHARED, x, ks, known, permutations, resamples, seed)


def _checked(
    latents: np.ndarray,
    labels: np.ndarray,
    k: int | Sequence[int],
    factors: Factors | None,
) -> tuple[np.ndarray, tuple[int, ...], Labels]:
    """Latents, all k, labels."""
    ks = tuple(k) if isinstance(k, Sequence) else (k,)
    if not ks:
        raise ValueError(f"`k` (={k}) must hold at least one number of neighbours")
    for one in ks:
        check_count("k", one, 1, "a neighbourhood")
    most = max(ks)
    x = check_latents(
        latents, 2 * most + 2, f"k (={most}) must be less than half of them, and of all but one"
    )
    return x, ks, check_labels(labels, len(x), factors)


def _of_latents(
    statistic: Statistic,
    x: np.ndarray,
    ks: tuple[int, ...],
    known: Labels,
    permutations: int,
    resamples: int,
    seed: int,
) -> Score:
    """Of the latents' neighbours, ranked by labels."""
    rank, near = _label_ranks(_Hashed(known)), nearest(x, max(ks) + 1)
    return _score(
        statistic,
        ks,
        rank,
        near,
        lambda label: rank[label[:, None], label[near]],
        permutations,
        resamples,
        seed,
    )


def _score(
    statistic: Statistic,
    ks: tuple[int, ...],
    rank: Ranks,
    near: Near,
    of_near: Callable[[Int[np.ndarray, " n"]], Near],
    permutations: int,
    resamples: int,
    seed: int,
) -> Score:
    """The mean over ks; `of_near` gives the ranks of the nearest where labels are permuted."""
    check_draws(permutations, resamples)
    n = len(near)
    rng = numpy_generator(seed, statistic.name)
    orders = [np.arange(n), *(rng.permutation(n) for _ in range(permutations))]
    totals = np.array([[statistic.of_ranks(of, k).sum() for k in ks] for of in map(of_near, orders)])
    of_k = np.array([statistic.of_total(total, n, k) for total, k in zip(totals.T, ks, strict=True)])
    value, *null = of_k.mean(axis=0).tolist()
    without = np.mean(
        [statistic.of_total(statistic.without(rank, near[:, : k + 1]), n - 1, k) for k in ks], axis=0
    )
    influence = (n - 1) * (without.mean() - without)
    low, high = basic_interval(value, value + bootstrap_weights(n, resamples, rng) @ influence / n)
    return Score(
        value=value,
        low=low,
        high=min(high, 1.0),
        n=n,
        estimator=f"{statistic.name}, k={', '.join(map(str, ks))}",
        nulls={"permuted": null_level(np.array(null))},
        detail={f"k={k}": float(v) for k, v in zip(ks, of_k[:, 0], strict=True)} if len(ks) > 1 else {},
    )


class _Hashed:
    """Labels that a cache can tell apart."""

    def __init__(self, labels: Labels):
        self.labels = labels
        self._key = labels.values.tobytes(), labels.factors

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and self._key == other._key


@lru_cache(maxsize=4)
def _label_ranks(hashed: _Hashed) -> Int[np.ndarray, "n n"]:
    """Ranks by label distance; kept, since a run's snapshots are all measured against the same labels."""
    return ranks(hashed.labels.squared_distances())


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
    squared = squared_distances(x)
    np.fill_diagonal(squared, np.inf)
    return _least(squared, k)


def nearest_by_rank(rank: Ranks, among_equals: Ranks, k: int) -> Int[np.ndarray, "n k"]:
    """The k others of least rank, nearest first; of those that share one, the least `among_equals`."""
    key = rank * len(rank) + among_equals
    np.fill_diagonal(key, len(rank) ** 2)
    return _least(key, k)


def squared_distances(x: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "n n"]:
    """Between all rows, but for rounding."""
    x = x - x.mean(axis=0)
    norm = (x**2).sum(axis=1)
    return norm[:, None] + norm - 2 * (x @ x.T)


def _least(of: np.ndarray, k: int) -> Int[np.ndarray, "n k"]:
    """Where each row's k least entries are, the least first."""
    near = of.argpartition(k, axis=1)[:, :k]
    return np.take_along_axis(near, np.take_along_axis(of, near, axis=1).argsort(axis=1), axis=1)
