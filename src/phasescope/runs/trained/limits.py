"""What the explorer does not sample from, and how much one request may compute: known before a network is built."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from phasescope.core.errors import UserError
from phasescope.runs.store import RunFolder
from phasescope.runs.trained.load import config_of
from phasescope.runs.trained.trust import not_imported

MOST_WORK = 2**22
"""values of images that one request computes, over all steps of its sampler"""
MOST_VALUES, MOST_PARAMETERS = 2**16, 2**28
"""of an image and of a network that are loaded for a request"""
BESIDE = 8
"""images over which the means of an intervention are taken"""
IMAGES = 2 * BESIDE + 1
"""that a changed network computes in a step, at most"""


def not_sampled(run: RunFolder, trust: bool = False) -> str | None:
    """Return why the explorer offers no samples of a run's network; None if it does, as far as its files say."""
    if (run.config.get("network") or {}).get("kind") == "watched":
        return "only your own loop builds this network: `phasescope.watch` recorded it"

    values, parameters = math.prod(run.about.get("shape") or ()), run.status.get("parameters") or 0
    if values > MOST_VALUES or parameters > MOST_PARAMETERS:
        size = f"{parameters:,} parameters, images of {values:,} values"
        return f"the network (of {size}) is larger than the explorer loads: {MOST_PARAMETERS:,} and {MOST_VALUES:,}"
    if reason := not_imported(run, trust):
        return reason
    return _not_read(run)


def _not_read(run: RunFolder) -> str | None:
    """Return why a stored network cannot be built here, as of a missing kind; None if it can, or if none is stored."""
    if not any((snapshot.path / "weights.safetensors").is_file() for snapshot in run.snapshots):
        return None
    try:
        config_of(run)
    except UserError as error:
        return str(error)
    return None


def most_steps(shape: Sequence[int], images: int = 1) -> int:
    """Return how many steps one request may take, each of which computes `images` of `shape` (C, *spatial)."""
    return MOST_WORK // (images * math.prod(shape))


def within_limits(choice: Mapping[str, Any], shape: Sequence[int]) -> dict[str, Any]:
    """Return a sampler's choice with the steps that one request may take, `most_changed_steps` with an intervention."""
    most = min(choice["most_steps"], most_steps(shape))
    return {
        **choice,
        "steps": min(choice["steps"], most),
        "most_steps": most,
        "most_changed_steps": min(most, most_steps(shape, IMAGES)),
    }
