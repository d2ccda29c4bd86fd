"""What a configuration says before training: what its world, objective and network predict of it, and what its design is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phasescope.core.errors import UserError, as_user_error
from phasescope.measures import critical_share, largest_component, overlap_graph
from phasescope.measures.images.percolation import MOST_IMAGES
from phasescope.runs.config import RunConfig
from phasescope.runs.loading import one_thread
from phasescope.runs.probing.copier import copied_of_splits
from phasescope.worlds import World

THRESHOLDS = (0.005, 0.05)
"""of overlap, from which images are neighbours (Liang et al. 2024, arXiv 2408.13256)"""
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
        told: JSON-ready: `sentence`, `splits` (the number of labels of each), `percolation` (by threshold of overlap: the
            share of training images in the largest component, and the critical share of all labels that are offered, or
            what it is at most), and by `copier` and split the share that is right.
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
        "percolation": _percolation(world, labels),
        "copier": copied_of_splits(world, LABELS, config.seed),
    }
    return Designed(config.folder, world, labels, told)


def _percolation(world: World, labels: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Empty where there are too many labels, or too few."""
    import torch

    offered = np.concatenate(list(labels.values()))
    trained = len(labels["trained"])
    if not 2 <= len(offered) <= MOST_IMAGES or trained < 2:
        return []
    with torch.no_grad():
        images = world.render(torch.from_numpy(offered)).numpy()
    blank = None if world.blank is None else np.full(world.shape, world.blank)
    found = []
    for threshold in THRESHOLDS:
        graph = overlap_graph(images, threshold, blank)
        critical = critical_share(graph)
        found.append(
            {
                "threshold": threshold,
                "largest": largest_component(graph[:trained, :trained]),
                "trained_share": trained / len(offered),
                "critical_share": critical.share,
                "critical_is_at_most": critical.at_most,
            }
        )
    return found
