"""Lasso regressions of many targets, resamples and penalties at once, from their inner products.

Each minimises w^T G w / 2 - c^T w + alpha |w|_1 (Tibshirani 1996) with G = Z^T Z / m and c = Z^T y / m of centred
data, by accelerated proximal gradients (Beck & Teboulle 2009), restarted where momentum points uphill (O'Donoghue &
Candes 2015). All dimensions move at once, so equal ones share their weight equally, where coordinate descent would
give it all to the first: no order of dimensions is preferred.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

FOLDS = 5
PENALTIES = np.logspace(0, -3, 16)
"""Tried, in units of the least penalty that leaves no weight."""
MOST_STEPS = 2000
SETTLED = 1e-7


def lasso(
    gram: Float[np.ndarray, "*problems d d"],
    cross: Float[np.ndarray, "*problems d C"],
    penalty: Float[np.ndarray, "*penalties C"],
    start: Float[np.ndarray, "d C"] | None = None,
) -> Float[np.ndarray, "*problems d C"]:
    """The weights of each problem and target; `penalty` is alpha, broadcast over problems.

    Descent begins at `start`, by default at 0; from there equal dimensions stay equal.
    """
    step = 1 / np.maximum(np.linalg.eigvalsh(gram)[..., -1:, None], 1e-12)
    threshold = step * penalty[..., None, :]
    w = ahead = np.zeros_like(cross) if start is None else np.broadcast_to(start, cross.shape)
    t = np.ones((*cross.shape[:-2], 1, cross.shape[-1]))
    for _ in range(MOST_STEPS):
        moved = ahead - step * (gram @ ahead - cross)
        following = np.sign(moved) * np.maximum(np.abs(moved) - threshold, 0)
        change = following - w
        uphill = ((ahead - following) * change).sum(axis=-2, keepdims=True) > 0
        t = np.where(uphill, 1, t)
        t_next = (1 + np.sqrt(1 + 4 * t**2)) / 2
        ahead = following + (t - 1) / t_next * change
        w, t = following, t_next
        if np.abs(change).max() < SETTLED:
            break
    return w


def cross_validated_penalty(
    z: Float[np.ndarray, "m d"], y: Float[np.ndarray, "m C"], rng: np.random.Generator
) -> Float[np.ndarray, " C"]:
    """For each target the penalty of least squared error over 5 folds, columns of z and y being centred."""
    m, C = y.shape
    cross = z.T @ y / m
    penalties = np.abs(cross).max(axis=0) * PENALTIES[:, None]
    error = np.zeros(penalties.shape)
    for test in np.array_split(rng.permutation(m), FOLDS):
        fitted = np.setdiff1d(np.arange(m), test)
        z_mean, y_mean = z[fitted].mean(axis=0), y[fitted].mean(axis=0)
        a, b = z[fitted] - z_mean, y[fitted] - y_mean
        products = np.tile(a.T @ b / len(fitted), len(PENALTIES))
        w = lasso(a.T @ a / len(fitted), products, penalties.ravel())
        residual = np.tile(y[test] - y_mean, len(PENALTIES)) - (z[test] - z_mean) @ w
        error += (residual**2).sum(axis=0).reshape(error.shape)
    return penalties[error.argmin(axis=0), np.arange(C)]


def resampled_products(
    z: Float[np.ndarray, "m d"], y: Float[np.ndarray, "m C"], weights: Float[np.ndarray, "resamples m"]
) -> tuple[Float[np.ndarray, "resamples d d"], Float[np.ndarray, "resamples d C"]]:
    """(G, c) of each weighted sample, about its own means; weights sum to m."""
    (m, d), C = z.shape, y.shape[1]
    z_mean, y_mean = weights @ z / m, weights @ y / m
    gram = (weights @ (z[:, :, None] * z[:, None]).reshape(m, -1) / m).reshape(-1, d, d)
    cross = (weights @ (z[:, :, None] * y[:, None]).reshape(m, -1) / m).reshape(-1, d, C)
    return gram - z_mean[:, :, None] * z_mean[:, None], cross - z_mean[:, :, None] * y_mean[:, None]
