"""Clones of a run's network: at which noise level is it decided what it paints?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from phasescope.errors import UserError
from phasescope.families import Clones
from phasescope.runs.loading import load_untold
from phasescope.store import Run, as_run

MOST = 4096
"""images of one noise level"""
LEVELS = 11
"""noise levels where none is said"""


def clones(
    run: Run | str,
    at: Sequence[float] | None = None,
    images: int = 32,
    each: int = 8,
    step: int | None = None,
    seed: int = 0,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Clones:
    """Make training images noisy, paint each down again several times with no label told, and count what comes back.

    Args:
        at: noise levels; evenly spread ones by default.
        images: started from.
        each: clones of each.
        step: of the snapshot; the last one by default.
        seed: of images and noise.
        tell: is told how many noise levels of how many are done.

    Raises:
        UserError: an argument is not as it must be; the run cannot be read; its network was never trained without a label,
            or its family has no way down from a noisy image.
    """
    if images < 8 or each < 1 or images * each > MOST:
        raise UserError(
            f"`images` (={images}) must be from 8 on, `each` (={each}) from 1 on, and their product at most {MOST}"
        )
    loaded = load_untold(as_run(run), step)
    config = loaded.config
    known = config.family.conditions
    if known is None:
        raise UserError(f"`family` (={config.family.kind}) must be one that paints from noisy images")
    if at is None:
        levels = np.linspace(known[0], known[-1], LEVELS + 1).round().astype(int)[1:].tolist()
    else:
        if strange := [one for one in at if not math.isfinite(one) or one != int(one)]:
            raise UserError(f"`t` (={strange[0]:g}) must be a whole number: a noise level")
        levels = [int(one) for one in at]
    try:
        return config.family.build().clones(loaded.network, config.task(), levels, images, each, seed, tell)
    except ValueError as error:
        raise UserError(str(error)) from None
