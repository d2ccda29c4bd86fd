"""Checks of a measure's arrays; labels as targets, and as distances."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from phasescope.core.errors import NotFinite
from phasescope.core.factors import Factors
from phasescope.measures.arguments import check_is, real_array

# Latents that are compared in pairs take 2 GiB for each number of a pair at this size.
MOST_ROWS = 2**14
# Bytes that a measure may take beside the latents.
MOST_MEMORY = 2**33
AT_ONCE = 2**20
"""pairs of rows that are worked on together, where rows need not be"""
# Fourth powers of latents are taken: their sums neither overflow nor vanish between these.
LARGEST, SMALLEST = 1e70, 1e-70
# Squared distances are compared to 6 decimals of the largest: float32 labels on a lattice tie exactly.
DECIMALS = 6
# Places on a circle are equal to so many decimals of its period.
SAME_DECIMALS = 9


def check_finite(name: str, x: np.ndarray) -> None:
    """Raise ValueError if entries of `x` are not finite, or beyond `LARGEST`."""
    wrong = np.count_nonzero(~np.isfinite(x))
    if wrong:
        raise NotFinite(f"`{name}` ({wrong} of {x.size} not finite) must be finite")
    if (largest := np.abs(x).max(initial=0)) > LARGEST:
        raise ValueError(f"`{name}` (largest {largest:g}) must be at most {LARGEST:g}, for fourth powers")


def check_latents(
    latents: ArrayLike, at_least: int, why: str, axes: int = 2
) -> Float[np.ndarray, "*draws n features"]:
    """Return latents in float64, without the features that are the same in every row.

    Raises:
        ValueError: not (n, features), or (draws, n, features) with two draws or more for `axes` = 3; not
            finite; fewer rows than `at_least`; no feature varies.
    """
    x = real_array("latents", latents)
    if x.ndim != axes:
        shape = "(n, features)" if axes == 2 else "(draws, n, features)"
        raise ValueError(f"`latents` (shape {x.shape}) must be {shape}: one row a label")
    if axes == 3 and x.shape[0] < 2:
        raise ValueError(f"`latents` (draws={x.shape[0]}) must have at least 2 noise draws of each label")
    if x.shape[-2] < at_least:
        raise ValueError(f"`latents` (n={x.shape[-2]}) must have at least {at_least} rows: {why}")

    check_finite("latents", x)

    rows = tuple(range(axes - 1))
    spread = x.max(axis=rows) - x.min(axis=rows)
    varies = spread > 0
    if not varies.any():
        raise ValueError(f"`latents` (shape {x.shape}) must vary: each feature is constant")

    check_spread("latents", float(spread.max()))
    return x if varies.all() else x[..., varies]


def check_pairs(n: int, tables: float = 0, numbers: int = 0) -> None:
    """Raise ValueError if n rows have more pairs than memory is taken for; it says how much they would take.

    Args:
        tables: the most float64 numbers that the measure holds for a pair of rows; 0: it works through them in parts.
        numbers: those that it holds beside these.
    """
    need = 8 * (tables * n**2 + numbers)
    about = "they are compared in pairs"
    if tables:
        about += f", for which these take about {need / 2**30:.1f} GiB"
    if n > MOST_ROWS:
        raise ValueError(f"`latents` (n={n}) must have at most {MOST_ROWS} rows: {about}")
    if need > MOST_MEMORY:
        raise ValueError(
            f"`latents` (n={n}) must take at most {MOST_MEMORY / 2**30:g} GiB: {about}; give fewer rows, or fewer features"
        )


def in_parts(n: int) -> Iterator[slice]:
    """Return parts of n rows, so that a table of a part's rows against all has at most `AT_ONCE` numbers."""
    rows = max(AT_ONCE // n, 1)
    return (slice(at, at + rows) for at in range(0, n, rows))


def check_spread(name: str, spread: float) -> None:
    """Raise ValueError if entries that vary by at most `spread` have powers that vanish."""
    if spread < SMALLEST:
        raise ValueError(
            f"`{name}` (varying by {spread:g} at most) must vary by {SMALLEST:g} at least: multiply them by a number"
        )


@dataclass(frozen=True)
class Labels:
    """Checked labels: n rows of K factors."""

    values: Float[np.ndarray, "n K"]
    factors: Factors

    def categories(self, k: int) -> Bool[np.ndarray, "n m"]:
        """Return which of the m values of factor k, ascending, each row has."""
        return self.values[:, [k]] == np.unique(self.values[:, k])

    def targets(self) -> tuple[Float[np.ndarray, "n C"], Int[np.ndarray, " C"]]:
        """Return the targets of a regression, and the factor that each column belongs to.

        A factor is its own target; a periodic one with period s has two, sin and cos of 2 pi label / s; a categorical one
        has one per value, 1 where a row has it, else 0.
        """
        columns, owner = [], []
        for k, label in enumerate(self.values.T):
            angle = 2 * np.pi * label / self.factors.span[k]
            if self.factors.categorical[k]:
                of_factor = list(self.categories(k).T.astype(float))
            else:
                of_factor = [np.sin(angle), np.cos(angle)] if self.factors.periodic[k] else [label]
            columns += of_factor
            owner += [k] * len(of_factor)
        return np.stack(columns, axis=1), np.array(owner)

    def repeated(self, at_least: int) -> Int[np.ndarray, " n"] | None:
        """Return the number of each row's label among the different ones, if some occur in several rows; else None.

        Such rows are noise draws of a label, or images that differ in what labels do not say. To read a label from another
        row of the same label is no reading of the code. Two cases are None all the same: if all factors are categorical, as
        a class is learned from its rows; and if fewer than `at_least` labels differ, since none could be read from others.
        """
        # Periods that were added leave rounding errors of float64; float32 labels are much farther apart.
        turns = np.round(self.values / self.factors.span % 1, SAME_DECIMALS) % 1
        places = np.where(self.factors.periodic, turns, self.values)
        different, group = np.unique(places, axis=0, return_inverse=True)
        if self.factors.categorical.all() or not at_least <= len(different) < len(places):
            return None
        return group.ravel()

    def squared_distances(self) -> Float[np.ndarray, "n n"]:
        """Return those of all rows, at most 1: factors in units of their span, periodic ones the short way round, a
        categorical one 1 if values differ."""
        n = len(self.values)
        squared = np.zeros((n, n))
        for part in in_parts(n):
            for k, (label, span) in enumerate(zip(self.values.T, self.factors.span, strict=True)):
                difference = np.abs(label[part, None] - label) / span
                if self.factors.categorical[k]:
                    difference = (difference > 0).astype(float)
                elif self.factors.periodic[k]:
                    difference %= 1
                    difference = np.minimum(difference, 1 - difference)
                squared[part] += difference**2
        squared /= squared.max()
        return np.round(squared, DECIMALS, out=squared)

    def check_ordered(self, why: str) -> None:
        """Raise ValueError if a factor is categorical."""
        if self.factors.categorical.any():
            which = self.factors.names[int(self.factors.categorical.argmax())]
            raise ValueError(f"`factors` ({which} is categorical) must have an order: {why}")


def random_folds(
    n: int, folds: int, rng: np.random.Generator, group: Int[np.ndarray, " n"] | None = None
) -> list[Int[np.ndarray, " _"]]:
    """Return n rows in random folds, those of one group together: labels in the order of a grid would leave out whole rows
    of it."""
    if group is None:
        return np.array_split(rng.permutation(n), folds)
    parts = np.array_split(rng.permutation(group.max() + 1), folds)
    return [np.flatnonzero(np.isin(group, part)) for part in parts]


def check_labels(labels: ArrayLike, n: int | None, factors: Factors | None = None) -> Labels:
    """Return labels (n, K) with what is known of their factors; by default open, with span 1, named label1, label2, ...

    Args:
        n: the number of latents; None if there are none, so that any number of labels is right.

    Raises:
        ValueError: not (n, K), not finite, a constant factor; not K factors; a span that is not positive.
    """
    y = real_array("labels", labels)
    if y.ndim != 2 or y.size == 0 or y.shape[0] != (n or len(y)):
        which = "n" if n is None else f"n={n} as in `latents`"
        raise ValueError(
            f"`labels` (shape {y.shape}) must be (n, K) with {which}, K at least 1: one label a row"
        )

    check_finite("labels", y)
    if factors is not None:
        check_is("factors", factors, Factors, "Factors.named")

    K = y.shape[1]
    known = Labels(y, Factors.unknown(K) if factors is None else factors)
    if len(known.factors) != K:
        raise ValueError(f"`factors` (={', '.join(known.factors.names)}) must be as many as in `labels`: {K}")
    if not (np.isfinite(known.factors.span) & (known.factors.span > 0)).all():
        raise ValueError(f"`span` (={known.factors.span.tolist()}) must be greater than 0: a factor's range")

    spread = np.ptp(np.where(known.factors.periodic, y % known.factors.span, y), axis=0)
    if (spread == 0).any():
        k = int(spread.argmin())
        raise ValueError(f"`labels` ({known.factors.names[k]}={y[0, k]:g} in each row) must vary")
    check_spread("labels", float(spread.min()))
    return known
