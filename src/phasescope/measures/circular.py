"""Circular coordinates: the angle around each loop of the latents, found without labels.

A loop that persists is a class of cohomology, and cohomology in degree 1 with integer coefficients is the same as maps to
the circle (de Silva, Morozov & Vejdemo-Johansson 2011). The cocycle over Z / p is lifted to integers eta_ij on the
landmarks' edges shorter than a scale; a real tau_i is chosen to make

    theta_ij = eta_ij - (tau_j - tau_i)

as small as least squares can, and tau mod 1 is the angle, in turns, whose change along an edge is - theta_ij. An edge weighs
1 / (q_i q_j), q the number of edges at a landmark: the normalisation of Coifman & Lafon (2006), after which an angle grows
with length along the loop and not with the density of landmarks. Rows that are no landmarks follow through a partition of
unity phi over balls about the landmarks (Perea 2020): from its nearest landmark j a row's angle is
tau_j - sum_r phi_r theta_jr.

Angles are known up to rotation and orientation, and several of them up to integer combinations, GL(c, Z). Of these the one
is taken whose angles turn as little as they can: a lattice basis that is short in the inner product sum w theta theta' of
their harmonic cocycles, found by reducing pairs (Scoccola et al. 2023). On the Clifford torus that is an angle a factor.
What is left, rotation, orientation and how often an angle turns, the comparison with a label must allow for.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from phasescope.measures.checks import check_count, check_draws, check_latents
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, null_level
from phasescope.measures.topology import maxmin, scaled_distances
from phasescope.randomness import numpy_generator


@dataclass(frozen=True)
class CircularCoordinates:
    """Angles around the most persistent loops."""

    angles: Float[np.ndarray, "n count"]
    """Radians, in [0, 2 pi)."""
    births: Float[np.ndarray, " count"]
    deaths: Float[np.ndarray, " count"]
    """Of the loops, most persistent first, in units of the root mean square distance from the mean. The angles are
    combinations of theirs."""


def circular_coordinates(
    latents: Float[np.ndarray, "n features"], count: int = 1, landmarks: int = 256, prime: int = 47
) -> CircularCoordinates:
    """Angles around the `count` most persistent loops of the landmarks' Rips complex, for all rows.

    They are read midway between the scale at which all loops are born, and the balls about landmarks cover all rows, and
    that at which the first dies. Noise has loops too, and angles around them: `persistent_homology` says how many to
    ask for.

    Args:
        landmarks: as in `persistent_homology`.
        prime: of the field Z / p in which cocycles are found; another where a class does not lift to the integers.

    Raises:
        ValueError: as `check_latents` says; n or `landmarks` < 16; `prime` not an odd prime; fewer loops than `count`;
            loops that do not live at one scale; landmarks so few that the gaps between them are as wide as a loop; a class
            that does not lift.
    """
    from ripser import ripser

    check_count("count", count, 1, "loops to go around")
    check_count("landmarks", landmarks, 16, "a loop needs them")
    check_count("prime", prime, 3, "coefficients are lifted to integers on both sides of 0")
    if any(prime % divisor == 0 for divisor in range(2, int(prime**0.5) + 1)):
        raise ValueError(f"`prime` (={prime}) must be a prime: coefficients form a field")
    x = check_latents(latents, 16, "a loop needs them")
    _, distances = scaled_distances(x)
    chosen, cover = maxmin(distances, min(landmarks, len(x)))
    among = distances[np.ix_(chosen, chosen)]
    found = ripser(among, distance_matrix=True, maxdim=1, coeff=prime, do_cocycles=True)
    diagram = found["dgms"][1]
    if len(diagram) < count:
        raise ValueError(f"`count` (={count}) must be at most {len(diagram)}: the loops that there are")
    order = np.argsort(diagram[:, 0] - diagram[:, 1], kind="stable")[:count]
    births, deaths = diagram[order].T
    if 2 * cover >= deaths.min():
        raise ValueError(
            f"`landmarks` (={landmarks}) must be more: balls of {cover:.3g} about them, which cover the rows, "
            f"close a loop that dies at {deaths.min():.3g}"
        )
    opens = max(float(births.max()), 2 * cover)
    if opens >= deaths.min():
        raise ValueError(
            f"`count` (={count}) must be less: no scale has all of these loops, one is born at {births.max():.3g} "
            f"and one dies at {deaths.min():.3g}"
        )
    scale = (opens + float(deaths.min())) / 2
    joined = among < scale
    smoothed = [smooth(lift(found["cocycles"][1][loop], joined, prime), joined) for loop in order]
    taus, thetas = (np.stack(parts) for parts in zip(*smoothed, strict=True))
    weights = edge_weights(joined)
    basis = reduce_lattice(np.einsum("aij,bij,ij->ab", thetas, thetas, weights))
    reduced = zip(basis @ taus, np.tensordot(basis, thetas, 1), strict=True)
    angles = [2 * np.pi * extend(tau, theta, distances[:, chosen], scale / 2) for tau, theta in reduced]
    return CircularCoordinates(np.stack(angles, axis=1) % (2 * np.pi), births, deaths)


def edge_weights(joined: Bool[np.ndarray, "L L"]) -> Float[np.ndarray, "L L"]:
    """w_ij = 1 / (q_i q_j) of each edge."""
    q = joined.sum(axis=1)
    return (joined & ~np.eye(len(joined), dtype=bool)) / np.outer(q, q)


def reduce_lattice(gram: Float[np.ndarray, "count count"]) -> Int[np.ndarray, "count count"]:
    """Integer combinations, one a row and of determinant 1, that are short where inner products are `gram`.

    From each vector the nearest multiple of each other one is taken off, as long as that makes it shorter: of two,
    Lagrange's algorithm, whose result is the shortest basis.
    """
    basis = np.eye(len(gram), dtype=int)
    pairs = [(i, j) for i in range(len(gram)) for j in range(len(gram)) if i != j]
    shorter = True
    while shorter:
        shorter = False
        for i, j in pairs:
            inner = basis @ gram @ basis.T
            multiple = int(np.rint(inner[i, j] / inner[j, j]))
            candidate = basis[i] - multiple * basis[j]
            if candidate @ gram @ candidate < inner[i, i] * (1 - 1e-9):
                basis[i] = candidate
                shorter = True
    return basis


def lift(
    cocycle: Int[np.ndarray, "edges 3"], joined: Bool[np.ndarray, "L L"], prime: int
) -> Float[np.ndarray, "L L"]:
    """eta_ij = - eta_ji, the integers nearest 0 of a cocycle (i, j, value mod p), on the edges that are joined.

    Raises:
        ValueError: its sum around some triangle is not 0.
    """
    i, j, value = cocycle.T
    eta = np.zeros(joined.shape)
    eta[i, j] = np.where(value > prime // 2, value - prime, value)
    eta = np.where(joined, eta - eta.T, 0)
    for a, edges in enumerate(joined):
        corners = np.flatnonzero(edges)
        around = eta[a, corners][:, None] + eta[np.ix_(corners, corners)] - eta[a, corners]
        if (around * joined[np.ix_(corners, corners)]).any():
            raise ValueError(
                f"`prime` (={prime}) must be another: the loop's class does not lift to integers"
            )
    return eta


def smooth(
    eta: Float[np.ndarray, "L L"], joined: Bool[np.ndarray, "L L"]
) -> tuple[Float[np.ndarray, " L"], Float[np.ndarray, "L L"]]:
    """tau and theta that minimise the sum of w_ij theta_ij^2: the Laplacian of tau is the divergence of eta."""
    w = edge_weights(joined)
    laplacian = np.diag(w.sum(axis=1)) - w
    tau = np.linalg.lstsq(laplacian, (w * eta).sum(axis=0), rcond=None)[0]
    return tau, np.where(w > 0, eta - (tau - tau[:, None]), 0)


def extend(
    tau: Float[np.ndarray, " L"],
    theta: Float[np.ndarray, "L L"],
    distances: Float[np.ndarray, "n L"],
    radius: float,
) -> Float[np.ndarray, " n"]:
    """Each row's angle in turns, from the landmarks within `radius` of it, the nearest first."""
    phi = np.maximum(radius - distances, 0)
    phi /= phi.sum(axis=1, keepdims=True)
    nearest = distances.argmin(axis=1)
    return tau[nearest] - (phi * theta[nearest]).sum(axis=1)


