"""Representational similarity: do pairs of labels that are far apart have latents that are far apart?

The Spearman correlation, over pairs of rows, of label distances and latent distances (Kriegeskorte, Mur & Bandettini
2008), equal distances at their mid-rank. It asks for order among distances only: any monotone stretch of all of them is
allowed. Of all pairs most are far, so that a code can score high whose neighbourhoods are scrambled, and a torus of which
one sees the far side; pairs within a declared radius of each other in label space tell that.

With F and G the mid-distribution functions of the two distances, less 1/2, C = E F G and V_F = E F^2, V_G likewise,
rho = C / sqrt(V_F V_G). A pair p = (d, e) has on C the influence

    F(d) G(e) + E[G; D > d] + E[F; E > e] - 3 C,

the middle terms because its ranks move all others', and on V_F and V_G the same with F or G twice. A row's influence is
the sum of its pairs'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from phasescope.factors import Factors
from phasescope.measures.anova import with_pairs_counted_once
from phasescope.measures.checks import check_draws, check_labels, check_latents
from phasescope.measures.latents.neighbours import squared_distances
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, null_level
from phasescope.randomness import numpy_generator

STEPS = 1e5 * np.pi
"""In which latent distances are counted within a power of two: what is equal but for rounding ties. Their number is
irrational, so that no distance of a lattice lies at a step's edge."""


