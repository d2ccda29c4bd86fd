"""Factorization: does each factor move the latents by itself, and in directions of its own? One number between two tori.

With A and B the covariances of what x alone and y alone move, and Gamma that of what only their combination moves
(see `variance_components`; noise counts there unless there are several draws),

    F = (tr A tr B - tr A B) / (tr(A + Gamma) tr(B + Gamma)).

Two moves a of x and b of y span a parallelogram of squared area |a|^2 |b|^2 - <a, b>^2. The numerator is its mean over all
pairs of moves that hold at every value of the other factor; the denominator is the most that all moves could span. So F is a
product of three shares,

    F = P_x P_y (1 - overlap),   P_x = tr A / tr(A + Gamma),
    overlap = tr A B / (tr A tr B) = mean <a, b>^2 / (mean |a|^2 mean |b|^2),

the parallelism of x-moves, that of y-moves, and their orthogonality. F is 1 if and only if z = a(x) + b(y) with a and b
in orthogonal subspaces, whatever the shape of the curves a and b, and 0 if either factor moves nothing alone, or both
move along one line. Neither half is enough: random latents are orthogonal, and z = x + y is parallel. The index

    I = (F(latents) - F(3D torus)) / (F(Clifford torus) - F(3D torus))

puts F on the scale of Liang et al. (NeurIPS 2024, arXiv 2408.13256): 0 at the ideal 3D torus of the same labels, 1 at
their Clifford torus, whose F is 1. It is less than 0 if factors are coupled more than on a 3D torus, and about
-F(3D torus) / (1 - F(3D torus)) if F is 0. Its only free numbers are the radii of the 3D torus.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import with_counts
from phasescope.measures.columns import Column, measure
from phasescope.measures.latents.ideal import RADII, clifford_torus, random_latents, torus_3d
from phasescope.measures.latents.variance_components import (
    NOTHING,
    Code,
    Effects,
    check_code,
    fieller_interval,
)
from phasescope.measures.scores import Score, baseline_level


@measure(
    Column(
        name="factorization",
        words="factorization index",
        meaning="where between the coupled 3D torus (0) and the factorized Clifford torus (1) the code is",
        high=1.0,
        better="higher",
        section="factorization",
        needs=frozenset({"latents", "lattice", "ordered"}),
        baselines=("permuted", "random", "torus_3d", "clifford"),
    ),
    take=lambda given: factorization(*given.on_lattice),
)
@with_counts()
def factorization(
    latents: Float[np.ndarray, "*draws n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    permutations: int = 20,
    seed: int = 0,
) -> Score:
    """Return the index I of two factors on a lattice, some labels of which may be missing; NaN, with everything as its
    interval, if several draws show that some factor moves nothing beyond noise.

    The interval is that of noise, at these labels: Fieller's (1954) for a ratio, of the variances that
    `variance_components` describes. In latents (n, features) noise counts as coupling; in (draws, n, features), which
    are averaged, it is subtracted. `detail` has F itself, P and overlap, and F of the 3D torus. The baseline `permuted`
    is the level that I stays below in 95 % of permutations of the labels, `random` is I of Gaussian latents of the same
    shape; `torus_3d` and `clifford` are I of the two tori, 0 and 1.

    Args:
        latents: one row per label, or several noise draws of such rows.

    Raises:
        ValueError: as `check_labels`, `check_lattice` and `check_code` say; not two factors.
    """
    code = check_code(latents, labels, factors)
    lattice = code.effects.lattice
    known = lattice.labels
    tori = torus_3d(known.values, known.factors), clifford_torus(known.values, known.factors)
    w = float(code.noises.mean())
    gram = code.z @ code.z.T
    parts, low, high = estimate(code, seed)
    torus, clifford = (shares(code.effects, ideal @ ideal.T).F for ideal in tori)

    def index(F: float) -> float:
        return float((F - torus) / (clifford - torus))

    n, features = code.z.shape
    rng = numpy_generator(seed, "factorization")
    chance = [index(shares(code.effects, gram, w, rng.permutation(n)).F) for _ in range(permutations)]
    nothing = random_latents(n, features, seed)
    x, y = known.factors.names
    return Score(
        value=index(parts.F) if np.isfinite(low) else np.nan,
        low=index(low),
        high=index(high),
        n=n,
        estimator=f"factorization index, variance components of {' x '.join(str(len(v)) for v in lattice.values)} "
        f"values, {code.draws} {'draws, noise taken off' if code.draws > 1 else 'draw, noise counts as coupling'}, "
        f"3D torus {RADII[0]:g}:{RADII[1]:g}",
        baselines={
            "permuted": baseline_level(np.array(chance)),
            "random": index(shares(code.effects, nothing @ nothing.T).F),
            "torus_3d": index(torus),
            "clifford": index(clifford),
        },
        detail={
            "F": parts.F,
            f"parallelism {x}": share(parts.a, parts.x),
            f"parallelism {y}": share(parts.b, parts.y),
            "overlap": share(parts.ab, max(parts.a, 0.0) * max(parts.b, 0.0)),
            "F of torus_3d": torus,
        },
    )


def estimate(code: Code, seed: int = 0) -> tuple[Shares, float, float]:
    """Return the traces that F is made of, and the interval of F."""
    w = float(code.noises.mean())
    s = shares(code.effects, code.z @ code.z.T, w)
    if s.still:
        return s, 0.0, 0.0
    covariance = code.covariance(partial(gradients, code.effects, w), (0.0, -(s.x + s.y)), seed)
    return s, *fieller_interval(s.part, s.total, covariance, code.degrees)


@dataclass(frozen=True)
class Shares:
    """The traces that F is made of: a = tr A, b = tr B, ab = tr A B, x = tr(A + Gamma) and y = tr(B + Gamma), less noise."""

    a: float
    b: float
    ab: float
    x: float
    y: float

    @property
    def part(self) -> float:
        return self.a * self.b - self.ab

    @property
    def total(self) -> float:
        return self.x * self.y

    @property
    def F(self) -> float:
        """0 if a factor moves nothing."""
        return 0.0 if self.still else self.part / self.total

    @property
    def still(self) -> bool:
        """Whether a factor has no effect, in a total variance of 1."""
        return abs(min(self.x, self.y)) <= NOTHING


def share(part: float, total: float) -> float:
    """Return part / total; NaN if there is no total."""
    return part / total if abs(total) > NOTHING else np.nan


def shares(
    effects: Effects,
    gram: Float[np.ndarray, "n n"],
    noise: float = 0.0,
    order: Int[np.ndarray, " n"] | None = None,
) -> Shares:
    """Return the traces from the latents' inner products.

    With V the effects' basis, A = z^T V M V^T z - q z^T (1 - V V^T) z and B likewise; of G = z z^T only V^T G is needed.

    Args:
        noise: the variance in a latent that is subtracted.
        order: in which the latents get the labels.
    """
    V = effects.basis if order is None else effects.basis[order]
    half = V.T @ gram
    H = half @ V
    inside, across, square = np.trace(H), half @ half.T - H @ H, (gram**2).sum()
    outside = float(np.trace(gram) - inside) / effects.free

    M_x, M_y = effects.inner
    spread_x, spread_y = effects.spread
    q_x, q_y = spread_x / effects.free, spread_y / effects.free
    trace_A = (M_x * H).sum() - spread_x * outside
    trace_B = (M_y * H).sum() - spread_y * outside
    trace_AB = (
        ((M_x @ H) * (M_y @ H).T).sum()
        - q_y * (M_x * across).sum()
        - q_x * (M_y * across).sum()
        + q_x * q_y * (square - 2 * (half**2).sum() + (H**2).sum())
    )
    return Shares(
        a=float(trace_A),
        b=float(trace_B),
        ab=float(trace_AB),
        x=float(trace_A + outside - noise),
        y=float(trace_B + outside - noise),
    )


def gradients(
    effects: Effects, noise: float, z: Float[np.ndarray, "n features"]
) -> tuple[Float[np.ndarray, "n features"], Float[np.ndarray, "n features"]]:
    """Return those of F's numerator and of its denominator, with respect to the latents."""
    gram = z @ z.T
    s = shares(effects, gram, noise)
    Az, Bz, Cz = effects.main(0, z), effects.main(1, z), effects.interaction(z)
    gram_z, gram_V, Vz = gram @ z, gram @ effects.basis, effects.basis.T @ z

    def gram_times(k: int) -> Float[np.ndarray, "n features"]:
        """Return G Q z of factor k, with one product of G for both factors."""
        q = effects.spread[k] / effects.free
        return gram_V @ (effects.inner[k] @ Vz + q * Vz) - q * gram_z

    of_ab = effects.main(0, gram_times(1)) + effects.main(1, gram_times(0))
    return 2 * (s.b * Az + s.a * Bz - of_ab), 2 * (s.y * Az + s.x * Bz + (s.x + s.y) * Cz)
