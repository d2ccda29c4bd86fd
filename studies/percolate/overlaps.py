"""When do the images of a set hang together? Their overlaps as a graph, and from which share on it percolates.

Two images overlap by <a, b> / (|a| |b|), a and b less the background; two Gaussians r apart by exp(-r^2 / (4 sigma^2)).
Images that overlap by a threshold or more are neighbours (Liang et al. 2024, arXiv 2408.13256, who do not say how they
measure overlap). Of labels drawn at random, few are islands and many are one continent: the critical share is that from
which on the largest component holds half of what is drawn. On a square lattice of four neighbours it is near site
percolation's 0.593, of eight near 0.407 (Stauffer & Aharony 1994), as far as a finite lattice has one.
"""

import math
from typing import NamedTuple

import numpy as np

from phasescope.studies import numpy_generator

HALF = 0.5
"""of what is drawn, that the largest component holds from the critical share on"""
SHARES = 33
"""that are tried, evenly in their logarithm, from `LEAST` images to all"""
LEAST = 16


def overlap_graph(images: np.ndarray, threshold: float, background: np.ndarray | None = None) -> np.ndarray:
    """Return which images overlap by a threshold or more, (n, n); no image with itself.

    Args:
        images: (n, ...), whose overlaps are held in memory.
        threshold: above 0, at most 1.
        background: an image without an object; None: the images' median.
    """
    n = len(images)
    flat = np.asarray(images, dtype=float).reshape(n, -1)
    objects = flat - (np.median(flat, axis=0) if background is None else np.reshape(background, -1))
    norm = np.linalg.norm(objects, axis=1, keepdims=True)
    unit = np.divide(objects, norm, out=np.zeros_like(objects), where=norm > 1e-9 * max(norm.max(), 1e-300))
    near = unit @ unit.T >= threshold
    np.fill_diagonal(near, val=False)
    return near


class CriticalShare(NamedTuple):
    """Share of a graph's nodes; NaN if half of all of them do not hang together."""

    share: float
    at_most: bool
    """that share: half hang together from 16 nodes on, the fewest that are tried"""


def critical_share(graph: np.ndarray, orders: int = 20, seed: int = 0) -> CriticalShare:
    """Return the share of nodes, drawn at random, from which on the largest component holds half of those drawn; the
    mean over random orders."""
    n = len(graph)
    pairs = np.nonzero(np.triu(graph))
    drawn = [numpy_generator(seed, "percolation", i).permutation(n) for i in range(orders)]
    counts = np.unique(np.geomspace(min(LEAST, n), n, SHARES).round().astype(int))
    held = np.mean([_held(pairs, order)[counts - 1] for order in drawn], axis=0)
    below = np.flatnonzero(held < HALF)
    if not len(below):
        return CriticalShare(float(counts[0] / n), at_most=True)
    last = int(below[-1])
    if last == len(counts) - 1:
        return CriticalShare(math.nan, at_most=False)
    part = (HALF - held[last]) / (held[last + 1] - held[last])
    share = float((counts[last] + part * (counts[last + 1] - counts[last])) / n)
    return CriticalShare(share, at_most=False)


def _held(pairs: tuple[np.ndarray, ...], order: np.ndarray) -> np.ndarray:
    """Return the share of the first 1, 2, ..., n nodes of an order that their largest component holds, (n,).

    A pair of neighbours counts from its later node on; a minimum spanning forest of the pairs joins all that hangs together.
    """
    from scipy.cluster.hierarchy import DisjointSet
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import minimum_spanning_tree

    n = len(order)
    place = np.argsort(order)
    i, j = place[pairs[0]], place[pairs[1]]
    forest = minimum_spanning_tree(csr_matrix((np.maximum(i, j).astype(float), (i, j)), shape=(n, n))).tocoo()
    later = np.argsort(forest.data)
    sets, largest = DisjointSet(range(n)), np.ones(n)
    for first, second in zip(forest.row[later].tolist(), forest.col[later].tolist(), strict=True):
        sets.merge(first, second)
        m = max(first, second)
        largest[m] = max(largest[m], sets.subset_size(first))
    return np.maximum.accumulate(largest) / np.arange(1, n + 1)