def rsa(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    radius: float = 1.0,
    factors: Factors | None = None,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Spearman correlation of label and latent distances, -1 to 1, over pairs of labels within `radius`.

    The interval resamples labels. A label that is drawn twice is no pair with itself, whose distance of 0 would agree
    in both spaces: what is resampled are rows' influences, which are sums over pairs of different rows, on Fisher's z,
    less what a pair counts twice (`anova`). The null `permuted` is the level that the correlation stays below in 95 % of
    permutations of the labels.

    Args:
        radius: of pairs, as a share of the greatest distance between labels; 1 takes all.
        factors: what is known of the K factors; by default open, of span 1, named label1, label2, ...

    Raises:
        ValueError: shapes, counts or values as `check_latents` and `check_labels` say, n < 4; a radius that is not in
            (0, 1], or within which there are fewer pairs than labels, or pairs all equally far.
    """
    x = check_latents(latents, 4, "pairs are compared")
    known = check_labels(labels, len(x), factors)
    if not 0 < radius <= 1:
        raise ValueError(f"`radius` (={radius}) must be in (0, 1]: a share of the greatest label distance")
    of_labels = known.squared_distances()
    within = of_labels <= radius**2
    np.fill_diagonal(within, False)
    if within.sum() / 2 < len(x):
        raise ValueError(
            f"`radius` (={radius}) must take in at least n={len(x)} pairs, not {within.sum() // 2}: a rank correlation "
            "needs them"
        )
    name = (
        "RSA, Spearman"
        if radius == 1
        else f"RSA, Spearman, pairs within {radius:g} of the greatest label distance"
    )
    return correlated(name, of_labels, latent_distances(x), within, permutations, resamples, seed)


def correlated(
    name: str,
    first: Float[np.ndarray, "n n"],
    second: Float[np.ndarray, "n n"],
    within: Bool[np.ndarray, "n n"],
    permutations: int,
    resamples: int,
    seed: int,
) -> Score:
    """Spearman correlation of two spaces' distances over pairs `within`, as a Score; the null permutes rows of the second.

    Raises:
        ValueError: pairs that are all equally far in one of the spaces.
    """
    check_draws(permutations, resamples)
    n = len(first)
    i, j = np.nonzero(np.triu(within, 1))
    f, g = Ranked.of(first[i, j]), Ranked.of(second[i, j])
    for space, ranked in (("labels", f), ("latents", g)):
        if not ranked.score.any():
            raise ValueError(
                f"`{space}` (all {len(i)} pairs equally far) must differ in distance: nothing to rank"
            )
    rho, of_pair = spearman(f, g)
    whole = len(i) == n * (n - 1) / 2
    scores = np.zeros((n, n))
    scores[i, j] = scores[j, i] = g.score

    def permuted(row: Int[np.ndarray, " n"]) -> float:
        # Ranks among all pairs stay what they are when rows are permuted; among some they do not.
        score = scores[row[i], row[j]] if whole else Ranked.of(second[row[i], row[j]]).score
        return float(f.score @ score / math.sqrt((f.score @ f.score) * (score @ score)))

    rng = numpy_generator(seed, name)
    null = np.array([permuted(rng.permutation(n)) for _ in range(permutations)])
    q = np.zeros((n, n))
    q[i, j] = q[j, i] = of_pair / len(i)
    low, high = fisher_interval(rho, q, bootstrap_weights(n, resamples, rng))
    return Score(value=rho, low=low, high=high, n=n, estimator=name, nulls={"permuted": null_level(null)})


def fisher_interval(
    correlation: float, q: Float[np.ndarray, "n n"], weights: Float[np.ndarray, "resamples n"]
) -> tuple[float, float]:
    """(low, high) of a correlation on Fisher's z = artanh, where pairs of rows have the influences q on the correlation."""
    free = 1 - correlation**2
    if free < 1e-9:
        return correlation, correlation
    z = math.atanh(correlation)
    influence = with_pairs_counted_once(q.sum(axis=1) / free, q / free)
    low, high = basic_interval(z, z + (weights - 1) @ influence)
    return math.tanh(low), math.tanh(high)


@dataclass(frozen=True)
class Ranked:
    """M values by their ranks."""

    ascending: Int[np.ndarray, " M"]
    below: Int[np.ndarray, " M"]
    """How many others are less."""
    up_to: Int[np.ndarray, " M"]
    """How many are not greater, itself included."""

    @classmethod
    def of(cls, values: Float[np.ndarray, " M"]) -> Ranked:
        ascending = values.argsort()
        starts = np.flatnonzero(np.diff(values[ascending], prepend=-np.inf))
        ends = np.append(starts[1:], len(values))
        below, up_to = np.empty((2, len(values)), dtype=int)
        below[ascending], up_to[ascending] = np.repeat([starts, ends], ends - starts, axis=1)
        return cls(ascending, below, up_to)

    @property
    def score(self) -> Float[np.ndarray, " M"]:
        """The mid-distribution function less 1/2: 0 on average."""
        return (self.below + self.up_to) / (2 * len(self.below)) - 0.5

    def mean_above(self, of: Float[np.ndarray, " M"]) -> Float[np.ndarray, " M"]:
        """E[of; value > v] at each value v, equal ones counted half."""
        total = np.append(0, of[self.ascending].cumsum())
        return (total[-1] - (total[self.below] + total[self.up_to]) / 2) / len(of)


def spearman(f: Ranked, g: Ranked) -> tuple[float, Float[np.ndarray, " M"]]:
    """The correlation of ranks, and each pair's influence on it."""
    C, on_C = _mean_product(f, g)
    V_F, on_V_F = _mean_product(f, f)
    V_G, on_V_G = _mean_product(g, g)
    rho = C / math.sqrt(V_F * V_G)
    return rho, on_C / math.sqrt(V_F * V_G) - rho / 2 * (on_V_F / V_F + on_V_G / V_G)


def _mean_product(f: Ranked, g: Ranked) -> tuple[float, Float[np.ndarray, " M"]]:
    """E F G, and each pair's influence on it."""
    F, G = f.score, g.score
    mean = float(F @ G) / len(F)
    return mean, F * G + f.mean_above(G) + g.mean_above(F) - 3 * mean


def latent_distances(x: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "n n"]:
    """Squared distances of all rows, rounded to where equal ones tie."""
    squared = squared_distances(x)
    squared[squared < 1e-12 * squared.max()] = 0
    mantissa, exponent = np.frexp(squared)
    return np.ldexp(np.rint(STEPS * mantissa), exponent)
