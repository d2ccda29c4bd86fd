"""Counts over neighbourhoods, and each count without each row: what `neighbours` is made of.

Ranks are 1 + how many others are strictly nearer. Leaving row l out lowers by one the ranks of all that are farther
than l, and where l was a neighbour the next one takes its place: so all n counts cost a few sums over the table of ranks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

Ranks = Int[np.ndarray, "n n"]
Near = Int[np.ndarray, "n more"]


@dataclass(frozen=True)
class Statistic:
    """A number of neighbourhoods that sums over rows and neighbours."""

    name: str
    of_ranks: Callable[[Int[np.ndarray, "n k"], int], Int[np.ndarray, "n k"]]
    """What the ranks of the k nearest add to the sum."""
    of_total: Callable[[Any, int, int], Any]
    """The statistic from the sum, n and k."""
    without: Callable[[Ranks, Near], Int[np.ndarray, " n"]]
    """The sum over the other n - 1 rows, for each row left out; of near the k + 1 nearest are given."""


def intrusions(rank_of_near: Int[np.ndarray, "n more"], k: int) -> Int[np.ndarray, "n k"]:
    """max(0, r - k) of the k nearest."""
    return np.maximum(rank_of_near[:, :k] - k, 0)


def from_intrusions(total: Int[np.ndarray, " some"], n: int, k: int) -> Float[np.ndarray, " some"]:
    """T from the sum of max(0, r - k)."""
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * total


def intrusions_without_each(rank: Ranks, near: Near) -> Int[np.ndarray, " n"]:
    """Sum of max(0, r - k) over the other rows, for each row l left out.

    Where l was nearer to i than an intruder is, that intruder's rank falls by one; where l was among i's k nearest, the
    next one takes its place.
    """
    n, k = len(near), near.shape[1] - 1
    row = np.arange(n)[:, None]
    of_near = np.take_along_axis(rank, near, axis=1)
    intrusion = intrusions(of_near, k)
    intruders = np.zeros((n, n + 1), int)
    np.add.at(intruders, (row, of_near[:, :k]), intrusion > 0)
    farther = intruders[:, ::-1].cumsum(axis=1)[:, ::-1] - intruders
    total = intrusion.sum(axis=1, keepdims=True) - np.take_along_axis(farther, rank, axis=1)

    next_rank = of_near[:, k:]
    substitute = np.maximum(next_rank - (of_near[:, :k] < next_rank) - k, 0)
    total[row, near[:, :k]] += substitute - intrusion
    np.fill_diagonal(total, 0)
    return total.sum(axis=0)


def shared(rank_of_near: Int[np.ndarray, "n more"], k: int) -> Int[np.ndarray, "n k"]:
    """1 for each of the k nearest that is among the k nearest of the other space."""
    return (rank_of_near[:, :k] <= k).astype(int)


def from_shared(total: Int[np.ndarray, " some"], n: int, k: int) -> Float[np.ndarray, " some"]:
    """R from the number of shared neighbours."""
    return ((n - 1) * total / (n * k) - k) / (n - 1 - k)


def shared_without_each(rank: Ranks, near: Near) -> Int[np.ndarray, " n"]:
    """Shared neighbours of the other rows, for each row l left out.

    Where l was within rank k of i, a neighbour of rank k + 1 becomes one that is shared; where l was among i's k
    nearest, the next one takes its place.
    """
    n, k = len(near), near.shape[1] - 1
    row = np.arange(n)[:, None]
    of_near = np.take_along_axis(rank, near, axis=1)
    within = shared(of_near, k)
    entering = (of_near[:, :k] == k + 1).sum(axis=1, keepdims=True)
    total = within.sum(axis=1, keepdims=True) + entering * (rank <= k)
    substitute = of_near[:, k:] - (of_near[:, :k] < of_near[:, k:]) <= k
    left_out_entered = entering * (of_near[:, :k] <= k)
    total[row, near[:, :k]] = within.sum(axis=1, keepdims=True) - within + left_out_entered + substitute
    np.fill_diagonal(total, 0)
    return total.sum(axis=0)


INTRUSIONS = Statistic("trustworthiness", intrusions, from_intrusions, intrusions_without_each)
SHARED = Statistic("neighbour overlap", shared, from_shared, shared_without_each)
