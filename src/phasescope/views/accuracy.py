"""Accuracy by factor in every way of reading, out of a line of the metrics: which are right, and whether together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

FORMED = "formed"
"""the reader's own way; others read every image, formed or not"""


class Accuracy(NamedTuple):
    """Of one split, read in one way.

    Attributes:
        accuracy: share of images, by factor, and `joint`.
        error: median error by factor, in its unit; None where nothing is read.
        together: by pair of factors, as in `x,y`: `excess` and `phi`, each a score.
        beyond: by copier, how much more is right than it gets right, over all that it gets wrong; None where it gets none
            wrong, and none of runs that had no copiers.
    """

    split: str
    way: str
    n: int | None
    accuracy: dict[str, float]
    error: dict[str, float | None]
    together: dict[str, dict[str, dict[str, Any]]]
    beyond: dict[str, float | None]


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
                beyond = {name: _at(of, f"accuracy{end}").get(split) for name, of in copiers.items()}
                yield Accuracy(split, way, n, found, error, together, beyond)


def _at(tree: dict[str, Any], *path: str) -> dict[str, Any]:
    for key in path:
        tree = tree.get(key) or {}
    return tree
