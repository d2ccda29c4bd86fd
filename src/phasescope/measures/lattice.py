"""Labels as combinations of K factors' values: which rows are neighbours along one factor."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from phasescope.measures.checks import Labels

# Values within this share of a factor's range are equal, since float32 labels on a lattice are.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Lattice:
    """Labels as indices into the values of each factor; some combinations may be missing."""

    labels: Labels
    values: tuple[Float[np.ndarray, " _"], ...]
    """of each factor, ascending"""
    index: Int[np.ndarray, "n K"]
    row: dict[tuple[int, ...], int]
    """of each combination that exists"""

    def triples(self, k: int) -> tuple[Int[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
        """Return for each row three rows that follow one another along factor k, itself in the middle except at an end, and
        weights whose squares sum to 1 and which give 0 for anything linear in the factor. Missing rows are -1.
        """
        values, period = self.values[k], self.labels.factors.span[k]
        m = len(values)
        if m < 3:
            return np.full((len(self.index), 3), -1), np.zeros((len(self.index), 3))

        middle = np.arange(m)
        if not self.labels.factors.periodic[k]:
            middle = np.clip(middle, 1, m - 2)

        places = middle[:, None] + [-1, 0, 1]
        before, after = np.diff(values[places % m] + period * (places // m), axis=1).T
        weights = np.stack([-after, before + after, -before], axis=1)
        weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))

        further = np.repeat(self.index[:, None], 3, axis=1)
        further[:, :, k] = (places % m)[self.index[:, k]]
        rows = [[self.row.get(tuple(place), -1) for place in triple] for triple in further.tolist()]
        return np.array(rows), weights[self.index[:, k]]


def check_lattice(labels: Labels) -> Lattice:
    """Return the lattice of checked labels.

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
    """Return a factor's values, ascending, and the index of each row's value."""
    label, period = labels.values[:, k], labels.factors.span[k]
    tolerance = TOLERANCE * (period if labels.factors.periodic[k] else np.ptp(label))
    if labels.factors.periodic[k]:
        label = label % period
        label = np.where(period - label <= tolerance, label - period, label)
    ascending = label.argsort()
    place = np.concatenate([[0], np.cumsum(np.diff(label[ascending]) > tolerance)])
    index = np.empty(len(label), dtype=int)
    index[ascending] = place
    return label[ascending[np.unique(place, return_index=True)[1]]], index
