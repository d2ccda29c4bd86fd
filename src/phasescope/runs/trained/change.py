"""A run's network with one layer changed, for one label at a time: the explorer drags it.

Means (`probing.interventions`) are over `BESIDE` fixed images of labels from all over the world, noised as the sampled one
is supposed to be at t, so that they do not move with the label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from phasescope.core.errors import UserError
from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.runs.trained.labels import check_labels
from phasescope.runs.trained.limits import BESIDE
from phasescope.runs.trained.load import Loaded
from phasescope.runs.trained.steps import check_step, joined, moved_by
from phasescope.worlds.base import World

if TYPE_CHECKING:
    from torch import Tensor

    from phasescope.models.families.base import Family
    from phasescope.models.families.task import Network
    from phasescope.runs.probing.interventions import How


@dataclass(frozen=True)
class Change:
    """An intervention at a layer.

    Attributes:
        how: patch, part, steer or ablate.
        towards: a value a factor: for patch and part the label that is put in, for steer how far along each; else nothing.
    """

    layer: str
    how: str
    towards: tuple[float, ...] = ()


def target_of(world: World, label: np.ndarray, change: Change) -> np.ndarray | None:
    """Return the label (K,) that is put in when the network is conditioned on `label` (K,); None if none is.

    Raises:
        UserError: `how` is unknown; `towards` is no label of this world, no step to one, or given for nothing.
    """
    from phasescope.runs.probing.interventions import check_how

    factors, name = world.factors.visible, f"`towards` (={joined(change.towards)})"
    check_how(change.how)
    if change.how == "ablate":
        if change.towards:
            raise UserError(f"{name} must not be given if `how` is ablate")
        return None
    if change.how == "steer":
        prefix = f"{check_step(factors, change.towards)} must lead to a label of the world: "
        target = moved_by(factors, label, change.towards).astype(np.float32)
    else:
        if len(change.towards) != len(factors):
            raise UserError(f"{name} must give {', '.join(factors.names)}: {len(factors)} numbers")
        prefix, target = "", np.array(change.towards, np.float32)
    check_labels(world, target[None], prefix)
    return target


def changed(loaded: Loaded, family: Family, change: Change, target: np.ndarray | None, seed: int) -> Network:
    """Return a run's network with the change applied; all rows of a call must have one label.

    Raises:
        UserError: the network has no such layer, or the layer does not receive the label.
    """
    import torch

    from phasescope.runs.probing.capture import check_receives
    from phasescope.runs.probing.interventions import Intervened

    network, world, layer = loaded.network, loaded.config.world, loaded.layer(change.layer)
    full = torch.from_numpy(world.draw_labels(BESIDE, numpy_generator(seed, "labels beside")))
    x_0, labels = world.render(full), world.factors.visible_columns(full)
    noise = torch.randn(x_0.shape, generator=torch_generator(seed, "noise beside"))

    def beside(t: Tensor) -> tuple[Tensor, Tensor]:
        level = None if family.noise_levels is None else int(t[0])
        return family.inputs(x_0, labels, level, noise)[0], labels

    check_receives(network=network, layer=change.layer, world=world, family=family, labels=labels, seed=seed)
    put_in = labels[:1] if target is None else torch.from_numpy(target[None])
    return Intervened(
        network=network, layer=layer, how=cast("How", change.how), targets=put_in, beside=beside
    )


def went(world: World, image: np.ndarray, label: np.ndarray, target: np.ndarray | None) -> dict[str, Any]:
    """Return for each ungated reading `at`, the estimate of each factor, and `went`: whether the image `followed` the
    target, `stayed` at the condition, did `either` if these are too near to distinguish, or is `elsewhere`.

    Nothing if the world has no reader of images (1, C, *spatial).
    """
    reader = world.reader()
    if reader is None:
        return {}

    columns = reader.read(image)
    there = {} if target is None else reader.ungated(columns, target[None])
    words = {(True, True): "either", (True, False): "followed", (False, True): "stayed"}

    by_reading = {}
    for reading, error in reader.ungated(columns, label[None]).items():
        stayed = bool(reader.within(error, label[None]).all())
        followed = target is not None and bool(reader.within(there[reading], target[None]).all())
        by_reading[reading] = {
            "at": (label + error[0]).astype(float).tolist(),
            "went": words.get((followed, stayed), "elsewhere"),
        }
    return by_reading
