"""Additive R^2: how much of a code is z(x, y) = a(x) + b(y), and how much only the combination of x and y says.

On a lattice, full or not, by least squares (`variance_components`): with r the residuals, f the degrees of freedom that they
keep, w the variance of noise in a latent where several draws tell it, and z centred,

    interaction share = (sum |r|^2 / f - w) / (sum |z|^2 / (n - 1) - w),      additive R^2 = 1 - interaction share,

the adjusted R^2 (Theil 1961), noise taken off. The plain 1 - sum |r|^2 / sum |z|^2 is flattered: of a code that is
nothing but noise a 10 x 10 lattice explains 18 %. It is in `detail`.

Whitening changes the answer, so it is an argument: loud directions weigh no more than quiet ones then. The principal
components of the label means are each scaled to variance 1, but those of less than a declared share of the largest's
variance are dropped; which label is whose does not enter.

Scattered labels share no values, so a and b are given bases: cubic splines for an open factor, sines and cosines for a
periodic one, of a size that leave-one-out error chooses, over all features at once, among `SIZES`; all functions of a
categorical one. The joint fit has all products of the two bases too, its size chosen by itself. With e_i the error at label
i of the fit to all others (PRESS; Allen 1974),

    R^2 = 1 - (sum |e|^2 / n - w) / (sum |e_0|^2 / n - w),      e_0 that of the mean of all others,

and the interaction is what the joint fit's R^2 has more than the additive one's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from phasescope.factors import Factors
from phasescope.measures.checks import Labels, check_count, check_draws, check_labels, check_latents
from phasescope.measures.latents.ideal import RADII, clifford_torus, torus_3d
from phasescope.measures.latents.variance_components import Code, check_code, fieller_interval
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, null_level
from phasescope.randomness import numpy_generator

WHITENED_FLOOR = 0.01
"""Of the largest principal component's variance, below which whitening drops a component: it would make noise as loud."""
SIZES = (1, 2, 3, 4, 6, 8)
"""Of a factor's basis: the highest harmonic, or a spline's pieces."""
ROUNDING = 1e-9
"""Of the error of the mean, within which the smaller of two bases is as good."""
LABELS_A_COLUMN = 3
"""At least, of a fit to scattered labels."""


