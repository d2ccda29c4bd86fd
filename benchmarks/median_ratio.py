"""How many times later one set of runs is there than another: the ratio of their Kaplan-Meier medians, runs not paired."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from benchmarks.survival import Observed, Times, check_times, known, median_limits
from phasescope.measures import Score
from phasescope.measures.scores import TAIL, bootstrap_weights
from phasescope.randomness import numpy_generator


def median_ratio(
    first: Times,
    first_ends: Sequence[float],
    second: Times,
    second_ends: Sequence[float],
    resamples: int = 2000,
) -> Score:
    """The median of the second set over that of the first; NaN where censoring leaves it open.

    The interval is that of the percentiles of a bootstrap of the runs, each resampled median with its limits; an end that
    censoring leaves open is 0 or infinite. `detail` has `at_least`, the sample's lower limit.

    Raises:
        ValueError: as `check_times` says, or no time in either set.
    """
    sets = (
        check_times("first", first, first_ends),
        check_times("second", second, second_ends),
    )
    if not any(one.came.any() for one in sets):
        raise ValueError("`first` and `second` (all censored) must hold a time: nothing to compare")
    rng = numpy_generator(0, "median onset ratio")
    low, high = _ratio(*(_median(one) for one in sets))
    drawn = [bootstrap_weights(len(one.t), resamples, rng).astype(int) for one in sets]
    limits = np.array(
        [
            _ratio(*(_median(one, w) for one, w in zip(sets, pair, strict=True)))
            for pair in zip(*drawn, strict=True)
        ]
    )
    return Score(
        value=known(low, high),
        low=float(np.quantile(limits[:, 0], TAIL, method="lower")),
        high=float(np.quantile(limits[:, 1], 1 - TAIL, method="higher")),
        n=sum(len(one.t) for one in sets),
        estimator=f"ratio of Kaplan-Meier medians of {len(second)} and {len(first)} runs, bootstrap percentiles",
        detail={"at_least": low, "at_most": high},
    )


def _median(runs: Observed, counts: Int[np.ndarray, " n"] | None = None) -> tuple[float, float]:
    """Limits of the median of a set, in which each run counts so many times; once by default."""
    if counts is None:
        return median_limits(runs)
    return median_limits(Observed(np.repeat(runs.t, counts), np.repeat(runs.came, counts)))


def _ratio(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    """Limits of the second median over the first."""
    low, high = second[0] / first[1], second[1] / first[0]
    return (0.0 if np.isnan(low) else low), (np.inf if np.isnan(high) else high)
