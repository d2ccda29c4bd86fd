"""When things set in, where some runs ended before they did: survival analysis of onsets.

With d_j onsets at time t_j and Y_j runs then still without one and watched, the share of runs without an onset by t
is (Kaplan & Meier 1958)

    S(t) = prod_{t_j <= t} (1 - d_j / Y_j),

and the median is where S passes 1/2, halfway where it rests on 1/2, as the median of an even number is.

The interval is Fay, Brittain & Proschan's (2013) beta product, made for few cases. With independent beta variables

    W+(t) = prod_{t_j <= t} Beta(Y_j - d_j + 1, d_j),        W-(t) = W+(t) Beta(Y(t+), 1),

the upper limit of S(t) is W+'s 97.5 % quantile and the lower one W-'s 2.5 % quantile, each product taken for the beta
variable with its mean and variance; a time belongs to the median's interval where those limits enclose 1/2. Without
censoring that is the exact interval from order statistics, and fewer than six runs bound no median from above.
scipy has Greenwood's interval only, which of three runs says that the median is not before the first of them, and is
wrong in one case of eight.

Onsets are seen at snapshots (see `onsets`). Each moved to the snapshot before it, the median is as early as it can have
been; the interval reaches from that one's lower end to the upper end of the onsets as seen. That holds if no run
ends between another run's last snapshot without and its first with, as where all share their snapshots.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from phasescope.measures.learning.onsets import LastSeen, LastWithout, Onsets, Ordered, check_onsets
from phasescope.measures.scores import TAIL, Score

ROUNDING = 1e-9
"""By which a product may miss 1/2 and still be it."""


def median_onset(onsets: Onsets, last_seen: LastSeen, last_without: LastWithout = None) -> Score:
    """The Kaplan-Meier median of n runs' onsets, in images seen.

    The value is NaN where fewer than half the runs had their onset; `detail` has the limits between which the
    median of the sample lies, `at_least` and `at_most`, and how many runs are `censored`. An end of the interval
    is 0 or infinite where the runs do not bound it. Censoring must not depend on the onset: a run that was stopped
    since it did not learn may not count as one that was watched until then. It has no null of its own.

    Args:
        onsets: when each was first seen; None or NaN where it was not.
        last_seen: images seen at each run's end.
        last_without: images seen at the last snapshot before each onset; by default onsets are exact.

    Raises:
        ValueError: as `check_onsets` says.
    """
    observed = check_onsets("onsets", onsets, last_seen, last_without)
    early, late = observed.in_order(early=True), observed.in_order()
    at_least, at_most = median_limits(early)[0], median_limits(late)[1]
    low, high = median_interval(early)[0], median_interval(late)[1]
    return Score(
        value=known(*median_limits(late)),
        low=low,
        high=high,
        n=len(late.t),
        estimator="Kaplan-Meier median, beta product interval"
        + (", onsets between snapshots" if last_without is not None else ""),
        detail={"censored": float((~observed.came).sum()), "at_least": at_least, "at_most": at_most},
    )


def median_limits(ordered: Ordered) -> tuple[float, float]:
    """The limits of the Kaplan-Meier median, which are equal where it is known.

    Where S never falls below 1/2 the median is not before the first time with S <= 1/2, or else the last one watched.
    """
    n = len(ordered.t)
    S = np.cumprod(1 - ordered.came / (n - np.arange(n)))
    low = float(np.where(S <= 0.5 + ROUNDING, ordered.t, ordered.t[-1]).min())
    high = float(np.where(S < 0.5 - ROUNDING, ordered.t, np.inf).min())
    return ((low + high) / 2,) * 2 if math.isfinite(high) else (low, math.inf)


def median_interval(ordered: Ordered) -> tuple[float, float]:
    """The times at which the beta product limits of S enclose 1/2."""
    lower, upper = survival_limits(ordered)
    unbounded = TAIL ** (1 / len(ordered.t)) <= 0.5  # W- before the first is Beta(n, 1)
    low = 0.0 if unbounded else float(np.where(lower <= 0.5, ordered.t, np.inf).min())
    return low, float(np.where(upper < 0.5, ordered.t, np.inf).min())


def survival_limits(ordered: Ordered) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """S's limits after each; equal onsets are taken one after the other, which gives the same product."""
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
    """Quantile of the beta variable with that mean and mean square; of the constant 0 or 1 where it is one."""
    from scipy.stats import beta

    varies = (mean > 0) & (mean < 1)
    m, s = mean[varies], square[varies]
    size = (m - s) / (s - m**2)
    quantile = mean.copy()
    quantile[varies] = beta.ppf(share, m * size, (1 - m) * size)
    return quantile


def known(at_least: float, at_most: float) -> float:
    """What two limits enclose where they are equal; else NaN."""
    return at_least if at_least == at_most else math.nan
