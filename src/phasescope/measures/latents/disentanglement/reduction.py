"""From activations to the few dimensions whose axes are judged: label-free, fitted to the training rows only.

`none` takes the features as they are: the axes are the network's own, as in a VAE's code.

`pca` projects on the leading principal directions, as many as hold 95 % of the variance. **Its axes are then
PCA's**: variance chooses them, not the network, and where two directions have like variance, as those of x and
y in a square world, their angle is an accident of sampling.

`ica` turns the principal components, scaled to unit variance, to where they are least Gaussian: symmetric
FastICA (Hyvarinen 1999) with g = tanh, W <- orthonormal part of E[g(Wz) z^T] - diag(E[g'(Wz)]) W, from W = 1. If
latents are a linear map of independent factors, none or one of them Gaussian, those are its axes (Comon 1994): what is
judged is whether such an axis can be found without labels. Training rows with combinations left out have factors
that are no longer independent, and directions of Gaussian noise have no axes to find; the iteration ends after 200 steps.

Components are not offered whitened: no measure here sees the scale of a dimension but explicitness, through its penalty.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

Reduction = Literal["none", "pca", "ica"]

VARIANCE = 0.95
"""Of the training rows, that principal components are to hold."""
MOST_AXES = 32
"""Taken as they are."""
ICA_STEPS = 200


def reduce(
    x: Float[np.ndarray, "n features"], train: Int[np.ndarray, " m"], reduction: Reduction, dimensions: int
) -> tuple[Float[np.ndarray, "n d"], str]:
    """(the code's dimensions, the reduction's name), d at least 2.

    Args:
        x: latents without constant features.
        dimensions: the most that are kept by `pca` and `ica`.

    Raises:
        ValueError: no such reduction; for `none` more than 32 features or fewer than 2 that vary among the
            training rows; for the others fewer than 2 directions that do.
    """
    features = x.shape[1]
    varying = int((np.ptp(x[train], axis=0) > 0).sum())
    if varying < 2:
        raise ValueError(
            f"`latents` ({varying} features vary in the training rows) must have at least 2: scores compare dimensions"
        )
    if reduction == "none":
        if features > MOST_AXES:
            raise ValueError(
                f"`reduction` (='none') must be 'pca' or 'ica' for {features} features: "
                f"at most {MOST_AXES} are taken as axes"
            )
        return x, f"{features} raw features"
    if reduction not in ("pca", "ica"):
        raise ValueError(f"`reduction` (={reduction!r}) must be 'none', 'pca' or 'ica'")
    components, share = principal(x, train, dimensions)
    if reduction == "ica":
        components = rotate(components, train)
    kept = f"{components.shape[1]} of {features} features with {100 * share:.1f} % of the variance"
    return components, f"{reduction.upper()} to {kept}"


def principal(
    x: Float[np.ndarray, "n features"], train: Int[np.ndarray, " m"], dimensions: int
) -> tuple[Float[np.ndarray, "n d"], float]:
    """(components, the share of variance that they hold), on the training rows' leading directions: as many as hold 95 %
    of the variance, 2 to `dimensions`."""
    from scipy.linalg import eigh

    x = x - x[train].mean(axis=0)
    a = x[train]
    wide = a.shape[1] > len(a)
    gram = a @ a.T if wide else a.T @ a
    most = min(dimensions, len(gram))
    found = eigh(gram, subset_by_index=[len(gram) - most, len(gram) - 1])
    variance, u = np.asarray(found[0])[::-1], np.asarray(found[1])[:, ::-1]
    rank = int((variance > 1e-12 * variance[0]).sum())
    if rank < 2:
        raise ValueError(
            "`latents` (one direction varies in the training rows) must have at least 2: scores compare dimensions"
        )
    enough = 1 + np.searchsorted(np.cumsum(variance), VARIANCE * gram.trace() * (1 - 1e-12))
    d = min(max(int(enough), 2), rank)
    directions = a.T @ (u[:, :d] / np.sqrt(variance[:d])) if wide else u[:, :d]
    return x @ directions, float(variance[:d].sum() / gram.trace())


def rotate(z: Float[np.ndarray, "n d"], train: Int[np.ndarray, " m"]) -> Float[np.ndarray, "n d"]:
    """Uncorrelated components at unit variance, turned by symmetric FastICA with g = tanh."""
    z = z / z[train].std(axis=0)
    fitted = z[train]
    W = np.eye(z.shape[1])
    for _ in range(ICA_STEPS):
        g = np.tanh(fitted @ W.T)
        u, _, v = np.linalg.svd(g.T @ fitted / len(fitted) - (1 - g**2).mean(axis=0)[:, None] * W)
        turned = u @ v
        settled = np.abs(np.abs((turned * W).sum(axis=1)) - 1).max() < 1e-8
        W = turned
        if settled:
            break
    return z @ W.T
