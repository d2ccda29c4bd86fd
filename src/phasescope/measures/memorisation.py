"""Does a model copy its training images?

With d_1 and d_2 the distances (Euclidean, between images) to the nearest and the second nearest of the training images, an
image with d_1 / d_2 < 1/3 counts as a copy (Yoon et al. 2023; Bonnaire et al. 2025, arXiv 2505.17638). On a fine lattice of
labels a *true* image counts as a copy in a fifth of cases, so the share stands beside that of the exact images.
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from phasescope.measures.arguments import real_array
from phasescope.measures.checks import check_finite
from phasescope.measures.phases import wilson_low
from phasescope.measures.scores import Score

COPY = 1 / 3
"""d_1 / d_2 below which an image counts as a copy"""


def gap_ratio(
    generated: Float[np.ndarray, "n ..."],
    exact: Float[np.ndarray, "n ..."],
    training: Float[np.ndarray, "M ..."],
) -> Score:
    """Return the share of images with d_1 / d_2 below 1/3, with Wilson's interval; its baseline `exact` is that of the exact
    images. Noise and blur lengthen d_1 and d_2 alike, and so hide copies.

    Args:
        generated: one image per label, of labels off the training grid.
        exact: the true images of the same labels; of a model without labels, of the labels read from its images.
        training: images that the model was trained on, at least two different ones; those that are equal count once.

    Raises:
        ValueError: images that are not finite, not of one size or not of the same labels; no two different training images.
    """
    images, true_images = _rows("generated", generated), _rows("exact", exact)
    known = _rows("training", training)
    for name, others in (("exact", true_images), ("training", known)):
        if others.shape[1] != images.shape[1]:
            raise ValueError(
                f"`{name}` (of {others.shape[1]} pixels) must be of {images.shape[1]}, as `generated` is"
            )
    if len(true_images) != len(images):
        raise ValueError(f"`exact` (n={len(true_images)}) must be as many as `generated`: {len(images)}")
    different = len(np.unique(known, axis=0))
    if different < 2:
        raise ValueError(
            f"`training` ({len(known)} images, {different} different) must hold two different ones: d_2 is to the second"
        )

    ratios, true_ratios = gap_ratios(images, known), gap_ratios(true_images, known)
    n, share = len(ratios), float((ratios < COPY).mean())
    return Score(
        value=share,
        low=wilson_low(share, n),
        high=1 - wilson_low(1 - share, n),
        n=n,
        estimator=f"share with d1/d2 < {COPY:.3g}, {len(training):,} training images",
        baselines={"exact": float((true_ratios < COPY).mean())},
        detail={"median": float(np.median(ratios)), "exact_median": float(np.median(true_ratios))},
    )


def _rows(name: str, images: ArrayLike) -> Float[np.ndarray, "n pixels"]:
    """Return images as rows of pixels; ValueError if they are none, or not finite."""
    x = real_array(name, images)
    if x.ndim < 2 or not x.size:
        raise ValueError(f"`{name}` (shape {x.shape}) must be (n, ...) with n of at least 1: one image a row")
    check_finite(name, x)
    return x.reshape(len(x), -1)


def gap_ratios(
    images: Float[np.ndarray, "n ..."], training: Float[np.ndarray, "M ..."]
) -> Float[np.ndarray, " n"]:
    """Return d_1 / d_2 of each image."""
    from scipy.spatial import KDTree

    x, known = (np.reshape(several, (len(several), -1)) for several in (images, training))
    # An image that occurs twice would be nearest and second nearest at once, and hide each copy of it.
    return np.divide(*KDTree(np.unique(known, axis=0)).query(x, k=2)[0].T)
