"""Images of any number of labels, in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from phasescope.core.randomness import torch_generator

if TYPE_CHECKING:
    import torch

    from phasescope.models.families import Family, Network
    from phasescope.worlds import World


def sample_labels(
    network: Network,
    family: Family,
    world: World,
    labels: Float[np.ndarray, "n K"],
    batch: int,
    purpose: str,
    seed: int,
    device: torch.device | str = "cpu",
) -> Float[np.ndarray, "n C *spatial"]:
    """Return generated images of labels, NaN where a factor is left out; the noise of each batch is from (seed, purpose)."""
    import torch

    images = []
    with torch.no_grad():
        for part, some in enumerate(torch.from_numpy(labels).to(device).split(batch)):
            generator = torch_generator(seed, purpose, part, str(device))
            images.append(family.sample(network, some, world.shape, generator).float().cpu().numpy())
    return np.concatenate(images)