def additivity(
    latents: Float[np.ndarray, "*draws n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    whiten: bool = False,
    permutations: int = 20,
    radii: tuple[float, float] = RADII,
    seed: int = 0,
) -> Score:
    """Additive R^2 of labels on a lattice.

    The interval speaks for noise, at these labels, and holds the whitening. The null `permuted` is the level that the
    same statistic stays below in 95 % of permutations of the labels. `detail` has the interaction share, each factor's
    share (of which, on a full lattice, they are all), the plain R^2, and the tori's additive R^2, whitened alike.

    Args:
        latents: one row a label, whose noise counts as interaction, or several noise draws of such rows, averaged, from
            which it is taken off.
        labels: in the world's units.
        factors: what is known of the K factors; by default open, of span 1, named label1, label2, ...
        whiten: scale the principal components alike, of at least `WHITENED_FLOOR` of the largest's variance.
        radii: of the 3D torus.

    Returns:
        a Score; its value is NaN, its interval everything, where several draws show that labels move nothing that is
        told from noise.

    Raises:
        ValueError: as `check_code` and `check_radii` say.
    """
    check_count("permutations", permutations, 1, "a score needs its null")
    code = check_code(latents, labels, factors)
    if whiten:
        code = whitened(code)
    effects, z, w = code.effects, code.z, float(code.noises.mean())
    n = len(z)
    total = (z**2).sum() / (n - 1)
    residual = (effects.residual(z) ** 2).sum()
    part, whole = float(residual / effects.free - w), float(total - w)

    def gradients(y: Float[np.ndarray, "n c"]) -> tuple[np.ndarray, np.ndarray]:
        return 2 * effects.interaction(y), 2 * y / (n - 1)

    covariance = code.covariance(gradients, (-1.0, -1.0), seed)
    low, high = fieller_interval(part, whole, covariance, code.degrees)
    rng = numpy_generator(seed, "additivity")
    V = effects.basis
    chance = [
        1 - (((z**2).sum() - ((V[rng.permutation(n)].T @ z) ** 2).sum()) / effects.free - w) / whole
        for _ in range(permutations)
    ]
    known = effects.lattice.labels
    tori = {"clifford": clifford_torus(known.values, known.factors)}
    if len(known.names) == 2:
        tori["torus_3d"] = torus_3d(known.values, known.factors, radii)
    of = {name: (z * effects.main(k, z)).sum() / whole for k, name in enumerate(known.names)}
    value = 1 - part / whole if np.isfinite(low) else np.nan
    how = (
        f"whitened, {z.shape[1]} components from {WHITENED_FLOOR:.0%} of the largest"
        if whiten
        else f"{z.shape[1]} raw features"
    )
    return Score(
        value=value,
        low=1 - high,
        high=1 - low,
        n=n,
        estimator=f"additive R^2, adjusted, least squares on {' x '.join(str(len(v)) for v in effects.lattice.values)} "
        f"values, {how}, {code.draws} {'draws, noise taken off' if code.draws > 1 else 'draw'}",
        nulls={"permuted": null_level(np.array(chance))},
        detail={
            "interaction": 1 - value,
            **{name: float(share) for name, share in of.items()},
            "plain": float(1 - residual / (z**2).sum()),
            **{name: of_torus(ideal, code, whiten) for name, ideal in tori.items()},
        },
    )


def of_torus(torus: Float[np.ndarray, "n d"], code: Code, whiten: bool) -> float:
    """Additive R^2 of latents without noise, of the same labels as a code."""
    z = torus - torus.mean(axis=0)
    if whiten:
        z = whitened(replace(code, z=z, noise=np.zeros((len(z), 1, z.shape[1])))).z
    residual = (code.effects.residual(z) ** 2).sum() / code.effects.free
    return float(1 - residual / ((z**2).sum() / (len(z) - 1)))


def whitened(code: Code) -> Code:
    """Latents as principal components, each of variance 1, but for those below `WHITENED_FLOOR`; noise as they see it."""
    z = code.z
    n, features = z.shape
    if features <= n:
        square, axes = np.linalg.eigh(z.T @ z)
    else:
        square, left = np.linalg.eigh(z @ z.T)
        axes = z.T @ left / np.sqrt(np.maximum(square, np.finfo(float).tiny))
    square, axes = square[::-1], axes[:, ::-1]
    kept = int((square >= WHITENED_FLOOR * square[0]).sum())
    to_unit = axes[:, :kept] * np.sqrt((n - 1) / square[:kept])
    return replace(code, z=z @ to_unit, noise=code.noise @ to_unit)


def additivity_scattered(
    latents: Float[np.ndarray, "*draws n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Additive R^2 of labels anywhere, by leave-one-out splines and Fourier series.

    The interval resamples labels, with fits held. The null `permuted` is the level that the additive fit of the same size
    stays below in 95 % of permutations of the labels. `detail` has the R^2 of the joint fit, the interaction (what it has
    more), and both sizes.

    Args:
        latents: one row a label, or several noise draws of such rows, averaged, from which noise is taken off.
        labels: in the world's units.
        factors: what is known of the K factors; by default open, of span 1, named label1, label2, ...

    Raises:
        ValueError: as `check_latents` and `check_labels` say; one factor only; n too few for the smallest joint fit.
    """
    check_draws(permutations, resamples)
    x = check_latents(latents, 8, "fits leave one out", 3 if np.ndim(latents) == 3 else 2)
    draws = x if x.ndim == 3 else x[None]
    z = draws.mean(axis=0)
    n, features = z.shape
    known = check_labels(labels, n, factors)
    K = len(known.names)
    if K < 2:
        raise ValueError(f"`labels` (K={K}) must have at least 2 factors: one has nothing to be added to")
    z = z - z.mean(axis=0)
    w = ((draws - draws.mean(axis=0)) ** 2).sum() / (n * len(draws) * max(len(draws) - 1, 1))

    gram = z @ z.T
    bases = {size: [basis(known, k, size) for k in range(K)] for size in SIZES}
    designs = {
        "additive": {size: np.hstack([np.ones((n, 1)), *of]) for size, of in bases.items()},
        "joint": {size: products(of) for size, of in bases.items()},
    }
    least = LABELS_A_COLUMN * designs["joint"][SIZES[0]].shape[1]
    if n < least:
        raise ValueError(
            f"`labels` (n={n}) must be at least {least}: {LABELS_A_COLUMN} for each number of a joint fit"
        )
    mean = left_out(np.full((n, 1), n**-0.5), gram)
    chosen, fits, errors = {}, {}, {}
    for kind, of in designs.items():
        tried = {s: orthonormal(design) for s, design in of.items() if n >= LABELS_A_COLUMN * design.shape[1]}
        error = {s: left_out(u, gram) for s, u in tried.items()}
        few_enough = min(e.sum() for e in error.values()) + ROUNDING * mean.sum()
        chosen[kind] = next(s for s, e in error.items() if e.sum() <= few_enough)
        fits[kind], errors[kind] = tried[chosen[kind]], error[chosen[kind]]

    def r2(error: Float[np.ndarray, " n"], weights: Float[np.ndarray, "S n"]) -> Float[np.ndarray, " S"]:
        return 1 - (weights @ error / n - w) / (weights @ mean / n - w)

    rng = numpy_generator(seed, "additivity scattered")
    once, weights = np.ones((1, n)), bootstrap_weights(n, resamples, rng)
    value, joint = (float(r2(errors[kind], once)[0]) for kind in ("additive", "joint"))
    low, high = basic_interval(value, r2(errors["additive"], weights))
    u = fits["additive"]
    chance = [float(r2(left_out(u[rng.permutation(n)], gram), once)[0]) for _ in range(permutations)]
    return Score(
        value=value,
        low=low,
        high=high,
        n=n,
        estimator=f"additive R^2, leave-one-out, splines and Fourier series of size {chosen['additive']}, "
        f"{features} raw features, {len(draws)} {'draws, noise taken off' if len(draws) > 1 else 'draw'}",
        nulls={"permuted": null_level(np.array(chance))},
        detail={
            "joint": joint,
            "interaction": joint - value,
            "size additive": float(chosen["additive"]),
            "size joint": float(chosen["joint"]),
        },
    )


def basis(labels: Labels, k: int, size: int) -> Float[np.ndarray, "n columns"]:
    """Functions of factor k, of mean 0: 2 `size` sines and cosines, `size` + 2 of a cubic spline, or all that there are of a
    categorical one."""
    y = labels.values[:, k]
    if labels.categorical[k]:
        columns = labels.categories(k)[:, 1:].astype(float)
    elif labels.periodic[k]:
        angle = 2 * np.pi * y[:, None] / labels.span[k] * np.arange(1, size + 1)
        columns = np.hstack([np.sin(angle), np.cos(angle)])
    else:
        from scipy.interpolate import BSpline

        place = (y - y.min()) / np.ptp(y)
        knots = np.concatenate([np.zeros(3), np.linspace(0, 1, size + 1), np.ones(3)])
        columns = BSpline.design_matrix(np.clip(place, 0, 1), knots, 3).toarray()[:, 1:]
    return columns - columns.mean(axis=0)


def products(bases: Sequence[Float[np.ndarray, "n _"]]) -> Float[np.ndarray, "n columns"]:
    """1 and each factor's functions, and all products of one of each."""
    design = np.ones((len(bases[0]), 1))
    for columns in bases:
        one_more = np.hstack([np.ones((len(columns), 1)), columns])
        design = (design[:, :, None] * one_more[:, None]).reshape(len(columns), -1)
    return design


def orthonormal(design: Float[np.ndarray, "n columns"]) -> Float[np.ndarray, "n rank"]:
    """Of the functions that the columns span."""
    u, s, _ = np.linalg.svd(design, full_matrices=False)
    return u[:, s > len(u) * np.finfo(float).eps * s[0]]


def left_out(u: Float[np.ndarray, "n rank"], gram: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """Squared error at each row, over all features, of the least-squares fit to all other rows.

    Args:
        u: orthonormal, what is fitted.
        gram: inner products of latents.
    """
    gram_u = gram @ u
    squared = gram.diagonal() - 2 * (gram_u * u).sum(axis=1) + (u @ (u.T @ gram_u) * u).sum(axis=1)
    free = 1 - (u**2).sum(axis=1)
    return np.maximum(squared, 0) / np.maximum(free, np.finfo(float).eps) ** 2
