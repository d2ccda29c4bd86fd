"""Which of two learning curves comes first, and by how much: x's accuracy and y's, or order and accuracy.

Curves that rise correlate, whether coupled or not; so increments are correlated, pooled over runs, with u and v the
increments of the first and of the second curve less their mean over each run's snapshots:

    r(l) = sum_rt u_r,t v_r,t+l / sqrt(sum_rt u_r,t^2 sum_rt v_r,t^2),

sums of products over the t at which both are there (Brockwell & Davis 1991, section 11.2). At a positive lag l the
second follows the first. Two curves with one steep rise each correlate at the lag between their rises, coupled
or not, so two nulls: rises whose times have nothing to do with each other, and rises of other runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from phasescope.measures.checks import check_count, check_draws, check_finite
from phasescope.measures.scores import Score, bootstrap_weights, null_level, percentile_interval, ratio
from phasescope.randomness import numpy_generator


@dataclass(frozen=True)
class LaggedCorrelation:
    """How closely the second curve follows the first, and how much later."""

    correlation: Score
    """r at the lag where it is largest; `detail` has r at each lag."""
    lag: Score
    """That lag; it means something where the correlation exceeds its nulls. Positive: the first curve comes first."""


def lagged_correlation(
    first: Float[np.ndarray, "runs T"],
    second: Float[np.ndarray, "runs T"],
    max_lag: int = 3,
    images_seen: Sequence[int] | Int[np.ndarray, " T"] | None = None,
    permutations: int = 200,
    resamples: int = 1000,
    seed: int = 0,
) -> LaggedCorrelation:
    """The largest correlation of the increments of two learning curves within `max_lag` snapshots, and its lag.

    The intervals resample runs, and are too narrow for a handful of them. Those of a single run are from the stationary
    bootstrap of its snapshots (Politis & Romano 1994): they take its rise for one of many such, and say nothing of
    other runs. That of the correlation is at the lag found, whose choice among 2 `max_lag` + 1 makes the value
    a little too large; the nulls choose alike. They are levels that the largest correlation stays below in 95 % of
    cases: `shifted`, with the second's increments of each run turned round by more than `max_lag` (two learners whose
    times have nothing to do with each other); `other_run`, of two runs or more, with the second's curves dealt out
    to other runs' first by chance (two learners that share a schedule, and nothing within a run). Fewer than four
    runs are dealt out as they were too often to exceed it.

    Args:
        first, second: one row a run, at the same equally spaced snapshots.
        max_lag: in snapshots.
        images_seen: at the snapshots; the lag is then in images, else in snapshots.

    Raises:
        ValueError: not (runs, T) alike and finite, no increment varies, T < 4 `max_lag` + 5; `images_seen` not T, or not
            equally spaced.
    """
    check_count("max_lag", max_lag, 0, "snapshots")
    check_draws(permutations, resamples)
    u, v = _increments("first", first, max_lag), _increments("second", second, max_lag)
    if u.shape != v.shape:
        raise ValueError(
            f"`second` (increments {v.shape}) must be of the shape of `first` ({u.shape}): curves in pairs"
        )
    runs, T = u.shape
    step = 1.0 if images_seen is None else _spacing(images_seen, T + 1)
    lags = np.arange(-max_lag, max_lag + 1)
    rng = numpy_generator(seed, "lagged correlation")

    products = lagged_products(u, v, lags)
    r = correlations(products.sum(axis=(2, 3))[None])[0]
    peak = int(r.argmax())
    if runs > 1:
        how, products, weights = "runs", products.sum(axis=3), bootstrap_weights(runs, resamples, rng)
    else:
        block = max(max_lag + 1, round(T ** (1 / 3)))
        how, products = f"snapshots in blocks of {block} on average", products[:, :, 0]
        weights = stationary_weights(T, resamples, block, rng)
    replicates = correlations(np.einsum("su,plu->spl", weights, products))

    def largest(y: np.ndarray) -> float:
        return correlations(lagged_products(u, y, lags).sum(axis=(2, 3))[None]).max()

    shifts = rng.integers(max_lag + 1, T - max_lag, size=(permutations, runs, 1))
    turned = [np.take_along_axis(v, (np.arange(T) + shift) % T, axis=1) for shift in shifts]
    nulls = {"shifted": null_level(np.array([largest(y) for y in turned]))}
    if runs > 1:
        dealt = [largest(v[rng.permutation(runs)]) for _ in range(permutations)]
        nulls["other_run"] = null_level(np.array(dealt))
    low, high = percentile_interval(replicates[:, peak])
    lag_low, lag_high = percentile_interval(lags[replicates.argmax(axis=1)] * step)
    unit = "snapshots" if images_seen is None else "images"
    estimator = f"correlation of increments, {T} of {runs} runs, lags to {max_lag}, interval over {how}"
    return LaggedCorrelation(
        correlation=Score(
            value=float(r[peak]),
            low=low,
            high=high,
            n=runs * T,
            estimator=f"largest {estimator}",
            nulls=nulls,
            detail={f"lag {lag}": float(at) for lag, at in zip(lags, r, strict=True)},
        ),
        lag=Score(
            value=float(lags[peak] * step),
            low=lag_low,
            high=lag_high,
            n=runs * T,
            estimator=f"lag in {unit} of the largest {estimator}",
        ),
    )


def _increments(name: str, curves: ArrayLike, max_lag: int) -> Float[np.ndarray, "runs T"]:
    """Of each run's curve, less their mean."""
    a = np.asarray(curves, dtype=float)
    if a.ndim != 2 or not a.size:
        raise ValueError(f"`{name}` (shape {a.shape}) must be (runs, T): one row a run")
    if a.shape[1] < 4 * max_lag + 5:
        raise ValueError(
            f"`{name}` (T={a.shape[1]}) must have at least {4 * max_lag + 5} snapshots to be shifted"
        )
    check_finite(name, a)
    u = np.diff(a, axis=1)
    u = u - u.mean(axis=1, keepdims=True)
    if not (np.abs(u) > 1e-12 * np.abs(a).max()).any():
        raise ValueError(f"`{name}` (shape {a.shape}) must have increments that vary: nothing to correlate")
    return u


