"""Accuracy along each axis between pixels, of every sample whatever it holds and however noisy it is."""

import numpy as np

from phasescope.studies import Runs, config_of
from studies.p1.objects import read_object, template

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


def read_samples(run) -> list[dict]:
    """Return what the samples hold, as in the study `p1`, and the shares that are within 1 px along x and along y.

    The records of the reference are those of `p1`, which has no such shares: they are asked of the cell `unequal` alone.
    """
    sigma_px, rows = config_of(run).world.sigma_px, read_object(run)
    for row, snapshot in zip(rows, run.snapshots, strict=True):
        stored = snapshot.samples()
        grid = stored["split"] == "grid"
        errors = np.abs(places(stored["images"][grid, 0].astype(float), sigma_px) - stored["labels"][grid])
        row |= {axis: float(np.mean(errors[:, k] <= TOLERANCE_PX)) for k, axis in enumerate("xy")}
    return rows


def denser_ahead(runs: Runs) -> np.ndarray:
    """Return the mean over training of the share correct along x minus that along y, (n,)."""
    return runs.mean("object.x") - runs.mean("object.y")
