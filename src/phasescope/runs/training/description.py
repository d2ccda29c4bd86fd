"""The description of a run (about.json), with which it can be shown without its world's source.

The world, the family and the network write it when a run begins: factors, splits, outcomes with their phases and colours,
training and held-out labels, options of sampling. Code that only shows runs reads it and imports no user code.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Float

from phasescope.measures.columns import COLUMNS
from phasescope.runs.config import RunConfig
from phasescope.runs.config.probing_config import ProbingConfig
from phasescope.runs.probing.own_measures import load_measures
from phasescope.worlds import World
from phasescope.worlds.base import Reader

# Larger sets of training or held-out labels are described by their values of each factor, not label by label.
MOST_LABELS = 4096


def describe(config: RunConfig, plan: ProbingConfig, world: World | None = None) -> dict[str, Any]:
    """Return the description, JSON-ready: `sentence`, `shape`, visible `factors`, names of `hidden` ones, `position`,
    `splits`, `outcomes`, `training` labels, `held_out` labels by split, `sampler`, `guidance`, `layers`, `most_features`
    (None: all), `t`, `columns` that its own kinds declare.

    Args:
        world: replaces the configuration's world if that consists of arrays in memory.
    """
    world = world or config.world
    reader = world.reader()

    visible = world.factors.visible_columns
    trained = visible(world.training_labels())
    held_out = {split: visible(labels) for split, labels in world.held_out().items()}
    few_trained = len(trained) <= MOST_LABELS
    few_held_out = sum(map(len, held_out.values())) <= MOST_LABELS

    return {
        "sentence": world.sentence(),
        "shape": list(world.shape),
        "continuous": world.continuous,
        "factors": [asdict(factor) for factor in world.factors.visible],
        "hidden": [factor.name for factor in world.factors if factor.hidden],
        "position": world.position,
        "splits": list(world.splits()),
        "outcomes": [] if reader is None else [outcome._asdict() for outcome in reader.outcomes],
        "training": _label_summary(trained, one_by_one=few_trained),
        "held_out": {
            split: _label_summary(labels, one_by_one=few_held_out) for split, labels in held_out.items()
        },
        "sampler": config.family.sampling_choices(),
        "guidance": config.training.may_be_guided,
        "layers": list(plan.layers),
        "most_features": plan.most_features,
        "t": list(plan.t),
        "columns": _own_columns(reader, plan),
    }


def _own_columns(reader: Reader | None, plan: ProbingConfig) -> dict[str, Any]:
    """Return what pages show of columns that the run's own reader and measures declare, by name."""
    declared = [] if reader is None else list(reader.declared)
    declared += [measure.column for measure in load_measures(plan.measures).values()]
    return {column.name: column.to_dict() for column in declared if COLUMNS.get(column.name) != column}


def _label_summary(labels: Float[np.ndarray, "n K"], one_by_one: bool) -> dict[str, Any]:
    return {
        "count": len(labels),
        "labels": labels.astype(float).round(4).tolist() if one_by_one else None,
        "values": [np.unique(column).astype(float).round(4).tolist()[:MOST_LABELS] for column in labels.T],
    }