def circular_correlation(
    angles: Float[np.ndarray, " n"],
    label: Float[np.ndarray, " n"],
    period: float = 2 * np.pi,
    windings: int = 2,
    permutations: int = 200,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """How well angles follow a periodic label, up to rotation, orientation and winding: 1 where they do, about 0 by chance.

    Fisher & Lee's (1983) coefficient, over pairs of rows,

        rho_m = sum sin(a_i - a_j) sin(m b_i - m b_j) / sqrt(sum sin^2(a_i - a_j) sum sin^2(m b_i - m b_j)),

    needs no mean direction (evenly spread angles have none). The value is the largest |rho_m| over m = 1, ..., `windings`.
    `detail` has `winding`, that m, negative where the orientation is reversed. The interval resamples rows, at that m. The
    null `permuted` is the level that the value stays below in 95 % of permutations, each with its own largest m.

    Args:
        angles: radians.
        label: in the world's units.
        period: of the label.
        windings: how often at most the angle may turn while the label turns once.

    Raises:
        ValueError: arrays not of one dimension, one length of at least 4, finite; `period` not positive; values that are
            all equal or opposite.
    """
    check_count("windings", windings, 1, "an angle that follows turns once at least")
    check_draws(permutations, resamples)
    if not (np.isfinite(period) and period > 0):
        raise ValueError(f"`period` (={period}) must be greater than 0: a label's way around")
    a = _angles("angles", angles)
    b = _angles("label", 2 * np.pi * np.asarray(label, dtype=float) / period)
    if len(a) != len(b):
        raise ValueError(f"`label` (n={len(b)}) must have n={len(a)} entries, as `angles` has: one a row")
    n = len(a)
    rng = numpy_generator(seed, "circular correlation")
    permuted = np.stack([b, *(rng.permutation(b) for _ in range(permutations))])
    rho = np.stack([fisher_lee(a[None], m * permuted, np.ones((1, n))) for m in range(1, windings + 1)])
    value, *null = np.abs(rho).max(axis=0).tolist()
    m = int(np.abs(rho[:, 0]).argmax()) + 1
    replicates = np.abs(fisher_lee(a[None], m * b[None], bootstrap_weights(n, resamples, rng)))
    low, high = basic_interval(value, replicates)
    return Score(
        value=value,
        low=max(low, 0.0),
        high=min(high, 1.0),
        n=n,
        estimator=f"circular correlation of Fisher & Lee, absolute, largest of {windings} windings",
        nulls={"permuted": null_level(np.array(null))},
        detail={"winding": float(np.copysign(m, rho[m - 1, 0]))},
    )


def _angles(name: str, values: ArrayLike) -> Float[np.ndarray, " n"]:
    a = np.asarray(values, dtype=float)
    if a.ndim != 1 or len(a) < 4 or not np.isfinite(a).all():
        raise ValueError(f"`{name}` (shape {a.shape}) must be at least 4 finite numbers: one a row")
    if np.abs(np.sin(a - a[0])).max() < 1e-9:
        raise ValueError(f"`{name}` ({a[0]:g} and its opposite) must vary: all pairs are equal or opposite")
    return a


def fisher_lee(
    a: Float[np.ndarray, "#some n"], b: Float[np.ndarray, "#some n"], weights: Float[np.ndarray, "#some n"]
) -> Float[np.ndarray, " some"]:
    """rho of each row, from the resultants R of n angles.

    4 sum_{i<j} sin(a_i - a_j) sin(b_i - b_j) = R^2(a - b) - R^2(a + b), and b = a gives n^2 - R^2(2 a).
    """

    def squared_resultant(angle: Float[np.ndarray, "any n"]) -> Float[np.ndarray, " more"]:
        return (weights * np.cos(angle)).sum(axis=1) ** 2 + (weights * np.sin(angle)).sum(axis=1) ** 2

    total = weights.sum(axis=1) ** 2
    spread = (total - squared_resultant(2 * a)) * (total - squared_resultant(2 * b))
    difference = squared_resultant(a - b) - squared_resultant(a + b)
    varies = spread > (1e-12 * total) ** 2
    return np.where(varies, difference / np.sqrt(np.where(varies, spread, 1)), 0.0)


def windings(
    angles: Float[np.ndarray, "n count"],
    labels: Float[np.ndarray, "n K"],
    periods: Float[np.ndarray, " K"],
    at_most: int = 2,
) -> tuple[Int[np.ndarray, "count K"], Float[np.ndarray, " count"]]:
    """How often each coordinate turns while each label turns once, and how closely: 1 where it is exact.

    The integers m, from -`at_most` to `at_most`, whose resultant |mean exp i (angle - sum_k m_k 2 pi label_k / period_k)|
    is the largest. Coordinates of a torus that are those of its labels have a matrix of determinant 1 or -1.

    Raises:
        ValueError: labels not (n, K) with n as in `angles`; periods not K.
    """
    check_count("at_most", at_most, 1, "a coordinate turns once at least")
    if angles.ndim != 2 or labels.ndim != 2 or len(labels) != len(angles):
        raise ValueError(
            f"`labels` (shape {labels.shape}) must be (n, K) with n={len(angles)} as in `angles`"
        )
    if np.shape(periods) != labels.shape[1:] or not (np.asarray(periods) > 0).all():
        raise ValueError(
            f"`periods` (={periods}) must be {labels.shape[1]} numbers greater than 0: one a label"
        )
    turns = np.array(list(product(range(-at_most, at_most + 1), repeat=labels.shape[1])))
    phase = 2 * np.pi * labels / periods @ turns.T
    resultant = np.abs(np.exp(-1j * phase).T @ np.exp(1j * angles)) / len(angles)
    best = resultant.argmax(axis=0)
    return turns[best], resultant.max(axis=0)
