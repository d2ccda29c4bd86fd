"""The place of the bump in every sample, to a part of a pixel, whatever the sample holds and however noisy it is."""

import numpy as np

from phasescope.studies.readings.objects import template

TOLERANCE_PX = 1.0


def places(images: np.ndarray, sigma_px: float) -> np.ndarray:
    """Return where the bump's shape answers most, x and y in px, (n, 2); pixel centres lie at 1, 2, ...

    The peak is refined along each axis by a parabola through three neighbours, so that no label is favoured for lying on a
    pixel. At the edge of the canvas the pixel itself is taken.

    Args:
        images: (n, N, N), in [-1, 1], dark bumps on white.
    """
    from scipy.ndimage import correlate

    shape = template(sigma_px)
    refined = []
    for image in images:
        answer = -correlate(image, shape, mode="nearest")
        at = np.unravel_index(answer.argmax(), answer.shape)
        beyond = [_beyond(np.take(answer, at[1 - axis], axis=1 - axis), at[axis]) for axis in (1, 0)]
        refined.append(np.add(at[::-1], 1) + beyond)
    return np.array(refined)


def _beyond(line: np.ndarray, at: int) -> float:
    """Return how far the peak of a parabola through three neighbours lies from the middle one, at most half a pixel."""
    if not 0 < at < len(line) - 1:
        return 0.0
    before, here, after = line[at - 1 : at + 2]
    bend = before - 2 * here + after
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0
