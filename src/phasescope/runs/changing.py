"""A network of whose one tap something is changed while it paints one label: patch, part, steer or ablate.

The means that these take (`probing.intervening`) are over `BESIDE` images of labels from all over the world, noised as the
painted one is supposed to be at t: they do not move while a target is dragged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from phasescope.errors import UserError
from phasescope.randomness import numpy_generator, torch_generator
from phasescope.runs.intervening import stepped

if TYPE_CHECKING:
    from torch import Tensor

    from phasescope.families.base import Family, Network
    from phasescope.probing.intervening import How
    from phasescope.runs.config import RunConfig
    from phasescope.worlds.base import World

BESIDE = 8
"""images over which means are taken"""
IMAGES = 2 * BESIDE + 1
"""that a network computes in a step, at most"""


@dataclass(frozen=True)
class Change:
    """What is changed at a tap.

    Attributes:
        how: patch, part, steer or ablate.
        towards: a value a factor: for patch and part the label that is put in, for steer how far along each; else nothing.
    """

    tap: str
    how: str
    towards: tuple[float, ...] = ()


def target_of(world: World, label: np.ndarray, change: Change) -> np.ndarray | None:
    """The label (K,) that is put in where `label` (K,) is told; None where nothing is.

    Raises:
        UserError: `how` is none; `towards` is no label of this world, no step to one, or given for nothing.
    """
    from phasescope.probing.intervening import HOW

    told = ",".join(f"{value:g}" for value in change.towards)
    factors = world.factors.visible
    if change.how not in HOW:
        raise UserError(f"`how` (={change.how}) must be one of {', '.join(HOW)}")
    if change.how == "ablate":
        if change.towards:
            raise UserError(f"`towards` (={told}) must not be given where something is ablated")
        return None
    if change.how == "steer":
        return stepped(factors, label, change.towards)
    if len(change.towards) != len(factors):
        raise UserError(f"`towards` (={told}) must give {', '.join(factors.names)}: {len(factors)} numbers")
    target = np.array(change.towards, np.float32)
    try:
        factors.check(target[None])
    except ValueError as error:
        raise UserError(str(error)) from None
    return target


def changed(
    network: Network, config: RunConfig, family: Family, change: Change, target: np.ndarray | None, seed: int
) -> Network:
    """`network`, changed so; it is then called with rows of one label.

    Raises:
        UserError: the network has no such tap, or the tap does not receive the label.
    """
    import torch

    from phasescope.probing.capture import check_hears, find_tap
    from phasescope.probing.intervening import Intervened

    world = config.world
    full = torch.from_numpy(world.draw_labels(BESIDE, numpy_generator(seed, "labels beside")))
    x_0, labels = world.render(full), world.factors.visible_columns(full)
    noise = torch.randn(x_0.shape, generator=torch_generator(seed, "noise beside"))

    def beside(t: Tensor) -> tuple[Tensor, Tensor]:
        condition = None if family.conditions is None else int(t[0])
        return family.inputs(x_0, labels, condition, noise)[0], labels

    taps = config.network.taps
    try:
        if taps is not None and change.tap not in taps:
            raise ValueError
        tap = find_tap(network, change.tap)
    except ValueError:
        of = f"one of the network's: {', '.join(taps)}" if taps else "a block of the network"
        raise UserError(f"`tap` (={change.tap}) must be {of}") from None
    check_hears(network, change.tap, world, family, labels, seed)
    put_in = labels[:1] if target is None else torch.from_numpy(target[None])
    return Intervened(network, tap, cast("How", change.how), put_in, beside)


def went(world: World, image: np.ndarray, label: np.ndarray, target: np.ndarray | None) -> dict[str, Any]:
    """By each way in which every image is read: `at`, the estimate of each factor, and `went`: whether it `followed` what
    was put in, `stayed` at what was told, `either` where these are too near to each other to tell, or is `elsewhere`.

    Nothing where nothing reads the images (1, C, *spatial).
    """
    reader = world.reader()
    if reader is None:
        return {}
    columns, found = reader.read(image), {}
    there = {} if target is None else reader.ungated(columns, target[None])
    for way, error in reader.ungated(columns, label[None]).items():
        stayed = bool(reader.within(error, label[None]).all())
        followed = target is not None and bool(reader.within(there[way], target[None]).all())
        words = {(True, True): "either", (True, False): "followed", (False, True): "stayed"}
        found[way] = {
            "at": (label + error[0]).astype(float).tolist(),
            "went": words.get((followed, stayed), "elsewhere"),
        }
    return found
