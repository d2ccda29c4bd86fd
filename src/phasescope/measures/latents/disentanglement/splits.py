"""Which rows a code is judged on: random ones, or combinations of factor values that nothing was fitted to.

A probe that is fitted and tested on random rows may have seen each combination of values nearby; on held-out
combinations only a code that treats factors alike everywhere still serves. The rows that are there need not
hold each combination.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Bool, Int
from numpy.typing import ArrayLike

from phasescope.measures.checks import Labels

TEST_SHARE = 0.25
"""Of the rows: drawn at random, or what the central box holds of a uniform design."""
LEAST_ROWS = 20
"""In training and in test: below, a correlation is mostly chance."""


def split(
    labels: Labels, held_out: ArrayLike | Literal["box"] | None, rng: np.random.Generator
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " t"], str]:
    """(training rows, test rows, the split's name).

    Args:
        held_out: None for a random quarter of the rows; "box" for the central box, in each factor the values
            between its quantiles (1 - s) / 2 and (1 + s) / 2 with s^K = 1/4; or a mask (n,), true in the test
            rows.

    Raises:
        ValueError: no such rule; a mask that is not boolean (n,); fewer than 20 rows on either side; a factor
            that does not vary among the training or the test rows.
    """
    n = len(labels.values)
    if held_out is None:
        mask = np.zeros(n, bool)
        mask[rng.permutation(n)[: round(TEST_SHARE * n)]] = True
        name = "random rows"
    elif isinstance(held_out, str):
        if held_out != "box":
            raise ValueError(f"`held_out` (={held_out!r}) must be None, 'box' or a mask of the test rows")
        labels.check_ordered("the central box is between quantiles")
        mask, name = central_box(labels), "the held-out central box"
    else:
        mask = np.asarray(held_out)
        if mask.dtype != bool or mask.shape != (n,):
            raise ValueError(
                f"`held_out` ({mask.dtype}, shape {mask.shape}) must be boolean ({n},): true in the test rows"
            )
        name = "held-out combinations"
    train, test = np.flatnonzero(~mask), np.flatnonzero(mask)
    for side, rows in (("training", train), ("test", test)):
        if len(rows) < LEAST_ROWS:
            raise ValueError(
                f"`held_out` ({len(rows)} {side} rows of {n}) must leave at least {LEAST_ROWS}: "
                "probes are fitted to the training rows, and judged on the test rows"
            )
        targets, owner = labels.targets()
        varying = set(owner[np.ptp(targets[rows], axis=0) > 0])
        constant = [k for k in range(len(labels.names)) if k not in varying]
        if constant:
            which = labels.names[constant[0]]
            raise ValueError(
                f"`held_out` ({which} is the same in all {len(rows)} {side} rows) must leave each factor varying"
            )
    return train, test, f"{name} ({len(test)} of {n})"


def central_box(labels: Labels) -> Bool[np.ndarray, " n"]:
    """The rows whose every factor lies in the middle of its values, s = (1/4)^(1/K) of them."""
    values = np.where(labels.periodic, labels.values % labels.span, labels.values)
    side = TEST_SHARE ** (1 / values.shape[1])
    low, high = np.quantile(values, [(1 - side) / 2, (1 + side) / 2], axis=0)
    return ((values >= low) & (values <= high)).all(axis=1)
