"""Does a model copy its training images? By distances between images, and by where objects are placed.

**Gap ratio.** With d_1 and d_2 the distances (Euclidean, between images) to the nearest and the second nearest of the
training images, an image with d_1 / d_2 < 1/3 counts as a copy (Yoon et al. 2023; Bonnaire et al. 2025, arXiv 2505.17638).
On a fine lattice of labels a *true* image counts as a copy in a fifth of cases. So the share is compared with that of the
exact images at the same labels, with Newcombe's interval for paired shares (1998, method 10), which holds at 0 and 1 too.

**Snap-to-grid index.** With o the offset of a target from its nearest training label and e the read position less the
target, factor by factor,

    e = a - s o + noise,          s = -cov(e, o) / var(o),

s = 0 if errors do not depend on the offset, however large they are, 1 if each object sits on the nearest training label
whatever the target, and the share of copies if some are copies and the others are right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.checks import Labels, check_count, check_draws, check_finite, check_labels
from phasescope.measures.learning.phases import wilson_low
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, null_level

COPY = 1 / 3
"""d_1 / d_2 below which an image counts as a copy"""
LEAST_IMAGES = 10
"""to regress on"""


@dataclass(frozen=True)
class GapRatio:
    """Which of n images are copies, beside the exact images at the same labels."""

    share: Score
    """of copies, with Wilson's interval; its baseline `exact` is the share of the exact images"""
    excess: Score
    """the share less that of the exact images, from -1 to 1; about 0 for a model that is right off the grid"""
    ratios: Float[np.ndarray, " n"]
    """d_1 / d_2 of each image"""
    exact_ratios: Float[np.ndarray, " n"]
    """d_1 / d_2 of each exact image"""


