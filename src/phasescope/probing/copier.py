"""What somebody would paint who only copies: the images of the training labels nearest to those asked for.

A **copier** paints the training image whose label is nearest, each factor in shares of its range. A **factorized copier**
takes the nearest trained value of each factor by itself, and paints that combination, trained on or not. Their images are
read as a network's are, so that what a network does beyond them can be told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from phasescope.factors import Factors
from phasescope.randomness import numpy_generator

if TYPE_CHECKING:
    from phasescope.worlds import World

Copier = Callable[[np.ndarray, np.ndarray, Factors], np.ndarray]
AT_ONCE = 2**22
"""differences of labels that exist at a time"""


def nearest_labels(
    training: Float[np.ndarray, "M K"], labels: Float[np.ndarray, "n K"], factors: Factors
) -> Float[np.ndarray, "n K"]:
    """Of each label the training label nearest to it."""
    span, found = factors.span, []
    for some in np.array_split(labels, max(1, len(labels) * training.size // AT_ONCE)):
        away = (factors.difference(training[None], some[:, None]) / span) ** 2
        found.append(training[away.sum(2).argmin(1)])
    return np.concatenate(found)


def nearest_values(
    training: Float[np.ndarray, "M K"], labels: Float[np.ndarray, "n K"], factors: Factors
) -> Float[np.ndarray, "n K"]:
    """Of each label the nearest trained value of each factor."""
    columns = []
    for factor, trained, asked in zip(factors, training.T, labels.T, strict=True):
        alone, values = Factors([factor]), np.unique(trained)[:, None]
        columns.append(nearest_labels(values, asked[:, None], alone)[:, 0])
    return np.stack(columns, axis=1)


COPIERS: Mapping[str, Copier] = {"copier": nearest_labels, "factorized copier": nearest_values}


def copied(world: World, n: int, seed: int = 0) -> dict[str, dict[str, float]]:
    """By copier and split the share of images whose factors are all right, of `n` labels of each split; none where the
    world has no reader."""
    import torch

    reader = world.reader()
    if reader is None:
        return {}
    training, shares = world.training_labels(), {}
    for name, split in world.splits().items():
        labels = split(n, numpy_generator(seed, f"copier {name}"))
        for copier, copy in COPIERS.items():
            with torch.no_grad():
                images = world.render(torch.from_numpy(copy(training, labels, world.factors))).numpy()
            right = reader.right(reader.read(images), labels).all(axis=1)
            shares.setdefault(copier, {})[name] = float(right.mean())
    return shares
