"""Interventions on a run's network: is what a layer represents used to generate an image?

`intervene` samples many labels, and puts in what belongs to others of them. `changed` is for one label, which is dragged:
its means (`probing.intervening`) are over `BESIDE` fixed images of labels from all over the world, noised as the sampled
one is supposed to be at t, so that they do not move with the label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.measures.arguments import check_integer
from phasescope.runs.store import Run, as_run
from phasescope.runs.trained.load import Loaded, check_labels, load_network
from phasescope.worlds.base import World

if TYPE_CHECKING:
    from torch import Tensor

    from phasescope.models.families.base import Family, Network
    from phasescope.runs.probing.interventions import How, Intervention

MOST = 4096
"""images of one intervention"""
# Labels whose step leaves the world are drawn again; a step that no label can take would be drawn for ever.
TRIES = 200
BESIDE = 8
"""images over which the means of a change are taken"""
IMAGES = 2 * BESIDE + 1
"""that a changed network computes in a step, at most"""


@own_arithmetic()
def intervene(
    run: Run | str,
    layer: str,
    how: How | str = "patch",
    by: Sequence[float] | None = None,
    count: int = 64,
    step: int | None = None,
    seed: int = 0,
) -> Intervention:
    """Sample labels while something of others is put in at a layer, and read where the image goes.

    Labels are drawn from all over the factor space. Their targets are others of them, or for `steer` the labels moved `by`.

    Args:
        how: patch, part, steer or ablate (`probing.intervening`).
        by: for `steer`, how far along each factor, in its unit.
        count: images.
        step: of the snapshot; the last one by default.
        seed: of labels and noise.

    Raises:
        UserError: an argument is invalid; the run cannot be read; its world has no reader.
    """
    from phasescope.runs.probing import interventions

    run = as_run(run)
    with as_user_error():
        check_integer("count", count, 8, "a mean is taken over images")
        check_integer("seed", seed, 0, "labels and noise derive from it")
    if count > MOST:
        raise UserError(f"`count` (={count}) must be from 8 to {MOST}")
    interventions.check_how(how)
    if (how == "steer") != (by is not None):
        raise UserError(f"`by` (={by}) must be given with `how` steer, and with nothing else")
    loaded = load_network(run, run.snapshot(step))
    loaded.layer(layer)
    world = loaded.config.world
    generator = numpy_generator(seed, "intervention labels")
    if by is None:
        labels = world.factors.visible_columns(world.draw_labels(count, generator))
        targets = np.roll(labels, 1, axis=0)
    else:
        labels, targets = _moved(world, by, count, generator)
    network, family, batch = loaded.network, loaded.family, loaded.plan.batch
    with as_user_error():
        return interventions.intervene(
            network, world, family, layer, how, labels, targets, seed=seed, batch=batch
        )


def _moved(
    world: World, by: Sequence[float], count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return labels whose step stays in the world, and the labels to which it leads."""
    factors = world.factors.visible
    name = _check_step(factors, by)
    kept: list[np.ndarray] = []
    for _ in range(TRIES):
        labels = world.factors.visible_columns(world.draw_labels(count, generator))
        targets = _stepped(factors, labels, by)
        inside = ((targets >= factors.low) & (targets <= factors.low + factors.span)).all(axis=1)
        kept.append(np.stack([labels[inside], targets[inside]]))
        if sum(pairs.shape[1] for pairs in kept) >= count:
            both = np.concatenate(kept, axis=1)[:, :count].astype(np.float32)
            return both[0], both[1]
    raise UserError(f"{name} must lead from some labels of the world to others that lie in it too")


def _check_step(factors: Factors, by: Sequence[float]) -> str:
    """Return the step as error messages name it.

    Raises:
        UserError: it is no step of this world.
    """
    name = f"`by` (={_joined(by)})"
    if len(by) != len(factors):
        raise UserError(f"{name} must give {','.join(factors.names)}: {len(factors)} numbers")
    if not np.isfinite(by).all() or not np.any(by) or factors.categorical[np.flatnonzero(by)].any():
        raise UserError(f"{name} must be finite, not all 0, and along factors that have an order")
    return name


def _stepped(factors: Factors, labels: np.ndarray, by: Sequence[float]) -> np.ndarray:
    """Return labels moved by a step, with periodic factors wrapped into their range."""
    moved = labels + np.asarray(by, dtype=np.float32)
    return np.where(factors.periodic, factors.low + (moved - factors.low) % factors.span, moved)


def _joined(numbers: Sequence[float]) -> str:
    return ",".join(f"{number:g}" for number in numbers)


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

    factors, name = world.factors.visible, f"`towards` (={_joined(change.towards)})"
    check_how(change.how)
    if change.how == "ablate":
        if change.towards:
            raise UserError(f"{name} must not be given if `how` is ablate")
        return None
    if change.how == "steer":
        prefix = f"{_check_step(factors, change.towards)} must lead to a label of the world: "
        target = _stepped(factors, label, change.towards).astype(np.float32)
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

    check_receives(network, change.layer, world, family, labels, seed)
    put_in = labels[:1] if target is None else torch.from_numpy(target[None])
    return Intervened(network, layer, cast("How", change.how), put_in, beside)


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


def guided(network: Network, guidance: float) -> Network:
    """`network` with guidance w (Ho & Salimans 2022, arXiv 2207.12598, eq. 6): none + (1 + w) (label - none).

    That is the same whatever is predicted, as long as predictions are affine functions of one another.
    """
    import torch

    def predict(x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        none = torch.full_like(labels, torch.nan)
        both = network(torch.cat((x_t, x_t)), torch.cat((t, t)), torch.cat((labels, none)))
        conditional, unconditional = both.chunk(2)
        return unconditional + (1 + guidance) * (conditional - unconditional)

    return predict
