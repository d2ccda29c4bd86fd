"""Rank correlation and agreement of numbers of runs, under resampling weights (S, n)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def rank_correlation(x: np.ndarray, y: np.ndarray, kind: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return Spearman's or Kendall's (tau-b) correlation of x and y, (n,), under weights (S, n)."""
    if kind == "kendall":
        concordance = np.sign(x[:, None] - x) * np.sign(y[:, None] - y)
        apart_x, apart_y = (np.sign(v[:, None] - v) ** 2 for v in (x, y))

        def tau(weights: np.ndarray) -> np.ndarray:
            both, one, other = (
                ((weights @ m) * weights).sum(axis=1) for m in (concordance, apart_x, apart_y)
            )
            return np.where(np.minimum(one, other) > 0, both / np.sqrt(np.maximum(one * other, 1e-300)), 0.0)

        return tau

    def rho(weights: np.ndarray) -> np.ndarray:
        """(S,); 0 where x or y does not vary within a resample."""
        n = weights.sum(axis=1, keepdims=True)
        of_x, of_y = (
            ranks - (weights * ranks).sum(axis=1, keepdims=True) / n
            for ranks in (ranks_within(x, weights), ranks_within(y, weights))
        )
        xx, yy, xy = ((weights * square).sum(axis=1) for square in (of_x**2, of_y**2, of_x * of_y))
        varies = np.minimum(xx, yy) > 1e-9 * n[:, 0] ** 2
        return np.where(varies, xy / np.sqrt(np.where(varies, xx * yy, 1)), 0.0)

    return rho


def ranks_within(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return mean ranks (S, n) of n values that occur as often as weights (S, n) say."""
    group = np.unique(values, return_inverse=True)[1]
    there = weights @ np.eye(group.max() + 1)[group]
    return (np.cumsum(there, axis=1) - there / 2 + 0.5)[:, group]


def kappa(tables: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return kappa of the weighted sum of runs' tables (n, L, L); NaN where both sides always say the same."""

    def statistic(weights: np.ndarray) -> np.ndarray:
        p = np.einsum("sn,nij->sij", weights, tables)
        total = p.sum(axis=(1, 2))
        p = p / np.where(total > 0, total, np.nan)[:, None, None]
        observed = np.trace(p, axis1=1, axis2=2)
        expected = (p.sum(axis=1) * p.sum(axis=2)).sum(axis=1)
        beyond = np.where(np.abs(observed - expected) > 1e-12, observed - expected, 0.0)
        return beyond / np.where(expected < 1 - 1e-12, 1 - expected, np.nan)

    return statistic
