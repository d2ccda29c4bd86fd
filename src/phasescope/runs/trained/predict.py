"""Predictions and the design of a configuration before training, and denoised clones of a trained run's images."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.measures.arguments import check_integer
from phasescope.models.families import Clones
from phasescope.runs.config import RunConfig
from phasescope.runs.probing.image_baselines import baseline_accuracies_of_splits
from phasescope.runs.store import Run, as_run
from phasescope.runs.trained.load import load_unconditional, one_thread
from phasescope.worlds import World

MOST_CLONES = 4096
"""images at one noise level"""
LEVELS = 11
"""noise levels if none is given"""
LABELS = 256
"""of each split, for which nearest-neighbour baselines are scored"""


@dataclass(frozen=True)
class Prediction:
    """What is predicted of a configuration."""

    name: str
    """of the run that would be trained"""
    sentence: str
    """describes the world"""
    values: dict[str, Any]
    """JSON-ready: the family's `forecast`, and `accuracies`, the accuracy of the nearest-neighbour baselines by split"""


@own_arithmetic()
@one_thread()
def predict(config: RunConfig, patch_px: int | None = None) -> Prediction:
    """Return what is predicted of `config`.

    Args:
        patch_px: side of the patch of the patch-local optimal denoiser, px, odd; by default that of the run's own task.

    Raises:
        UserError: the family has no known optima; the world has too many pixels or too few images; the patch is invalid.
    """
    world, task = config.world, config.task()
    if patch_px is not None:
        task = replace(task, patch_px=patch_px)
    with as_user_error():
        forecast = dict(config.family.build().forecast(task))
    if not forecast:
        raise UserError(f"`family` (={config.family.kind}) must be one whose exact optima are known")
    forecast["accuracies"] = baseline_accuracies_of_splits(world, LABELS, config.seed)
    return Prediction(config.folder, world.sentence(), forecast)


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


@own_arithmetic()
def clones(
    run: Run | str,
    at: Sequence[float] | None = None,
    images: int = 32,
    each: int = 8,
    step: int | None = None,
    seed: int = 0,
    notify: Callable[[int, int], None] = lambda done, total: None,
) -> Clones:
    """Add noise to training images, denoise each several times without a label, count what returns (Sclocchi et al. 2024).

    Args:
        at: noise levels; evenly spread ones by default.
        images: number of images to start from.
        each: clones of each image.
        step: of the snapshot; the last one by default.
        seed: of images and noise.
        notify: is called with the number of noise levels that are done, and of all.

    Raises:
        UserError: an argument is invalid; the run cannot be read; its network was never trained without a label, or its
            family cannot start from a noisy image.
    """
    with as_user_error():
        check_integer("images", images, 1, "clones are of images")
        check_integer("each", each, 1, "an image has clones")
        check_integer("seed", seed, 0, "images and noise derive from it")
    if images < 8 or images * each > MOST_CLONES:
        raise UserError(
            f"`images` (={images}) must be from 8 on, `each` (={each}) from 1 on, and their product at most {MOST_CLONES}"
        )
    loaded = load_unconditional(as_run(run), step)
    config, known = loaded.config, loaded.config.family.noise_levels
    if known is None:
        raise UserError(f"`family` (={config.family.kind}) must be one that samples from noisy images")
    if at is None:
        spread = np.linspace(known[0], known[-1], LEVELS + 1).round().astype(int)
        levels = spread[1:].tolist()
    else:
        if invalid := [t for t in at if not math.isfinite(t) or t != int(t)]:
            raise UserError(f"`t` (={invalid[0]:g}) must be a whole number: a noise level")
        levels = [int(t) for t in at]
    with as_user_error():
        return loaded.family.clones(loaded.network, config.task(), levels, images, each, seed, notify)
