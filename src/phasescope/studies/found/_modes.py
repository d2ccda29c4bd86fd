"""When each mode of Fourier emerges in what is painted; and when it does in a linear network, which is known exactly.

Flow matching has x_t = (1 - t) x_0 + t eps. A linear denoiser that commutes with shifts has one weight a mode and t. Under
gradient flow of rate eta from 0 the weight comes to its best at the rate 2 eta A, A = (1 - t)^2 lambda + t^2 with lambda the
data's variance in the mode, and the painted variance goes from 1 to lambda (Wang & Pehlevan 2025, arXiv 2503.03206):

    v(tau) = lambda exp[Ei(-2 eta tau) - Ei(-2 eta tau lambda)].

A mode has emerged when v falls for good below the harmonic mean of 1 and lambda, h = 2 lambda / (1 + lambda), which is
within a factor 2 of lambda. There Ei(-2 eta tau lambda) is near -log 2 whatever lambda, so tau is proportional to 1/lambda:
with lambda = c^2 (2 pi s^2)^2 exp(-s^2 |k|^2) / N^2 on a torus log tau grows as s^2 |k|^2. (At the geometric mean
Ei(-2 eta tau lambda) is log(lambda) / 2, and the slope is half that.) For s = 1 px, N = 32 px and s^2 |k|^2 up to 4 the
least-squares slope of the exact course is 0.96 s^2: lambda is not small at the widest modes.

What a network paints also tells how many objects it paints: noise that leaves before objects come dates nothing that was
learnt of the data. So networks that are not linear are asked for their answer to true images in noise. At the t at which
a mode's signal is as strong as its noise, (1 - t)^2 lambda = t^2, the best answer of any network, E[x_0 | x_t], has Wiener's
gain along the mode, w = (1 + sqrt(lambda)) / 2, as E[x_0 | x_t] x_t* and x_0 x_t* have one expectation. An untrained one
leaves noise as it is, and has 1. The linear network's own is w + (1 - w) exp(-4 eta t^2 tau): it is half way at

    eta tau = log(2) / (4 t^2),    t = sqrt(lambda) / (1 + sqrt(lambda)),

whose log grows nearly as s^2 |k|^2, with a slope of 0.87. A network that learns all modes at one rate comes half way in all
at once. One that overshoots, and takes more than the noise, has passed it.

What lies beyond a run's snapshots is not dated but bounded, and so is then the slope.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies.core.criteria import column

if TYPE_CHECKING:
    import pandas as pd

Bounds = tuple[np.ndarray, np.ndarray]
"""of some numbers the least that each can be, and the most: the same where it is known, infinite where nothing bounds it"""
GROUP = "modes"
UP_TO, PARTS = 4.0, 12
"""of s^2 |k|^2, and into how many equal parts it is divided, each with one |k|^2"""


def wave_numbers(canvas: int, sigma_px: float) -> dict[int, float]:
    """s^2 |k|^2 by |n|^2, n the turns round the canvas: of each part of (0, `UP_TO`] the |n|^2 that most modes have, the
    least of several."""
    turns = np.fft.fftfreq(canvas, 1 / canvas).round().astype(int)
    squares, modes = np.unique(turns[:, None] ** 2 + turns**2, return_counts=True)
    x = (2 * math.pi * sigma_px / canvas) ** 2 * squares
    parts = np.ceil(PARTS * x / UP_TO)
    best = [max(np.flatnonzero(parts == part), key=lambda i: modes[i]) for part in range(1, PARTS + 1)]
    return {int(squares[i]): float(x[i]) for i in best}


def harmonic(exact: np.ndarray) -> np.ndarray:
    """The variance below which a mode has emerged, of the data's variances."""
    return 2 * exact / (1 + exact)


def course(exact: np.ndarray, eta_tau: np.ndarray) -> np.ndarray:
    """The painted variance of modes of the data's variances `exact` at times eta tau, which broadcast: 1 at 0."""
    from scipy.special import expi

    at = np.maximum(eta_tau, 1e-12)
    return exact * np.exp(expi(-2 * at) - expi(-2 * at * exact))


