"""Labels are float32 everywhere; this says when that would merge labels that differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from phasescope.errors import UserError

SAME = 1e-7
"""of a factor's range: values closer than this are one value in float32, as those of a continuous factor may be"""


def as_float32(labels: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return labels (M, K) as float32.

    Raises:
        UserError: values of a factor that differ would become equal.
    """
    rounded = labels.astype(np.float32)
    for name, column, cut in zip(names, labels.T, rounded.T, strict=True):
        known, left = len(np.unique(column)), len(np.unique(cut))
        whole = bool((column == np.rint(column)).all())
        moved = np.abs(column.astype(np.float64) - cut).max()
        if left < known and (whole or moved > SAME * float(np.ptp(column))):
            raise UserError(
                f"`labels` (={column.flat[0]:.15g}, ... of {name}) must stay distinct in float32: its {known:,} "
                f"values become {left:,}; subtract an offset, or rescale"
            )
    return rounded
