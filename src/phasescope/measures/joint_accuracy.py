"""Are x and y learned together? Whether an image is correct in y more often if it is correct in x.

If an image is correct in x independently of y, acc_xy = acc_x acc_y (Okawa et al. 2023 ask so of concepts). Two measures of
the excess, from the counts n_xy of images that are correct or wrong in x and y:

    difference      acc_xy - acc_x acc_y
    phi             difference / sqrt(acc_x (1 - acc_x) acc_y (1 - acc_y)),   the correlation

Their intervals are percentiles of draws from Jeffreys' posterior, Dirichlet(counts + 1/2).
Images of several runs must not be pooled: runs at different accuracies are correct or wrong together.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import check_unmasked, with_counts
from phasescope.measures.scores import Score, baseline_level, percentile_interval


@dataclass(frozen=True)
class JointAccuracy:
    """The excess of images that are correct in both x and y over the number expected under independence."""

    difference: Score
    """acc_xy - acc_x acc_y, from -1/4 to 1/4; `detail` has the accuracies."""
    phi: Score
    """The correlation, from -1 to 1; NaN with the interval [-1, 1] if x or y is always correct or always wrong."""


LEAST_IMAGES = 10
ESTIMATORS = {"difference": "acc_xy - acc_x acc_y", "phi": "phi coefficient"}


@with_counts()
def joint_accuracy(
    correct_x: Bool[np.ndarray, " n"],
    correct_y: Bool[np.ndarray, " n"],
    permutations: int = 1000,
    draws: int = 1000,
    seed: int = 0,
) -> JointAccuracy:
    """Return acc_xy against acc_x acc_y, from n images of one run that are correct or wrong in x and in y.

    The baseline `permuted` is the level that each measure stays below in 95 % of permutations of y: independence at the same
    acc_x and acc_y.

    Raises:
        ValueError: what is given is no truth value for each image, or fewer than `LEAST_IMAGES`; lengths differ.
    """
    x, y = _truths("correct_x", correct_x), _truths("correct_y", correct_y)
    n = len(x)
    if n < LEAST_IMAGES:
        raise ValueError(
            f"`correct_x` (n={n}) must be of at least {LEAST_IMAGES} images: an interval is over them"
        )
    if len(y) != n:
        raise ValueError(f"`correct_y` (n={len(y)}) must be as long as `correct_x` ({n}): of the same images")

    n_x, n_y = int(x.sum()), int(y.sum())
    counts = fourfold(np.array([(x & y).sum()]), n_x, n_y, n)

    rng = numpy_generator(seed, "joint accuracy")
    # How many images stay correct in both under a permutation is hypergeometric: none need be permuted.
    permuted = rng.hypergeometric(n_x, n - n_x, n_y, size=permutations)
    value, chance = excess(counts / n), excess(fourfold(permuted, n_x, n_y, n) / n)
    # A bootstrap would never draw from an empty cell; Jeffreys' posterior does.
    drawn = excess(rng.dirichlet(counts[0] + 0.5, size=draws))

    detail = {
        "acc_x": float(n_x / n),
        "acc_y": float(n_y / n),
        "acc_xy": float(counts[0, 0] / n),
        "product": float(n_x * n_y / n**2),
    }

    scores = {}
    for name, label in ESTIMATORS.items():
        defined = name != "phi" or (0 < n_x < n and 0 < n_y < n)
        own = float(value[name][0])
        low, high = percentile_interval(drawn[name])
        scores[name] = Score(
            value=own if defined else math.nan,
            low=min(low, own) if defined else -1.0,
            high=max(high, own) if defined else 1.0,
            n=n,
            estimator=f"{label}, interval over images",
            baselines={"permuted": baseline_level(chance[name])} if defined else {},
            detail=detail,
        )
    return JointAccuracy(**scores)


def _truths(name: str, values: ArrayLike) -> Bool[np.ndarray, " n"]:
    """Return truth values of images; ValueError if they are something else, such as shares, whose `&` is another number."""
    check_unmasked(name, values)
    x = np.asarray(values)
    if x.ndim != 1 or (x.size and x.dtype != bool):
        raise ValueError(
            f"`{name}` (shape {x.shape}, of {x.dtype}) must be (n,) of bool: one truth value an image"
        )
    return x.astype(bool)


def fourfold(both: Int[np.ndarray, " draws"], n_x: int, n_y: int, n: int) -> Int[np.ndarray, "draws 4"]:
    """Return counts of images that are correct in both, in x only, in y only, in neither."""
    return np.stack([both, n_x - both, n_y - both, n - n_x - n_y + both], axis=-1)


def excess(share: Float[np.ndarray, "draws 4"]) -> dict[str, Float[np.ndarray, " draws"]]:
    """Return difference and phi, from shares of the four; phi is 0 if it is not defined."""
    both, only_x, only_y, _ = np.moveaxis(share, -1, 0)
    acc_x, acc_y = both + only_x, both + only_y
    difference = both - acc_x * acc_y
    spread = np.sqrt(np.maximum(acc_x * (1 - acc_x) * acc_y * (1 - acc_y), 0))
    varies = spread > 1e-12
    return {"difference": difference, "phi": np.where(varies, difference / np.where(varies, spread, 1), 0.0)}