def gap_ratio(
    generated: Float[np.ndarray, "n ..."],
    exact: Float[np.ndarray, "n ..."],
    training: Float[np.ndarray, "M ..."],
    threshold: float = COPY,
    permutations: int = 1000,
    seed: int = 0,
) -> GapRatio:
    """Return the shares of images with d_1 / d_2 below `threshold`, generated and exact.

    The baseline `swapped` of the excess is the level that it stays below in 95 % of cases where generated and exact
    images are swapped by chance at each label. Noise and blur lengthen d_1 and d_2 alike, and so hide copies.

    Args:
        generated: one image per label, of labels off the training grid.
        exact: the true images of the same labels, in the same order; of a model without labels, of the labels read
            from its images.
        training: images that the model was trained on, at least two different ones; those that are equal count once.
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
    from scipy.spatial import KDTree

    tree = KDTree(a)
    ratios, exact_ratios = (np.divide(*tree.query(images, k=2)[0].T) for images in (x, true))
    copy, true_copy = ratios < threshold, exact_ratios < threshold
    share, of_exact = float(copy.mean()), float(true_copy.mean())
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
            nulls={"swapped": null_level(signs @ (copy.astype(float) - true_copy) / n)},
        ),
        ratios=ratios,
        exact_ratios=exact_ratios,
    )


def _rows(name: str, images: ArrayLike) -> Float[np.ndarray, "n pixels"]:
    x = np.asarray(images, dtype=float)
    if x.ndim < 2 or not x.size:
        raise ValueError(f"`{name}` (shape {x.shape}) must be (n, ...) with n of at least 1: one image a row")
    check_finite(name, x)
    return x.reshape(len(x), -1)


def paired_difference_interval(a: Bool[np.ndarray, " n"], b: Bool[np.ndarray, " n"]) -> tuple[float, float]:
    """Return Newcombe's interval for the share of a less that of b, from their Wilson limits and their correlation.

    With l and u a share's limits and p itself, low = p_a - p_b - sqrt(D), D = (p_a - l_a)^2 - 2 phi (p_a - l_a) (u_b - p_b)
    + (u_b - p_b)^2, and high likewise; a positive phi is corrected for continuity (Newcombe 1998).
    """
    n, p = len(a), np.array([a.mean(), b.mean()])
    below = p - [wilson_low(share, n) for share in p]
    above = 1 - p - [wilson_low(1 - share, n) for share in p]
    covariance = n * float((a & b).sum()) - float(a.sum()) * float(b.sum())
    if covariance > 0:
        covariance = max(covariance - n / 2, 0)
    spread = n**2 * math.sqrt((p * (1 - p)).prod())
    phi = covariance / spread if spread else 0.0

    def reach(u: float, v: float) -> float:
        return math.sqrt(max(u**2 - 2 * phi * u * v + v**2, 0))

    difference = float(p[0] - p[1])
    return difference - reach(below[0], above[1]), difference + reach(above[0], below[1])


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
    """Return the snap-to-grid index of each factor, by its name: 0 at the target, 1 on the nearest training label.

    An image counts if it has a single reading whose error is at most `within` in each factor: others are not near their
    target, let alone near the label next to it. `detail` has the share `dropped`, and the root mean square error `rms`.
    The interval resamples images; the baseline `permuted` is the level that the index stays below in 95 % of
    permutations of the offsets, and `exact` that of the reading itself: a reader that takes the darkest pixel for the
    centre snaps to the pixels.

    Args:
        read: positions read from generated images; a row with NaN if there is not a single one.
        targets: the labels that were asked for, off the grid.
        training_labels: any design; the nearest label is taken by distance in units of each factor's span.
        within: for all factors or each; by default 1 px, P1's limit of a right place. It should exceed the largest offset by
            the error of reading, or noisy copies of the farthest labels are dropped.
        exact: positions that the same reader finds in the exact images of the targets.

    Raises:
        ValueError: targets at one offset from the grid; `within` less than an offset; fewer than 10 images left.
    """
    check_draws(permutations, resamples)
    asked = np.asarray(targets, dtype=float)
    known = check_labels(asked, len(asked) if asked.ndim else 0, factors)
    known.check_ordered("an image is pulled along a factor")
    offsets = known.factors.difference(asked, nearest_labels(known, training_labels))
    varies = np.ptp(offsets, axis=0) > 1e-6 * known.span
    if not varies.all():
        which = known.names[int((~varies).argmax())]
        raise ValueError(f"`targets` (at one offset in {which}) must vary in their offset from the grid")
    limits, K = np.asarray(within, dtype=float), len(known.names)
    if limits.shape not in ((), (K,)) or not (limits >= np.abs(offsets).max(axis=0) - 1e-6).all():
        raise ValueError(
            f"`within` (={within}) must be a number or one for each of {K} factors, of at least the largest "
            f"offset from the grid ({', '.join(f'{o:.3g}' for o in np.abs(offsets).max(axis=0))})"
        )

    def near(name: str, positions: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Errors and offsets of the images that count."""
        places = np.asarray(positions, dtype=float)
        if places.shape != asked.shape:
            raise ValueError(
                f"`{name}` (shape {places.shape}) must be of the shape of `targets` ({asked.shape})"
            )
        errors = known.factors.difference(np.where(np.isfinite(places), places, np.nan), asked)
        counts = (np.abs(errors) <= limits).all(axis=1)
        if counts.sum() < LEAST_IMAGES:
            raise ValueError(
                f"`{name}` (n={counts.sum()} near their targets) must have at least {LEAST_IMAGES}: nothing to regress"
            )
        return errors[counts], offsets[counts]

    e, o = near("read", read)
    n = len(e)
    rng = numpy_generator(seed, "snap to grid")
    once = np.ones((1, n))
    index = snap_index(e, o, np.concatenate([once, bootstrap_weights(n, resamples, rng)]))
    permuted = np.array([snap_index(e, o[rng.permutation(n)], once)[0] for _ in range(permutations)])
    nulls = [{"permuted": null_level(permuted[:, k])} for k in range(K)]
    if exact is not None:
        e_exact, o_exact = near("exact", exact)
        levels = snap_index(e_exact, o_exact, np.ones((1, len(e_exact))))[0]
        nulls = [null | {"exact": float(level)} for null, level in zip(nulls, levels, strict=True)]
    scores = {}
    for k, name in enumerate(known.names):
        value = float(index[0, k])
        low, high = basic_interval(value, index[1:, k])
        scores[name] = Score(
            value=value,
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
    """Return -cov(e, o) / var(o) of each weighted sample; 0 for a resample of equal offsets."""
    n = weights.sum(axis=1, keepdims=True)
    mean_e, mean_o = weights @ e / n, weights @ o / n
    covariance = weights @ (e * o) / n - mean_e * mean_o
    variance = weights @ o**2 / n - mean_o**2
    varies = variance > 1e-12 * (o**2).max()
    return np.where(varies, -covariance / np.where(varies, variance, 1), 0.0)


def nearest_labels(known: Labels, training_labels: ArrayLike) -> Float[np.ndarray, "n K"]:
    """Return the training label nearest to each target, in units of span, periodic factors the short way round."""
    from scipy.spatial import KDTree

    K, labels = len(known.names), np.asarray(training_labels, dtype=float)
    if labels.ndim != 2 or labels.shape[1] != K or not len(labels):
        raise ValueError(
            f"`training_labels` (shape {labels.shape}) must be (M, {K}) as `targets` has {K} factors"
        )
    check_finite("training_labels", labels)

    def in_spans(values: np.ndarray) -> np.ndarray:
        return np.where(known.periodic, (values / known.span) % 1.0 % 1.0, values / known.span)

    tree = KDTree(in_spans(labels), boxsize=np.where(known.periodic, 1.0, 0.0))
    return labels[tree.query(in_spans(known.values))[1]]
