"""What a configuration says before training: what is predicted of it, and its design; and whether a trained run copies."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phasescope.core.errors import UserError, as_user_error
from phasescope.models.families import Clones
from phasescope.runs.config import RunConfig
from phasescope.runs.loading import load_untold, one_thread
from phasescope.runs.probing.copier import copied_of_splits
from phasescope.runs.store import Run, as_run
from phasescope.worlds import World

MOST_CLONES = 4096
"""images at one noise level"""
LEVELS = 11
"""noise levels if none is given"""
LABELS = 256
"""of each split, for which nearest-neighbour baselines are scored"""


@dataclass(frozen=True)
class Prediction:
    """Of a configuration."""

    name: str
    """of the run that would be trained"""
    sentence: str
    """what its world shows"""
    told: dict[str, Any]
    """JSON-ready: as the family's `forecast`, and by copier and split the share that is right"""


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


def clones(
    run: Run | str,
    at: Sequence[float] | None = None,
    images: int = 32,
    each: int = 8,
    step: int | None = None,
    seed: int = 0,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Clones:
    """Add noise to training images, denoise each several times without a label, and count what comes back (Sclocchi et al.
    2024).

    Args:
        at: noise levels; evenly spread ones by default.
        images: started from.
        each: clones of each.
        step: of the snapshot; the last one by default.
        seed: of images and noise.
        tell: is told how many noise levels of how many are done.

    Raises:
        UserError: an argument is invalid; the run cannot be read; its network was never trained without a label, or its
            family has no way down from a noisy image.
    """
    if images < 8 or each < 1 or images * each > MOST_CLONES:
        raise UserError(
            f"`images` (={images}) must be from 8 on, `each` (={each}) from 1 on, and their product at most {MOST_CLONES}"
        )
    loaded = load_untold(as_run(run), step)
    config, conditions = loaded.config, loaded.config.family.conditions
    if conditions is None:
        raise UserError(f"`family` (={config.family.kind}) must be one that paints from noisy images")
    if at is None:
        spread = np.linspace(conditions[0], conditions[-1], LEVELS + 1).round().astype(int)
        levels = spread[1:].tolist()
    else:
        if strange := [t for t in at if not math.isfinite(t) or t != int(t)]:
            raise UserError(f"`t` (={strange[0]:g}) must be a whole number: a noise level")
        levels = [int(t) for t in at]
    with as_user_error():
        return loaded.family.clones(loaded.network, config.task(), levels, images, each, seed, tell)
