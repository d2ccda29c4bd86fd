"""Variance components of a code on a lattice: the main effect of each factor, and their interactions.

The K-way analysis of variance, in matrices. With m_k values of factor k and least squares

    z(label) = mean + sum_k a_k(value of k) + r(label),      sum over values of a_k = 0,

and f = n - 1 - sum_k (m_k - 1) degrees of freedom,

    Gamma = r^T r / f,      A_k = a_k^T a_k / (m_k - 1) - c_k Gamma,

c_k being what independent noise of unit variance leaves in a_k^T a_k / (m_k - 1): 1 / m_y for factor x of a full lattice.
These are the method-of-moments estimates (Searle, Casella & McCulloch 1992, chapter 4) of the covariance of interactions and
of moves along k. Noise that is independent from label to label adds its covariance to Gamma, and nothing to any A_k, on
average; tr A_x / tr(A_x + Gamma) is the parallelism of x-moves of all lengths, each weighted by its length.

Intervals are those of noise, at these labels. A statistic T of latents Z has, to first order, the variance

    sum_i g_i^T S_i g_i,     g_i = dT / dz_i,     S_i the covariance of the noise in z_i.

With several draws, S_i is their covariance over their number. With one, noise is what neighbours do not share: from the
residual r the line through the neighbours on either side is subtracted, along each factor in turn, and the rest scaled
to the noise's variance (Gasser, Sroka & Jennen-Steinmetz 1986). If noise enters T squared, as in Gamma, g_i is noisy
itself, and the variance counts that part twice (Efron & Stein 1981). With H the derivative of g and e, e' copies of the
noise, that excess is E (e^T H e')^2 / 2, and one further gradient, at Z + e', gives H e'. The noise that is subtracted
varies too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.checks import check_labels, check_latents, check_pairs
from phasescope.measures.lattice import Lattice, check_lattice
from phasescope.measures.scores import TAIL

STEP = 1e-4
"""of the noise, over which a gradient's derivative is taken"""
POOLED, SQUARED = 256, 128
"""labels at most whose noise is pooled, and from pairs of which the square of its covariance comes"""
# A variance below this share of the total is rounding.
NOTHING = 1e-12


