"""A run as the figures, the words and the page read it: its files read once, its metrics as arrays.

A value that was not measured is NaN, so that a curve has a gap there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.measures import phases as of_phases
from phasescope.measures.phases import Phase
from phasescope.store.folder import Run, Snapshot

if TYPE_CHECKING:
    from jaxtyping import Float

Array = np.ndarray

OUTCOMES = tuple(reversed(of_phases.OUTCOMES))
"""from the bottom of a stack of shares to its top"""

MEASURES = {
    "order": "order (ridge R²)",
    "p1_order": "P1's order (UMAP to 3D, R²)",
    "trustworthiness": "trustworthiness",
    "participation_ratio": "participation ratio",
    "label_dimension": "participation ratio of label means",
    "label_share": "label share of variance",
}
"""the representation's scores, as a line of the metrics names them, and in words"""

NULLS = {
    "untrained": "untrained network",
    "pixels": "raw pixels",
    "permuted": "permuted labels",
    "label_embedding": "label embedding (ceiling)",
}

READINGS = {
    "behaviour": "behaviour",
    "representation": "representation (ridge)",
    "representation_p1": "representation (P1)",
}
"""what phases are read of"""


@dataclass(frozen=True, order=True)
class Place:
    """Where latents are read: a tap, at a noise level."""

    tap: str
    timestep: int

    def __str__(self) -> str:
        return f"{self.tap}, t = {self.timestep}"


@dataclass(frozen=True)
class Record:
    """A run, read once."""

    run: Run

    @cached_property
    def config(self) -> dict[str, Any]:
        return self.run.config

    @cached_property
    def status(self) -> dict[str, Any]:
        return self.run.status

    @cached_property
    def summary(self) -> dict[str, Any]:
        return self.status.get("summary") or {}

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        return self.run.metrics

    @cached_property
    def snapshots(self) -> list[Snapshot]:
        """Those of which the metrics have a line."""
        known = {line["step"] for line in self.metrics}
        return [snapshot for snapshot in self.run.snapshots if snapshot.step in known]

    @cached_property
    def images_seen(self) -> Float[Array, " lines"]:
        """Images seen at each line of the metrics."""
        return np.array([line["images_seen"] for line in self.metrics], float)

    @cached_property
    def images_per_step(self) -> float:
        last = self.metrics[-1] if self.metrics else {"step": 0}
        if last["step"]:
            return last["images_seen"] / last["step"]
        return float(self.config.get("training", {}).get("batch", 1))

    def images_at(self, snapshot: Snapshot) -> int:
        """Images seen when `snapshot` was taken."""
        return next(int(line["images_seen"]) for line in self.metrics if line["step"] == snapshot.step)

    @cached_property
    def factors(self) -> list[str]:
        """Names of the label's factors, in order."""
        names = list(self.readings(self.snapshots[-1])) if self.snapshots else []
        return [name.removeprefix("label_") for name in names if name.startswith("label_")] or ["x", "y"]

    @property
    def periodic(self) -> bool:
        return self.config.get("world", {}).get("boundary") == "periodic"

    def readings(self, snapshot: Snapshot) -> dict[str, Array]:
        if snapshot.step not in self._readings:
            self._readings[snapshot.step] = snapshot.readings()
        return self._readings[snapshot.step]

    @cached_property
    def _readings(self) -> dict[int, dict[str, Array]]:
        return {}

    def places(self, measure: str = "order") -> list[Place]:
        """Where `measure` was read at any snapshot, in the order in which the metrics name them."""
        seen: dict[Place, None] = {}
        for line in self.metrics:
            for tap, by_timestep in (line.get(measure) or {}).items():
                seen |= {Place(tap, int(t)): None for t in by_timestep}
        return list(seen)

    def declared_place(self, reading: str) -> Place | None:
        """Where the phases of `reading`, `representation` or `representation_p1`, are read; else the last
        place measured."""
        declared = (self.summary.get("places") or {}).get(reading)
        if declared:
            return Place(declared["tap"], int(declared["timestep"]))
        known = self.places("p1_order" if reading == "representation_p1" else "order")
        return known[-1] if known else None

    def series(self, measure: str, place: Place, *path: str) -> Float[Array, " lines"]:
        """One number of a score over the run, as in ``series("order", place, "nulls", "pixels")``; by
        default its value."""
        return np.array([number(_descend(score(line, measure, place), *path)) for line in self.metrics])

    def outcome_shares(self, labels: str) -> dict[str, Float[Array, " lines"]]:
        """Shares of the outcomes for `labels`, `grid` or `off_grid`; empty where there are no such labels."""
        lines = [(line.get("outcomes") or {}).get(labels) or {} for line in self.metrics]
        if not any(lines):
            return {}
        return {name: np.array([number(line.get(name)) for line in lines]) for name in OUTCOMES}

    def count(self, labels: str) -> int:
        """How many `labels`, `grid` or `off_grid`, an outcome share is of."""
        return next(
            (int(n) for line in reversed(self.metrics) if (n := _descend(line, "outcomes", labels, "n"))), 0
        )

    def phases(self, reading: str) -> list[Phase | None]:
        """The phase at each line of the metrics: A, B, C, undecided, or None where not read."""
        return [(line.get("phase") or {}).get(reading) for line in self.metrics]


def number(value: Any) -> float:
    """A metric as a float: a score by its value, and NaN for what was not measured."""
    if isinstance(value, dict):
        value = value.get("value")
    return float("nan") if value is None else float(value)


def score(line: dict[str, Any], measure: str, place: Place) -> dict[str, Any] | None:
    """The score of `measure` at `place` in one line of the metrics."""
    return _descend(line, measure, place.tap, str(place.timestep))


def stretches(phases: Sequence[str | None]) -> Iterator[tuple[str | None, int, int]]:
    """(phase, first, one past last) for each stretch of equal phases."""
    first = 0
    for index in range(1, len(phases) + 1):
        if index == len(phases) or phases[index] != phases[first]:
            yield phases[first], first, index
            first = index


def edges(at: Float[Array, " n"]) -> Float[Array, " n_plus_1"]:
    """Borders of the stretches that the points `at` stand for: half way between neighbours, closed at both
    ends."""
    if len(at) == 1:
        return np.array([at[0], at[0] + 1.0])
    return np.concatenate([at[:1], (at[:-1] + at[1:]) / 2, at[-1:]])


def spread(images: list[int], count: int) -> list[int]:
    """Indices of about `count` of the ascending `images`, evenly in images seen, the first and the last
    among them."""
    wanted = np.linspace(images[0], images[-1], count)
    return sorted({int(np.abs(np.array(images) - value).argmin()) for value in wanted})


def _descend(tree: Any, *path: str) -> Any:
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree
