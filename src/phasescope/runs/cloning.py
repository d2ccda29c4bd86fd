"""Clones of training images (Sclocchi et al. 2024): noise is added, and taken away again without a label."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from phasescope.core.errors import UserError, as_user_error
from phasescope.models.families import Clones
from phasescope.runs.loading import load_untold
from phasescope.runs.store import Run, as_run

MOST_CLONES = 4096
"""images at one noise level"""
LEVELS = 11
"""noise levels if none is given"""


def clones(
    run: Run | str,
    at: Sequence[float] | None = None,
    images: int = 32,
    each: int = 8,
    step: int | None = None,
    seed: int = 0,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Clones:
    """Add noise to training images, denoise each several times without a label, and count what comes back.

    Args:
        at: noise levels; evenly spread ones by default.
        images: started from.
        each: clones of each.
        step: of the snapshot; the last one by default.
        seed: of images and noise.
        tell: is told how many noise levels of how many are done.

    Raises:
        UserError: an argument is invalid; the run cannot be read; its network was never trained without a label, or its
            family has no way down from a noisy image.
    """
    if images < 8 or each < 1 or images * each > MOST_CLONES:
        raise UserError(
            f"`images` (={images}) must be from 8 on, `each` (={each}) from 1 on, and their product at most {MOST_CLONES}"
        )
    loaded = load_untold(as_run(run), step)
    config, conditions = loaded.config, loaded.config.family.conditions
    if conditions is None:
        raise UserError(f"`family` (={config.family.kind}) must be one that paints from noisy images")
    if at is None:
        spread = np.linspace(conditions[0], conditions[-1], LEVELS + 1).round().astype(int)
        levels = spread[1:].tolist()
    else:
        if strange := [t for t in at if not math.isfinite(t) or t != int(t)]:
            raise UserError(f"`t` (={strange[0]:g}) must be a whole number: a noise level")
        levels = [int(t) for t in at]
    with as_user_error():
        return loaded.family.clones(loaded.network, config.task(), levels, images, each, seed, tell)
