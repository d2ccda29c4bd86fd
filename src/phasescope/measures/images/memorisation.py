"""Does a model copy its training images? By distances between images, and by where things are put.

**Gap ratio.** With d_1 and d_2 the distances (Euclidean, between images) to the nearest and the second nearest of the
training images, an image with d_1 / d_2 < 1/3 counts as a copy (Yoon et al. 2023; Bonnaire et al. 2025, arXiv 2505.17638).
That takes training images for random points of a high-dimensional space. On a fine lattice of labels a *true* image counts
as a copy in a fifth of cases: image distance goes with label distance there, and 8 r^2 + 2 r cos(theta) < 1 around
each lattice point, theta from the direction of the next one, is where d_1 / d_2 < 1/3. So the share is compared with
that of the exact images at the same labels, with Newcombe's interval for paired shares (1998, method 10), which holds
at 0 and 1 too.

**Snap-to-grid index.** With o the offset of a target from its nearest training label and e the read position less the
target, factor by factor,

    e = a - s o + noise,          s = -cov(e, o) / var(o),

s = 0 where errors do not depend on the offset, however large they are, 1 where each thing sits on the nearest training label
whatever the target, and the share of copies where some are copies and the others are right. The target is known
exactly, so that noise does not weaken s as it weakens regressions on what is measured; a reader's constant shift is in a.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from phasescope.factors import Factors
from phasescope.measures.checks import Labels, check_count, check_draws, check_finite, check_labels
from phasescope.measures.learning.phases import wilson_low
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, null_level
from phasescope.randomness import numpy_generator

BLOCK = 4096
"""Training images at a time."""
COPY = 1 / 3
"""d_1 / d_2 below which an image counts as a copy."""


@dataclass(frozen=True)
class GapRatio:
    """Which of n images are copies, beside the exact images at the same labels."""

    share: Score
    """Of copies, with Wilson's interval; its null `exact` is the share of the exact images."""
    excess: Score
    """The share less that of the exact images, from -1 to 1; about 0 for a model that is right off the grid."""
    ratios: Float[np.ndarray, " n"]
    """d_1 / d_2 of each image."""
    exact_ratios: Float[np.ndarray, " n"]
    """d_1 / d_2 of each exact image."""


def gap_ratio(
    generated: Float[np.ndarray, "n ..."],
    exact: Float[np.ndarray, "n ..."],
    training: Float[np.ndarray, "M ..."],
    threshold: float = COPY,
    permutations: int = 1000,
    seed: int = 0,
) -> GapRatio:
    """Shares of images with d_1 / d_2 below `threshold`, generated and exact.

    The null `swapped` of the excess is the level that it stays below in 95 % of cases where generated and exact images are
    swapped by chance at each label. Noise and blur lengthen d_1 and d_2 alike, and so hide copies: with noise of norm
    comparable to d_2 a copy no longer counts as one.

    Args:
        generated: an image a label, of labels off the training grid.
        exact: the true images of the same labels, in the same order; of a model without labels, of the labels read
            from its images.
        training: images that the model was trained on; those that are equal count once.

    Raises:
        ValueError: images not of one shape or not finite, generated and exact not equally many, none; fewer than two
            different training images; a threshold that is not between 0 and 1.
    """
    check_count("permutations", permutations, 1, "a score needs its null")
    if not 0 < threshold < 1:
        raise ValueError(f"`threshold` (={threshold}) must be between 0 and 1: d_1 is at most d_2")
    x, true, a = (
        _rows(name, images)
        for name, images in (("generated", generated), ("exact", exact), ("training", training))
    )
    n = len(x)
    for name, images, shape in (("exact", true, x.shape), ("training", a, (len(a), x.shape[1]))):
        if images.shape != shape:
            raise ValueError(f"`{name}` ({images.shape} pixels) must be {shape}, as `generated` is {x.shape}")
    a = np.unique(a, axis=0)
    if len(a) < 2:
        raise ValueError("`training` (all images equal) must hold 2 different ones: d_2 is to the second")
    ratios, exact_ratios = (np.divide(*two_nearest(images, a).T) for images in (x, true))
    copy, true_copy = ratios < threshold, exact_ratios < threshold
    share, of_exact = float(copy.mean()), float(true_copy.mean())
    difference = copy.astype(float) - true_copy
    signs = numpy_generator(seed, "gap ratio").choice([-1.0, 1.0], size=(permutations, n))
    low, high = paired_difference_interval(copy, true_copy)
    estimator = f"share with d1/d2 < {threshold:.3g}, {len(a):,} training images"
    return GapRatio(
        share=Score(
            value=share,
            low=wilson_low(share, n),
            high=1 - wilson_low(1 - share, n),
            n=n,
            estimator=estimator,
            nulls={"exact": of_exact},
            detail={"median": float(np.median(ratios)), "exact_median": float(np.median(exact_ratios))},
        ),
        excess=Score(
            value=share - of_exact,
            low=low,
            high=high,
            n=n,
            estimator=f"{estimator}, less that of exact images",
            nulls={"swapped": null_level(signs @ difference / n)},
        ),
        ratios=ratios,
        exact_ratios=exact_ratios,
    )


