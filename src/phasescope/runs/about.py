"""What a run is about, for whoever shows it without its world's source: about.json in its folder.

Factors, splits, outcomes with their phases and colours, the labels that are trained on and those held out, what may be
chosen where one paints: all of it is said by the world, the family and the network when a run begins. What only shows runs
reads it, and imports nobody's code.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Float

from phasescope.runs.config import RunConfig
from phasescope.runs.probing.config import ProbingConfig
from phasescope.worlds import World

MOST_LABELS = 4096
"""of a training set, and of all that is held out, that is told label by label; a larger one by its values of each factor"""


def about(config: RunConfig, plan: ProbingConfig, world: World | None = None) -> dict[str, Any]:
    """JSON-ready: `sentence`, `shape`, the visible `factors`, names of `hidden` ones, `position`, `splits`, `outcomes`,
    `training` labels, `held_out` labels by split, `painting`, `guidance`, `taps`, `timesteps`.

    Args:
        world: in the place of the configuration's, where that is of arrays at hand.
    """
    world = world or config.world
    visible = world.factors.visible_columns
    reader, trained = world.reader(), visible(world.training_labels())
    held = {split: visible(labels) for split, labels in world.held_out().items()}
    few = len(trained) <= MOST_LABELS, sum(map(len, held.values())) <= MOST_LABELS
    return {
        "sentence": world.sentence(),
        "shape": list(world.shape),
        "continuous": world.continuous,
        "factors": [asdict(factor) for factor in world.factors.visible],
        "hidden": [factor.name for factor in world.factors if factor.hidden],
        "position": world.position,
        "splits": list(world.splits()),
        "outcomes": [] if reader is None else [outcome._asdict() for outcome in reader.outcomes],
        "training": _told(trained, one_by_one=few[0]),
        "held_out": {split: _told(labels, one_by_one=few[1]) for split, labels in held.items()},
        "painting": config.family.painting(),
        "guidance": config.training.may_be_guided,
        "taps": list(plan.taps),
        "timesteps": list(plan.timesteps),
    }


def _told(labels: Float[np.ndarray, "n K"], one_by_one: bool) -> dict[str, Any]:
    return {
        "count": len(labels),
        "labels": labels.astype(float).round(4).tolist() if one_by_one else None,
        "values": [np.unique(column).astype(float).round(4).tolist()[:MOST_LABELS] for column in labels.T],
    }
