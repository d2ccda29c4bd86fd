"""Steps between labels on a lattice, and how they move the latents: lengths, inner products and cosines of differences.

All comes from the latents' inner products G: with d the difference of rows b and a, and d' that of b' and a',

    <d, d'> = G_bb' - G_ba' - G_ab' + G_aa'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from phasescope.factors import Factors
from phasescope.measures.checks import check_labels, check_latents
from phasescope.measures.latents.lattice import Lattice, Steps, check_lattice, check_step, check_steps

NOTHING = 1e-12
"""Of the latents' total variance, below which a squared length is rounding."""


@dataclass(frozen=True)
class Pairs:
    """Step i[a] of the one kind with step j[a] of the other."""

    p: Steps
    q: Steps
    i: Int[np.ndarray, " P"]
    j: Int[np.ndarray, " P"]


@dataclass(frozen=True)
class Moves:
    """Inner products of latents on a lattice, and its steps."""

    lattice: Lattice
    steps: tuple[Steps, ...]
    features: int
    gram: Float[np.ndarray, "n n"]
    """Of the average over draws, centred, in units of its total variance."""
    draws: tuple[Float[np.ndarray, "n n"], ...]
    """Of each draw, in the same units; none where there is one."""
    noise: Float[np.ndarray, " n"]
    """Variance, over all features, of the noise that is left in each row of the average; 0 where it is not known."""

    def of(self, latents: Float[np.ndarray, "n d"]) -> Moves:
        """Other latents of the same labels."""
        return replace(self, gram=unit_gram(latents), draws=(), noise=np.zeros(len(latents)))

    def permuted(self, order: Int[np.ndarray, " n"]) -> Moves:
        """The same latents, their labels permuted."""
        return replace(self, gram=self.gram[np.ix_(order, order)], draws=(), noise=self.noise[order])

    def name(self, steps: Steps) -> str:
        """Of the factor."""
        return self.lattice.labels.names[steps.k]

    def says(self, what: str, lengths: Sequence[float]) -> str:
        """The estimator's name."""
        known = [
            f"{length:g} in {name}" for length, name in zip(lengths, self.lattice.labels.names, strict=True)
        ]
        draws = f"average of {len(self.draws)} draws" if self.draws else "1 draw"
        return f"{what}, steps of {', '.join(known)}, {draws}, {self.features} features"

    def squares(self, s: Steps) -> Float[np.ndarray, " N"]:
        """Squared lengths of steps."""
        own = self.gram.diagonal()
        return own[s.start] + own[s.end] - 2 * self.gram[s.start, s.end]

    def true_squares(self, s: Steps) -> Float[np.ndarray, " N"]:
        """Squared lengths of steps, noise taken off."""
        return self.squares(s) - self.noise[s.start] - self.noise[s.end]

    def cosines(self, pairs: Pairs) -> Float[np.ndarray, " P"]:
        """0 where a step moves nothing."""
        lengths = [np.sqrt(np.maximum(self.squares(s), 0)) for s in (pairs.p, pairs.q)]
        over = [np.where(one > np.sqrt(NOTHING), 1 / np.maximum(one, np.sqrt(NOTHING)), 0) for one in lengths]
        return inner(self.gram, pairs) * over[0][pairs.i] * over[1][pairs.j]

    def pooled(self, pairs: Pairs) -> float:
        """The sum of inner products over that of mean squared lengths."""
        squares = self.true_squares(pairs.p)
        lengths = (squares[pairs.i] + squares[pairs.j]) / 2
        return over(inner(self.gram, pairs).sum(), lengths.sum())

    def pooled_square(self, pairs: Pairs) -> float:
        """The sum of squared inner products over that of products of squared lengths."""
        lengths = self.true_squares(pairs.p)[pairs.i] * self.true_squares(pairs.q)[pairs.j]
        if not self.draws:
            return over((inner(self.gram, pairs) ** 2).sum(), lengths.sum())
        products = [inner(gram, pairs) for gram in self.draws]
        D = len(products)
        squares = (sum(products) ** 2 - sum(product**2 for product in products)) / (D * (D - 1))
        return over(float(np.sum(squares)), lengths.sum())


def over(part: float, whole: float) -> float:
    """part / whole; NaN where there is no whole."""
    return float(part / whole) if whole > NOTHING else float("nan")


def inner(gram: Float[np.ndarray, "n n"], pairs: Pairs) -> Float[np.ndarray, " P"]:
    """Inner products of steps, from those of latents."""
    p, q = pairs.p, pairs.q
    rows = gram[p.end] - gram[p.start]
    if len(pairs.i) * 4 > len(p.start) * len(q.start):
        return (np.take(rows, q.end, axis=1) - np.take(rows, q.start, axis=1))[pairs.i, pairs.j]
    return rows[pairs.i, q.end[pairs.j]] - rows[pairs.i, q.start[pairs.j]]


def unit_gram(latents: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n n"]:
    """Inner products of centred latents, of total variance 1."""
    z = latents - latents.mean(axis=0)
    gram = z @ z.T
    return gram / max(np.trace(gram) / len(z), np.finfo(float).tiny)


def check_moves(
    latents: ArrayLike,
    labels: ArrayLike,
    step: Sequence[float] | None,
    factors: Factors | None,
) -> tuple[Moves, tuple[float, ...]]:
    """Latents (n, features) or (draws, n, features) on a lattice, and the length of a step along each factor.

    Raises:
        ValueError: as `check_latents`, `check_labels`, `check_lattice`, `check_step` and `check_steps` say.
    """
    x = check_latents(latents, 4, "two values of each of two factors", 3 if np.ndim(latents) == 3 else 2)
    n, features = x.shape[-2:]
    known = check_labels(labels, n, factors)
    known.check_ordered("a step leads from one value to the next")
    lattice = check_lattice(known)
    lengths = check_step(step, lattice)
    steps = check_steps(lattice, lengths)
    if x.ndim == 2:
        return Moves(lattice, steps, features, unit_gram(x), (), np.zeros(n)), lengths
    mean = x.mean(axis=0)
    centred = x - mean.mean(axis=0)
    total = max((centred.mean(axis=0) ** 2).sum() / n, np.finfo(float).tiny)
    noise = ((x - mean) ** 2).sum(axis=(0, 2)) / (len(x) * (len(x) - 1) * total)
    draws = tuple(one @ one.T / total for one in centred)
    return Moves(lattice, steps, features, unit_gram(mean), draws, noise), lengths


def apart(p: Steps, q: Steps) -> Pairs:
    """All pairs that share no label: the noise of a shared one would pull them to one another."""
    ends = [(a[:, None] == b) for a in (p.start, p.end) for b in (q.start, q.end)]
    return Pairs(p, q, *np.nonzero(~np.any(ends, axis=0)))


def from_one_value(s: Steps, lattice: Lattice) -> Pairs:
    """Pairs of steps from the same value of their factor."""
    value = lattice.index[s.start, s.k]
    return Pairs(s, s, *np.nonzero(np.triu(value[:, None] == value, k=1)))


def from_other_values(s: Steps, lattice: Lattice) -> Pairs:
    """Pairs of steps from different values of their factor, that share no label."""
    value = lattice.index[s.start, s.k]
    i, j = np.nonzero(np.triu(value[:, None] != value, k=1))
    touch = (s.end[i] == s.start[j]) | (s.end[j] == s.start[i])
    return Pairs(s, s, i[~touch], j[~touch])
