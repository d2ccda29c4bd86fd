"""Sampling images with a run's network."""

from collections.abc import Sequence

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import as_user_error
from phasescope.measures.arguments import check_integer, real_array
from phasescope.runs.probing.images import sample_labels
from phasescope.runs.store import RunFolder
from phasescope.runs.trained.labels import check_labels
from phasescope.runs.trained.load import load_network


@own_arithmetic()
def sample(
    run: RunFolder, labels: Sequence[float] | np.ndarray, n: int = 1, step: int | None = None, seed: int = 0
) -> np.ndarray:
    """Sample images as `Run.sample` says."""
    with as_user_error():
        rows = np.atleast_2d(real_array("labels", labels).astype(np.float32))
        check_integer("n", n, 1, "images of each label")
        check_integer("seed", seed, 0, "the noise derives from it")
    loaded = load_network(run, run.snapshot(step))
    world, batch = loaded.config.world, loaded.plan.batch
    check_labels(world, rows)
    rows = np.repeat(rows, n, axis=0)
    return sample_labels(
        network=loaded.network,
        family=loaded.family,
        world=world,
        labels=rows,
        batch=batch,
        purpose="sample",
        seed=seed,
    )
