"""The median of times, if some runs ended before they reached their goal: survival analysis.

With d_j goals reached at time t_j and Y_j runs then still watched, the share of runs without the goal by t is (Kaplan &
Meier 1958)

    S(t) = prod_{t_j <= t} (1 - d_j / Y_j),

and the median is where S passes 1/2, halfway if it rests on 1/2, as the median of an even number is.

The interval is Fay, Brittain & Proschan's (2013) beta product, made for few cases. With independent beta variables

    W+(t) = prod_{t_j <= t} Beta(Y_j - d_j + 1, d_j),        W-(t) = W+(t) Beta(Y(t+), 1),

the upper limit of S(t) is W+'s 97.5 % quantile and the lower one W-'s 2.5 % quantile, each product taken for the beta
variable with its mean and variance; a time belongs to the median's interval if those limits enclose 1/2. Without
censoring that is the exact interval from order statistics, and fewer than six runs bound no median from above.
scipy has Greenwood's interval only, which of three runs says that the median is not before the first of them, and is
wrong in one case of eight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from phasescope.measures import Score
from phasescope.measures.scores import TAIL

ROUNDING = 1e-9
"""By which a product may miss 1/2 and still be it."""
Times = Sequence[float | None]
"""None or NaN if a run ended before it reached the goal"""


@dataclass(frozen=True)
class Observed:
    """When each of n runs reached the goal, or ended without it."""

    t: Float[np.ndarray, " n"]
    came: Bool[np.ndarray, " n"]

    def ordered(self) -> Observed:
        """In the order of time; a goal at a run's end comes before the ends of other runs, which were watched until then."""
        order = np.lexsort((~self.came, self.t))
        return Observed(self.t[order], self.came[order])


def check_times(name: str, times: Times, ends: Sequence[float] | float) -> Observed:
    """What is known of each run's time.

    Raises:
        ValueError: not one time a run, no run; a time that is below 0, or after the run's end.
    """
    t, last = np.asarray(times, dtype=float), np.asarray(ends, dtype=float)
    if t.ndim != 1 or not len(t):
        raise ValueError(f"`{name}` (shape {t.shape}) must be (n,) with n of at least 1: one time a run")
    if last.shape not in ((), t.shape) or not (np.isfinite(last) & (last > 0)).all():
        raise ValueError(
            f"`ends` (={last.tolist()}) must be a number greater than 0, or one for each of {len(t)} runs"
        )
    came = ~np.isnan(t)
    wrong = came & ~((t >= 0) & (t <= last))
    if wrong.any():
        raise ValueError(f"`{name}` (={t[wrong][0]:g}) must be at least 0, and not after the run's end")
    return Observed(np.where(came, t, last), came)


def median_time(times: Times, ends: Sequence[float] | float) -> Score:
    """The Kaplan-Meier median of n runs' times.

    The value is NaN if fewer than half the runs reached the goal; `detail` has the limits between which the median of the
    sample lies, `at_least` and `at_most`, and how many runs are `censored`. An end of the interval is 0 or infinite if the
    runs do not bound it. Censoring must not depend on the time: a run that was stopped because it did not learn may not
    count as one that was watched until then. It has no null of its own.

    Raises:
        ValueError: as `check_times` says.
    """
    observed = check_times("times", times, ends)
    low, high = median_interval(observed)
    at_least, at_most = median_limits(observed)
    return Score(
        value=known(at_least, at_most),
        low=low,
        high=high,
        n=len(observed.t),
        estimator="Kaplan-Meier median, beta product interval",
        detail={"censored": float((~observed.came).sum()), "at_least": at_least, "at_most": at_most},
    )


def median_limits(observed: Observed) -> tuple[float, float]:
    """The limits of the Kaplan-Meier median, which are equal if it is known.

    If S never falls below 1/2 the median is not before the first time with S <= 1/2, or else the last one watched.
    """
    ordered = observed.ordered()
    n = len(ordered.t)
    S = np.cumprod(1 - ordered.came / (n - np.arange(n)))
    low = float(np.where(S <= 0.5 + ROUNDING, ordered.t, ordered.t[-1]).min())
    high = float(np.where(S < 0.5 - ROUNDING, ordered.t, np.inf).min())
    return ((low + high) / 2,) * 2 if math.isfinite(high) else (low, math.inf)


def median_interval(observed: Observed) -> tuple[float, float]:
    """The times at which the beta product limits of S enclose 1/2."""
    ordered = observed.ordered()
    lower, upper = survival_limits(ordered)
    unbounded = TAIL ** (1 / len(ordered.t)) <= 0.5  # W- before the first is Beta(n, 1)
    low = 0.0 if unbounded else float(np.where(lower <= 0.5, ordered.t, np.inf).min())
    return low, float(np.where(upper < 0.5, ordered.t, np.inf).min())


def survival_limits(ordered: Observed) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """S's limits after each time; equal times are taken one after the other, which gives the same product."""
    n = len(ordered.t)
    Y = n - np.arange(n)
    mean = np.cumprod(np.where(ordered.came, Y / (Y + 1), 1.0))
    square = np.cumprod(np.where(ordered.came, Y / (Y + 2), 1.0))
    left = Y - 1
    lower = beta_quantile(TAIL, mean * left / (left + 1), square * left / (left + 2))
    return lower, beta_quantile(1 - TAIL, mean, square)


def beta_quantile(
    share: float, mean: Float[np.ndarray, " n"], square: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Quantile of the beta variable with that mean and mean square; of a constant 0 or 1 the constant."""
    from scipy.stats import beta

    varies = (mean > 0) & (mean < 1)
    m, s = mean[varies], square[varies]
    size = (m - s) / (s - m**2)
    quantile = mean.copy()
    quantile[varies] = beta.ppf(share, m * size, (1 - m) * size)
    return quantile


def known(at_least: float, at_most: float) -> float:
    """What two limits enclose if they are equal; else NaN."""
    return at_least if at_least == at_most else math.nan
