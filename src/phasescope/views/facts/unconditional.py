"""Views of runs with an unconditional network: whether images are well formed, but not whether they agree with a label.

Labels are drawn for such a run too, and its records compare images with them, but any agreement is by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from phasescope.worlds.base import Outcome

FORMED, UNFORMED = "formed", "not formed"
OF_LABELS = ("accuracy", "error", "together", "excess")
"""before a `_`: metrics that compare images with labels"""
ROUTES = ("condition_probe_r2", "input_probe_r2", "condition_label_variance", "input_label_variance")
"""at their end: scores by route, of which a network without a condition has one"""


def is_unconditional(config: Mapping[str, Any]) -> bool:
    """Return whether a configuration withholds the label, or every factor of it, from each training image."""
    dropout = (config.get("training") or {}).get("label_dropout", 0.0)
    shares = dropout if isinstance(dropout, list | tuple) else [dropout]
    return bool(shares) and all(share == 1 for share in shares)


def without_labels(line: Mapping[str, Any], outcomes: tuple[Outcome, ...]) -> dict[str, Any]:
    """Return a line of the metrics without what compares images with labels; outcomes are shares of `formed` or not."""
    names = [name for name in line if name.partition("_")[0] not in OF_LABELS and not name.endswith(ROUTES)]
    kept = {name: line[name] for name in names}
    if line.get("outcomes"):
        split, shares = next(iter(line["outcomes"].items()))
        formed = sum(shares.get(name) or 0.0 for name in _formed(outcomes))
        kept["outcomes"] = {split: {UNFORMED: 1 - formed, FORMED: formed, "n": shares.get("n", 0)}}
    phases = (line.get("phase") or {}).items()
    return kept | {"phase": {reading: phase for reading, phase in phases if reading != "behaviour"}}


def formed_or_not(outcomes: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """Return the two outcomes of an image that has no label, in the colours of the world's first and last."""
    names = zip((UNFORMED, FORMED), (outcomes[:1] + outcomes[-1:]), strict=False)
    return tuple(outcome._replace(name=name, phase="") for name, outcome in names)


def readings_without_labels(
    read: Mapping[str, np.ndarray], outcomes: tuple[Outcome, ...]
) -> dict[str, np.ndarray]:
    """Return a snapshot's readings without errors; outcomes are `formed` or not."""
    kept = {name: column for name, column in read.items() if not name.startswith("error_")}
    if "outcome" in kept:
        formed = np.isin(kept["outcome"].astype(str), _formed(outcomes))
        kept["outcome"] = np.where(formed, FORMED, UNFORMED)
    return kept


def _formed(outcomes: tuple[Outcome, ...]) -> list[str]:
    return [outcome.name for outcome in outcomes if outcome.phase != "A"]
