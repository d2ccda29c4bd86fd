"""What a configuration says before training: what its world, objective and network predict of it, and what its design is."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phasescope.core.errors import UserError, as_user_error
from phasescope.runs.config import RunConfig
from phasescope.runs.loading import one_thread
from phasescope.runs.probing.copier import copied_of_splits
from phasescope.worlds import World

LABELS = 256
"""of each split, for which nearest-neighbour baselines are scored"""


@dataclass(frozen=True)
class Prediction:
    """Of a configuration.

    Attributes:
        name: of the run that would be trained.
        sentence: what its world shows.
        told: JSON-ready: as the family's `forecast`, and by copier and split the share that is right.
    """

    name: str
    sentence: str
    told: dict[str, Any]


@one_thread()
def predict(config: RunConfig, patch_px: int | None = None) -> Prediction:
    """What is foretold of `config`.

    Args:
        patch_px: side of the patch that the local machine sees, px, odd; as the run's own task has it where None.

    Raises:
        UserError: its family foretells nothing; its world has too many pixels, or too few images; the patch is none.
    """
    world, task = config.world, config.task()
    if patch_px is not None:
        task = replace(task, patch_px=patch_px)
    with as_user_error():
        found = dict(config.family.build().forecast(task))
    if not found:
        raise UserError(f"`family` (={config.family.kind}) must be one whose exact optima are known")
    found["copier"] = copied_of_splits(world, LABELS, config.seed)
    return Prediction(config.folder, world.sentence(), found)


@dataclass(frozen=True)
class Designed:
    """Of a configuration.

    Attributes:
        name: of the run that would be trained.
        world: whose design it is.
        labels: of what is trained on, `trained`, and by split what is held out, (n, K) each.
        told: JSON-ready: `sentence`, `splits` (the number of labels of each), and by `copier` and split the share that is
            right.
    """

    name: str
    world: World
    labels: dict[str, np.ndarray]
    told: dict[str, Any]


def designed(config: RunConfig) -> Designed:
    """What `config`'s design is."""
    world = config.world
    labels = {"trained": world.training_labels(), **world.held_out()}
    told = {
        "sentence": world.sentence(),
        "splits": {name: len(some) for name, some in labels.items()},
        "copier": copied_of_splits(world, LABELS, config.seed),
    }
    return Designed(config.folder, world, labels, told)
