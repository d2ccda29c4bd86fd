"""Labels on a lattice: which share a value, which lie a step apart, and what leaving a value out would change.

The labels are combinations of values of K factors; some combinations may be missing. A **step** along a factor leads
from a label to the one that differs from it by the step's length in that factor alone, round the end of a periodic one.

Numbers of labels that share a value depend on one another, so an interval leaves out whole values. With theta_(g) the
statistic without group g, and the groups of a set S of factors being the labels that agree in all of S,

    V_S = (G - 1) / G sum_g (theta_(g) - mean theta_(.))^2,     V = sum_S (-1)^(|S| + 1) V_S

over all non-empty S: for two factors V_x + V_y - V_xy, where V_xy leaves out single labels and takes off what the two
others both count (Cameron, Gelbach & Miller 2011, with the jackknife of MacKinnon, Nielsen & Webb 2023). V is
taken to be no less than any one factor's V_k. The interval is theta +- t sqrt(V), t of G - 1 degrees of freedom, G
the values of the factor that has fewest. It speaks for values drawn at random; on a full, even lattice of a periodic
factor, whose sums are all but exact, it is too wide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int

from phasescope.measures.checks import Labels
from phasescope.measures.scores import TAIL

TOLERANCE = 1e-5
"""Of a factor's range, within which two values are one: float32 labels on a lattice are."""


