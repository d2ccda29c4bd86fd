"""When will a conditional model follow its condition? A forecast from the course of its use so far.

Use u, the share of the exact contrast that a model makes, leaves 0 as from a saddle and saturates at 1. To first order
du/ds = r u (1 - u) on a clock s of the training, so the logit of u is a line in s,

    log(u / (1 - u)) = a + b s,    and u passes the level L at s = (logit(L) - a) / b.

The clock is log x, x or x^2, of the images seen x: growth that slows down, that is steady, or that speeds up. The one with
the smallest error over all readings above the noise is taken. The line is fitted to the last of them by their standard
errors, those of the logit being se / (u (1 - u)), scaled up where readings scatter by more. Fieller's (1954) interval of the
crossing holds all s at which the line cannot be distinguished from the level. If its slope cannot be distinguished from 0
there is no upper end, and no forecast yet.

Real courses are no exact curves, so this interval alone holds too few crossings. `WIDENING` multiplies the training that
remains to its ends and to the middle, by split conformal prediction of both ends (Romano, Patterson & Candes 2019) on the
courses of small systems. `python -m benchmarks.forecast` computes it, and prints how many crossings intervals hold of
systems that were left out. `LEVEL`, `LEAST`, `LAST`, `FAR`, `POWERS`, `STEADY` and `MISFIT` were chosen on the same courses,
or are conventions; at which use half of the samples follow their condition is another question.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasescope.core.errors import UserError

Answer = Literal["passed", "forecast", "not yet", "does not grow", "no ceiling"]
LEVEL = 0.5
"""use that is forecast by default"""
INTERVAL = 0.8
"""share of forecasts whose interval should hold what happens"""
SEEN = 3.0
"""standard errors by which use leaves its noise"""
LEAST, LAST = 4, 8
"""readings above the noise that a forecast needs, and that it uses"""
FAR = 10.0
"""times the images seen: what would take longer even at the greatest credible slope does not grow, and an interval that ends
later is no forecast"""
POWERS = (0.0, 1.0, 2.0)
"""of x, the clocks of growth that slows down, is steady, or speeds up; 0 is log x"""
STEADY = 1.0
"""by which the squared error must be smaller for another clock than x: readings that hardly change fit all of them alike"""
MISFIT = 0.02
"""error of a logit that a curve has beside the readings', so that readings of little noise do not count for all"""


class Widening(NamedTuple):
    """Factors of the training that remains to an interval's ends and to the forecast itself."""

    low: float
    middle: float
    high: float


NO_WIDENING = Widening(1.0, 1.0, 1.0)
WIDENING = Widening(0.69, 1.28, 2.19)
"""of the shipped courses, by `python -m benchmarks.forecast`; a test compares"""


@dataclass(frozen=True)
class Forecast:
    """When use passes a level, in the unit of the readings (images seen, or steps); or why that is not known."""

    answer: Answer
    level: float
    at: float | None = None
    """when it passes, or passed, the level: the median"""
    low: float | None = None
    """lower end of the interval of probability `INTERVAL`"""
    high: float | None = None
    reason: str = ""
    """why there is no forecast"""

    def __str__(self) -> str:
        if self.answer == "forecast":
            return f"use {self.level:g} at {self.at:,.0f} ({self.low:,.0f} to {self.high:,.0f}, {INTERVAL:.0%} interval)"
        if self.answer == "passed":
            return f"use {self.level:g} was passed at {self.at:,.0f}"
        words = {
            "not yet": "no forecast yet",
            "does not grow": "it does not grow",
            "no ceiling": "no forecast",
        }
        return f"{words[self.answer]}: {self.reason}"


def forecast_use(
    x: ArrayLike,
    use: ArrayLike,
    se: ArrayLike,
    level: float = LEVEL,
    *,
    until: int | float | None = None,
    widening: Widening = WIDENING,
) -> Forecast:
    """Return the forecast of when use passes `level`, from the readings so far.

        forecast = forecast_use(x=[0, 1000, 2000, 3000], use=[0.02, 0.04, 0.08, 0.15], se=[0.004, 0.004, 0.004, 0.004])
        forecast.answer, forecast.low, forecast.at, forecast.high

    The trap: `x` must count what training is counted in, images or steps. A forecast that has seen the crossing is none: of
    a finished run, give `until`.

    Args:
        x: images seen or steps at each reading, (n,), ascending.
        use: share of the exact contrast in the deciding band, (n,).
        se: its standard errors, (n,).
        level: between 0 and 1; the interval is calibrated at 0.5.
        until: the last `x` that the forecast knows; all by default.
        widening: of the interval; `NO_WIDENING` is what the readings' errors alone say.

    Raises:
        UserError: lengths differ, `x` does not ascend, or `level` is not between 0 and 1.
    """
    x, use, se = (np.asarray(values, dtype=float) for values in (x, use, se))
    if not (x.ndim == 1 and x.shape == use.shape == se.shape):
        raise UserError(
            f"`use` (of shape {use.shape}) must have one number for each of `x`, {x.shape}, as must `se`, {se.shape}"
        )
    if (np.diff(x) <= 0).any():
        raise UserError("`x` must ascend: readings come in the order of training")
    check_level(level)
    if until is not None:
        x, use, se = (values[: np.searchsorted(x, until, side="right")] for values in (x, use, se))

    crossing = _crossing(x, use, level)
    if crossing is not None:
        return Forecast("passed", level, at=crossing, low=crossing, high=crossing)

    kept = _above_noise(x, use, se)
    if len(kept) < LEAST:
        reason = f"{len(kept)} readings in a row are above their noise, and {LEAST} are needed"
        return Forecast("not yet", level, reason=reason)
    return _from_curve(x[kept], use[kept], se[kept], level, widening)