def _rows(name: str, images: ArrayLike) -> Float[np.ndarray, "n pixels"]:
    """Images of any shape as rows of float64.

    Raises:
        ValueError: not (n, ...), none, not finite.
    """
    x = np.asarray(images, dtype=float)
    if x.ndim < 2 or not x.size:
        raise ValueError(f"`{name}` (shape {x.shape}) must be (n, ...) with n of at least 1: one image a row")
    check_finite(name, x)
    return x.reshape(len(x), -1)


def two_nearest(
    x: Float[np.ndarray, "n pixels"], training: Float[np.ndarray, "M pixels"]
) -> Float[np.ndarray, "n 2"]:
    """Euclidean distances to the nearest and the second nearest of M >= 2 training images, without a table of all pairs."""
    from scipy.spatial.distance import cdist

    nearest = np.full((len(x), 2), np.inf)
    for start in range(0, len(training), BLOCK):
        distances = np.concatenate([nearest, cdist(x, training[start : start + BLOCK])], axis=1)
        nearest = np.sort(np.partition(distances, 1, axis=1)[:, :2], axis=1)
    return nearest


def paired_difference_interval(a: Bool[np.ndarray, " n"], b: Bool[np.ndarray, " n"]) -> tuple[float, float]:
    """Newcombe's interval for the share of a less that of b, from their Wilson limits and their correlation.

    With l and u a share's limits and p itself, low = p_a - p_b - sqrt(D), D = (p_a - l_a)^2 - 2 phi (p_a - l_a) (u_b - p_b)
    + (u_b - p_b)^2, and high likewise; a positive phi is corrected for continuity (Newcombe 1998).
    """
    n, p_a, p_b = len(a), float(a.mean()), float(b.mean())
    below_a, below_b = p_a - wilson_low(p_a, n), p_b - wilson_low(p_b, n)
    above_a, above_b = 1 - wilson_low(1 - p_a, n) - p_a, 1 - wilson_low(1 - p_b, n) - p_b
    n_11, n_10, n_01, n_00 = (float((u & v).sum()) for u in (a, ~a) for v in (b, ~b))
    covariance = n_11 * n_00 - n_10 * n_01
    if covariance > 0:
        covariance = max(covariance - n / 2, 0)
    spread = math.sqrt(a.sum() * (n - a.sum()) * b.sum() * (n - b.sum()))
    phi = covariance / spread if spread else 0.0

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(one**2 - 2 * phi * one * other + other**2, 0))

    difference = p_a - p_b
    return difference - reach(below_a, above_b), difference + reach(above_a, below_b)


