"""The course of the learning rates."""

from __future__ import annotations

import math

from phasescope.training.config import TrainingConfig


def lr_factor(step: int, config: TrainingConfig) -> float:
    """Share of the configured learning rates at `step` (0-based): linear warm-up, then constant or half a cosine."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    if config.decay == "constant":
        return 1.0
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.5 * (1 + math.cos(math.pi * done))
