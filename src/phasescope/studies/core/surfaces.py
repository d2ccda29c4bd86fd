"""Of shares of images that rise with one thing and are moved by another: by how much, and where they pass a level.

That a level lies beyond all that was tried leaves a run's own date open, and the mean over runs with it. A surface that is
fitted to all runs is defined all the same: logit E[y] = a + b u + c v, by quasi-likelihood, as y is a share between 0 and 1
(Papke & Wooldridge 1996). Along a level of it u changes by -c / b with v.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies.core.claim import NotEnough

if TYPE_CHECKING:
    from jaxtyping import Float

ITERATIONS, NEAR, FARTHEST = 40, 1e-6, 2.0
"""of Newton's method: the most, the step at which it ends, and the longest step"""
RIDGE = 1e-4
"""on coefficients, of a likelihood summed over runs: shares that are all 0 below a point and 1 above it have no best ones"""
LEAST_RISE = 0.01
"""of b: shares that rise by less with u, a quarter of a percent a unit, do not rise"""


def fractional_logit(
    design: Float[np.ndarray, "n p"], share: Float[np.ndarray, " n"], weights: Float[np.ndarray, "S n"]
) -> Float[np.ndarray, "S p"]:
    """Coefficients of logit E[share] = design @ beta, of runs as often as each row of weights has them."""
    beta = np.zeros((len(weights), design.shape[1]))
    squares = np.einsum("np,nq->npq", design, design)
    penalty = RIDGE * np.eye(design.shape[1])
    for _ in range(ITERATIONS):
        mean = 1 / (1 + np.exp(-np.clip(beta @ design.T, -30, 30)))
        slope = (weights * (share - mean)) @ design - RIDGE * beta
        bend = np.einsum("sn,npq->spq", weights * mean * (1 - mean), squares) + penalty
        step = np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
        longest = np.abs(step).max(axis=1, keepdims=True)
        beta += step * np.minimum(1, FARTHEST / np.maximum(longest, 1e-300))
        if longest.max() < NEAR:
            break
    return beta


def moving(
    share: np.ndarray, u: np.ndarray, v: np.ndarray, also: Sequence[np.ndarray] = ()
) -> Callable[[np.ndarray], np.ndarray]:
    """By how much u changes with v along a level of the surface that runs' shares lie on, as a statistic for `over_runs`.

    Args:
        share: of each run, (n,), from 0 to 1.
        u: what a share rises with, (n,); where it does not, the statistic is NaN.
        v: what moves it, (n,).
        also: what else it depends on.

    Raises:
        NotEnough: `v` has one value alone.
    """
    if np.ptp(v) == 0:
        raise NotEnough("all runs have one value of what may move the level")
    columns = [np.asarray(one, dtype=float) for one in (u, v, *also)]
    design = np.column_stack([np.ones(len(share)), *(one - one.mean() for one in columns)])

    def moved(weights: np.ndarray) -> np.ndarray:
        beta = fractional_logit(design, share, weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(beta[:, 1] > LEAST_RISE, -beta[:, 2] / beta[:, 1], np.nan)

    return moved