def snap_to_grid(
    read: Float[np.ndarray, "n K"],
    targets: Float[np.ndarray, "n K"],
    training_labels: Float[np.ndarray, "M K"],
    factors: Factors | None = None,
    within: float | Sequence[float] = 1.0,
    exact: Float[np.ndarray, "n K"] | None = None,
    permutations: int = 200,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Score]:
    """The snap-to-grid index of each factor, by its name: 0 at the target, 1 on the nearest training label.

    Counted are images with a single reading whose error is at most `within` in each factor: others are not near their
    target, let alone near the label next to it. `detail` has the share `dropped`, and the root mean square error `rms`
    in the labels' units. The interval resamples images; the null `permuted` is the level that the index stays below in
    95 % of permutations of the offsets. `exact`, where given, is the null of the reading itself: a reader that takes the
    darkest pixel for the centre snaps to the pixels, and on a grid of pixels finds copies in the truth.

    Args:
        read: positions read from generated images; a row with NaN where there is not a single one.
        targets: the labels that were asked for, off the grid.
        training_labels: a full grid, with equal steps or not, or any other design; the nearest one is taken by distance in
            the units of each factor's span.
        factors: what is known of the K factors; by default open, of span 1, named label1, label2, ...
        within: for all factors or each, in the labels' units; by default 1 px, P1's limit of a right place. It should exceed
            the largest offset by what reading errs, or noisy copies of the farthest labels are dropped.
        exact: positions that the same reader finds in the exact images of the targets.

    Raises:
        ValueError: arrays not of one K, `read` or `exact` not of the targets' shape, targets or training labels not
            finite or constant; targets at one offset from the grid; `within` less than an offset, so that a copy would
            be dropped; fewer than 10 images left.
    """
    check_draws(permutations, resamples)
    asked = np.asarray(targets, dtype=float)
    known = check_labels(asked, len(asked) if asked.ndim else 0, factors)
    known.check_ordered("an image is pulled along a factor")
    positions = _like_targets("read", read, asked)
    offsets = known.factors.difference(asked, nearest_labels(known, training_labels))
    varies = np.ptp(offsets, axis=0) > 1e-6 * known.span
    if not varies.all():
        which = known.names[int((~varies).argmax())]
        raise ValueError(f"`targets` (at one offset in {which}) must vary in their offset from the grid")
    limits = np.asarray(within, dtype=float)
    K = len(known.names)
    if limits.shape not in ((), (K,)) or not (limits >= np.abs(offsets).max(axis=0) - 1e-6).all():
        raise ValueError(
            f"`within` (={within}) must be a number or one for each of {K} factors, of at least the largest "
            f"offset from the grid ({', '.join(f'{o:.3g}' for o in np.abs(offsets).max(axis=0))})"
        )

    def used(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        errors = known.factors.difference(np.where(np.isfinite(places), places, np.nan), asked)
        near = (np.abs(errors) <= limits).all(axis=1)
        return errors[near], offsets[near]

    e, o = used(positions)
    n = len(e)
    if n < 10:
        raise ValueError(f"`read` (n={n} near their targets) must have at least 10: nothing to regress")
    rng = numpy_generator(seed, "snap to grid")
    weights = np.concatenate([np.ones((1, n)), bootstrap_weights(n, resamples, rng)])
    index = snap_index(e, o, weights)
    permuted = np.array([snap_index(e, o[rng.permutation(n)], weights[:1])[0] for _ in range(permutations)])
    nulls = [{"permuted": null_level(permuted[:, k])} for k in range(K)]
    if exact is not None:
        e_exact, o_exact = used(_like_targets("exact", exact, asked))
        if len(e_exact) < 10:
            raise ValueError(f"`exact` (n={len(e_exact)} near their targets) must have at least 10")
        of_exact = snap_index(e_exact, o_exact, np.ones((1, len(e_exact))))[0]
        nulls = [null | {"exact": float(level)} for null, level in zip(nulls, of_exact, strict=True)]
    scores = {}
    for k, name in enumerate(known.names):
        low, high = basic_interval(float(index[0, k]), index[1:, k])
        scores[name] = Score(
            value=float(index[0, k]),
            low=low,
            high=high,
            n=n,
            estimator=f"regression of {name}'s error on its offset from the nearest of {len(training_labels):,} labels, "
            f"errors within {np.broadcast_to(limits, K)[k]:g}",
            nulls=nulls[k],
            detail={
                "dropped": 1 - n / len(asked),
                "rms": float(np.sqrt((e[:, k] ** 2).mean())),
                "largest_offset": float(np.abs(o[:, k]).max()),
            },
        )
    return scores


def snap_index(
    e: Float[np.ndarray, "n K"], o: Float[np.ndarray, "n K"], weights: Float[np.ndarray, "R n"]
) -> Float[np.ndarray, "R K"]:
    """-cov(e, o) / var(o) of each weighted sample; 0 for a resample of equal offsets."""
    n = weights.sum(axis=1, keepdims=True)
    mean_e, mean_o = weights @ e / n, weights @ o / n
    covariance = weights @ (e * o) / n - mean_e * mean_o
    variance = weights @ o**2 / n - mean_o**2
    varies = variance > 1e-12 * (o**2).max()
    return np.where(varies, -covariance / np.where(varies, variance, 1), 0.0)


def nearest_labels(known: Labels, training_labels: ArrayLike) -> Float[np.ndarray, "n K"]:
    """The training label nearest to each target, in units of span, periodic factors the short way round.

    Raises:
        ValueError: training labels not (M, K) or not finite.
    """
    from scipy.spatial import KDTree

    K = len(known.names)
    labels = np.asarray(training_labels, dtype=float)
    if labels.ndim != 2 or labels.shape[1] != K or not len(labels):
        raise ValueError(
            f"`training_labels` (shape {labels.shape}) must be (M, {K}) as `targets` has {K} factors"
        )
    check_finite("training_labels", labels)

    def in_spans(values: np.ndarray) -> np.ndarray:
        return np.where(known.periodic, (values / known.span) % 1.0 % 1.0, values / known.span)

    tree = KDTree(in_spans(labels), boxsize=np.where(known.periodic, 1.0, 0.0))
    return labels[tree.query(in_spans(known.values))[1]]


def _like_targets(name: str, positions: ArrayLike, targets: np.ndarray) -> Float[np.ndarray, "n K"]:
    p = np.asarray(positions, dtype=float)
    if p.shape != targets.shape:
        raise ValueError(f"`{name}` (shape {p.shape}) must be of the shape of `targets` ({targets.shape})")
    return p
