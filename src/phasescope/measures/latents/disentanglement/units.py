"""What leads in reading a factor, and by how much: the gap that MIG and SAP share.

With S_uk what unit u tells of factor k, F_lk what another factor l tells of it, W_k all there is to tell, u* the best unit
and 0 for what is negative,

    gap_k = (S_u*k - max(S_uk of u apart from u*, F_lk of l != k)) / (W_k - max_l F_lk).

A unit is one dimension. A circle does not go into one without a cut, so for a periodic factor two dimensions, taken as
a point in their plane, are a unit too; units are apart that share no dimension.

Where combinations of factor values are missing factors tell of each other, and so does each dimension of a code that keeps
them apart: that much of a runner-up is the labels' doing, not the code's. Hence F: a code of one factor a unit has gap 1
whatever is missing, and where nothing is, F is about 0 and the gap the published one.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Int


def units_of(d: int, periodic: bool) -> Int[np.ndarray, "U 2"]:
    """The two dimensions of each unit, twice the same for single ones, which come first."""
    single = [(j, j) for j in range(d)]
    return np.array(single + list(combinations(range(d), 2)) if periodic else single)


def apart(units: Int[np.ndarray, "U 2"]) -> Bool[np.ndarray, "U U"]:
    """Which units share no dimension."""
    return (units[:, None, :, None] != units[None, :, None, :]).all(axis=(2, 3))


def gap(
    of_unit: Float[np.ndarray, "draws U"],
    of_other: Float[np.ndarray, "draws others"],
    whole: Float[np.ndarray, " draws"],
    units: Int[np.ndarray, "U 2"],
    factor: str,
) -> Float[np.ndarray, " draws"]:
    """The gap in each draw, from 0 to 1; 0 where nothing tells more than another factor.

    Raises:
        ValueError: another factor tells all of this one.
    """
    best = of_unit.argmax(axis=1)
    runner_up = np.where(apart(units)[best], of_unit, 0).max(axis=1)
    rival = np.maximum(of_other.max(axis=1), 0)
    left = whole - rival
    if (left <= 1e-9 * whole).any():
        raise ValueError(
            f"`labels` (another factor tells all of {factor}) must vary apart: disentanglement is between factors"
        )
    lead = of_unit.max(axis=1) - np.maximum(np.maximum(runner_up, rival), 0)
    return np.clip(lead / left, 0, 1)
