"""Labels between those that are trained on.

A label is a mean, with random weights, of a trained label and its nearest trained labels of the same classes. So it lies
where training labels are, whatever shape they fill, and not anywhere in the range of each factor.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.factors import Factors


class Between:
    """Draws labels between trained ones, (M, K); hidden factors have the values of the trained label.

    Attributes:
        rows: of trained labels, each visible one once, that have others of their classes beside them; empty if no visible
            factor is continuous.
    """

    def __init__(self, labels: Float[np.ndarray, "M K"], factors: Factors):
        self._factors = factors
        hidden = np.array([factor.hidden for factor in factors])
        self._measured = np.flatnonzero(~hidden & ~factors.categorical)
        first = np.unique(labels[:, ~hidden], axis=0, return_index=True)[1]
        self._labels = labels[np.sort(first)]

        classes = self._labels[:, ~hidden & factors.categorical]
        _, group, count = np.unique(classes, axis=0, return_inverse=True, return_counts=True)
        self._group = group.ravel()
        self.rows = np.flatnonzero(count[self._group] > 1) if len(self._measured) else np.empty(0, dtype=int)
        self._tree = cache(self._tree_of)

    def __call__(self, n: int, generator: np.random.Generator) -> Float[np.ndarray, "n K"]:
        """Return n labels, float32."""
        factors, measured = self._factors, self._measured
        rows = self.rows[generator.integers(len(self.rows), size=n)]
        labels = self._labels[rows].astype(float)
        for group in np.unique(self._group[rows]):
            some = np.flatnonzero(self._group[rows] == group)
            members, tree = self._tree(int(group))
            # With a neighbour more than factors, a mean can lie in any direction.
            corners = min(len(measured) + 2, len(members))
            near = members[tree.query(self._places(rows[some]), corners)[1]]
            weights = generator.dirichlet(np.ones(corners), size=len(some))

            away = factors.difference(self._labels[near], self._labels[rows[some], None])
            labels[np.ix_(some, measured)] += np.einsum("nc,nck->nk", weights, away[..., measured])

        turns = (labels - factors.low) % factors.span + factors.low
        labels = np.where(factors.periodic, turns, labels)
        return np.clip(labels, factors.low, factors.low + factors.span).astype(np.float32)

    def _tree_of(self, group: int):
        """Return the rows of a combination of classes, and a tree that finds the nearest of them."""
        from scipy.spatial import KDTree

        members = np.flatnonzero(self._group == group)
        return members, KDTree(self._places(members))

    def _places(self, rows: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n places"]:
        """Return labels in shares of the ranges, a periodic factor as a point on a circle of length 1."""
        shares = (self._labels[rows] - self._factors.low) / self._factors.span
        columns = []
        for k in self._measured:
            if self._factors[k].periodic:
                columns += [part(2 * np.pi * shares[:, k]) / (2 * np.pi) for part in (np.cos, np.sin)]
            else:
                columns.append(shares[:, k])
        return np.stack(columns, axis=1)
