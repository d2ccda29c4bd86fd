"""Information in nats: of a label about a training image, and as the integral of an error over the signal-to-noise ratio.

I = 1/2 int MMSE dSNR    (Guo et al. 2005; Kong et al. 2023, arXiv 2302.03792)
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from phasescope.models.families.task import Task


def information(
    snr: Float[np.ndarray, " T"], mmse: Float[np.ndarray, "*many T"]
) -> Float[np.ndarray, "*many"]:
    """Return 1/2 int MMSE dSNR, in nats: over the schedule's SNR, and below it, where nothing is known yet."""
    rising, errors = snr[::-1], mmse[..., ::-1]
    return 0.5 * (np.trapezoid(errors * rising, np.log(rising)) + errors[..., 0] * rising[0])


def label_nats(task: Task, columns: Sequence[int]) -> float:
    """Return the nats that these columns of a label tell of a training image: their entropy if a factor is hidden."""
    counts = np.unique(task.training[:, list(columns)], axis=0, return_counts=True)[1]
    if not task.factors.hidden:
        return math.log(len(counts))

    shares = counts / counts.sum()
    return float(-shares @ np.log(shares))


def sets_of_factors(task: Task) -> dict[str, tuple[int, ...]]:
    """Return by name the numbers of the factors that may be given: all of the `label`, and each by itself."""
    single = {name: (k,) for k, name in enumerate(task.factors.names) if k not in task.factors.hidden}
    label = {"label": tuple(k for columns in single.values() for k in columns)}
    return {**label, **single} if len(single) > 1 else label