@dataclass(frozen=True)
class Lattice:
    """Labels as indices into the values of each factor."""

    labels: Labels
    values: tuple[Float[np.ndarray, " _"], ...]
    """Of each factor, ascending."""
    index: Int[np.ndarray, "n K"]
    row: dict[tuple[int, ...], int]
    """Of each combination that is there."""

    def step(self, k: int, length: float) -> Int[np.ndarray, " n"]:
        """The row that a step along factor k leads to, from each row; -1 where there is none."""
        values, period = self.values[k], self.labels.span[k]
        gap = np.abs(values[:, None] + length - values)
        if self.labels.periodic[k]:
            gap %= period
            gap = np.minimum(gap, period - gap)
        value = np.where(gap.min(axis=1) <= self.tolerance(k), gap.argmin(axis=1), -1)
        further = self.index.copy()
        further[:, k] = value[self.index[:, k]]
        return np.array([self.row.get(tuple(combination), -1) for combination in further.tolist()])

    def triples(self, k: int) -> tuple[Int[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
        """Of each row, three that follow one another along factor k, itself the middle one but at an end, and weights
        whose squares sum to 1 and which give 0 for what is linear in the factor. -1 where there is none.
        """
        values, period = self.values[k], self.labels.span[k]
        m = len(values)
        if m < 3:
            return np.full((len(self.index), 3), -1), np.zeros((len(self.index), 3))
        middle = np.arange(m)
        if not self.labels.periodic[k]:
            middle = np.clip(middle, 1, m - 2)
        places = middle[:, None] + [-1, 0, 1]
        before, after = np.diff(values[places % m] + period * (places // m), axis=1).T
        weights = np.stack([-after, before + after, -before], axis=1)
        weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
        further = np.repeat(self.index[:, None], 3, axis=1)
        further[:, :, k] = (places % m)[self.index[:, k]]
        rows = [[self.row.get(tuple(place), -1) for place in triple] for triple in further.tolist()]
        return np.array(rows), weights[self.index[:, k]]

    def shortest(self, k: int) -> float:
        """The smallest distance between two values of factor k."""
        gaps = np.diff(self.values[k])
        if self.labels.periodic[k]:
            gaps = np.append(gaps, self.labels.span[k] + self.values[k][0] - self.values[k][-1])
        return float(gaps.min())

    def tolerance(self, k: int) -> float:
        return _tolerance(self.labels, k)


def _tolerance(labels: Labels, k: int) -> float:
    return TOLERANCE * (labels.span[k] if labels.periodic[k] else np.ptp(labels.values[:, k]))


def check_lattice(labels: Labels) -> Lattice:
    """The lattice that checked labels of two factors or more are on.

    Raises:
        ValueError: one factor only; two rows with the same label.
    """
    n, K = labels.values.shape
    if K < 2:
        raise ValueError(f"`labels` (K={K}) must have at least 2 factors: one cannot be apart from another")
    values, index = zip(*(_values(labels, k) for k in range(K)), strict=True)
    indices = np.stack(index, axis=1)
    row = {combination: i for i, combination in enumerate(map(tuple, indices.tolist()))}
    if len(row) < n:
        raise ValueError(
            f"`labels` ({n - len(row)} of {n} repeated) must differ: noise draws of one label go on an axis of "
            "their own, (draws, n, features)"
        )
    return Lattice(labels, values, indices, row)


def _values(labels: Labels, k: int) -> tuple[Float[np.ndarray, " _"], Int[np.ndarray, " n"]]:
    """A factor's values, ascending, and each row's place among them."""
    label, period = labels.values[:, k], labels.span[k]
    tolerance = _tolerance(labels, k)
    if labels.periodic[k]:
        label = label % period
        label = np.where(period - label <= tolerance, label - period, label)
    ascending = label.argsort()
    place = np.concatenate([[0], np.cumsum(np.diff(label[ascending]) > tolerance)])
    index = np.empty(len(label), dtype=int)
    index[ascending] = place
    return label[ascending[np.unique(place, return_index=True)[1]]], index


def check_step(step: Sequence[float] | None, lattice: Lattice) -> tuple[float, ...]:
    """A step's length for each factor, by default the smallest distance between two of its values.

    Raises:
        ValueError: not one length a factor; not finite and greater than 0; not less than a periodic factor's period.
    """
    K = len(lattice.values)
    if step is None:
        return tuple(lattice.shortest(k) for k in range(K))
    if len(step) != K:
        raise ValueError(f"`step` (={list(step)}) must have one entry for each of {K} factors")
    period = np.where(lattice.labels.periodic, lattice.labels.span, np.inf)
    if not all(0 < length < limit for length, limit in zip(step, period, strict=True)):
        raise ValueError(
            f"`step` (={list(step)}) must be greater than 0 and less than a period: a difference"
        )
    return tuple(map(float, step))


@dataclass(frozen=True)
class Steps:
    """N steps of one length along factor k, from label to label."""

    k: int
    start: Int[np.ndarray, " N"]
    end: Int[np.ndarray, " N"]


def check_steps(lattice: Lattice, step: Sequence[float]) -> tuple[Steps, ...]:
    """The steps along each factor.

    Raises:
        ValueError: steps along a factor that set out from fewer than three values of it, or of another.
    """
    found = []
    for k, length in enumerate(step):
        end = lattice.step(k, length)
        start = np.flatnonzero(end >= 0)
        for other, name in enumerate(lattice.labels.names):
            count = len(np.unique(lattice.index[start, other]))
            if count < 3:
                raise ValueError(
                    f"`labels` ({count} values of {name} from which a step of {length:g} along "
                    f"{lattice.labels.names[k]} leads to a label) must have at least 3: steps are compared, on a "
                    "lattice, which scattered labels are not on"
                )
        found.append(Steps(k, start, end[start]))
    return tuple(found)


def jackknife(
    index: Int[np.ndarray, "n K"], without: Callable[[Int[np.ndarray, " n"]], Float[np.ndarray, "groups S"]]
) -> Float[np.ndarray, " S"]:
    """Half the width of the interval of each of S statistics.

    Args:
        index: each row's value of each factor.
        without: the statistics without each group, from the number of each row's group.
    """
    from scipy.stats import t

    K = index.shape[1]
    variance: list[np.ndarray] = []
    one_factor: list[np.ndarray] = []
    fewest = len(index)
    for size in range(1, K + 1):
        for factors in combinations(range(K), size):
            group = np.unique(index[:, factors], axis=0, return_inverse=True)[1].reshape(-1)
            theta = without(group)
            groups = len(theta)
            V = (groups - 1) / groups * ((theta - theta.mean(axis=0)) ** 2).sum(axis=0)
            variance.append((-1) ** (size + 1) * V)
            if size == 1:
                one_factor.append(V)
                fewest = min(fewest, groups)
    largest = np.maximum(np.sum(variance, axis=0), np.max(one_factor, axis=0))
    return t.ppf(1 - TAIL, fewest - 1) * np.sqrt(largest)
