"""What a network holds inside while it works on one image: the channels of a tap as maps, and what its attention takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.errors import UserError
from phasescope.places import Place
from phasescope.randomness import numpy_generator
from phasescope.runs.loading import check_labels, check_work

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from phasescope.families.base import Family
    from phasescope.probing.inputs import Inputs
    from phasescope.runs.config import RunConfig
    from phasescope.runs.loading import Loaded

MOST_VALUES = 2**20
"""of the maps of one answer: what is beyond them is left out, by whole channels"""


@dataclass(frozen=True)
class Inside:
    """One image's activations at a place.

    Attributes:
        told: the tap's `shape` (channels, rows, columns), of which maps may hold the first channels alone; where attention
            is, the `heads`, and `rows` and `columns` of what it is over.
        given: what the network is given, (1, C, *spatial).
        maps: (channels, rows, columns), float32.
        attention: (heads, rows, columns), float32: the share that each head takes from each position; none where no
            attention is.
    """

    told: dict[str, Any]
    given: np.ndarray
    maps: np.ndarray
    attention: np.ndarray


def inside(
    loaded: Loaded, given: tuple[Tensor, Tensor, Tensor], place: Place, query: tuple[int, int]
) -> Inside:
    """The maps of a place for `given`, one x_t with its t and label; `query` is the row and the column that attention is of.

    Raises:
        UserError: there is no such tap, or no such position.
    """
    from phasescope.families.base import evaluating
    from phasescope.probing.capture import activations, attention

    network, tap = loaded.network, place.tap
    with evaluating(network):
        try:
            output = activations(network, [tap], *given, flat=False)[tap][0].numpy()
            maps = as_maps(output)
            found = attention(network, tap, query, given)
        except ValueError as error:
            raise UserError(str(error)) from None
    told: dict[str, Any] = {"shape": list(maps.shape), "output": list(output.shape)}
    weights = np.zeros((0, 1, 1), np.float32)
    if found is not None:
        weights = found[0][0].numpy().reshape(-1, *found[1])
        told["heads"] = len(weights)
    kept = max(MOST_VALUES // (maps.shape[1] * maps.shape[2]), 1)
    return Inside(told, given[0].numpy(), np.ascontiguousarray(maps[:kept], np.float32), weights)


def as_maps(output: np.ndarray) -> np.ndarray:
    """(channels, rows, columns) of one image's output: features are a row, a signal's channels are rows by themselves."""
    if output.ndim == 1:
        return output[None, None]
    if output.ndim == 2:
        return output[:, None]
    return output.reshape(*output.shape[:2], -1)


def inputs_of(loaded: Loaded, family: Family, labels: Float[np.ndarray, "m K"], place: Place) -> Inputs:
    """What the network is given at a place for `labels`.

    Raises:
        UserError: there is no such place, or a label is not of this world.
    """
    import torch

    from phasescope.probing.inputs import Inputs

    config, plan = loaded.config, loaded.plan
    _check_place(config, place, plan.taps)
    check_labels(config.world, labels)
    check_work("labels", len(labels), config.world)
    labels = np.ascontiguousarray(labels, np.float32)
    try:
        full = config.world.complete(labels, numpy_generator(config.seed, "hidden factors"))
    except ValueError as error:  # a world that is a data set has no image of any other label
        raise UserError(str(error)) from None
    return Inputs(
        config.world,
        family,
        full,
        () if place.condition is None else (place.condition,),
        draws=1,
        shared=0,
        seed=config.seed,
        device=torch.device("cpu"),
        batch=plan.batch,
    )


def _check_place(config: RunConfig, place: Place, recorded: Any) -> None:
    taps, conditions = config.network.taps or recorded, config.family.conditions
    if place.tap not in taps:
        raise UserError(f"`place` (={place}) must be at a tap of the network: {', '.join(taps)}")
    if conditions is None and place.condition is not None:
        raise UserError(f"`place` (={place}) must be a tap alone: this family has no conditions")
    if conditions is not None and place.condition not in conditions:
        raise UserError(f"`place` (={place}) must end in a number from {conditions[0]} to {conditions[-1]}")
