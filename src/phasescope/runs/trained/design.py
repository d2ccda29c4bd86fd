"""The design of a configuration: which labels it trains on, which it holds out, and what nearest neighbours would score."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.runs.config import RunConfig
from phasescope.runs.probing.image_baselines import baseline_accuracies_of_splits
from phasescope.worlds import World

LABELS = 256
"""of each split, for which nearest-neighbour baselines are scored"""


@dataclass(frozen=True)
class Designed:
    """The design of a configuration.

    Attributes:
        name: of the run that would be trained.
        world: whose design it is.
        labels: `trained`, the training labels, and by split the held-out labels, (n, K) each.
        summary: JSON-ready: `sentence`, `splits` (the number of labels of each), and `accuracies`, the accuracy of the
            nearest-neighbour baselines by split.
    """

    name: str
    world: World
    labels: dict[str, np.ndarray]
    summary: dict[str, Any]


@own_arithmetic()
def designed(config: RunConfig) -> Designed:
    """Return the design of `config`."""
    world = config.world
    labels = {"trained": world.training_labels(), **world.held_out()}
    summary = {
        "sentence": world.sentence(),
        "splits": {name: len(some) for name, some in labels.items()},
        "accuracies": baseline_accuracies_of_splits(world, LABELS, config.seed),
    }
    return Designed(config.folder, world, labels, summary)
