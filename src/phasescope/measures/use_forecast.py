"""When will a conditional model follow its condition? A forecast from the course of its use so far.

Use u, the share of the exact contrast that a model makes, leaves 0 as from a saddle and saturates at 1. To first order
du/dx = r u (1 - u), with x the images seen: the logit of u is a line in x,

    log(u / (1 - u)) = a + b x,    so u passes the level L at x = (logit(L) - a) / b.

The line is fitted to the last readings by their standard errors, those of the logit being se / (u (1 - u)), scaled up where
readings scatter by more. The interval of the crossing is Fieller's (1954): all x at which the line cannot be distinguished
from the level. If its slope cannot be distinguished from 0 there is no upper end, and no forecast yet.

NOT CALIBRATED beyond one system. Real courses are no exact logistic curves: of five pilots (preset `fast`, seeds 9701 to
9705, which no claim uses), 25 forecasts from 50 to 90 % of the way, Fieller's 80 % intervals held 9. `SLACK` multiplies and
divides the training that remains: with 1.5 the same 25 intervals held 24, with 1.4 they held 19. It was chosen on these
runs, so that this is no test of it; forecasts of one run are not independent. `LEVEL`, `LEAST`, `LAST` and `FAR` are
conventions: at which use half of the samples follow their condition has not been measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from phasescope.core.errors import UserError

Answer = Literal["passed", "forecast", "not yet", "does not grow"]
LEVEL = 0.5
"""use that is forecast by default"""
INTERVAL = 0.8
"""share of forecasts whose interval should hold what happens"""
SEEN = 3.0
"""standard errors by which use leaves its noise"""
LEAST, LAST = 4, 8
"""readings above the noise that a forecast needs, and that it uses"""
SLACK = 1.5
"""factor by which the remaining training may be longer, or shorter, than the ends of Fieller's interval"""
FAR = 10.0
"""times the images seen: what would take longer even at the greatest credible slope does not grow"""


@dataclass(frozen=True)
class Forecast:
    """When use passes a level, in the unit of the readings (images seen, or steps); or why that is not known."""

    answer: Answer
    level: float
    at: float | None = None
    """when it passes, or passed, the level"""
    low: float | None = None
    """lower end of the interval, meant to have probability `INTERVAL`; calibrated on five runs of one system alone"""
    high: float | None = None
    reason: str = ""
    """why there is no forecast"""

    def __str__(self) -> str:
        if self.answer == "forecast":
            return f"use {self.level:g} at {self.at:,.0f} ({self.low:,.0f} to {self.high:,.0f}, hardly calibrated)"
        if self.answer == "passed":
            return f"use {self.level:g} was passed at {self.at:,.0f}"
        return f"{'no forecast yet' if self.answer == 'not yet' else 'it does not grow'}: {self.reason}"


def forecast_use(
    x: ArrayLike,
    use: ArrayLike,
    se: ArrayLike,
    level: float = LEVEL,
) -> Forecast:
    """Return the forecast of when use passes `level`, from the readings so far.

        forecast_use(x=[0, 1000, 2000, 3000], use=[0.02, 0.04, 0.08, 0.15], se=[0.004, 0.004, 0.004, 0.004])

    The trap: `x` must count what training is counted in, images or steps, up to the last reading, and never later ones: a
    forecast that has seen the crossing is none.

    Args:
        x: images seen or steps at each reading, (n,), ascending.
        use: share of the exact contrast in the deciding band, (n,).
        se: its standard errors, (n,).
        level: between 0 and 1.

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
    if not 0 < level < 1:
        raise UserError(f"`level` (={level:g}) must be between 0 and 1: 0 ignores the condition, 1 is exact")

    crossing = _crossing(x, use, level)
    if crossing is not None:
        return Forecast("passed", level, at=crossing, low=crossing, high=crossing)

    kept = _above_noise(use, se)
    if len(kept) < LEAST:
        reason = f"{len(kept)} readings in a row are above their noise, and {LEAST} are needed"
        return Forecast("not yet", level, reason=reason)
    return _from_line(x[kept], use[kept], se[kept], level)


def _crossing(x: np.ndarray, use: np.ndarray, level: float) -> float | None:
    """Return where use passed the level for good, on the line between two readings; None if it is below it now."""
    below = np.flatnonzero(~(use >= level))
    if not len(x) or (len(below) and below[-1] == len(x) - 1):
        return None
    if not len(below):
        return float(x[0])
    i = below[-1]
    return float(np.interp(level, use[i : i + 2], x[i : i + 2]))


def _above_noise(use: np.ndarray, se: np.ndarray) -> np.ndarray:
    """Return the indices of the last readings in a row that are above their noise, at most `LAST`, ascending."""
    is_seen = (use > SEEN * se) & (use > 0) & (use < 1) & (se > 0)
    out = np.flatnonzero(~is_seen)
    begin = out[-1] + 1 if len(out) else 0
    return np.arange(max(begin, len(use) - LAST), len(use))


def _from_line(x: np.ndarray, use: np.ndarray, se: np.ndarray, level: float) -> Forecast:
    """Return the forecast from readings that are all above their noise."""
    target = math.log(level / (1 - level))
    logit, spread = np.log(use / (1 - use)), se / (use * (1 - use))

    # From the last reading on and in units of the readings' span: images seen by the million make squares that lose digits.
    unit = x[-1] - x[0]
    design = np.stack([np.ones_like(x), (x - x[-1]) / unit], axis=1)
    covariance = np.linalg.inv(design.T @ (design / spread[:, None] ** 2))
    a, b = covariance @ (design.T @ (logit / spread**2))

    residual = (logit - design @ (a, b)) / spread
    freedom = len(x) - 2
    excess = float(residual @ residual) / freedom
    quantile = float(stats.norm.ppf(0.5 + INTERVAL / 2))
    if excess > 1:
        covariance = covariance * excess
        quantile = float(stats.t.ppf(0.5 + INTERVAL / 2, freedom))

    greatest = b + quantile * math.sqrt(covariance[1, 1])
    soonest = (target - a) / greatest * unit if greatest > 0 else math.inf
    if soonest > FAR * x[-1]:
        reason = f"even at the greatest credible slope it takes over {FAR:g} times the training so far"
        return Forecast("does not grow", level, reason=reason)

    ends = _fieller(a - target, b, covariance, quantile)
    if ends is None:
        return Forecast("not yet", level, reason="its growth cannot be distinguished from none")
    first, last = ends
    return Forecast(
        "forecast",
        level,
        at=float(x[-1] + unit * (target - a) / b),
        low=float(x[-1] + unit * first / SLACK),
        high=float(x[-1] + unit * last * SLACK),
    )


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