def emerges_at(exact: np.ndarray) -> np.ndarray:
    """eta tau at which the course falls below the harmonic mean, of each of the data's variances."""
    from scipy.optimize import brentq

    def above(log_at: float, one: float) -> float:
        return math.log(course(np.array(one), np.array(math.exp(log_at))) / harmonic(np.array(one)))

    return np.exp([brentq(above, -10.0, 10.0 - math.log(one), args=(one,)) for one in exact.tolist()])


HALF_WAY = 0.5
"""of what a gain is above Wiener's: below it a mode is learnt"""


def equal_noise(exact: np.ndarray) -> np.ndarray:
    """The t at which modes of the data's variances `exact` are as strong as the noise in them."""
    return np.sqrt(exact) / (1 + np.sqrt(exact))


def left_course(exact: np.ndarray, eta_tau: np.ndarray) -> np.ndarray:
    """What is left of how far a linear network's gain is above Wiener's there, 1 untrained, of modes of the data's
    variances, at times eta tau, which broadcast."""
    return np.exp(-4 * eta_tau * equal_noise(exact) ** 2)


def answers_at(exact: np.ndarray) -> np.ndarray:
    """eta tau at which that is `HALF_WAY`."""
    return -math.log(HALF_WAY) / (4 * equal_noise(exact) ** 2)


def for_good(steps: np.ndarray, excess: np.ndarray, between: bool = True) -> Bounds:
    """The log of the step, (m,), from which on each column of `excess`, (T, m), stays below 0.

    Between the last snapshot that is not below and the next it is interpolated, in log steps. One that is below from the
    first trained snapshot on is bounded by 1 step and by that snapshot; one that is not below at the end, by the run's end
    alone.

    Args:
        steps: (T,), from 0 on.
        between: whether it is interpolated; if not, both snapshots bound it.
    """
    logs = np.log(np.maximum(steps, 1))
    low, high = np.zeros(excess.shape[1]), np.full(excess.shape[1], math.inf)
    for mode, of_mode in enumerate(excess.T):
        before = np.flatnonzero(~(of_mode < 0))
        last = int(before[-1]) if len(before) else 0
        if last == len(steps) - 1:
            low[mode] = logs[last]
        elif steps[last] == 0:
            high[mode] = logs[last + 1]
        elif not between:
            low[mode], high[mode] = logs[last], logs[last + 1]
        else:
            share = of_mode[last] / (of_mode[last] - of_mode[last + 1])
            low[mode] = high[mode] = logs[last] + share * (logs[last + 1] - logs[last])
    return low, high


def slope(x: np.ndarray, dates: Bounds) -> tuple[float, float]:
    """The least and the most that the least-squares slope over x of the dates can be.

    One of the wider modes that never comes leaves it open on both sides: no slope is flat for want of a mode.
    """
    low, high = dates
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    up = weights > 0
    if np.isinf(high[~up]).any():
        return -math.inf, math.inf
    return (
        float((weights * np.where(up, low, high)).sum()),
        float((weights * np.where(up, high, low)).sum()),
    )


def painted_and_exact(run: pd.DataFrame, numbers: dict[int, float]) -> Bounds:
    """(T, m) variances of painted images, and of the data, by wave number.

    Raises:
        NotEnough: they were not read.
    """
    return _by_mode(run, "painted", numbers), _by_mode(run, "exact", numbers)


def _by_mode(run: pd.DataFrame, name: str, numbers: dict[int, float]) -> np.ndarray:
    return np.column_stack([column(run, f"{GROUP}.{name}.{square}") for square in numbers])


def emergence(run: pd.DataFrame, numbers: dict[int, float]) -> Bounds:
    """The log of the step at which each mode's painted variance falls for good below the harmonic mean."""
    painted, exact = painted_and_exact(run, numbers)
    return for_good(column(run, "step"), _log(painted) - np.log(harmonic(exact)))


def answer(run: pd.DataFrame, numbers: dict[int, float]) -> Bounds:
    """The log of the step from which on no more is left than `HALF_WAY` of how far the network's gain along each mode is
    above Wiener's, bounded by the snapshots about it: of several modes that come between two none is known to be first."""
    return for_good(column(run, "step"), _by_mode(run, "left", numbers) - HALF_WAY, between=False)


def _log(painted: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(painted, 1e-30))
