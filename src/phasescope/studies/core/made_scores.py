"""What is read of the latents of runs that are made up: each score with its interval and its nulls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from phasescope.measures import Score
from phasescope.measures.latents.routes import LEAST_ERROR
from phasescope.measures.learning import phases
from phasescope.places import Place
from phasescope.studies.core.courses import Course, Plan, Run, Wanted, parts_of

LABELS = 256
"""that a score rests on"""
MOST_ORDER = 0.999
"""the best R^2 that is read: ridge leaves a rest"""
NULLS = ("permuted", "untrained", "pixels", "label_embedding")
HALF = 0.02
"""half of a score's interval where nothing else is said"""
HALVES = {"label_dimension": 0.1}
"""half of the interval, by measure"""


def score_columns(
    runs: Sequence[Run], generator: np.random.Generator | None, wanted: Wanted
) -> dict[str, np.ndarray]:
    """What is read of latents: each score with its interval and its nulls."""
    readings = {"representation": "order", "representation_p1": "p1_order"}
    told = [
        name for name in readings if wanted(f"phase.{name}") and any(_place(run.plan, name) for run in runs)
    ]
    needed: set[str] = set()
    for run in runs:
        for name in told:
            if place := _place(run.plan, name):
                needed |= {f"{one}.{place}" for one in ("label_share", "label_dimension", readings[name])}

    def has_use(at: str) -> bool:
        return wanted(f"{at}.") or at in needed or (at.startswith("order") and wanted(f"learnt_{at}."))

    table: dict[str, np.ndarray] = {}
    first = np.repeat([part.start for part in parts_of(runs)], [len(run.plan.steps) for run in runs])
    evaluated = [_Evaluated(run) for run in runs]
    for courses, score in (
        ([run.learning.orders(run.plan) for run in runs], _order),
        ([run.learning.levels(run.plan) for run in runs], _level),
    ):
        for at in dict.fromkeys(name for one in courses for name in one):
            if has_use(at):
                values = [of(one.get(at)) for of, one in zip(evaluated, courses, strict=True)]
                table |= score(at, np.concatenate(values), first, generator)
    for name in told:
        table[f"phase.{name}"] = np.array(
            [
                phase
                for run, part in zip(runs, parts_of(runs), strict=True)
                for phase in _representation(_place(run.plan, name), readings[name], table, part)
            ],
            dtype=object,
        )
    return {name: column for name, column in table.items() if wanted(name)}


class _Evaluated:
    """Courses of a run at its steps, each evaluated once: several places have the same."""

    def __init__(self, run: Run):
        self.steps = run.plan.steps
        self.values: dict[int, np.ndarray] = {}

    def __call__(self, course: Course | None) -> np.ndarray:
        """(T,); NaN where the run has no such course."""
        if course is None:
            return np.full(len(self.steps), np.nan)
        if id(course) not in self.values:
            self.values[id(course)] = course(self.steps)
        return self.values[id(course)]


def _place(plan: Plan, reading: str) -> Place | None:
    return plan.representation if reading == "representation" else plan.p1


def _order(
    at: str, r2: np.ndarray, first: np.ndarray, generator: np.random.Generator | None
) -> dict[str, np.ndarray]:
    """The columns of an R^2, and of the learnt order that follows from it."""
    r2 = np.minimum(r2, MOST_ORDER)
    half = HALF + 0.25 * np.maximum(r2, 0)
    left = (1 - r2) * np.exp(half * _normal(len(r2), generator))
    value, low, high = 1 - left, 1 - left * np.exp(half), 1 - left * np.exp(-half)
    table = _columns(at, value, low, high, first)
    if at.startswith("order"):

        def learnt(one: np.ndarray) -> np.ndarray:
            return np.log(np.maximum(left[first], LEAST_ERROR)) - np.log(np.maximum(1 - one, LEAST_ERROR))

        own = f"learnt_{at}"
        table |= {
            f"{own}.{part}": learnt(one) for part, one in (("value", value), ("low", low), ("high", high))
        }
        table |= {
            f"{own}.n": table[f"{at}.n"],
            f"{own}.nulls.untrained": np.zeros(len(r2)),
        }
    return table


def _level(
    at: str, level: np.ndarray, first: np.ndarray, generator: np.random.Generator | None
) -> dict[str, np.ndarray]:
    """The columns of any other score."""
    half = HALVES.get(at.partition(".")[0], HALF)
    value = level + half * _normal(len(level), generator)
    return _columns(at, value, value - half, value + half, first)


def _normal(n: int, generator: np.random.Generator | None) -> np.ndarray:
    """Normal deviates of which 95 % are within 1, or none."""
    return np.zeros(n) if generator is None else generator.standard_normal(n) / 1.96


def _columns(
    at: str, value: np.ndarray, low: np.ndarray, high: np.ndarray, first: np.ndarray
) -> dict[str, np.ndarray]:
    known = np.where(np.isfinite(value), 0.0, np.nan)
    permuted = {} if at.startswith("label_dimension") else {f"{at}.nulls.permuted": known}
    return {
        f"{at}.value": value,
        f"{at}.low": low,
        f"{at}.high": high,
        f"{at}.n": known + LABELS,
        **permuted,
        f"{at}.nulls.untrained": value[first],
        f"{at}.nulls.pixels": known,
        f"{at}.nulls.label_embedding": known + 1,
    }


def _representation(
    place: Place | None, order: str, table: Mapping[str, np.ndarray], rows: slice
) -> Iterator[str | None]:
    """The phase at each row; None where the plan reads none."""
    if place is None:
        yield from [None] * (rows.stop - rows.start)
        return
    scores = [
        list(_told(table, f"{name}.{place}", rows)) for name in ("label_share", "label_dimension", order)
    ]
    for share, dimension, of_order in zip(*scores, strict=True):
        yield phases.representation_phase(share, dimension, of_order)


def _told(table: Mapping[str, np.ndarray], at: str, rows: slice) -> Iterator[Score]:
    parts = [table[f"{at}.{part}"][rows].tolist() for part in ("value", "low", "high")]
    names = [name for name in NULLS if f"{at}.nulls.{name}" in table]
    nulls = [table[f"{at}.nulls.{name}"][rows].tolist() for name in names]
    for value, low, high, *levels in zip(*parts, *nulls, strict=True):
        yield Score(value, low, high, LABELS, "made up", dict(zip(names, levels, strict=True)))
