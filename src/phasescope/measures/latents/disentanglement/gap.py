"""The gap of MIG and SAP: by how much does one dimension lead in what it says of a factor?

With S_uk what unit u says of factor k, F_lk what another factor l says of it, W_k all there is to say, u* the best unit and
0 for what is negative,

    gap_k = (S_u*k - max(S_uk of u apart from u*, F_lk of l != k)) / (W_k - max_l F_lk),

and a score is the mean of gap_k. A unit is one dimension or, for a periodic factor, two taken as a point in their plane.
"""

from itertools import combinations

import numpy as np
from jaxtyping import Float, Int


def units_of(d: int, periodic: bool) -> Int[np.ndarray, "U 2"]:
    """Return the two dimensions of each unit, twice the same for single ones, which come first."""
    # A circle does not fit into one dimension.
    single = [(j, j) for j in range(d)]
    return np.array(single + list(combinations(range(d), 2)) if periodic else single)


def gap(
    of_unit: Float[np.ndarray, "draws U"],
    of_other: Float[np.ndarray, "draws others"],
    information: Float[np.ndarray, " draws"],
    units: Int[np.ndarray, "U 2"],
    factor: str,
) -> Float[np.ndarray, " draws"]:
    """Return the gap in each draw, from 0 to 1; 0 if no unit says more than another factor does.

    Raises:
        ValueError: another factor determines this one.
    """
    best = of_unit.argmax(axis=1)
    apart = (units[best][:, None, :, None] != units[:, None]).all(axis=(2, 3))
    runner_up = np.where(apart, of_unit, 0).max(axis=1)
    # If combinations of factor values are missing, factors say something of each other, and so does each dimension of a
    # code that keeps them apart; otherwise a rival says about nothing.
    rival = np.maximum(of_other.max(axis=1), 0)
    left = information - rival
    if (left <= 1e-9 * information).any():
        raise ValueError(
            f"`labels` (another factor determines {factor}) must vary apart: disentanglement is between factors"
        )
    lead = of_unit.max(axis=1) - np.maximum(np.maximum(runner_up, rival), 0)
    return np.clip(lead / left, 0, 1)
