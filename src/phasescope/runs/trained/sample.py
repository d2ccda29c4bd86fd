"""Sampling images with a run's network, and what its layers hold on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.measures.arguments import check_integer
from phasescope.runs.store import RunFolder
from phasescope.runs.trained.guidance import check_guidance, guided, sampling_by
from phasescope.runs.trained.labels import check_labels, label_rows
from phasescope.runs.trained.load import Loaded, given_network

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import nn

    from phasescope.models.families import Network
    from phasescope.models.families.base import FamilyConfig

MOST_BYTES = 4 * 2**30
"""of a trajectory's arrays"""
COMPARED = 8
"""labels under which the output of a layer that is patched must differ"""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The way from noise to images, state by state, S states of m images.

    Attributes:
        t: (S,), the noise level of each state; -1 for the last one, the images.
        x_t: (S, m, C, *spatial), the noisy images.
        x_0: (S, m, C, *spatial), what the sampler takes them to become: clipped, and guided if it is.
        activations: by layer (S - 1, m, features), of every state but the images, conditioned on the label.
    """

    t: Int[np.ndarray, " S"]
    x_t: Float[np.ndarray, "S m C *spatial"]
    x_0: Float[np.ndarray, "S m C *spatial"]
    activations: Mapping[str, Float[np.ndarray, "T m features"]]


@own_arithmetic()
def sample(
    run: RunFolder,
    labels: Sequence[Any] | np.ndarray,
    n: int = 1,
    step: int | None = None,
    seed: int = 0,
    *,
    sampler: str | None = None,
    steps: int | None = None,
    guidance: float = 0.0,
    patch: Mapping[str, Sequence[Any] | np.ndarray] | None = None,
    network: nn.Module | None = None,
) -> np.ndarray:
    """Sample images as `Run.sample` says."""
    import torch

    from phasescope.models.families.base import evaluating

    loaded = given_network(run, run.snapshot(step), network)
    rows, config = checked(loaded, labels, n=n, seed=seed, sampler=sampler, steps=steps, guidance=guidance)
    family = config.build()
    targets = {layer: put_in(loaded, layer, label, len(rows), n) for layer, label in (patch or {}).items()}

    images = []
    with evaluating(loaded.network), torch.no_grad():
        for part, at in enumerate(batches_of(len(rows), loaded.plan.batch)):
            predicts = patched(loaded, {layer: labels[at] for layer, labels in targets.items()})
            generator = torch_generator(seed, "sample", part, "cpu")
            some = torch.from_numpy(rows[at])
            sampled = family.sample(guided_by(predicts, guidance), some, loaded.config.world.shape, generator)
            images.append(sampled.float().numpy())
    return np.concatenate(images)


@own_arithmetic()
def trajectory(
    run: RunFolder,
    labels: Sequence[Any] | np.ndarray,
    layers: Sequence[str] = (),
    step: int | None = None,
    seed: int = 0,
    *,
    sampler: str | None = None,
    steps: int | None = None,
    guidance: float = 0.0,
    network: nn.Module | None = None,
) -> Trajectory:
    """Sample as `Run.trajectory` says."""
    import torch

    from phasescope.models.families.base import evaluating
    from phasescope.runs.probing.capture import activations

    loaded = given_network(run, run.snapshot(step), network)
    rows, config = checked(loaded, labels, n=1, seed=seed, sampler=sampler, steps=steps, guidance=guidance)
    choices = config.sampling_choices()
    expected = 1 if choices is None else choices["steps"] + 1
    if isinstance(layers, str):
        layers = [layers]
    named = {layer: loaded.layer(layer) for layer in layers}

    times: list[int] = []
    arrays: dict[str, list[np.ndarray]] = {name: [] for name in ("x_t", "x_0", *named)}
    given, shape = torch.from_numpy(rows), loaded.config.world.shape
    predicts = guided_by(loaded.network, guidance)
    with evaluating(loaded.network), torch.no_grad():
        # All images at once, so that a state is one array; the generator is that of the first batch of `sample`.
        states = config.build().trajectory(predicts, given, shape, torch_generator(seed, "sample", 0, "cpu"))
        for state in states:
            times.append(state.t)
            read = {"x_t": state.x_t, "x_0": state.x_0}
            if named and state.t >= 0:
                at = torch.full((len(given),), state.t)
                read |= activations(loaded.network, named, state.x_t, at, given)

            for name, tensor in read.items():
                arrays[name].append(tensor.float().numpy())
            if len(times) == 1:
                check_size(arrays, expected)

    if named and len(times) == 1:
        raise UserError(f"`layers` (={', '.join(named)}) must be left out: this family generates at once")
    x_t, x_0, *of_layers = (np.stack(states) for states in arrays.values())
    return Trajectory(np.array(times), x_t, x_0, dict(zip(named, of_layers, strict=True)))


def checked(
    loaded: Loaded,
    labels: Sequence[Any] | np.ndarray,
    *,
    n: int,
    seed: int,
    sampler: str | None,
    steps: int | None,
    guidance: float,
) -> tuple[Float[np.ndarray, "m K"], FamilyConfig]:
    """Return the label of each image, and the family with the sampler that is asked for.

    Raises:
        UserError: one of them is not as it must be; its name is in the message.
    """
    rows = label_rows(loaded.config.world, labels, "labels")
    with as_user_error():
        check_integer("n", n, 1, "images of each label")
        check_integer("seed", seed, 0, "the noise derives from it")
    check_labels(loaded.config.world, rows)

    check_guidance(loaded.config, guidance)
    return np.repeat(rows, n, axis=0), sampling_by(loaded.config.family, sampler, steps)


def put_in(
    loaded: Loaded, layer: str, label: Sequence[Any] | np.ndarray, images: int, n: int
) -> Float[np.ndarray, "m K"]:
    """Return the label that is put in at a layer for each image.

    Args:
        label: (K,), or (m, K) with one for each label that is sampled.
        images: m * n, how many are sampled in all.
    """
    import torch

    from phasescope.runs.probing.capture import check_receives

    name = f"`patch` (at {layer})"
    rows = label_rows(loaded.config.world, label, f"patch[{layer}]")
    check_labels(loaded.config.world, rows, f"{name}: ")
    if len(rows) not in (1, images // n):
        raise UserError(f"{name} must give one label, or one for each of the {images // n} that are sampled")

    loaded.layer(layer)
    world = loaded.config.world
    some = world.factors.visible_columns(world.draw_labels(COMPARED, numpy_generator(0, "patch")))
    check_receives(
        network=loaded.network,
        layer=layer,
        world=world,
        family=loaded.family,
        labels=torch.from_numpy(some),
        seed=0,
    )
    return np.repeat(rows, images // len(rows), axis=0)


def patched(loaded: Loaded, targets: Mapping[str, Float[np.ndarray, "B K"]]) -> Network:
    """Return a network with the outputs of some layers as they are under other labels."""
    import torch

    from phasescope.runs.probing.interventions import Patched

    if not targets:
        return loaded.network
    return Patched(
        network=loaded.network,
        layers={layer: loaded.layer(layer) for layer in targets},
        targets={layer: torch.from_numpy(labels) for layer, labels in targets.items()},
    )


def guided_by(network: Network, guidance: float) -> Network:
    """Return a network with guidance of a weight; 0: as it is."""
    return guided(network, guidance) if guidance else network


def batches_of(images: int, size: int) -> Iterator[slice]:
    """Yield the rows of each batch."""
    for first in range(0, images, size):
        yield slice(first, first + size)


def check_size(arrays: Mapping[str, list[np.ndarray]], states: int) -> None:
    """Raise UserError if all states of a trajectory would not fit, given the first of them."""
    size = states * sum(array.nbytes for parts in arrays.values() for array in parts)
    if size > MOST_BYTES:
        raise UserError(
            f"`labels` must be fewer, or `steps` or `layers`: a trajectory of {states} states has {size / 2**30:.1f} GiB, "
            f"and at most {MOST_BYTES // 2**30} are kept"
        )
