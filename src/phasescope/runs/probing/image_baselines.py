"""Baselines that only copy training images, scored on the same labels and by the same reader as a network's images.

The **nearest-neighbour baseline** (`nearest_neighbour`) returns the training image whose label is nearest, with distances in
shares of each factor's range. The **per-factor nearest-neighbour baseline** (`per_factor_nearest_neighbour`) takes the
nearest trained value of each factor separately and renders that combination, trained on or not. The **kernel baseline**
(`kernel`) averages training images, weighted by how near their labels are (Nadaraya 1964; Watson 1964), with the bandwidth
of the least leave-one-out error. Only accuracy beyond a baseline is evidence of learning:

    excess = (acc - acc_baseline) / (1 - acc_baseline).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.columns import Column, declare
from phasescope.runs.probing.behaviour import behaviour

if TYPE_CHECKING:
    from phasescope.worlds import World

Labels = Float[np.ndarray, "n K"]
Baseline = Callable[["World", Labels, Labels], np.ndarray]
"""Maps (world, training labels, labels asked for) to images, (n, C, *spatial)."""

AT_ONCE = 2**22
"""differences of labels, and pixels, held in memory at a time"""
NEIGHBOURS = 64
"""nearest training labels that the kernel baseline averages over"""
TRIED_ON = 256
"""training images by which its bandwidth is chosen"""
BANDWIDTHS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
"""candidates, in units of the median distance between neighbouring training labels"""
ACCURACY = "accuracy"
"""prefix of the readings that are compared"""
declare(
    Column(
        name="excess",
        words="accuracy beyond a baseline that copies",
        meaning="`.BASELINE.accuracy.SPLIT`: accuracy beyond a baseline that copies, as a share of what it leaves: "
        "[composition](../composition.md)",
        unit="share",
        high=1.0,
        better="higher",
        at="snapshot",
        section="images",
        needs=frozenset({"images", "references"}),
    )
)


def nearest_labels(training: Labels, labels: Labels, factors: Factors) -> Labels:
    """Return the training label nearest to each label."""
    return training[_nearest(training, labels, factors, 1)[0][:, 0]]


def nearest_values(training: Labels, labels: Labels, factors: Factors) -> Labels:
    """Return the nearest trained value of each factor of each label."""
    columns = []
    for factor, trained, asked in zip(factors, training.T, labels.T, strict=True):
        values = np.unique(trained)[:, None]
        columns.append(nearest_labels(values, asked[:, None], Factors([factor]))[:, 0])
    return np.stack(columns, axis=1)


def smoothed(world: World, training: Labels, labels: Labels) -> np.ndarray:
    """Return the images of the kernel baseline."""
    factors = world.factors.visible
    some = training[numpy_generator(0, "smoothed").permutation(len(training))[:TRIED_ON]]
    rows, away = _nearest(training, some, factors, NEIGHBOURS + 1)

    others = away > 0
    if not others.any():
        return _render(world, nearest_labels(training, labels, factors))

    scale = float(np.median(np.where(others, away, np.inf).min(axis=1)))
    images = _render(world, some)
    errors = [
        np.square(
            _mean_image(
                world=world, training=training, rows=rows, away=away, width=factor * scale, counts=others
            )
            - images
        ).sum()
        for factor in BANDWIDTHS
    ]

    width = BANDWIDTHS[int(np.argmin(errors))] * scale
    rows, away = _nearest(training, labels, factors, NEIGHBOURS)
    return _mean_image(
        world=world,
        training=training,
        rows=rows,
        away=away,
        width=width,
        counts=np.ones(away.shape, dtype=bool),
    )


def _nearest(training: Labels, labels: Labels, factors: Factors, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the `count` training labels nearest to each label, and their distances in shares of the range."""
    span, count = factors.span, min(count, len(training))
    rows, distances = [], []
    for some in np.array_split(labels, max(1, len(labels) * training.size // AT_ONCE)):
        away = np.sqrt(((factors.difference(training[None], some[:, None]) / span) ** 2).sum(2))
        near = away.argmin(1)[:, None] if count == 1 else np.argpartition(away, count - 1, axis=1)[:, :count]
        rows.append(near)
        distances.append(np.take_along_axis(away, near, axis=1))
    return np.concatenate(rows), np.concatenate(distances)


def _mean_image(
    world: World, training: Labels, rows: np.ndarray, away: np.ndarray, width: float, counts: np.ndarray
) -> np.ndarray:
    """Return the mean of the images in `rows` for which `counts` is True, weighted by exp(-away^2 / (2 width^2))."""
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


def _copies(nearest: Callable[[Labels, Labels, Factors], Labels]) -> Baseline:
    return lambda world, training, labels: _render(world, nearest(training, labels, world.factors.visible))


BASELINES: Mapping[str, Baseline] = {
    "nearest_neighbour": _copies(nearest_labels),
    "per_factor_nearest_neighbour": _copies(nearest_values),
    "kernel": smoothed,
}


def baseline_accuracies(world: World, labels: Mapping[str, Labels]) -> dict[str, dict[str, Any]]:
    """Return each baseline's accuracy by reading, in the format of `behaviour`, on the labels of each split.

    Empty if the world has no reader, can only render its training labels, or has several images per label.
    """
    reader = world.reader()
    if reader is None or not world.continuous or world.factors.hidden:
        return {}
    training, asked = world.training_labels(), np.concatenate(list(labels.values()))
    scores = {}
    for name, sample in BASELINES.items():
        read = reader.read(sample(world, training, asked))
        metrics = behaviour(reader, read, labels, world.factors.visible)
        scores[name] = {reading: by for reading, by in metrics.items() if reading.startswith(ACCURACY)}
    return scores


def baseline_accuracies_of_splits(world: World, n: int, seed: int) -> dict[str, dict[str, float]]:
    """Return, by baseline and split, the share of `n` labels of each split for which all factors are correct."""
    splits = world.splits().items()
    asked = {name: split(n, numpy_generator(seed, f"copier {name}")) for name, split in splits}
    return {
        baseline: {split: shares["joint"] for split, shares in metrics[ACCURACY].items()}
        for baseline, metrics in baseline_accuracies(world, asked).items()
    }


def excess(metrics: Mapping[str, Any], accuracies: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return `excess`, by baseline, reading and split: (joint accuracy - the baseline's) / (1 - the baseline's), or None if
    the baseline's is 1. Empty without baselines."""
    beyond: dict[str, dict[str, dict[str, float | None]]] = {}
    for baseline, readings in accuracies.items():
        for reading, by_split in readings.items():
            own = metrics.get(reading, {})
            beyond.setdefault(baseline, {})[reading] = {
                split: _beyond(own[split]["joint"], shares["joint"])
                for split, shares in by_split.items()
                if split in own
            }
    return {"excess": beyond} if beyond else {}


def _beyond(reached: float, copied: float) -> float | None:
    return None if copied >= 1 else (reached - copied) / (1 - copied)
