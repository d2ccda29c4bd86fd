"""Worlds of bumps, their readers, and images with noise."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from phasescope.worlds import GaussianBump

N = 32
CONTRAST = 2.0


def world(sigma_px: float = 1.0, boundary: str = "open", polarity: str = "dark", canvas: int = N):
    return GaussianBump.from_tree(
        {"canvas": canvas, "sigma_px": sigma_px, "boundary": boundary, "polarity": polarity}
    )


def reader_of(w: GaussianBump, **thresholds) -> Any:
    reader = w.reader()
    return replace(reader, thresholds=replace(reader.thresholds, **thresholds))


def paint(w: GaussianBump, labels: np.ndarray) -> np.ndarray:
    return w.render(torch.as_tensor(labels, dtype=torch.float64))[:, 0].numpy()


def noisy(images: np.ndarray, noise: float | np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return images + CONTRAST * np.reshape(noise, (-1, 1, 1)) * rng.normal(size=images.shape)
