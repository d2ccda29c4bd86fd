"""Which held-out labels of a torus are reached without learning: by a nearest neighbour, or by affine combinations."""

from functools import cache

import numpy as np
from scipy.stats import hypergeom

import phasescope.studies as ps

SIDE = 32
DRAWS, TRIED = 10, 300  # sets of images, and held-out labels of each, for the share in the hull


@ps.reads()
def nearest(runs: ps.Runs, each: bool = False) -> np.ndarray:
    """Return the accuracy of a nearest-neighbour baseline on held-out labels, (n,); `each`: of each factor by itself."""
    K, n = np.asarray(runs.table["factors"]), np.asarray(runs.table["images"])
    near, all_held_out = 3**K - 1, SIDE**K - 1  # a held-out label is not trained on; its neighbours may be
    exact = 1 - hypergeom.pmf(0, all_held_out, near, n)
    return np.where(K > 1, (1 - (1 - 3 / SIDE) ** n) ** K, exact) if each else exact


def in_hull(seen: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return which labels, (m, K) int, have an image that is an affine combination of the images seen, (n, K): (m,) bool."""
    # Images of lines at different places are linearly independent, so one-hot codes of the labels stand for them. A code's
    # first factor has one 1, so that the coefficients of a linear combination that gives a code sum to 1: it is affine.
    of_seen = np.eye(SIDE)[seen].reshape(len(seen), -1)
    of_labels = np.eye(SIDE)[labels].reshape(len(labels), -1)
    _, scale, axes = np.linalg.svd(of_seen, full_matrices=False)
    basis = axes[scale > 1e-9]
    return np.abs(of_labels - of_labels @ basis.T @ basis).max(axis=1) < 1e-6


@cache
def hull_of(factors: int, images: int) -> float:
    """Return the share of held-out labels in the affine hull of images drawn at random: mean over draws."""
    places, rng, shares = (SIDE,) * factors, ps.numpy_generator(0, "hull"), []
    for _ in range(DRAWS):
        drawn = rng.choice(SIDE**factors, min(images + TRIED, SIDE**factors), replace=False)
        labels = np.stack(np.unravel_index(drawn, places), axis=1)
        shares.append(in_hull(labels[:images], labels[images:]).mean())
    return round(float(np.mean(shares)), 2)  # ten draws know no more digits


@ps.reads()
def hull(runs: ps.Runs) -> np.ndarray:
    points = runs.table[["factors", "images"]].itertuples(index=False, name=None)
    return np.array([hull_of(*point) for point in points])