@dataclass(frozen=True)
class Effects:
    """Least squares on a lattice, as linear maps of latents."""

    lattice: Lattice
    basis: Float[np.ndarray, "n p"]
    """V, orthonormal: the additive functions of the labels, the constant among them"""
    solve: tuple[Float[np.ndarray, "_ p"], ...]
    """of each factor, the map from V^T z to its values' effects a_k, which sum to 0"""

    @cached_property
    def free(self) -> int:
        """f."""
        return self.basis.shape[0] - self.basis.shape[1]

    @cached_property
    def spread(self) -> tuple[float, ...]:
        """c_k of each factor."""
        return tuple(float((solve**2).sum() / (len(solve) - 1)) for solve in self.solve)

    @cached_property
    def inner(self) -> tuple[Float[np.ndarray, "p p"], ...]:
        """M_k of each factor: a_k^T a_k / (m_k - 1) = z^T V M_k V^T z."""
        return tuple(solve.T @ solve / (len(solve) - 1) for solve in self.solve)

    def residual(self, z: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """Return r."""
        return z - self.basis @ (self.basis.T @ z)

    def interaction(self, z: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """Return Q z for the quadratic form z^T Q z = Gamma."""
        return self.residual(z) / self.free

    def main(self, k: int, z: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """Return Q z for the quadratic form z^T Q z = A_k."""
        return self.basis @ (self.inner[k] @ (self.basis.T @ z)) - self.spread[k] * self.interaction(z)


def check_effects(lattice: Lattice) -> Effects:
    """Return the least-squares maps of a lattice.

    Raises:
        ValueError: labels too few for a residual; a lattice in pieces that share no value, whose difference could be an
            effect of either factor.
    """
    index = lattice.index
    n, K = index.shape
    sizes = [len(values) for values in lattice.values]
    starts = np.cumsum([0, *sizes])
    p = starts[-1] - K + 1

    if n <= p:
        raise ValueError(
            f"`labels` (n={n}, {' x '.join(map(str, sizes))} values) must be more than the {p} numbers that an "
            "additive code has: they must be on a lattice, as scattered labels are not"
        )

    design = np.zeros((n, starts[-1]))
    design[np.arange(n)[:, None], index + starts[:-1]] = 1

    square, vectors = np.linalg.eigh(design.T @ design)
    if square[-p] < NOTHING * square[-1]:
        raise ValueError(
            f"`labels` (n={n}, a lattice in pieces) must be joined through values that they share: else an effect "
            "of one factor cannot be separated from another's"
        )

    singular, vectors = np.sqrt(square[-p:]), vectors[:, -p:]
    solve = np.split(vectors / singular, starts[1:-1])
    return Effects(
        lattice, design @ (vectors / singular), tuple(effects - effects.mean(axis=0) for effects in solve)
    )


@dataclass(frozen=True)
class Code:
    """Latents on a lattice, averaged over noise draws, and the noise in that average."""

    effects: Effects
    z: Float[np.ndarray, "n features"]
    """centred, in units in which the total variance is 1"""
    noise: Float[np.ndarray, "n copies features"]
    """e_i: the sum over copies of e_i e_i^T estimates S_i"""
    strange: Float[np.ndarray, "n n"]
    """1 where e_j has nothing of the noise in z_i, else 0"""
    draws: int
    degrees: float
    """of freedom, of the estimate of noise in one direction (Satterthwaite 1946)"""
    peaked: float
    """what is left in e_i of an excess of the fourth moment over a Gaussian's: less than 1 if e_i is a sum of labels'"""

    @cached_property
    def noises(self) -> Float[np.ndarray, " n"]:
        """tr S_i if there are several draws; else 0, and noise counts as interaction."""
        return (self.noise**2).sum(axis=(1, 2)) if self.draws > 1 else np.zeros(len(self.z))

    def covariance(
        self, gradients: Callable[[np.ndarray], Sequence[np.ndarray]], of_noise: Sequence[float], seed: int
    ) -> Float[np.ndarray, "S S"]:
        """Return that of S statistics of z and of the mean of `noises`, their derivatives by which are `of_noise`."""
        n, copies, _ = self.noise.shape
        rng = numpy_generator(seed, "noise")
        source = rng.permutation(n)
        signs = rng.choice([-1.0, 1.0], size=(n, copies, 1))
        other = (signs * self.noise).sum(axis=1)[source] * np.sqrt(self.size / self.size[source])[:, None]
        g = gradients(self.z)
        turned = [(a - b) / STEP for a, b in zip(gradients(self.z + STEP * other), g, strict=True)]
        some = rng.permutation(n)[:POOLED]
        weight = self.strange[:, some]
        once = self._pooled(g, weight, some) if self.draws == 1 else self._along(g)
        twice = self._pooled(turned, weight * weight[source], some)
        known = np.asarray(of_noise)
        return without_excess(once, twice / 2) + np.outer(known, known) * self._of_noise(some[:SQUARED]) / n

    @cached_property
    def size(self) -> Float[np.ndarray, " n"]:
        """The squared noise of each label, relative to the mean of all; 1 if there is only one draw."""
        mean = self.noises.mean()
        return np.maximum(self.noises / mean, NOTHING) if mean > 0 else np.ones(len(self.z))

    def _along(self, g: Sequence[np.ndarray]) -> Float[np.ndarray, "S S"]:
        """Return the sum over labels of g_i^T S_i g_i, for each pair of gradients."""
        along = np.stack([np.einsum("icf,if->ic", self.noise, gradient).ravel() for gradient in g])
        return along @ along.T

    def _pooled(
        self, g: Sequence[np.ndarray], weight: Float[np.ndarray, "n some"], some: Int[np.ndarray, " some"]
    ) -> Float[np.ndarray, "S S"]:
        """Return the same with, for S_i, the mean of S_j over some labels j, by weight_ij, each made as large as S_i."""
        share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1)
        root = np.sqrt(share * self.size[:, None] / self.size[some])
        total = np.zeros((len(g), len(g)))
        for copy in np.moveaxis(self.noise[some], 1, 0):
            along = np.stack([(root * (gradient @ copy.T)).ravel() for gradient in g])
            total += along @ along.T
        return total

    def _of_noise(self, some: Int[np.ndarray, " some"]) -> float:
        """Return n times the variance of the mean of `noises`; with one draw, of what noise adds to the mean of |z_i|^2
        beyond what Gaussian noise does.

        With S the mean covariance, from pairs of labels that are strange to one another, and k = tr S^2 / (tr S)^2, tr S_i
        of D draws has the variance 2 k (tr S_i)^2 / (D - 1). (Tails heavier than Gaussian cancel: they are in the squared
        mean of the draws as well.)
        """
        e = self.noise[some]
        energy = (self.noise**2).sum(axis=(1, 2))
        pairs = self.strange[np.ix_(some, some)]
        products = (e.reshape(-1, e.shape[2]) @ e.reshape(-1, e.shape[2]).T) ** 2
        products = products.reshape(len(some), e.shape[1], len(some), e.shape[1]).sum(axis=(1, 3))
        square = float((pairs * products).sum() / max(pairs.sum(), 1))
        if self.draws == 1:
            return max(float(energy.var(ddof=1)) - 2 * square, 0.0) / self.peaked
        k = 2 * square / max(energy.mean() ** 2, np.finfo(float).tiny) / (self.draws - 1)
        return float((energy**2).mean() * k / (1 + k))


def without_excess(
    once: Float[np.ndarray, "S S"], excess: Float[np.ndarray, "S S"]
) -> Float[np.ndarray, "S S"]:
    """Return once - excess, such that no combination of statistics loses more than half: a part counted twice is no more."""
    values, vectors = np.linalg.eigh(once)
    kept = values > NOTHING * max(values[-1], np.finfo(float).tiny)
    if not kept.any():
        return once
    root = vectors[:, kept] * np.sqrt(values[kept])
    inverse = vectors[:, kept] / np.sqrt(values[kept])
    share, axes = np.linalg.eigh(inverse.T @ excess @ inverse)
    turned = root @ axes
    return turned @ np.diag(1 - np.clip(share, 0, 0.5)) @ turned.T


def check_code(latents: ArrayLike, labels: ArrayLike, factors: Factors | None = None) -> Code:
    """Return the code of latents (n, features) or (draws, n, features) with labels (n, K) on a lattice.

    Raises:
        ValueError: as `check_latents`, `check_labels`, `check_lattice` and `check_effects` say; latents whose average over
            draws does not vary.
    """
    x = check_latents(latents, 4, "two values of each of two factors", 3 if np.ndim(latents) == 3 else 2)
    check_pairs(x.shape[-2])

    known = check_labels(labels, x.shape[-2], factors)
    known.check_ordered("noise is what neighbours along a factor do not share")
    effects = check_effects(check_lattice(known))

    draws = x if x.ndim == 3 else x[None]
    z = draws.mean(axis=0)
    deviations = np.moveaxis(draws - z, 0, 1) / np.sqrt(len(draws) * max(len(draws) - 1, 1))

    z = z - z.mean(axis=0)
    total = np.sqrt((z**2).sum() / (len(z) - 1))
    if total <= NOTHING * np.abs(x).max():
        raise ValueError(f"`latents` (shape {x.shape}) must vary from label to label")

    if len(draws) > 1:
        noise, strange, peaked = deviations, 1 - np.eye(len(z)), 1.0
        degrees = float(len(z) * (len(draws) - 1))
    else:
        left, made_of = rough(effects, z)
        noise, strange = left[:, None], (made_of.T == 0).astype(float)
        strange[strange.sum(axis=1) == 0] = 1
        degrees = float(len(z) ** 2 / ((made_of @ made_of.T) ** 2).sum())
        peaked = float((made_of**4).sum() / len(z))
    return Code(
        effects=effects,
        z=z / total,
        noise=noise / total,
        strange=strange,
        draws=len(draws),
        degrees=degrees,
        peaked=peaked,
    )


def rough(
    effects: Effects, z: Float[np.ndarray, "n features"]
) -> tuple[Float[np.ndarray, "n features"], Float[np.ndarray, "n n"]]:
    """Return what neighbours on the lattice do not share, with the variance of the noise in each label; and the sums of
    labels, rows of squared length 1, that each is. A factor along which a label or a neighbour is missing has no effect.
    """
    left = effects.residual(z)
    n, K = effects.lattice.index.shape
    made_of = np.eye(n)
    taken = np.zeros(n, dtype=int)
    """along which factors, a bit for each: rows are compared only with those of the same mask"""
    for k in range(K):
        rows, weights = effects.lattice.triples(k)
        complete = (rows >= 0).all(axis=1) & (taken[rows] == taken[rows[:, 1]][:, None]).all(axis=1)
        weights, rows = weights[complete], rows[complete]
        left, made_of = left.copy(), made_of.copy()
        left[complete] = np.einsum("nt,ntf->nf", weights, left[rows])
        made_of[complete] = np.einsum("nt,ntf->nf", weights, made_of[rows])
        taken = taken + 2**k * complete
    return np.where((taken > 0)[:, None], left, left * np.sqrt(n / effects.free)), made_of


def fieller_interval(
    part: float, total: float, covariance: Float[np.ndarray, "2 2"], degrees: float
) -> tuple[float, float]:
    """Return Fieller's (1954) interval of part / total, whose errors are nearly normal.

    It holds each ratio q at which part - q total is less than t of its standard errors, t of the `degrees` of freedom
    with which these are known. It is everything if `total` is not distinct from 0.
    """
    from scipy.stats import t

    square = t.ppf(1 - TAIL, degrees) ** 2
    a = total**2 - square * covariance[1, 1]
    if a <= 0:
        return -np.inf, np.inf
    b = part * total - square * covariance[0, 1]
    c = part**2 - square * covariance[0, 0]
    root = np.sqrt(max(b**2 - a * c, 0))
    return float((b - root) / a), float((b + root) / a)
