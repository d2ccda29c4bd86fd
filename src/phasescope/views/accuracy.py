"""Accuracy by factor in every way of reading, out of a line of the metrics: which are right, and whether together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

FORMED = "formed"
"""the reader's own way; others read every image, formed or not"""


LEAST_WRONG = 0.05
"""share of images that a copier must get wrong for a network to be compared with it"""


class Accuracy(NamedTuple):
    """Of one split, read in one way.

    Attributes:
        accuracy: share of images, by factor, and `joint`.
        error: median error by factor, in its unit; None where nothing is read.
        together: by pair of factors, as in `x,y`: `excess` and `phi`, each a score.
        beyond: by copier, how much more is right than it gets right, over all that it gets wrong; only of those that get at
            least `LEAST_WRONG` wrong and less right than the network.
    """

    split: str
    way: str
    n: int | None
    accuracy: dict[str, float]
    error: dict[str, float | None]
    together: dict[str, dict[str, dict[str, Any]]]
    beyond: dict[str, float]


def accuracies(line: dict[str, Any], splits: Sequence[str]) -> Iterator[Accuracy]:
    """Split by split, the reader's own way first; of a line that holds none, nothing."""
    ends = {
        name.removeprefix("accuracy"): name.removeprefix("accuracy_") if "_" in name else FORMED
        for name in line
        if name.partition("_")[0] == "accuracy"
    }
    for split in splits:
        for end, way in sorted(ends.items()):
            if found := _at(line, f"accuracy{end}", split):
                n = _at(line, "outcomes", split).get("n")
                error, together = _at(line, f"error{end}", split), _at(line, "together", way, split)
                copiers = _at(line, "excess")
                excess = {name: _at(of, f"accuracy{end}").get(split) for name, of in copiers.items()}
                beyond = {name: value for name, value in excess.items() if value is not None}
                beyond = {name: value for name, value in beyond.items() if _has_room(value, found["joint"])}
                yield Accuracy(split, way, n, found, error, together, beyond)


def _has_room(excess: float, right: float) -> bool:
    """Whether a copier leaves room: excess is (right - c) / (1 - c), so that 1 - c is (1 - right) / (1 - excess)."""
    return excess >= 1 or (excess >= 0 and (1 - right) / (1 - excess) >= LEAST_WRONG)


def _at(tree: dict[str, Any], *path: str) -> dict[str, Any]:
    for key in path:
        tree = tree.get(key) or {}
    return tree
