"""Denoised clones of training images: noise is added, removed without a label, and what returns is counted."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.measures.arguments import check_integer
from phasescope.models.families import Clones
from phasescope.runs.trained.catalogue import as_run
from phasescope.runs.trained.load import load_unconditional
from phasescope.runs.trained.run import Run

MOST_CLONES = 4096
"""images at one noise level"""
LEVELS = 11
"""noise levels if none is given"""


@own_arithmetic()
def clones(
    run: Run | str,
    at: Sequence[float] | None = None,
    images: int = 32,
    each: int = 8,
    step: int | None = None,
    seed: int = 0,
    notify: Callable[[int, int], None] = lambda done, total: None,
) -> Clones:
    """Add noise to training images, denoise each several times without a label, count what returns (Sclocchi et al. 2024).

    Args:
        at: noise levels; evenly spread ones by default.
        images: number of images to start from.
        each: clones of each image.
        step: of the snapshot; the last one by default.
        seed: of images and noise.
        notify: is called with the number of noise levels that are done, and of all.

    Raises:
        UserError: an argument is invalid; the run cannot be read; its network was never trained without a label, or its
            family cannot start from a noisy image.
    """
    with as_user_error():
        check_integer("images", images, 1, "clones are of images")
        check_integer("each", each, 1, "an image has clones")
        check_integer("seed", seed, 0, "images and noise derive from it")

    if images < 8 or images * each > MOST_CLONES:
        raise UserError(
            f"`images` (={images}) must be from 8 on, `each` (={each}) from 1 on, and their product at most {MOST_CLONES}"
        )

    loaded = load_unconditional(as_run(run), step)
    config, known = loaded.config, loaded.config.family.noise_levels
    analysis = config.family.analysis(config.task())
    if known is None or analysis is None:
        raise UserError(f"`family` (={config.family.kind}) must be one that samples from noisy images")

    if at is None:
        spread = np.linspace(known[0], known[-1], LEVELS + 1).round().astype(int)
        levels = spread[1:].tolist()
    else:
        if invalid := [t for t in at if not math.isfinite(t) or t != int(t)]:
            raise UserError(f"`t` (={invalid[0]:g}) must be a whole number: a noise level")
        levels = [int(t) for t in at]

    with as_user_error():
        return analysis.clones(loaded.network, levels, images, each, seed, notify)
