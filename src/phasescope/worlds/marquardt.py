"""Damped least squares of many small problems at once (Marquardt 1963)."""

from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float, Int

LEAST_DAMPING, MOST_DAMPING = 1e-9, 1e9


class Expansion(NamedTuple):
    """The losses of m problems about their parameters, to second order."""

    loss: Float[np.ndarray, " m"]
    hessian: Float[np.ndarray, "m p p"]
    """or an approximation of it"""
    descent: Float[np.ndarray, "m p"]
    """minus the gradient"""
    scale: Float[np.ndarray, "m p"]
    """of the damping"""

    def update(self, problems: Int[np.ndarray, " k"], new: Self) -> None:
        """Replace the expansions of some problems, in place, by k new ones."""
        for values, new_values in zip(self, new, strict=True):
            values[problems] = new_values

    def select(self, chosen: Bool[np.ndarray, " m"]) -> Self:
        """Return the expansions of the chosen problems."""
        return type(self)(*(values[chosen] for values in self))


def marquardt(
    expand: Callable[[Float[np.ndarray, "m p"], Int[np.ndarray, " m"]], Expansion],
    start: Float[np.ndarray, "n p"],
    reach: Float[np.ndarray, " p"],
    bounds: tuple[Float[np.ndarray, " p"], Float[np.ndarray, " p"]],
    iterations: int,
    rest: Float[np.ndarray, " n"] | None = None,
) -> tuple[Float[np.ndarray, "n p"], Bool[np.ndarray, " n"]]:
    """Solve least-squares problems together; return their parameters, and whether each came to rest.

    Args:
        expand: the expansion of some of the problems about parameters, from these and the problems' numbers.
        reach: the longest step along each parameter.
        bounds: the lowest and the highest value of each parameter.
        rest: a problem is at rest when a step promises less than this, and steps that promise nothing are refused; without
            it all steps are taken that do not raise the loss.
    """
    p = start.copy()
    lowest, highest = bounds
    current = expand(p, np.arange(len(p)))
    damping = np.full(len(p), 1e-3)
    settled = np.zeros(len(p), dtype=bool)

    live = np.arange(len(p))
    for _ in range(iterations):
        if not len(live):
            break

        damped = current.hessian[live] + diagonals(damping[live, None] * current.scale[live])
        step = np.linalg.solve(damped, current.descent[live, :, None])[..., 0].clip(-reach, reach)
        tried = np.clip(p[live] + step, lowest, highest)
        expansion = expand(tried, live)

        better = expansion.loss <= current.loss[live]
        promise = (step * current.descent[live]).sum(axis=1)
        if rest is not None:
            better &= promise >= 0

        p[live[better]] = tried[better]
        current.update(live[better], expansion.select(better))
        damping[live] = np.clip(damping[live] * np.where(better, 0.1, 10), LEAST_DAMPING, MOST_DAMPING)

        if rest is not None:
            settled[live] = (promise >= 0) & (promise < rest[live])
            live = live[~settled[live]]
    return p, settled


def diagonals(values: Float[np.ndarray, "m p"]) -> Float[np.ndarray, "m p p"]:
    """Return the diagonal matrix of each row."""
    return values[:, :, None] * np.eye(values.shape[1])
