"""Batches: labels in an order that depends on (seed, epoch) alone.

An epoch is one pass over all M labels in a fresh permutation; a batch may straddle two epochs. Only labels are held:
images are rendered from them, batch by batch.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from phasescope.randomness import torch_generator


class LabelStream:
    """The labels of every step's batch, (B, K), on the labels' device."""

    def __init__(self, labels: Float[Tensor, "M K"], batch: int, seed: int):
        self.labels, self.batch, self.seed = labels, batch, seed
        self._permutation = lru_cache(maxsize=2)(self._permutation)

    def _permutation(self, epoch: int) -> Tensor:
        generator = torch_generator(self.seed, "epoch", epoch)
        return torch.randperm(len(self.labels), generator=generator).to(self.labels.device)

    def at(self, step: int) -> Float[Tensor, "B K"]:
        """The batch of `step` (0-based)."""
        size = len(self.labels)
        start, stop = step * self.batch, (step + 1) * self.batch
        parts = []
        for epoch in range(start // size, (stop - 1) // size + 1):
            low = max(start - epoch * size, 0)
            parts.append(self._permutation(epoch)[low : stop - epoch * size])
        return self.labels[torch.cat(parts) if len(parts) > 1 else parts[0]]
