"""Steps from one label of a world to another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from phasescope.core.errors import UserError
from phasescope.core.factors import Factors


def check_step(factors: Factors, by: Sequence[float]) -> str:
    """Return the step as error messages name it.

    Raises:
        UserError: it is no step of this world.
    """
    name = f"`by` (={joined(by)})"
    if len(by) != len(factors):
        raise UserError(f"{name} must give {','.join(factors.names)}: {len(factors)} numbers")
    if not np.isfinite(by).all() or not np.any(by) or factors.categorical[np.flatnonzero(by)].any():
        raise UserError(f"{name} must be finite, not all 0, and along factors that have an order")
    return name


def moved_by(factors: Factors, labels: np.ndarray, by: Sequence[float]) -> np.ndarray:
    """Return labels moved by a step, with periodic factors wrapped into their range."""
    moved = labels + np.asarray(by, dtype=np.float32)
    return np.where(factors.periodic, factors.low + (moved - factors.low) % factors.span, moved)


def joined(numbers: Sequence[float]) -> str:
    return ",".join(f"{number:g}" for number in numbers)
