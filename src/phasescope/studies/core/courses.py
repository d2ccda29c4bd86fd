"""How a run that is made up learns: courses, functions of the step, and what of them depends on its cell alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from phasescope.places import Place
from phasescope.runs.config import RunConfig
from phasescope.store.files import from_json, to_json
from phasescope.studies.core.study import Cell

Course = Callable[[np.ndarray], np.ndarray]
"""steps -> a number at each"""
Courses = Callable[[Cell, RunConfig, np.random.Generator], Mapping[str, Any]]
"""Of a cell and its configuration: the courses of one run, fields of `Learning`, drawn with the generator."""
Wanted = Callable[[str], bool]
"""of a column's beginning: whether a column that begins so is asked for"""

CHANCE = 1 / 11
"""of a place that is read where there is none to be within 1 px along an axis of 33: three of them"""


def rise(at: float, width: float = 40.0) -> Course:
    """From 0 to 1, through 1/2 at a step; never where that is infinite."""
    return lambda steps: 1 / (1 + np.exp(-np.clip((steps - at) / width, -60, 60)))


def flat(level: float) -> Course:
    """The same at all steps."""
    return lambda steps: np.full(len(steps), level)


EARLY, LATE, NOTHING = rise(60.0), rise(300.0), flat(0.0)
DIMENSION = flat(4.0)
"""participation ratio of the label means: a curved sheet's"""


def together(x: Course, y: Course, phi: float) -> Course:
    """The share that is right in x and in y where the two have this correlation; 0 is independence."""

    def joint(steps: np.ndarray) -> np.ndarray:
        a, b = x(steps), y(steps)
        return a * b + phi * np.sqrt(a * (1 - a) * b * (1 - b))

    return joint


def jitter(at: float, generator: np.random.Generator, spread: float = 0.05) -> float:
    """A step near `at`: log-normal about it."""
    return at * math.exp(spread * generator.standard_normal())


def _label_share(steps: np.ndarray) -> np.ndarray:
    return 0.02 + 0.9 * rise(60.0, 10.0)(steps)


def _loss(steps: np.ndarray) -> np.ndarray:
    return np.where(steps > 0, 1 / (1 + steps / 50), np.nan)


@dataclass(frozen=True)
class Learning:
    """The courses of one run. What begins with `off_` is of the splits that are not trained on: as on the first, where None.

    A joint share is cut to what its two axes allow.
    """

    formed: Course
    """share of images that hold one good object"""
    x: Course
    """share of these that are right along x"""
    y: Course
    off_x: Course | None = None
    off_y: Course | None = None
    joint: Course | None = None
    """share of those formed that are right in both; the product where None"""
    off_joint: Course | None = None
    seen_x: Course | None = None
    """share of all images that are right along x in an ungated reading; where None, that of those formed, and chance in the
    others"""
    seen_y: Course | None = None
    seen_joint: Course | None = None
    """share of all images that are right in both in an ungated reading; the product where None"""
    off_seen_x: Course | None = None
    off_seen_y: Course | None = None
    off_seen_joint: Course | None = None
    unformed: Mapping[str, float] | None = None
    """by outcome, shares of the images that are not formed; where None, all outcomes of phase A alike"""
    raw: Course = EARLY
    """R^2 of `order`, at each place"""
    told: Course | None = None
    """R^2 of the label, and its share of the variance, where labels are crossed with images; as `raw` where None"""
    seen_route: Course = NOTHING
    """R^2 of the image, and its share of the variance, there"""
    p1: Course = LATE
    """R^2 of `p1_order`, where the plan reads it"""
    share: Course = _label_share
    """`label_share`, at each place"""
    loss: Course = _loss
    scores: Mapping[str, Course] = field(default_factory=dict)
    """by its column, without the last word, as `order.mid.50`: R^2 of one place, or of a further reading"""

    def shares(self, trained: bool, steps: np.ndarray) -> tuple[np.ndarray, ...]:
        """Shares of a split, (T,) each: right in x, in y, in both, of those formed; then the same of all images, ungated."""

        def of(name: str) -> np.ndarray | None:
            course = None if trained else getattr(self, f"off_{name}")
            course = course or getattr(self, name)
            return None if course is None else course(steps)

        formed, x, y = self.formed(steps), of("x"), of("y")
        assert x is not None
        assert y is not None
        seen_x, seen_y = of("seen_x"), of("seen_y")
        chance = (1 - formed) * CHANCE
        seen_x = formed * x + chance if seen_x is None else seen_x
        seen_y = formed * y + chance if seen_y is None else seen_y
        return x, y, _joint(x, y, of("joint")), seen_x, seen_y, _joint(seen_x, seen_y, of("seen_joint"))

    def orders(self, plan: Plan) -> dict[str, Course]:
        """The courses of all that has R^2, by its column."""
        told = self.told or self.raw
        found: dict[str, Course] = {}
        for place in plan.places:
            found |= {
                f"order.{place}": self.raw,
                f"order_told.{place}": told,
                f"order_seen.{place}": self.seen_route,
            }
        if plan.p1 is not None:
            found[f"p1_order.{plan.p1}"] = self.p1
        return found | dict(self.scores)

    def levels(self, plan: Plan) -> dict[str, Course]:
        """The courses of all other scores."""
        told, found = self.told or self.raw, {}
        for place in plan.places:
            found |= {
                f"label_share.{place}": self.share,
                f"label_dimension.{place}": DIMENSION,
                f"share_told.{place}": told,
                f"share_seen.{place}": self.seen_route,
            }
        return found


