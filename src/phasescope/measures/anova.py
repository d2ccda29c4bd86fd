"""Corrections of a jackknife for the variance of pairs of rows, which it counts twice.

A statistic of independent rows is a sum of uncorrelated parts (Efron & Stein 1981): of each row by itself, of each pair
beyond its two rows, and so on, with variances V_1, V_2, V_3, ... and V = their sum. With d_i the change of the statistic as
row i is left out, and q_ij that as both i and j are, beyond d_i + d_j,

    S_1 = sum_i d_i^2        has mean  V_1 + 2 V_2 + 3 V_3 + ...        the jackknife: each part once for each of its rows
    S_2 = sum_{i<j} q_ij^2   has mean        V_2 + 3 V_3 + 6 V_4 + ...

so the jackknife is too wide. If no three rows act together, V is S_1 - S_2, and at least V_2 = S_2. In general let
p_k = k V_k / S_1, which sum to 1. Then S_2 / S_1 = sum p_k (k - 1) / 2 and V / S_1 = sum p_k / k. As 1 / k is convex,

    S_1 / (1 + 2 S_2 / S_1) <= V <= S_1,

the first if all parts are of one order. The estimate between the bounds is their geometric mean.
"""

import math

import numpy as np
from jaxtyping import Float


def with_pairs_counted_once(
    d: Float[np.ndarray, " n"], q: Float[np.ndarray, "n n"]
) -> Float[np.ndarray, " n"]:
    """Return the influences d, scaled so that their squares sum to V, if no three rows act together."""
    of_rows, of_pairs = float(d @ d), pairs(q)
    return d * math.sqrt(max(of_rows - of_pairs, of_pairs) / of_rows) if of_rows > 0 else d


def share_between_bounds(d: Float[np.ndarray, " n"], q: Float[np.ndarray, "n n"]) -> float:
    """Return V / S_1 at the geometric mean of its bounds, for any number of rows that act together."""
    of_rows = float(d @ d)
    return 1 / math.sqrt(1 + 2 * pairs(q) / of_rows) if of_rows > 0 else 1.0


def pairs(q: Float[np.ndarray, "n n"]) -> float:
    """Return S_2: the sum over i < j of q_ij^2, of a symmetric q whose diagonal does not count."""
    return float(np.vdot(q, q) - (q.diagonal() ** 2).sum()) / 2
