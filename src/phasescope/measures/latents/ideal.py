"""Ideal manifolds of given labels: what a code that is known to couple factors, or to keep them apart, looks like.

Each factor is an angle, u = 2 pi label / period where it is periodic and half a turn from its lowest to its highest
label where it is open: an arc whose ends stay apart, so that distance along it grows with the labels' distance. Then

    3D torus         ((R + r cos v) cos u, (R + r cos v) sin u, r sin v)     two factors, coupled: moving along v
                                                                           points elsewhere at every u
    Clifford torus   (cos u, sin u, cos v, sin v, ...)                       a circle a factor, each in its own plane
    random           independent Gaussian numbers                            no geometry at all

The two tori are those between which Liang et al. (NeurIPS 2024, arXiv 2408.13256, figures 2 and 3) place what their
diffusion models learn. Their radii are not stated: R = 2, r = 1 here.
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import with_counts
from phasescope.measures.checks import Labels, check_labels

RADII = (2.0, 1.0)
"""R, of the circle round the hole, and r, of the tube."""


def torus_3d(labels: ArrayLike, factors: Factors | None = None) -> Float[np.ndarray, "n 3"]:
    """Return the torus in R^3: the first factor goes round the hole, the second round the tube.

    Raises:
        ValueError: not two factors.
    """
    R, r = RADII
    known = check_labels(labels, None, factors)
    if (K := known.values.shape[1]) != 2:
        raise ValueError(f"`labels` (K={K}) must have 2 factors, as a torus in R^3 has")
    u, v = _angles(known).T
    return np.stack([(R + r * np.cos(v)) * np.cos(u), (R + r * np.cos(v)) * np.sin(u), r * np.sin(v)], axis=1)


def clifford_torus(labels: ArrayLike, factors: Factors | None = None) -> Float[np.ndarray, "n features"]:
    """Return a circle of radius 1 for each factor, in planes of their own: the product of circles, flat, in R^2K."""
    angles = _angles(check_labels(labels, None, factors))
    return np.stack([np.cos(angles), np.sin(angles)], axis=2).reshape(len(angles), -1)


@with_counts()
def random_latents(n: int, features: int, seed: int = 0) -> Float[np.ndarray, "n features"]:
    """Return standard Gaussian latents, one row per label, with nothing of the label in them."""
    return numpy_generator(seed, "random latents").normal(size=(n, features))


def embed(latents: Float[np.ndarray, "n d"], features: int, seed: int = 0) -> Float[np.ndarray, "n features"]:
    """Return the latents in `features` dimensions, rotated at random: all distances and angles stay as they are."""
    d = latents.shape[1]
    directions = np.linalg.qr(numpy_generator(seed, "embedding").normal(size=(features, d)))[0]
    return latents @ directions.T


def _angles(labels: Labels) -> Float[np.ndarray, "n K"]:
    """Return radians: once round for a periodic factor, half round from lowest to highest label for an open one."""
    labels.check_ordered("a torus has an angle for each factor")
    y = labels.values
    around = 2 * np.pi * y / labels.factors.span
    half = np.pi * (y - y.min(axis=0)) / np.where(labels.factors.periodic, 1, np.ptp(y, axis=0))
    return np.where(labels.factors.periodic, around, half)
