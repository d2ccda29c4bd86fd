"""Logistic regression of shares by quasi-likelihood, for many resamples at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

ITERATIONS, NEAR, FARTHEST = 40, 1e-6, 2.0
"""of Newton's method: the most iterations, the step at which it ends, and the longest step"""
RIDGE = 1e-4
"""penalty on coefficients: shares that are all 0 below a point and all 1 above it have no finite optimum"""


def fractional_logit(
    design: Float[np.ndarray, "n p"], share: Float[np.ndarray, " n"], weights: Float[np.ndarray, "S n"]
) -> Float[np.ndarray, "S p"]:
    """Return the coefficients of logit E[share] = design @ beta for every row of weights (Papke & Wooldridge
    1996)."""
    beta = np.zeros((1, design.shape[1]))
    if len(weights) > 1:  # resamples lie near the runs' own optimum: from there few steps are left
        beta = fractional_logit(design, share, np.ones((1, len(share))))
    beta = np.repeat(beta, len(weights), axis=0)
    squares = np.einsum("np,nq->npq", design, design).reshape(len(design), -1)
    penalty = RIDGE * np.eye(design.shape[1])
    for _ in range(ITERATIONS):
        mean = 1 / (1 + np.exp(-np.clip(beta @ design.T, -30, 30)))
        slope = (weights * (share - mean)) @ design - RIDGE * beta
        bend = ((weights * mean * (1 - mean)) @ squares).reshape(-1, *penalty.shape) + penalty
        step = np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
        longest = np.abs(step).max(axis=1, keepdims=True)
        # A full Newton step overshoots where shares are near 0 or 1, so it is shortened.
        beta += step * np.minimum(1, FARTHEST / np.maximum(longest, 1e-300))
        if longest.max() < NEAR:
            break
    return beta
