"""Images from a run that is on disk: its configuration, a snapshot's averaged weights, its family's sampler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from phasescope.errors import UserError
from phasescope.randomness import numpy_generator, torch_generator
from phasescope.runs.loading import load_network, snapshot_of
from phasescope.store import Run

if TYPE_CHECKING:
    from phasescope.families import Family, Network
    from phasescope.worlds import World


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
    return sample_labels(loaded.network, family, world, labels, loaded.plan.batch, "sample", seed), labels


def sample_labels(
    network: Network,
    family: Family,
    world: World,
    labels: Float[np.ndarray, "n K"],
    batch: int,
    purpose: str,
    seed: int,
) -> Float[np.ndarray, "n C *spatial"]:
    """Return generated images of labels, NaN where a factor is left out; the noise of each batch is from (seed, purpose)."""
    import torch

    images = []
    with torch.no_grad():
        for part, some in enumerate(torch.from_numpy(labels).split(batch)):
            generator = torch_generator(seed, purpose, part)
            images.append(family.sample(network, some, world.shape, generator).numpy())
    return np.concatenate(images)
