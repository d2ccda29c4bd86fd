"""By which way a factor reaches a latent: told by the label, or seen in the image.

Labels are crossed with images: a network is told the label l and shown the image of another label m, drawn without regard
to l. What it knows of l it was told, what it knows of m it saw. Each label is told with D images, each image shown with D
labels:

    order_told, order_seen      linear order (`order`) of l, and of m, from the first crossing
    share_told                  the variance between labels over all of it (`label_share`, whose draws are the D images)
    share_seen                  the variance between images over all of it: the same, sorted by image

The sum of the shares is not 1: noise is left, and what only a label and an image together make.

**Learnt order** is what training added: log((1 - R0^2) / (1 - R^2)), with R0^2 that of the untrained network. It is 0 where
nothing was learnt, and as far from R^2 = 0.9 to 0.99 as from 0 to 0.9: twice the nats that errors of a Gaussian tell.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from phasescope.factors import Factors
from phasescope.measures.latents.label_share import label_share
from phasescope.measures.latents.order import order
from phasescope.measures.scores import Score

ROUTES = ("order_told", "order_seen", "share_told", "share_seen")
LEAST_ERROR = 1e-9
"""of 1 - R^2: beyond that a score is numerical noise"""


def routes(
    latents: Float[np.ndarray, "D n features"],
    labels: Float[np.ndarray, "n K"],
    shown: Int[np.ndarray, "D n"],
    factors: Factors | None = None,
) -> dict[str, Score]:
    """The four scores of `ROUTES`, by name.

    Args:
        latents: entry (d, i) of a network that is told label i and shown the image of label `shown[d, i]`.
        labels: in the world's units; those of the images are the same, in another order.
        shown: D permutations of the labels, in which no label meets its own image.

    Raises:
        ValueError: as `order` and `label_share` say; a row of `shown` is no such permutation.
    """
    n = len(labels)
    for row in shown:
        if sorted(row) != list(range(n)) or (row == np.arange(n)).any():
            raise ValueError("`shown` must be permutations of the labels in which none meets its own image")
    by_image = np.stack([one[np.argsort(row)] for one, row in zip(latents, shown, strict=True)])
    return {
        "order_told": order(latents[0], labels, factors=factors),
        "order_seen": order(latents[0], labels[shown[0]], factors=factors),
        "share_told": label_share(latents),
        "share_seen": label_share(by_image),
    }


def crossing(n: int, draws: int, generator: np.random.Generator) -> Int[np.ndarray, "D n"]:
    """Which image each of n labels is shown with: D permutations, no two of which agree anywhere, none with the identity.

    Raises:
        ValueError: n is not greater than D.
    """
    if n <= draws:
        raise ValueError(f"`n` (={n}) must be greater than `draws` (={draws}): no label meets its own image")
    place = generator.permutation(n)
    shifts = 1 + generator.permutation(n - 1)[:draws]
    at = np.argsort(place)
    return np.stack([place[(at + shift) % n] for shift in shifts])


def learnt_order(score: Score, untrained: float) -> Score:
    """Learnt order, from an order and that of the untrained network; its interval is the order's.

    Its null is the untrained network, 0. Permuted labels are none: below an untrained order their logarithm says how much
    there was to lose, and nothing of chance.

    Args:
        untrained: R^2 of the same latents before training.
    """
    learnt = partial(_learnt, untrained=untrained)
    return score.through(learnt, "log((1 - R0^2) / (1 - R^2)), R0 untrained", {"untrained": 0.0})


def _learnt(r2: float, untrained: float) -> float:
    return math.log(max(1 - untrained, LEAST_ERROR)) - math.log(max(1 - r2, LEAST_ERROR))
