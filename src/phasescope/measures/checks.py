"""What every measure asks of its arrays, and labels as targets and as distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from phasescope.errors import NotFinite
from phasescope.factors import Factors

MOST_ROWS = 2**14
"""of latents that are compared in pairs: 2 GiB for each number of a pair"""
LARGEST = 1e70
DECIMALS = 6
"""Of the largest, to which squared distances are compared: float32 labels on a lattice tie exactly."""


def check_count(name: str, value: int, at_least: int, why: str) -> None:
    """Raises ValueError where `value` is not an int >= `at_least`."""
    if not isinstance(value, int | np.integer) or value < at_least:
        raise ValueError(f"`{name}` (={value}) must be an integer of at least {at_least}: {why}")


def check_draws(permutations: int, resamples: int) -> None:
    """Raises ValueError where there is no null or no interval to be had."""
    check_count("permutations", permutations, 1, "a score needs its null")
    check_count("resamples", resamples, 2, "an interval needs replicates")


def check_finite(name: str, x: np.ndarray) -> None:
    """Raises ValueError where an entry of `x` is not finite, of which it says how many, or beyond `LARGEST`."""
    wrong = np.count_nonzero(~np.isfinite(x))
    if wrong:
        raise NotFinite(f"`{name}` ({wrong} of {x.size} not finite) must be finite")
    if (largest := np.abs(x).max(initial=0)) > LARGEST:
        raise ValueError(
            f"`{name}` (largest {largest:g}) must be at most {LARGEST:g}: fourth powers are summed"
        )


def check_latents(
    latents: ArrayLike, at_least: int, why: str, axes: int = 2
) -> Float[np.ndarray, "*draws n features"]:
    """Latents in float64, without the features that are the same in every row.

    Raises:
        ValueError: not (n, features), or (draws, n, features) with two draws or more for `axes` = 3; not
            finite; fewer rows than `at_least`; no feature varies.
    """
    x = np.asarray(latents, dtype=float)
    if x.ndim != axes:
        shape = "(n, features)" if axes == 2 else "(draws, n, features)"
        raise ValueError(f"`latents` (shape {x.shape}) must be {shape}: one row a label")
    if axes == 3 and x.shape[0] < 2:
        raise ValueError(
            f"`latents` (draws={x.shape[0]}) must have at least 2 noise draws: they vary within labels"
        )
    if x.shape[-2] < at_least:
        raise ValueError(f"`latents` (n={x.shape[-2]}) must have at least {at_least} rows: {why}")
    check_finite("latents", x)
    rows = tuple(range(axes - 1))
    varies = x.max(axis=rows) > x.min(axis=rows)
    if not varies.any():
        raise ValueError(f"`latents` (shape {x.shape}) must vary: each feature is constant")
    return x if varies.all() else x[..., varies]


@dataclass(frozen=True)
class Labels:
    """Checked labels: n rows of K factors."""

    values: Float[np.ndarray, "n K"]
    factors: Factors

    @property
    def names(self) -> tuple[str, ...]:
        return self.factors.names

    @property
    def periodic(self) -> Bool[np.ndarray, " K"]:
        return self.factors.periodic

    @property
    def categorical(self) -> Bool[np.ndarray, " K"]:
        return self.factors.categorical

    @property
    def span(self) -> Float[np.ndarray, " K"]:
        return self.factors.span

    def categories(self, k: int) -> Bool[np.ndarray, "n m"]:
        """Which of the m values of factor k, ascending, each row has."""
        return self.values[:, [k]] == np.unique(self.values[:, k])

    def targets(self) -> tuple[Float[np.ndarray, "n C"], Int[np.ndarray, " C"]]:
        """What a regression is to predict, and the factor that each column belongs to.

        A factor is its own target; a periodic one with period s is two, sin and cos of 2 pi label / s; a categorical one is
        one a value, 1 where a row has it, else 0.
        """
        columns, owner = [], []
        for k, label in enumerate(self.values.T):
            angle = 2 * np.pi * label / self.span[k]
            if self.categorical[k]:
                of_factor = list(self.categories(k).T.astype(float))
            else:
                of_factor = [np.sin(angle), np.cos(angle)] if self.periodic[k] else [label]
            columns += of_factor
            owner += [k] * len(of_factor)
        return np.stack(columns, axis=1), np.array(owner)

    def squared_distances(self) -> Float[np.ndarray, "n n"]:
        """Between all rows, factors in units of their span, periodic ones the short way round, of a categorical one 1 where
        values differ; at most 1."""
        squared = np.zeros((len(self.values),) * 2)
        for k, (label, span) in enumerate(zip(self.values.T, self.span, strict=True)):
            difference = np.abs(label[:, None] - label) / span
            if self.categorical[k]:
                difference = (difference > 0).astype(float)
            elif self.periodic[k]:
                difference %= 1
                difference = np.minimum(difference, 1 - difference)
            squared += difference**2
        return np.round(squared / squared.max(), DECIMALS)

    def check_ordered(self, why: str) -> None:
        """Raises ValueError where a factor is categorical."""
        if self.categorical.any():
            which = self.names[int(self.categorical.argmax())]
            raise ValueError(f"`factors` ({which} is categorical) must have an order: {why}")


def check_labels(labels: ArrayLike, n: int, factors: Factors | None = None) -> Labels:
    """Labels (n, K) with what is known of their factors; by default open, with span 1, named label1, label2, ...

    Raises:
        ValueError: not (n, K), not finite, a constant factor; not K factors; a span that is not positive.
    """
    y = np.asarray(labels, dtype=float)
    if y.ndim != 2 or y.shape[0] != n or y.shape[1] == 0:
        raise ValueError(
            f"`labels` (shape {y.shape}) must be (n, K) with n={n} as in `latents`, K at least 1: one label a row"
        )
    check_finite("labels", y)
    K = y.shape[1]
    known = Labels(y, Factors.unknown(K) if factors is None else factors)
    if len(known.factors) != K:
        raise ValueError(f"`factors` (={', '.join(known.names)}) must be as many as `labels` have: {K}")
    if not (np.isfinite(known.span) & (known.span > 0)).all():
        raise ValueError(f"`span` (={known.span.tolist()}) must be greater than 0: it is a factor's range")
    constant = np.ptp(np.where(known.periodic, y % known.span, y), axis=0) == 0
    if constant.any():
        which = known.names[int(constant.argmax())]
        raise ValueError(
            f"`labels` ({which}={y[0, constant.argmax()]:g} in each row) must vary: nothing to predict"
        )
    return known
