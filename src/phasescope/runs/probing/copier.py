"""What somebody would paint who only copies the training images, as contenders of a network.

A **copier** paints the training image whose label is nearest, each factor in shares of its range. A **factorized copier**
takes the nearest trained value of each factor by itself, and paints that combination, trained on or not. A **kernel
smoother** paints the mean of training images, weighed by how near their labels are (Nadaraya 1964; Watson 1964), with the
bandwidth that foretells its own training images best, each left out. What they paint is read as a network's images are, on
the same labels. Only what is right beyond them says something of learning:

    excess = (acc - acc_copier) / (1 - acc_copier).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.runs.probing.behaviour import behaviour

if TYPE_CHECKING:
    from phasescope.worlds import World

Labels = Float[np.ndarray, "n K"]
Painter = Callable[["World", Labels, Labels], np.ndarray]
"""From (world, training labels, labels asked for) images, (n, C, *spatial)."""

AT_ONCE = 2**22
"""differences of labels, and pixels, that exist at a time"""
NEIGHBOURS = 64
"""training labels that a smoother weighs, the nearest"""
TRIED_ON = 256
"""training images by which its bandwidth is chosen"""
BANDWIDTHS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
"""that are tried, times the median distance of a training label to the next"""
TOLD = "accuracy"
"""what the readings that are compared begin with"""


def nearest_labels(training: Labels, labels: Labels, factors: Factors) -> Labels:
    """Of each label the training label nearest to it."""
    return training[_nearest(training, labels, factors, 1)[0][:, 0]]


def nearest_values(training: Labels, labels: Labels, factors: Factors) -> Labels:
    """Of each label the nearest trained value of each factor."""
    columns = []
    for factor, trained, asked in zip(factors, training.T, labels.T, strict=True):
        alone, values = Factors([factor]), np.unique(trained)[:, None]
        columns.append(nearest_labels(values, asked[:, None], alone)[:, 0])
    return np.stack(columns, axis=1)


def smoothed(world: World, training: Labels, labels: Labels) -> np.ndarray:
    """The kernel smoother's images."""
    factors = world.factors.visible
    some = training[numpy_generator(0, "smoothed").permutation(len(training))[:TRIED_ON]]
    rows, away = _nearest(training, some, factors, NEIGHBOURS + 1)
    others = away > 0
    if not others.any():
        return _render(world, nearest_labels(training, labels, factors))
    scale = float(np.median(np.where(others, away, np.inf).min(axis=1)))
    images = _render(world, some)
    errors = [
        np.square(_mean_image(world, training, rows, away, factor * scale, others) - images).sum()
        for factor in BANDWIDTHS
    ]
    width = BANDWIDTHS[int(np.argmin(errors))] * scale
    rows, away = _nearest(training, labels, factors, NEIGHBOURS)
    return _mean_image(world, training, rows, away, width, np.ones(away.shape, dtype=bool))


def _nearest(training: Labels, labels: Labels, factors: Factors, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each label the rows of the `count` nearest training labels, and how far they are, in shares of range."""
    span, count = factors.span, min(count, len(training))
    rows, distances = [], []
    for some in np.array_split(labels, max(1, len(labels) * training.size // AT_ONCE)):
        away = np.sqrt(((factors.difference(training[None], some[:, None]) / span) ** 2).sum(2))
        found = away.argmin(1)[:, None] if count == 1 else np.argpartition(away, count - 1, axis=1)[:, :count]
        rows.append(found)
        distances.append(np.take_along_axis(away, found, axis=1))
    return np.concatenate(rows), np.concatenate(distances)


def _mean_image(
    world: World, training: Labels, rows: np.ndarray, away: np.ndarray, width: float, counts: np.ndarray
) -> np.ndarray:
    """The mean of the images in `rows` that count, weighed by exp(-away^2 / (2 width^2))."""
    log_w = np.where(counts, -(away**2) / (2 * width**2), -np.inf)
    w = np.exp(log_w - log_w.max(axis=1, keepdims=True))
    w /= w.sum(axis=1, keepdims=True)
    size = int(np.prod(world.shape))
    images = []
    for part in np.array_split(np.arange(len(rows)), max(1, rows.size * size // AT_ONCE)):
        shown = _render(world, training[rows[part].ravel()]).reshape(len(part), -1, size)
        images.append(np.einsum("nm,nmp->np", w[part], shown))
    return np.concatenate(images).reshape(-1, *world.shape).astype(np.float32)


def _render(world: World, labels: Labels) -> np.ndarray:
    import torch

    with torch.no_grad():
        return world.render(torch.from_numpy(np.ascontiguousarray(labels, dtype=np.float32))).numpy()


def _copies(nearest: Callable[[Labels, Labels, Factors], Labels]) -> Painter:
    return lambda world, training, labels: _render(world, nearest(training, labels, world.factors.visible))


COPIERS: Mapping[str, Painter] = {
    "copier": _copies(nearest_labels),
    "factorized copier": _copies(nearest_values),
    "kernel smoother": smoothed,
}


def copied(world: World, labels: Mapping[str, Labels]) -> dict[str, dict[str, Any]]:
    """By copier its accuracy in every reading, as `behaviour` has it of a network, on the labels of each split.

    Nothing where the world has no reader, or an image of its training labels alone, or a label names several images.
    """
    reader = world.reader()
    if reader is None or not world.continuous or world.factors.hidden:
        return {}
    training, asked = world.training_labels(), np.concatenate(list(labels.values()))
    found = {}
    for name, paint in COPIERS.items():
        told = behaviour(reader, reader.read(paint(world, training, asked)), labels, world.factors.visible)
        found[name] = {reading: by for reading, by in told.items() if reading.startswith(TOLD)}
    return found


def copied_of_splits(world: World, n: int, seed: int) -> dict[str, dict[str, float]]:
    """By copier and split the share of `n` labels of each split whose factors are all right."""
    splits = world.splits().items()
    asked = {name: split(n, numpy_generator(seed, f"copier {name}")) for name, split in splits}
    return {
        copier: {split: shares["joint"] for split, shares in told[TOLD].items()}
        for copier, told in copied(world, asked).items()
    }


def excess(told: Mapping[str, Any], copiers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """`excess`: by copier, reading and split how much more is right, all factors at once, than a copier gets right, over all
    that it gets wrong; None where it gets nothing wrong. Nothing where there are no copiers."""
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for copier, readings in copiers.items():
        for reading, by_split in readings.items():
            own = told.get(reading, {})
            found.setdefault(copier, {})[reading] = {
                split: _beyond(own[split]["joint"], of["joint"])
                for split, of in by_split.items()
                if split in own
            }
    return {"excess": found} if found else {}


def _beyond(reached: float, copied: float) -> float | None:
    return None if copied >= 1 else (reached - copied) / (1 - copied)
