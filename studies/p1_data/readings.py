"""Accuracy along each axis between pixels, of every sample whatever it holds and however noisy it is."""

import numpy as np

from phasescope.studies import Runs, config_of, reads
from phasescope.studies.readings.objects import read_object
from phasescope.studies.readings.places import TOLERANCE_PX, places


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


@reads("object.x", "object.y")
def denser_ahead(runs: Runs) -> np.ndarray:
    """Return the mean over training of the share correct along x minus that along y, (n,)."""
    return runs.mean("object.x") - runs.mean("object.y")
