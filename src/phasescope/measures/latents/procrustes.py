"""Procrustes error: how much of the latents is not the labels' own map, turned, scaled, or sheared?

The ideal embedding Y of labels is a sheet, label / span along an axis of its own for each open factor, and a circle
(cos, sin) / 2 pi of the angle for each periodic one: both are passed at one unit of length a span. The m values of a
categorical factor are the corners of a simplex, 1 apart. With X the latents, both centred, and T ranging over a kind of map,

    error = min_T sum_i ||x_i - T(y_i)||^2 / sum_i ||x_i||^2        (Gower 1975)

is the share of the latents' variance that T(Y) leaves over: 0 where the latents are such a copy, 1 where a constant does
as well.

    rigid         T turns, mirrors and shifts          the latents' unit of length is the labels'
    similarity    T may also scale all                 1 - (sum of singular values of X^T Y)^2 / (||X||^2 ||Y||^2)
    affine        T is any linear map and a shift      stretch and shear are forgiven, so that this hides them

A larger kind of map leaves no more. Maps go from labels to latents: the other way round, an affine map from as many
features as rows would leave nothing, whatever they were.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from jaxtyping import Float

from phasescope.factors import Factors
from phasescope.measures.checks import Labels, check_draws, check_labels, check_latents
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, null_level
from phasescope.randomness import numpy_generator

Kind = Literal["rigid", "similarity", "affine"]
KINDS: tuple[Kind, ...] = ("rigid", "similarity", "affine")


def procrustes_error(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    kind: Kind = "similarity",
    factors: Factors | None = None,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """The share of latent variance that the labels' ideal embedding leaves over, 0 to 1.

    `detail` has the map's `stretch`: how many times longer it makes the direction that it lengthens most than the one
    that it lengthens least, 1 but for affine maps. The interval resamples labels, with the map held: at the map that fits
    best the error does not change with the map, to first order. The null `permuted` is the level that the error stays
    above in 95 % of permutations of the labels: an error that says something is below it.

    Args:
        kind: of maps.
        factors: what is known of the K factors; by default open, of span 1. Spans set how long factors are, each against
            the others.

    Raises:
        ValueError: shapes, counts or values as `check_latents` and `check_labels` say, a `kind` that is none, or no more
            rows than the embedding has dimensions and one.
    """
    if kind not in KINDS:
        raise ValueError(f"`kind` (={kind!r}) must be one of {', '.join(KINDS)}")
    check_draws(permutations, resamples)
    x = check_latents(latents, 4, "a map is fitted to them")
    n, features = x.shape
    y = ideal_embedding(check_labels(labels, n, factors))
    check_latents(latents, y.shape[1] + 2, f"an affine map of {y.shape[1]} dimensions is fitted to them")
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    x = np.pad(x, ((0, 0), (0, max(y.shape[1] - features, 0))))
    fitted, stretch = best_map(x, y, kind)
    left, whole = ((x - fitted) ** 2).sum(axis=1), (x**2).sum(axis=1)
    value = float(min(left.sum() / whole.sum(), 1.0))

    rng = numpy_generator(seed, f"procrustes {kind}")
    null = [left_over(x, y[rng.permutation(n)], kind) for _ in range(permutations)]
    low, high = ratio_interval(left, whole, bootstrap_weights(n, resamples, rng))
    return Score(
        value=value,
        low=min(low, 1.0),
        high=min(high, 1.0),
        n=n,
        estimator=f"Procrustes error, {kind}, {features} features, {y.shape[1]}D embedding",
        nulls={"permuted": -null_level(-np.array(null))},
        detail={"stretch": stretch},
    )


def ideal_embedding(labels: Labels) -> Float[np.ndarray, "n c"]:
    """A line for each open factor, a circle for each periodic one, a simplex with edges of 1 for each categorical one."""
    from scipy.linalg import helmert

    columns = []
    for k, label in enumerate((labels.values / labels.span).T):
        angle = 2 * np.pi * label
        if labels.categorical[k]:
            corners = labels.categories(k)
            columns += list(helmert(corners.shape[1]) @ corners.T / math.sqrt(2))
        else:
            columns += (
                [np.cos(angle) / (2 * np.pi), np.sin(angle) / (2 * np.pi)] if labels.periodic[k] else [label]
            )
    return np.stack(columns, axis=1)


def best_map(
    x: Float[np.ndarray, "n features"], y: Float[np.ndarray, "n c"], kind: Kind
) -> tuple[Float[np.ndarray, "n features"], float]:
    """T(y) that is nearest to x, both centred, features >= c; and T's stretch."""
    if kind == "affine":
        T = np.linalg.lstsq(y, x, rcond=None)[0]
        lengths = np.linalg.svd(T, compute_uv=False)
        return y @ T, float(lengths[0] / lengths[-1]) if lengths[-1] > 0 else math.inf
    u, s, vt = np.linalg.svd(x.T @ y, full_matrices=False)
    scale = s.sum() / (y**2).sum() if kind == "similarity" else 1.0
    return scale * y @ (u @ vt).T, 1.0


def left_over(x: Float[np.ndarray, "n features"], y: Float[np.ndarray, "n c"], kind: Kind) -> float:
    """The error alone."""
    whole = (x**2).sum()
    if kind == "affine":
        return float(1 - ((np.linalg.qr(y)[0].T @ x) ** 2).sum() / whole)
    length, turned = (y**2).sum(), np.linalg.svd(x.T @ y, compute_uv=False).sum()
    if kind == "similarity":
        return float(1 - turned**2 / (length * whole))
    return float(min(1 + (length - 2 * turned) / whole, 1))


def ratio_interval(
    left: Float[np.ndarray, " n"], whole: Float[np.ndarray, " n"], weights: Float[np.ndarray, "resamples n"]
) -> tuple[float, float]:
    """(low, high) of sum left / sum whole, on its logarithm."""
    least = np.finfo(float).tiny
    share = math.log(max(left.sum() / whole.sum(), least))
    low, high = basic_interval(share, np.log(np.maximum(weights @ left / (weights @ whole), least)))
    return math.exp(low), math.exp(min(high, 0.0))
