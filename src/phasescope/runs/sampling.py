"""Images from a run that is on disk: its configuration, a snapshot's averaged weights, its family's sampler.

Told nothing, a network paints what its noise comes to, and so does an exact optimum. From the very same noise, by the same
sampler, the two can be compared image by image:

    r^2 = 1 - |network's image - optimum's image|^2 / E|x_0 - mean image|^2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from phasescope.errors import UserError
from phasescope.randomness import numpy_generator, torch_generator
from phasescope.runs.loading import load_network, load_untold, snapshot_of
from phasescope.store import Run

if TYPE_CHECKING:
    from phasescope.families import Family, Network
    from phasescope.worlds import World

AT_ONCE = 16
"""images in one pass of an optimum, which weighs all training images for each"""


def paint(
    run: Run, at: Sequence[float] | None, count: int, step: int | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """`count` images (n, C, *spatial), and their labels (n, K).

    Args:
        at: the label of all, one number a factor; without it labels are drawn from all over the factor space.
        step: of the snapshot; the last one by default.
        seed: of the noise, and of the labels where none is given.

    Raises:
        UserError: a label out of the world, a count below 1, a snapshot that is not there.
    """
    if not 1 <= count <= 100_000:
        raise UserError(f"`--count` (={count}) must be from 1 to 100000")
    loaded = load_network(run, snapshot_of(run, step))
    world, family = loaded.config.world, loaded.config.family.build()
    if at is None:
        labels = world.factors.visible_columns(
            world.draw_labels(count, numpy_generator(seed, "sample labels"))
        )
    else:
        try:
            world.factors.visible.check(np.array([at]))
        except ValueError as error:
            raise UserError(f"`--at` (={','.join(f'{number:g}' for number in at)}): {error}") from None
        labels = np.tile(np.array(at, dtype=np.float32), (count, 1))
    return _painted(loaded.network, family, world, labels, loaded.plan.batch, "sample", seed), labels


def paint_labels(run: Run, labels: Float[np.ndarray, "n K"], seed: int) -> Float[np.ndarray, "n C *spatial"]:
    """The images of labels by a run's last snapshot; the noise is the seed's."""
    loaded = load_network(run, snapshot_of(run, None))
    config = loaded.config
    return _painted(
        loaded.network, config.family.build(), config.world, labels, loaded.plan.batch, "labels", seed
    )


@dataclass(frozen=True)
class Beside:
    """What a network that is told nothing paints, and what exact optima do from the very same noise.

    Attributes:
        network: (n, C, *spatial).
        optima: by name, (n, C, *spatial) each.
        variance: E|x_0 - mean image|^2 over training images, summed over pixels.
    """

    network: Float[np.ndarray, "n C *spatial"]
    optima: Mapping[str, Float[np.ndarray, "n C *spatial"]]
    variance: float

    def r2(self, name: str) -> Float[np.ndarray, " n"]:
        """Of each image how near the network's is to an optimum's."""
        apart = (self.network - self.optima[name]).reshape(len(self.network), -1)
        return 1 - (apart**2).sum(axis=1) / self.variance


def paint_beside(run: Run, images: int, seed: int = 0, step: int | None = None) -> Beside:
    """`images` of a run's network, told nothing, and of the exact optima that its family knows.

    Args:
        step: of the snapshot; the last one by default.
        seed: of the noise.

    Raises:
        UserError: the run was never trained without a label, or cannot be read; it has no optima.
    """
    import torch

    loaded = load_untold(run, step)
    world, family = loaded.config.world, loaded.config.family.build()
    labels = np.full((images, len(world.factors.visible)), np.nan, dtype=np.float32)
    try:
        optima = family.optima(loaded.config.task())
    except ValueError as error:
        raise UserError(str(error)) from None
    network, *others = (
        _painted(one, family, world, labels, AT_ONCE, "beside", seed)
        for one in (loaded.network, *optima.values())
    )
    with torch.no_grad():
        training = world.render(torch.from_numpy(world.training_labels())).double()
    variance = float(training.var(dim=0, correction=0).sum())
    return Beside(network, dict(zip(optima, others, strict=True)), variance)


def _painted(
    network: Network, family: Family, world: World, labels: np.ndarray, batch: int, purpose: str, seed: int
) -> Float[np.ndarray, "n C *spatial"]:
    """The images of labels, the noise of each batch from (seed, purpose)."""
    import torch

    images = []
    with torch.no_grad():
        for part, some in enumerate(torch.from_numpy(labels).split(batch)):
            generator = torch_generator(seed, purpose, part)
            images.append(family.sample(network, some, world.shape, generator).numpy())
    return np.concatenate(images)
