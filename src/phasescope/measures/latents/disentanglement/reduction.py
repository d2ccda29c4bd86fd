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

import warnings
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
    from sklearn.decomposition import PCA

    fitted = PCA(min(dimensions, len(train), features), svd_solver="full").fit(x[train])
    variance = fitted.explained_variance_
    rank = int((variance > 1e-12 * variance[0]).sum())
    if rank < 2:
        raise ValueError(
            "`latents` (one direction varies in the training rows) must have at least 2: scores compare dimensions"
        )
    held = np.cumsum(fitted.explained_variance_ratio_)
    enough = 1 + np.searchsorted(held, VARIANCE * (1 - 1e-12))
    d = min(max(int(enough), 2), rank)
    components = fitted.transform(x)[:, :d]
    if reduction == "ica":
        components = independent(components, train)
    kept = f"{d} of {features} features with {100 * held[d - 1]:.1f} % of the variance"
    return components, f"{reduction.upper()} to {kept}"


def independent(z: Float[np.ndarray, "n d"], train: Int[np.ndarray, " m"]) -> Float[np.ndarray, "n d"]:
    """Uncorrelated components at unit variance, turned by symmetric FastICA with g = tanh, fitted to the training rows."""
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    z = z / z[train].std(axis=0)
    ica = FastICA(whiten=False, max_iter=ICA_STEPS, tol=1e-8, w_init=np.eye(z.shape[1]))
    with warnings.catch_warnings():
        # Directions of Gaussian noise have no axes to find: the last step's are as good as any.
        warnings.simplefilter("ignore", ConvergenceWarning)
        ica.fit(z[train])
    return z @ ica.components_.T