def check_level(level: float) -> None:
    """Raise UserError unless a level is a share of the exact contrast."""
    if not 0 < level < 1:
        raise UserError(f"`level` (={level:g}) must be between 0 and 1: 0 ignores the condition, 1 is exact")


def _crossing(x: np.ndarray, use: np.ndarray, level: float) -> float | None:
    """Return where use passed the level for good, on the line between two readings; None if it is below it now."""
    below = np.flatnonzero(~(use >= level))
    if not len(x) or (len(below) and below[-1] == len(x) - 1):
        return None
    if not len(below):
        return float(x[0])
    i = below[-1]
    return float(np.interp(level, use[i : i + 2], x[i : i + 2]))


def _above_noise(x: np.ndarray, use: np.ndarray, se: np.ndarray) -> np.ndarray:
    """Return the indices of the last readings in a row that are above their noise, after the first step, ascending."""
    is_seen = (use > SEEN * se) & (use > 0) & (use < 1) & (se > 0) & (x > 0)
    out = np.flatnonzero(~is_seen)
    return np.arange(out[-1] + 1 if len(out) else 0, len(use))


@dataclass(frozen=True)
class _Line:
    """A line through logits on a clock, which begins at the last reading; its unit is the span of the readings."""

    power: float
    last: float
    unit: float
    intercept: float
    slope: float
    covariance: np.ndarray
    """(2, 2)"""
    error: float
    """sum of squared residuals, in standard errors"""
    freedom: int

    @classmethod
    def through(cls, x: np.ndarray, logit: np.ndarray, spread: np.ndarray, power: float) -> _Line:
        """Return the line of least squares, weighted by the standard errors `spread`."""
        # From the last reading on and in units of the span: images seen by the million make squares that lose digits.
        clock = _clock(x / x[-1], power)
        unit = clock[-1] - clock[0]
        design = np.stack([np.ones_like(x), (clock - clock[-1]) / unit], axis=1)

        covariance = np.linalg.inv(design.T @ (design / spread[:, None] ** 2))
        intercept, slope = covariance @ (design.T @ (logit / spread**2))
        residual = (logit - design @ (intercept, slope)) / spread
        return cls(
            power=power,
            last=float(x[-1]),
            unit=float(unit),
            intercept=float(intercept),
            slope=float(slope),
            covariance=covariance,
            error=float(residual @ residual),
            freedom=len(x) - 2,
        )

    def images_at(self, place: float) -> float:
        """Return x at a place on the line's own clock."""
        clock = _clock(np.ones(1), self.power)[0] + self.unit * place
        if self.power == 0:
            return self.last * math.exp(min(clock, MOST_LOG))
        return self.last * clock ** (1 / self.power)


MOST_LOG = 50.0
"""of x over the last reading's: beyond it, numbers overflow"""


def _clock(x: np.ndarray, power: float) -> np.ndarray:
    return np.log(x) if power == 0 else x**power


def _from_curve(x: np.ndarray, use: np.ndarray, se: np.ndarray, level: float, widening: Widening) -> Forecast:
    """Return the forecast from readings that are all above their noise."""
    from scipy import stats  # pages that read verdicts do without

    logit, spread = np.log(use / (1 - use)), np.hypot(se / (use * (1 - use)), MISFIT)
    power = min(
        POWERS,
        key=lambda power: _Line.through(x, logit, spread, power).error + (0.0 if power == 1 else STEADY),
    )

    recent = slice(-LAST, None)
    line = _Line.through(x[recent], logit[recent], spread[recent], power)
    covariance, quantile = line.covariance, float(stats.norm.ppf(0.5 + INTERVAL / 2))
    if line.error > line.freedom:
        covariance = covariance * (line.error / line.freedom)
        quantile = float(stats.t.ppf(0.5 + INTERVAL / 2, line.freedom))

    rise = math.log(level / (1 - level)) - line.intercept
    greatest = line.slope + quantile * math.sqrt(covariance[1, 1])
    if greatest <= 0 or line.images_at(rise / greatest) > (1 + FAR) * line.last:
        reason = f"even at the greatest credible slope it takes over {FAR:g} times the training so far"
        return Forecast("does not grow", level, reason=reason)

    ends = _fieller(-rise, line.slope, covariance, quantile)
    if ends is None:
        return Forecast("not yet", level, reason="its growth cannot be distinguished from none")

    # The last reading may be above the level by its own error: nothing remains then, and no less.
    first, middle, last = (
        line.last + factor * max(float(line.images_at(place)) - line.last, 0.0)
        for factor, place in zip(widening, (ends[0], rise / line.slope, ends[1]), strict=True)
    )
    if last > (1 + FAR) * line.last:
        reason = f"its interval ends after over {FAR:g} times the training so far"
        return Forecast("not yet", level, reason=reason)
    return Forecast("forecast", level, at=min(max(middle, first), last), low=first, high=last)


def _fieller(a: float, b: float, covariance: np.ndarray, quantile: float) -> tuple[float, float] | None:
    """Return the ends of all x at which a + b x is within `quantile` standard errors of 0; None if they have no end.

    (a + b x)^2 = q^2 (V_aa + 2 V_ab x + V_bb x^2), a quadratic in x.
    """
    q2 = quantile**2
    square = b**2 - q2 * covariance[1, 1]
    half = a * b - q2 * covariance[0, 1]
    rest = a**2 - q2 * covariance[0, 0]
    root = half**2 - square * rest
    if b <= 0 or square <= 0 or root < 0:
        return None
    return (-half - math.sqrt(root)) / square, (-half + math.sqrt(root)) / square
