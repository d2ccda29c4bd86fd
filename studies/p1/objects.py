"""What a generated image holds, apart from how noisy it is.

A network without a skip from input to output errs first in overall brightness: many of its early samples are a whole bump on
a grey or noisy background. The usual reader calls them malformed. Here the background's level and its noise are outcomes of
their own (`noisy`), and the object is read in spite of them: the image is correlated with the bump's shape (of zero mean, so
that the level drops out), and a place counts as a bump if it answers with at least half the contrast of a true bump and with
five standard deviations of the answer's own noise.
"""

from __future__ import annotations

import numpy as np

CONTRAST = 2.0  # images are in [-1, 1]: white 1, the bump's centre -1
SIGNIFICANT = 5.0  # standard deviations: of 1,024 places of pure noise, none in 99.9 % of images
NOISE, LEVEL = 0.1, 0.25  # a background that is noisier, or farther from white, is `noisy`
OBJECTS = ("none", "multiple", "misplaced", "correct")
PHASE_OF = dict(zip(OBJECTS, "AABC", strict=True))


def template(sigma_px: float) -> np.ndarray:
    """Return the bump's shape on (2 r + 1) x (2 r + 1) pixels, of zero mean."""
    r = int(np.ceil(4 * sigma_px))
    y, x = np.mgrid[-r : r + 1, -r : r + 1]
    shape = np.exp(-(x**2 + y**2) / (2 * sigma_px**2))
    return shape - shape.mean()


def robust_sd(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return 1.4826 times the median absolute deviation, the standard deviation of a Gaussian in spite of outliers."""
    middle = np.median(values, axis=axis, keepdims=True)
    return 1.4826 * np.median(np.abs(values - middle), axis=axis)


def read_objects(images: np.ndarray, sigma_px: float) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the places of the bumps in each image (k, 2), and whether it is noisy, (n,).

    A place is x, y in px; pixel centres lie at 1, 2, ...

    Args:
        images: (n, N, N), in [-1, 1].
    """
    from scipy.ndimage import correlate, maximum_filter

    shape = template(sigma_px)
    apart = 2 * int(np.ceil(1.5 * sigma_px)) + 1
    places = []
    for image in images:
        answer = -correlate(image, shape, mode="nearest") / (shape**2).sum()
        enough = max(CONTRAST / 2, SIGNIFICANT * robust_sd(answer.ravel()))
        rows, columns = np.nonzero((answer == maximum_filter(answer, apart)) & (answer >= enough))
        places.append(np.stack([columns + 1.0, rows + 1.0], axis=1))
    flat = images.reshape(len(images), -1)
    noisy = (robust_sd(flat) > NOISE) | (np.abs(np.median(flat, axis=1) - 1) > LEVEL)
    return places, noisy


def outcomes(places: list[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Return the object of each image, (n,) of `OBJECTS`.

    Correct is within 1.5 px in x and y: the tolerance of 1 px, and half a pixel of rounding.
    """
    found = []
    for bumps, label in zip(places, labels, strict=True):
        if len(bumps) != 1:
            found.append("multiple" if len(bumps) else "none")
        else:
            found.append("correct" if np.abs(bumps[0] - label).max() <= 1.5 else "misplaced")
    return np.array(found)
