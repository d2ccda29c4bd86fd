"""How far samples are from a rising curve of something else, that is fitted to other runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from phasescope.studies.readings.crossings import crossing_step


def crossing(steps: np.ndarray, values: np.ndarray, level: float) -> float:
    """Return the step at which values are above a level for good, interpolated between snapshots; NaN if never.

    Values that are above it from the start cross it at the first step.
    """
    return float(steps[0]) if (values > level).all() else crossing_step(steps, values, level)


def curve(x: np.ndarray, y: np.ndarray) -> Any:
    """Return the rising curve through points that fits best: isotonic regression, flat beyond them."""
    from sklearn.isotonic import IsotonicRegression

    return IsotonicRegression(out_of_bounds="clip").fit(x, y)


def until_twice(steps: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Return which snapshots are counted, (T,) bool: up to twice the step at which half of the samples are correct."""
    half = crossing(steps, correct, 0.5)
    return steps <= (2 * half if np.isfinite(half) else steps[-1])


def fitted_to(x: Sequence[np.ndarray], y: Sequence[np.ndarray], but: int | None = None) -> Any:
    """Return the curve that is fitted to courses of all runs, or all but one."""
    rest = [number for number in range(len(x)) if number != but]
    return curve(np.concatenate([x[n] for n in rest]), np.concatenate([y[n] for n in rest]))


def counted_error(fitted: Any, given: np.ndarray, steps: np.ndarray, correct: np.ndarray) -> float:
    """Return the mean absolute error of a fitted curve over the snapshots of a run that count."""
    return float(np.abs(fitted.predict(given) - correct)[until_twice(steps, correct)].mean())