def _spacing(images_seen: ArrayLike, T: int) -> float:
    """Images from snapshot to snapshot."""
    times = np.asarray(images_seen, dtype=float)
    if times.shape != (T,):
        raise ValueError(f"`images_seen` (shape {times.shape}) must be ({T},): one entry a snapshot")
    steps = np.diff(times)
    if not (steps[0] > 0 and np.allclose(steps, steps[0], rtol=1e-6)):
        raise ValueError(
            f"`images_seen` (steps {np.min(steps):g} to {np.max(steps):g}) must be equally spaced: "
            "a lag is a number of snapshots"
        )
    return float(steps[0])


def lagged_products(
    u: Float[np.ndarray, "runs T"], v: Float[np.ndarray, "runs T"], lags: Int[np.ndarray, " L"]
) -> Float[np.ndarray, "3 L runs T"]:
    """u_t v_t+l, 0 where t + l is outside; u_t^2; and v_t+l^2 round the end, so that each lag has all of it."""
    t = np.arange(u.shape[1]) + lags[:, None]
    inside = ((t >= 0) & (t < u.shape[1]))[:, None]
    later = v.T[t % u.shape[1]].transpose(0, 2, 1)
    return np.stack([u * later * inside, np.broadcast_to(u**2, later.shape), later**2])


def correlations(sums: Float[np.ndarray, "S 3 L"]) -> Float[np.ndarray, "S L"]:
    uv, uu, vv = sums.transpose(1, 0, 2)
    return ratio(uv, np.sqrt(uu * vv), otherwise=0.0)


def stationary_weights(
    T: int, resamples: int, block: int, rng: np.random.Generator
) -> Float[np.ndarray, "resamples T"]:
    """How often each time is drawn, in blocks of geometric length with mean `block`, round the end."""
    t = np.arange(T)
    begins = rng.random((resamples, T)) < 1 / block
    begins[:, 0] = True
    begin = np.maximum.accumulate(np.where(begins, t, 0), axis=1)
    start = np.take_along_axis(rng.integers(T, size=(resamples, T)), begin, axis=1)
    drawn = (start + t - begin) % T + T * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * T).reshape(resamples, T).astype(float)