def _joint(x: np.ndarray, y: np.ndarray, both: np.ndarray | None) -> np.ndarray:
    return x * y if both is None else np.clip(both, np.maximum(x + y - 1, 0), np.minimum(x, y))


@dataclass(frozen=True, eq=False)
class Plan:
    """What depends on a cell and its preset alone."""

    preset: str
    fields: str
    """of the cell, as JSON"""
    anew: tuple[str, ...]
    """see `Cell.anew`"""
    config: RunConfig
    steps: np.ndarray
    splits: Mapping[str, int]
    """images painted of each, the first of labels that are trained on"""
    outcomes: Mapping[str, str]
    """their phases"""
    images: int
    places: tuple[Place, ...]
    representation: Place
    p1: Place | None

    @classmethod
    def of(cls, cell: Cell, preset: str) -> Plan:
        return _plan(preset, to_json(cell.tree), cell.anew)

    def digest(self, seed: int) -> str:
        """The identity of a run."""
        return _digest(self.preset, self.fields, self.anew, seed)


@cache
def _plan(preset: str, fields: str, anew: tuple[str, ...]) -> Plan:
    config = Cell("", from_json(fields), anew=anew).config(0, preset)
    snapshots, last = config.probing.snapshots, config.training.steps
    observed = config.plan_of(config.network.taps, config.network.usual_taps)
    splits = config.world.splits()
    images = config.probing.images_of(splits)
    drawn = np.random.default_rng(0)
    assert not isinstance(observed.taps, str)
    assert not isinstance(observed.timesteps, str)
    assert not isinstance(observed.representation, str)
    assert not isinstance(observed.p1, str)
    return Plan(
        preset,
        fields,
        anew,
        config,
        np.array([0, *(step for step in range(1, last + 1) if snapshots.due(step, last))]),
        {name: len(split(images[name], drawn)) for name, split in splits.items()},
        {outcome.name: outcome.phase for outcome in config.world.reader().outcomes},
        len(config.world.training_labels()),
        tuple(Place(tap, t) for tap in observed.taps for t in observed.timesteps or (None,)),
        observed.representation.place,
        None if observed.p1 is None else observed.p1.place,
    )


@cache
def _digest(preset: str, fields: str, anew: tuple[str, ...], seed: int) -> str:
    return Cell("", from_json(fields), anew=anew).config(seed, preset).digest()


@dataclass(frozen=True)
class Run:
    """A run that is made up."""

    cell: str
    seed: int
    plan: Plan
    learning: Learning


def parts_of(runs: Sequence[Run]) -> list[slice]:
    """The rows of each run."""
    ends = np.cumsum([len(run.plan.steps) for run in runs]).tolist()
    return [slice(begin, end) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
